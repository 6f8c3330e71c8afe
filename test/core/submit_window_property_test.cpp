#include "actors/core/submit_window.hpp"

#include "test/core/builders.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::int64_t expiry_ms = 400;
constexpr std::size_t producers_max = 7;

/// The rules of stamping, told naively from a full history.
class stamping_oracle {
public:
  struct verdict {
    errc refusal = errc::none;
    /// Of a batch that is known.
    std::optional<entry_index> joins;
    std::optional<recent_batch> committed;
    /// Of a fresh one.
    offset base;
  };

  [[nodiscard]] verdict judge(const batch_request& r) const {
    if (!open_.contains(r.queue)) return refuse(errc::queue_unknown);
    const auto at = history_.find({r.producer, r.queue});
    if (at == history_.end()) {
      if (r.previous.value != 0) return refuse(errc::producer_unknown);
      if (history_.size() >= producers_max) return refuse(errc::too_many_producers);
      return fresh(r);
    }
    const auto& [committed, flight] = at->second;
    for (const auto& b : flight)
      if (b.what.first == r.first && b.what.count == r.count) return joins(b);
    const auto remembered = committed.size() - std::min(committed.size(), producer_window);
    for (auto i = remembered; i < committed.size(); ++i)
      if (committed[i].first == r.first && committed[i].count == r.count)
        return known(committed[i]);
    const auto& newest = flight.empty() ? committed.back() : flight.back().what;
    const auto last = newest.first.value + newest.count - 1;
    // What is being stored may be lost yet.
    if (r.first.value <= last && !flight.empty() && r.first >= flight.front().what.first)
      return refuse(errc::too_many_requests);
    if (r.first.value <= last) return refuse(errc::duplicate_too_old);
    if (r.previous.value != last) return refuse(errc::sequence_gap);
    if (flight.size() >= producer_window) return refuse(errc::too_many_requests);
    return fresh(r);
  }

  void submitted(const effects::batch& e, entry_index index) {
    ends_[e.queue] = e.base + e.count;
    history_[{e.producer, e.queue}].flight.push_back({{e.first, e.count, e.base, {}}, index});
  }

  void applied(const effects::effect& effect, std::int64_t now) {
    if (const auto* opened = std::get_if<effects::queue_opened>(&effect)) {
      open_[opened->queue] = offset{0};
    } else if (const auto* closed = std::get_if<effects::queue_closed>(&effect)) {
      open_.erase(closed->queue);
      for (auto& [key, h] : history_)
        if (key.queue == closed->queue) h.committed.clear();
    } else if (const auto* batch = std::get_if<effects::batch>(&effect)) {
      auto& h = history_.at({batch->producer, batch->queue});
      auto done = h.flight.front().what;
      h.flight.pop_front();
      done.time = unix_ms{now};
      if (auto at = open_.find(batch->queue); at != open_.end()) {
        at->second = done.base + done.count;
        h.committed.push_back(done);
      }
    }
    for (auto& [key, h] : history_)
      if (!h.committed.empty() && now - h.committed.back().time.value > expiry_ms)
        h.committed.clear();
    drop_empty();
  }

  void cleared() {
    for (auto& [key, h] : history_) h.flight.clear();
    ends_ = open_;
    drop_empty();
  }

  [[nodiscard]] std::size_t rows() const { return history_.size(); }

private:
  struct in_flight {
    recent_batch what;
    entry_index index;
  };
  struct producer_history {
    std::vector<recent_batch> committed;
    std::deque<in_flight> flight;
  };

  static verdict refuse(errc code) {
    verdict v;
    v.refusal = code;
    return v;
  }
  static verdict joins(const in_flight& b) {
    verdict v;
    v.joins = b.index;
    v.base = b.what.base;
    return v;
  }
  static verdict known(const recent_batch& b) {
    verdict v;
    v.committed = b;
    return v;
  }
  [[nodiscard]] verdict fresh(const batch_request& r) const {
    verdict v;
    if (auto at = ends_.find(r.queue); at != ends_.end()) v.base = at->second;
    return v;
  }
  void drop_empty() {
    std::erase_if(history_, [](const auto& row) {
      return row.second.committed.empty() && row.second.flight.empty();
    });
  }

  /// Open queues, and where they end as far as is committed.
  std::map<queue_id, offset> open_;
  std::map<queue_id, offset> ends_;
  std::map<producer_key, producer_history> history_;
};

/// A shard that stamps, commits when told to, and asks the oracle about everything.
class simulated_shard {
public:
  explicit simulated_shard(dice& d) : dice_(&d) {
    for (int i = 0; i < 3; ++i) open_queue();
    while (!flight_.empty()) commit();
  }

  void step() {
    const auto roll = dice_->below(100);
    if (roll < 60) return send();
    if (roll < 93) return commit();
    if (roll < 95) return void(now_ += dice_->below(expiry_ms + 50));
    if (roll < 97) return open_queue();
    if (roll < 98) return close_queue();
    if (roll < 99) return clear();
  }

private:
  void send() {
    const auto queue = dice_->pick(queues_);
    const auto producer = producer_id{dice_->between(1, 4)};
    auto& lane = sent_[{producer, queue}];
    batch_request request;
    if (!lane.empty() && dice_->percent(35)) {
      request = dice_->pick(lane); // A retry, perhaps a very late one.
      if (dice_->percent(10)) ++request.count;
    } else {
      const auto last = lane.empty() ? 0 : lane.back().first.value + lane.back().count - 1;
      const auto previous = dice_->percent(90) ? last : dice_->below(last + 2);
      const auto first = std::max(previous, last) + dice_->between(1, 3);
      request = request_of(queue, producer, first, dice_->percent(5) ? 0 : previous,
                           static_cast<std::uint32_t>(dice_->between(1, 9)));
    }
    judge(request, lane);
  }

  void judge(const batch_request& request, std::vector<batch_request>& lane) {
    const auto expected = oracle_.judge(request);
    const auto stamped = window_.check(request);
    REQUIRE(stamped.code() == expected.refusal);
    if (!stamped) {
      // A producer that is unknown begins anew.
      if (stamped.code() == errc::producer_unknown) lane.clear();
      return;
    }
    if (const auto* joins = std::get_if<stamp_joins>(&*stamped)) {
      REQUIRE(expected.joins == joins->index);
      REQUIRE(joins->base == expected.base);
    } else if (const auto* known = std::get_if<stamp_committed>(&*stamped)) {
      REQUIRE(expected.committed.has_value());
      REQUIRE(known->base == expected.committed->base);
      REQUIRE(known->count == expected.committed->count);
      REQUIRE(known->time == expected.committed->time);
    } else {
      REQUIRE_FALSE(expected.joins.has_value());
      REQUIRE_FALSE(expected.committed.has_value());
      const auto& effect = std::get<stamp_fresh>(*stamped).effect;
      REQUIRE(effect.base == expected.base);
      lane.push_back(request);
      const auto index = submit(effect);
      window_.submitted(effect, index);
      oracle_.submitted(effect, index);
    }
  }

  entry_index submit(effects::effect effect) {
    flight_.push_back(std::move(effect));
    return entry_index{applied_ + flight_.size()};
  }

  void commit() {
    if (flight_.empty()) return;
    const auto effect = flight_.front();
    flight_.pop_front();
    ++applied_;
    now_ += static_cast<std::int64_t>(dice_->below(10));
    state_.apply(unix_ms{now_}, {effect});
    if (const auto* batch = std::get_if<effects::batch>(&effect)) window_.applied(*batch);
    oracle_.applied(effect, now_);
    REQUIRE(oracle_.rows() <= producers_max);
    REQUIRE(state_.producers() <= producers_max);
  }

  void open_queue() {
    queues_.push_back(queue_id{queues_.size() + 1});
    submit(effects::queue_opened{queues_.back(), topic_a});
  }

  void close_queue() { submit(effects::queue_closed{dice_->pick(queues_)}); }

  void clear() {
    // Openings of queues are not repeated here, so they are kept.
    std::erase_if(flight_, [](const auto& effect) {
      return !std::holds_alternative<effects::queue_opened>(effect);
    });
    window_.clear();
    oracle_.cleared();
  }

  dice* dice_;
  std::int64_t now_ = 1'000;
  std::uint64_t applied_ = 0;
  shard_state state_{expiry_ms};
  submit_window window_{state_, producers_max};
  stamping_oracle oracle_;
  std::vector<queue_id> queues_;
  std::deque<effects::effect> flight_;
  std::map<producer_key, std::vector<batch_request>> sent_;
};

} // namespace

TEST_CASE("Any mix of fresh, repeated, joined, early and late batches is stamped by the rules") {
  with_seeds(100, [](dice& d) {
    simulated_shard shard{d};
    for (int i = 0; i < 500; ++i) shard.step();
  });
}
