// Transactions over three shards whose node is killed at any moment: what clients were told is what
// readers see, and half messages add up.

#include "actors/core/shard_state.hpp"
#include "actors/core/transaction_core.hpp"
#include "actors/core/transaction_entry.hpp"
#include "test/core/dice.hpp"
#include "test/core/transactions.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <memory>
#include <optional>
#include <set>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::uint64_t expiry_ms = 1'000'000;
constexpr std::uint16_t shard_count = 3;

queue_id queue_in(shard_id shard) { return queue_id{100u + shard.value}; }

/// One shard: its log is whole from the last checkpoint on, and every entry is durable.
class simulated_log {
public:
  simulated_log() { write({effects::queue_opened{queue_id{1}, topic_a}}); }

  void write(std::vector<effects::effect> effects) {
    for (auto& effect : effects)
      if (auto* batch = std::get_if<effects::batch>(&effect)) {
        batch->base = ends_[batch->queue];
        ends_[batch->queue] = batch->base + batch->count;
        for (std::uint32_t i = 0; i < batch->count; ++i)
          ++visible_[{batch->producer, sequence{batch->first.value + i}}];
      }
    state_->apply(unix_ms{++now_}, effects);
    whole_->apply(unix_ms{now_}, effects);
    tail_.push_back(std::move(effects));
    times_.push_back(now_);
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
    times_.clear();
  }

  /// Killed and started again: the checkpoint, and what came after it.
  void restart() {
    state_ = std::make_unique<shard_state>(expiry_ms);
    for (const auto& [key, value] : rows_) REQUIRE(state_->load(key, value).ok());
    state_->loaded(time_);
    for (std::size_t i = 0; i < tail_.size(); ++i) state_->apply(unix_ms{times_[i]}, tail_[i]);
    REQUIRE(state_->hash() == whole_->hash());
  }

  shard_state& state() { return *state_; }
  const std::map<std::pair<producer_id, sequence>, int>& visible() const { return visible_; }

private:
  std::unique_ptr<shard_state> state_ = std::make_unique<shard_state>(expiry_ms);
  std::unique_ptr<shard_state> whole_ = std::make_unique<shard_state>(expiry_ms);
  std::map<std::string, std::string> rows_;
  std::vector<std::vector<effects::effect>> tail_;
  std::vector<std::int64_t> times_;
  std::map<queue_id, offset> ends_;
  /// What readers of the shard's queues have seen, and how often.
  std::map<std::pair<producer_id, sequence>, int> visible_;
  unix_ms time_{};
  std::int64_t now_ = 0;
};

/// What a client knows of one transaction.
struct told {
  shard_id coordinator;
  /// Where each of its messages goes.
  std::map<std::uint64_t, shard_id> messages;
  std::optional<bool> committed;
  std::set<std::uint64_t> acknowledged;
};

class simulation {
public:
  explicit simulation(dice& d) : dice_(&d) {
    for (std::uint16_t i = 0; i < shard_count; ++i) {
      logs_[i].write({effects::queue_opened{queue_in(shard_id{i}), topic_a}});
      logs_[i].write({batch_of(queue_in(shard_id{i}), 0, 50, producer_b, 1)});
    }
    relearn();
  }

  void step() {
    switch (dice_->below(10)) {
    case 0:
    case 1:
    case 2:
      return prepare();
    case 3:
    case 4:
      return end();
    case 5:
    case 6:
      return move();
    case 7:
      return check_back();
    case 8:
      return logs_[dice_->below(shard_count)].checkpoint();
    default:
      if (dice_->percent(40)) crash();
    }
  }

  void finish() {
    crash();
    for (auto& [number, t] : told_)
      if (!t.committed) end_one(number, t, dice_->percent(50));
    while (moved_something()) {
    }
    check();
  }

private:
  shard_id any_shard() { return shard_id{static_cast<std::uint16_t>(dice_->below(shard_count))}; }
  simulated_log& log(shard_id shard) { return logs_[shard.value]; }

  void learn(shard_id shard) {
    auto& state = log(shard).state();
    for (const auto& id : state.take_touched_transactions())
      if (const auto* row = state.transactions().find(id))
        core_.learn(shard, row->record);
      else
        core_.forget({shard, id});
  }

  void relearn() {
    core_ = {};
    for (std::uint16_t i = 0; i < shard_count; ++i) {
      static_cast<void>(logs_[i].state().take_touched_transactions());
      for (const auto& [id, row] : logs_[i].state().transactions().all())
        core_.learn(shard_id{i}, row.record);
    }
  }

  void crash() {
    for (auto& each : logs_) each.restart();
    moving_.reset();
    waiting_.clear();
    relearn();
  }

  void prepare() {
    const bool fresh = told_.empty() || dice_->percent(50);
    const auto number = fresh ? ++numbers_ : dice_->between(1, numbers_);
    auto& t = told_[number];
    if (fresh) t.coordinator = any_shard();
    if (t.committed) return;
    std::vector<half_batch> halves;
    for (auto count = dice_->between(1, 3); count > 0; --count) {
      const auto shard = any_shard();
      const auto messages = static_cast<std::uint32_t>(dice_->between(1, 4));
      halves.push_back(half_of(queue_in(shard), shard, sequence_ + 1, messages));
      for (std::uint32_t i = 0; i < messages; ++i) t.messages[++sequence_] = shard;
    }
    std::vector<consumed_messages> consumed;
    if (dice_->percent(40)) {
      const auto at = dice_->below(50);
      t.acknowledged.insert(at);
      consumed.push_back(
        {group_a, false, queue_in(t.coordinator), t.coordinator, {{offset{at}, 1}}});
    }
    const auto effect = prepared_of(number, halves, consumed);
    log(t.coordinator).write({effect});
    if (dice_->percent(20)) log(t.coordinator).write({effect}); // Its answer was lost.
    learn(t.coordinator);
  }

  void end() {
    if (told_.empty()) return;
    auto& [number, t] = dice_->pick(told_);
    end_one(number, t, dice_->percent(60));
  }

  /// As the coordinator does it.
  void end_one(std::uint64_t number, told& t, bool commit) {
    auto& state = log(t.coordinator).state();
    const auto* row = state.transactions().find(tx_id(number));
    REQUIRE(row != nullptr);
    if (row->record.state != transaction_state::open) {
      REQUIRE((row->record.state == transaction_state::committed) == t.committed);
      return;
    }
    std::vector<effects::effect> entry;
    effects::tx_ended ended{tx_id(number), commit, {}};
    const auto consumed = consumed_in(t.coordinator, row->record.consumed);
    if (commit && !check_consumed(
                    state, [](const auto&) {}, consumed))
      ended.committed = false;
    if (ended.committed) {
      std::vector<half_batch> own;
      for (const auto& [n, half] : row->halves)
        if (half.shard == t.coordinator) own.push_back(half);
      append_commit(entry, state, producer_a, own, consumed);
      ended.owes = other_shards(t.coordinator, *row);
      for (const auto at : t.acknowledged) ++acknowledged_[{t.coordinator, at}];
    }
    t.committed = ended.committed;
    entry.emplace_back(std::move(ended));
    log(t.coordinator).write(std::move(entry));
    learn(t.coordinator);
  }

  struct moving {
    transaction_core::move what;
    std::vector<transaction_part> parts;
    bool taken = false;
  };

  /// One step of a move: a crash may come between any two.
  void move() { static_cast<void>(moved_something()); }

  bool moved_something() {
    if (!moving_) {
      for (const auto& what : core_.begin_moves()) waiting_.insert(what);
      if (waiting_.empty()) return false;
      const auto what = dice_->pick(waiting_);
      waiting_.erase(what);
      moving_ = moving{
        what, log(what.from).state().transactions().parts_for(what.to, dice_->between(1, 5), 1'000),
        false};
      if (moving_->parts.empty()) {
        core_.moved(what);
        moving_.reset();
      }
      return true;
    }
    auto& [what, parts, taken] = *moving_;
    const auto serial = parts.back().serial;
    if (!taken) {
      auto& to = log(what.to).state();
      const auto applied = to.transactions().applied(what.from);
      std::vector<effects::effect> entry;
      for (const auto& part : parts)
        if (part.serial > applied)
          append_commit(entry, to, part.id.producer, part.halves, part.consumed);
      entry.emplace_back(effects::tx_applied{what.from, what.to, serial, false});
      if (serial > applied) log(what.to).write(std::move(entry));
      learn(what.to);
      taken = true;
      return true;
    }
    log(what.from).write({effects::tx_applied{what.from, what.to, serial, true}});
    learn(what.from);
    core_.moved(what);
    moving_.reset();
    return true;
  }

  void check_back() {
    now_ += 20'000;
    for (const auto& each : core_.due(unix_ms{now_}, 3)) {
      if (dice_->percent(30)) {
        core_.not_asked(each.transaction, unix_ms{now_});
        continue;
      }
      effects::tx_prepared counted;
      counted.id = each.transaction.id;
      counted.checks = each.checks;
      REQUIRE(each.checks <= transaction_checks_max);
      log(each.transaction.shard).write({counted});
      learn(each.transaction.shard);
    }
  }

  void check() {
    transaction_counts sum;
    std::uint64_t pending = 0;
    for (auto& each : logs_) {
      const auto& table = each.state().transactions();
      sum.prepared += table.counts().prepared;
      sum.committed += table.counts().committed;
      sum.rolled_back += table.counts().rolled_back;
      for (const auto& [id, row] : table.all())
        if (row.record.state == transaction_state::open) pending += row.record.messages;
      CHECK(table.bytes() == 0);
    }
    CHECK(pending == 0);
    CHECK(sum.prepared == sum.committed + sum.rolled_back);
    CHECK(core_.pending().empty());
    for (const auto& [number, t] : told_)
      for (const auto& [message, shard] : t.messages)
        for (std::uint16_t i = 0; i < shard_count; ++i) {
          const auto& seen = logs_[i].visible();
          const auto at = seen.find({producer_a, sequence{message}});
          const int wanted = *t.committed && shard == shard_id{i} ? 1 : 0;
          REQUIRE((at == seen.end() ? 0 : at->second) == wanted);
        }
    for (const auto& [message, times] : acknowledged_) {
      CHECK(times == 1);
      const auto* progress =
        log(message.first).state().delivery({group_a, queue_in(message.first)});
      const auto at = offset{message.second};
      const auto* plain = log(message.first).state().progress({group_a, queue_in(message.first)});
      REQUIRE(plain != nullptr);
      CHECK((progress != nullptr ? progress->finished(at) : at < plain->next));
    }
  }

  dice* dice_;
  simulated_log logs_[shard_count];
  transaction_core core_;
  std::map<std::uint64_t, told> told_;
  std::map<std::pair<shard_id, std::uint64_t>, int> acknowledged_;
  std::optional<moving> moving_;
  std::set<transaction_core::move> waiting_;
  std::uint64_t numbers_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t now_ = 1'000;
};

} // namespace

TEST_CASE("transactions are visible whole or not at all, once, whatever is killed when") {
  with_seeds(200, [](dice& d) {
    simulation s{d};
    for (auto steps = d.between(20, 300); steps > 0; --steps) s.step();
    s.finish();
  });
}
