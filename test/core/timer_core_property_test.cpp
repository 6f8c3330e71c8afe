#include "actors/core/timer_core.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <set>
#include <string>
#include <variant>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

/// One shard's timers with a log, an index that is written late, and crashes. What is due is known
/// here from what was asked for alone.
class timer_simulation {
public:
  explicit timer_simulation(dice& d) : dice_(&d) {
    options_.rows_max = d.between(2, 30);
    options_.bytes_max = d.between(20, 500);
    options_.ending_max = d.between(1, 20);
    options_.ahead_ms = d.between(10, 500);
    options_.refill_ms = d.between(1, options_.ahead_ms);
    core_.emplace(options_);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    drain();
  }

private:
  struct armed {
    timer_ptr row;
    bool moved = false;
  };
  struct ended {
    timer_key at;
    bool fired = false;
  };
  using entry = std::vector<std::variant<armed, ended>>;

  void step() {
    const auto roll = dice_->below(100);
    if (roll < 25) return arm();
    if (roll < 45) return commit(dice_->below(6));
    if (roll < 60) return look();
    if (roll < 70) return answer_load();
    if (roll < 78) return cancel_or_move();
    if (roll < 84) return checkpoint();
    if (roll < 97) {
      now_ += static_cast<std::int64_t>(dice_->below(60));
      return;
    }
    if (roll < 99) return refuse();
    crash();
  }

  void arm() {
    auto row = std::make_shared<timer_record>();
    const auto ahead = dice_->percent(70) ? dice_->below(300) : dice_->below(5'000);
    row->at = {unix_ms{now_ + static_cast<std::int64_t>(ahead)}, queue_id{dice_->between(1, 3)},
               ++numbers_};
    row->producer = producer_id{dice_->between(1, 2)};
    row->sequence = sequence{numbers_};
    if (dice_->percent(50)) row->name = "n" + std::to_string(dice_->below(4));
    row->batch = std::string(dice_->below(40), 'x');
    unwritten_.push_back({armed{row}});
  }

  /// The oldest entries are written, and told.
  void commit(std::uint64_t count) {
    for (; count > 0 && !unwritten_.empty(); --count) {
      log_.push_back(unwritten_.front());
      unwritten_.pop_front();
      tell(log_.back());
      for (const auto& each : log_.back()) note(each);
    }
  }

  void tell(const entry& e, bool replayed = false) {
    for (const auto& each : e)
      if (const auto* a = std::get_if<armed>(&each))
        core_->armed(a->row, !a->moved && !replayed);
      else
        core_->ended(std::get<ended>(each).at);
  }

  void note(const std::variant<armed, ended>& each) {
    if (const auto* a = std::get_if<armed>(&each)) {
      REQUIRE(pending_.emplace(a->row->at.number, a->row).second);
      return;
    }
    const auto& e = std::get<ended>(each);
    const auto found = pending_.find(e.at.number);
    REQUIRE(found != pending_.end()); // Neither twice, nor one that never was.
    REQUIRE(found->second->at == e.at);
    pending_.erase(found);
  }

  void look() {
    if (const auto wish = core_->wants(unix_ms{now_})) loads_.push_back(*wish);
    for (const auto& each : core_->due(unix_ms{now_})) {
      entry e;
      for (const auto& row : each.rows) {
        REQUIRE(row->at.due.value <= now_);
        REQUIRE(row->at.queue == each.queue);
        e.emplace_back(ended{row->at, true});
      }
      unwritten_.push_back(std::move(e));
    }
  }

  /// As `timer_index::next`.
  void answer_load() {
    if (loads_.empty()) return;
    const auto wish = loads_.front();
    loads_.pop_front();
    std::vector<timer_ptr> rows;
    bool whole = true;
    std::uint64_t bytes = 0;
    for (auto at = index_.upper_bound(wish.after);
         at != index_.end() && at->first.due <= wish.until; ++at) {
      if (rows.size() >= wish.rows_max || bytes >= wish.bytes_max) {
        whole = false;
        break;
      }
      rows.push_back(at->second);
      bytes += at->second->batch.size();
    }
    core_->loaded(std::move(rows), whole);
  }

  void cancel_or_move() {
    timer_query query;
    query.queues = {queue_id{1}, queue_id{2}, queue_id{3}};
    if (dice_->percent(50)) {
      query.name = "n" + std::to_string(dice_->below(4));
    } else {
      if (numbers_ == 0) return;
      query.sequence = sequence{dice_->between(1, numbers_)};
      query.producer = producer_id{dice_->between(1, 2)};
    }
    std::vector<timer_ptr> index;
    for (const auto& [at, row] : index_)
      if (query.matches(*row)) index.push_back(row);
    const auto found = core_->find(query, index);
    std::set<std::uint64_t> numbers;
    for (const auto& row : found) numbers.insert(row->at.number);
    for (const auto& [number, row] : pending_)
      REQUIRE(numbers.contains(number) == query.matches(*row));
    REQUIRE(numbers.size() == found.size());
    const bool move = dice_->percent(50);
    for (const auto& row : found) {
      if (!core_->claim(row->at)) continue;
      entry e;
      e.emplace_back(ended{row->at});
      if (move) {
        auto moved = std::make_shared<timer_record>(*row);
        moved->at.due = unix_ms{now_ + static_cast<std::int64_t>(dice_->below(400))};
        if (dice_->percent(20)) moved->at.due = row->at.due; // Back to where it was.
        e.emplace_back(armed{moved, true});
      }
      unwritten_.push_back(std::move(e));
    }
  }

  /// The next checkpoint is taken; the one before is written into the index, perhaps only in part.
  void checkpoint() {
    if (cut_) {
      for (const auto& [at, change] : core_->flushing().all()) {
        if (dice_->percent(2)) return; // The disk is full: once more, later.
        if (change.row)
          index_[at] = change.row;
        else
          index_.erase(at);
      }
      core_->flushed();
      saved_ = *cut_;
      cut_.reset();
      return;
    }
    core_->cut();
    cut_ = log_.size();
  }

  /// The end of something was not written.
  void refuse() {
    if (unwritten_.empty()) return;
    const auto e = unwritten_.back();
    if (std::holds_alternative<armed>(e.front())) return;
    unwritten_.pop_back();
    std::vector<timer_key> which;
    for (const auto& each : e)
      if (const auto* gone = std::get_if<ended>(&each)) which.push_back(gone->at);
    core_->release(which);
  }

  void crash() {
    unwritten_.clear();
    loads_.clear();
    cut_.reset();
    core_.emplace(options_);
    for (auto at = saved_; at < log_.size(); ++at) tell(log_[at], true);
  }

  void drain() {
    for (int round = 0; !pending_.empty() || !unwritten_.empty(); ++round) {
      REQUIRE(round < 10'000);
      now_ += 20;
      look();
      answer_load();
      commit(10);
      if (round % 7 == 0) checkpoint();
    }
    while (cut_) checkpoint();
    checkpoint();
    while (cut_) checkpoint();
    REQUIRE(index_.empty());
    REQUIRE(core_->near() == 0);
  }

  dice* dice_;
  timer_core::options options_;
  std::optional<timer_core> core_;
  std::int64_t now_ = 1'000'000;
  std::uint64_t numbers_ = 0;
  std::deque<entry> unwritten_;
  std::vector<entry> log_;
  std::map<std::uint64_t, timer_ptr> pending_;
  std::map<timer_key, timer_ptr> index_;
  std::deque<timer_core::load> loads_;
  /// How much of the log the checkpoint that is being saved covers, and the last one saved.
  std::optional<std::size_t> cut_;
  std::size_t saved_ = 0;
};

} // namespace

TEST_CASE("timers: each ends once, none early, whatever happens", "[property]") {
  with_seeds(400, [](dice& d) { timer_simulation{d}.run(400); });
}
