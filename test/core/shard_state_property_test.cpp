#include "actors/core/shard_state.hpp"

#include "test/core/builders.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <set>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::uint64_t expiry_ms = 500;

struct entry {
  unix_ms time;
  std::vector<effects::effect> effects;
};

/// Rolls entries that fit the state before them, as a shard would write them.
class entry_dice {
public:
  explicit entry_dice(dice& d) : dice_(&d) {}

  entry roll(const shard_state& before) {
    // Mostly small steps, now and then none, a fall of the clock, or a long silence.
    now_ += dice_->percent(3) ? expiry_ms : dice_->below(40);
    entry out{unix_ms{static_cast<std::int64_t>(now_ - (dice_->percent(5) ? 30 : 0))}, {}};
    ends_.clear();
    for (const auto& [id, queue] : before.queues()) ends_[id] = queue.next.value;
    const auto count = dice_->between(1, 3);
    for (std::uint64_t i = 0; i < count; ++i) out.effects.push_back(effect(before));
    return out;
  }

private:
  effects::effect effect(const shard_state& before) {
    switch (dice_->below(35)) {
    case 0: {
      const auto queue = queue_id{++queues_made_};
      ends_.try_emplace(queue, 0);
      return effects::queue_opened{queue, topic_id{dice_->between(1, 4)}, dice_->below(2)};
    }
    case 1: {
      if (!dice_->percent(20)) break;
      const auto queue = any_queue();
      ends_.erase(queue);
      return effects::queue_closed{queue};
    }
    case 2:
      return effects::queue_start{any_queue(), offset{dice_->below(60)}, dice_->percent(70)};
    case 3:
    case 4:
    case 5:
      return effects::commit{any_group(), any_queue(), offset{dice_->below(60)}};
    case 6:
      return topic(before);
    case 7:
      return effects::topic_deleted{topic_id{dice_->below(40)}};
    case 8:
      return effects::group_put{group_of(any_group(), "g", {"t"})};
    case 9:
      return effects::group_deleted{any_group()};
    case 10:
      return effects::progress_dropped{any_group()};
    case 11:
    case 12:
      return effects::settled{any_group(), any_queue(), ranges()};
    case 13:
    case 14:
      return effects::lent{any_group(), any_queue(), ranges(), "worker"};
    case 15:
    case 16: {
      waiting_record row;
      row.at = offset{dice_->below(60)};
      row.attempts = static_cast<std::uint32_t>(dice_->below(5));
      row.key = dice_->below(3);
      return effects::waiting{any_group(), any_queue(), row};
    }
    case 17: {
      effects::kept kept{any_group(), any_queue(), offset{dice_->below(60)}, {}};
      for (auto count = dice_->below(4); count > 0; --count) {
        auto& row = kept.rows.emplace_back();
        row.at = offset{dice_->below(60)};
        row.letter_queue = any_queue();
        row.letter = offset{dice_->below(60)};
      }
      return kept;
    }
    case 18:
    case 19:
    case 20:
      return prepared();
    case 21:
      return effects::tx_ended{any_transaction(), dice_->percent(60), others()};
    case 22:
      return effects::tx_applied{shard_id{9}, any_shard(), dice_->below(20), dice_->percent(60)};
    case 23: {
      schedule_record record;
      record.id = any_schedule();
      record.what.name = "s";
      record.begin.step = dice_->below(9);
      return effects::schedule_put{record};
    }
    case 24:
      return effects::schedule_deleted{any_schedule()};
    case 25:
    case 26: {
      schedule_progress progress;
      progress.step = dice_->below(60);
      progress.fired = dice_->below(60);
      return effects::schedule_fired{any_schedule(), progress};
    }
    case 27: {
      named_producer_record producer;
      producer.id = any_name();
      producer.name = "p";
      producer.epoch = static_cast<std::uint32_t>(dice_->below(5));
      return effects::producer_put{producer, dice_->percent(25)};
    }
    default:
      break;
    }
    return batch();
  }

  transaction_id any_transaction() { return {producer_id{3}, dice_->between(1, 12)}; }
  shard_id any_shard() { return shard_id{static_cast<std::uint16_t>(dice_->between(1, 3))}; }

  std::vector<shard_id> others() {
    std::set<shard_id> out;
    for (auto count = dice_->below(3); count > 0; --count) out.insert(any_shard());
    return {out.begin(), out.end()};
  }

  effects::effect prepared() {
    effects::tx_prepared out;
    out.id = any_transaction();
    out.group = "shop";
    if (dice_->percent(20)) out.checks = static_cast<std::uint32_t>(dice_->between(1, 15));
    for (auto count = dice_->below(3); count > 0; --count) {
      auto& half = out.halves.emplace_back();
      half.queue = any_queue();
      half.shard = any_shard();
      half.first = sequence{sequence_ += 5};
      half.count = static_cast<std::uint32_t>(dice_->between(1, 5));
      half.bytes = shared_bytes::copy_of(as_bytes("half"));
    }
    if (dice_->percent(30))
      out.consumed.push_back({any_group(), dice_->percent(50), any_queue(), any_shard(), ranges()});
    return out;
  }

  std::vector<offset_range> ranges() {
    std::vector<offset_range> out;
    for (auto count = dice_->between(1, 3); count > 0; --count)
      out.push_back({offset{dice_->below(60)}, dice_->between(1, 9)});
    return out;
  }

  effects::effect batch() {
    const auto queue = any_queue();
    const auto count = static_cast<std::uint32_t>(dice_->between(1, 20));
    auto at = ends_.find(queue);
    const auto base = at == ends_.end() ? 0 : at->second;
    if (at != ends_.end()) at->second += count;
    sequence_ += count;
    auto out = batch_of(queue, base, count, producer_id{dice_->between(1, 6)}, sequence_);
    if (dice_->percent(40)) out.named = {any_name(), 1, {}, sequence{dice_->below(500)}, 2};
    if (dice_->percent(30)) {
      out.id_window_ms = dice_->between(1, 300);
      for (std::uint32_t i = 0; i < count; ++i) out.ids.push_back({0, dice_->below(40)});
    }
    return out;
  }

  effects::effect topic(const shard_state& before) {
    const auto id = before.catalogue().next_id + dice_->below(3);
    return effects::topic_put{
      topic_of(topic_id{id}, "t" + std::to_string(id), {{queue_id{id + 1}, shard_id{0}}})};
  }

  /// One that was opened, or 0, which never is.
  queue_id any_queue() { return queue_id{dice_->below(queues_made_ + 1)}; }
  schedule_id any_schedule() { return schedule_id{dice_->between(1, 5)}; }
  producer_name_id any_name() { return producer_name_id{dice_->between(1, 3)}; }
  group_id any_group() { return group_id{dice_->between(1, 5)}; }

  dice* dice_;
  std::uint64_t now_ = 1'000;
  std::uint64_t queues_made_ = 0;
  std::uint64_t sequence_ = 1;
  std::map<queue_id, std::uint64_t> ends_;
};

/// A state that is checkpointed and rebuilt at will.
class restarting_state {
public:
  void apply(const entry& e) {
    state_->apply(e.time, e.effects);
    tail_.push_back(e);
  }

  void checkpoint() {
    for (auto& delta : state_->take_deltas()) {
      if (delta.value)
        rows_[delta.key] = *delta.value;
      else
        rows_.erase(delta.key);
    }
    time_ = state_->time();
    tail_.clear();
  }

  void restart() {
    state_ = std::make_unique<shard_state>(expiry_ms);
    for (const auto& [key, value] : rows_) REQUIRE(state_->load(key, value).ok());
    state_->loaded(time_);
    for (const auto& e : tail_) state_->apply(e.time, e.effects);
  }

  [[nodiscard]] const shard_state& state() const { return *state_; }

private:
  std::unique_ptr<shard_state> state_ = std::make_unique<shard_state>(expiry_ms);
  std::map<std::string, std::string> rows_;
  unix_ms time_{};
  std::vector<entry> tail_;
};

/// Which producers are known where, told by the rule alone.
class producer_oracle {
public:
  void apply(const entry& e, const shard_state& after) {
    now_ = std::max(now_, e.time.value);
    for (const auto& effect : e.effects) {
      if (const auto* batch = std::get_if<effects::batch>(&effect))
        seen_[{batch->producer, batch->queue}] = now_;
    }
    std::erase_if(seen_, [&](const auto& row) {
      return after.queue(row.first.queue) == nullptr ||
             now_ - row.second > static_cast<std::int64_t>(expiry_ms);
    });
  }

  [[nodiscard]] bool agrees(const shard_state& state) const {
    return state.producers() == seen_.size() &&
           std::all_of(seen_.begin(), seen_.end(), [&](const auto& row) {
             const auto* known = state.producer(row.first);
             return known != nullptr && known->last_time.value == row.second;
           });
  }

private:
  std::int64_t now_ = 0;
  std::map<producer_key, std::int64_t> seen_;
};

} // namespace

TEST_CASE("A checkpoint of any moment and the entries after it fold to what all entries fold to") {
  with_seeds(100, [](dice& d) {
    entry_dice entries{d};
    shard_state whole{expiry_ms};
    restarting_state restarting;
    producer_oracle producers;
    for (int step = 0; step < 300; ++step) {
      const auto e = entries.roll(whole);
      whole.apply(e.time, e.effects);
      producers.apply(e, whole);
      restarting.apply(e);
      if (d.percent(25)) restarting.checkpoint();
      if (d.percent(10)) restarting.restart();
      REQUIRE(restarting.state().hash() == whole.hash());
      REQUIRE(restarting.state().time() == whole.time());
      REQUIRE(producers.agrees(whole));
      REQUIRE(producers.agrees(restarting.state()));
    }
  });
}

TEST_CASE("The next id rises above every id that was ever used, also across restarts") {
  with_seeds(50, [](dice& d) {
    entry_dice entries{d};
    restarting_state restarting;
    std::uint64_t highest = 0;
    for (int step = 0; step < 300; ++step) {
      const auto e = entries.roll(restarting.state());
      for (const auto& effect : e.effects) {
        if (const auto* put = std::get_if<effects::topic_put>(&effect))
          highest = std::max(highest, put->topic.queues.front().queue.value);
        if (const auto* put = std::get_if<effects::group_put>(&effect))
          highest = std::max(highest, put->group.group.value);
      }
      restarting.apply(e);
      if (d.percent(25)) restarting.checkpoint();
      if (d.percent(10)) restarting.restart();
      REQUIRE(restarting.state().catalogue().next_id > highest);
    }
  });
}
