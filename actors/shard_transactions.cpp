#include "actors/core/transaction_entry.hpp"
#include "actors/error_bridge.hpp"
#include "actors/shard.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

namespace carafe {

namespace {

using core::transaction_table;

/// Half messages that a shard keeps.
constexpr std::uint64_t half_bytes_max = 64u << 20;
/// Batches of one transaction: with what it acknowledges they become one entry.
constexpr std::uint32_t halves_max = 4'096;
/// Messages that one transaction acknowledges.
constexpr std::uint64_t consumed_max = 65'536;
/// Parts that another shard takes at a time.
constexpr std::size_t parts_max = 256;
constexpr std::uint64_t parts_bytes_max = 1u << 20;

shard_id own(shard_pointer self) { return self->state.replica->options().shard; }

failure busy() {
  return {errc::too_many_requests, "another request of the same transaction is under way"};
}

failure ended(const transaction_record& record) {
  return {errc::tx_ended,
          record.state == transaction_state::committed ? "it was committed" : "it was rolled back"};
}

// -- prepare --------------------------------------------------------------------------------------

/// What of it is not there yet.
tx_wish news_in(const tx_wish& wish, const transaction_table::stored* known) {
  if (known == nullptr) return wish;
  auto fresh = wish;
  std::erase_if(fresh.halves,
                [known](const auto& half) { return half.first <= known->record.last; });
  std::erase_if(fresh.consumed, [known](const auto& each) {
    return std::ranges::any_of(known->record.consumed, [&each](const auto& mine) {
      if (mine.group != each.group || mine.queue != each.queue) return false;
      const offset_set there{mine.ranges};
      return std::ranges::all_of(
        each.ranges, [&there](const auto& range) { return there.missing(range).empty(); });
    });
  });
  return fresh;
}

std::uint64_t messages_in(const std::vector<consumed_messages>& consumed) {
  std::uint64_t sum = 0;
  for (const auto& each : consumed)
    for (const auto& range : each.ranges) sum += std::min(range.count, consumed_max + 1);
  return sum;
}

std::uint64_t bytes_in(const std::vector<half_batch>& halves) {
  std::uint64_t sum = 0;
  for (const auto& half : halves) sum += half.bytes.size();
  return sum;
}

/// Its end must fit one entry.
result<void> check_size(const shard_state_data& s, const tx_wish& fresh,
                        const transaction_table::stored* known) {
  const auto* record = known == nullptr ? nullptr : &known->record;
  const auto bytes = bytes_in(fresh.halves) + (record == nullptr ? 0 : record->bytes);
  if (bytes > s.options.limits.batch_bytes_max)
    return {errc::batch_too_large, "a transaction has at most " +
                                     std::to_string(s.options.limits.batch_bytes_max) +
                                     " bytes of batches"};
  if (fresh.halves.size() + (record == nullptr ? 0 : record->halves) > halves_max)
    return {errc::batch_too_large,
            "a transaction has at most " + std::to_string(halves_max) + " batches"};
  if (messages_in(fresh.consumed) + (record == nullptr ? 0 : messages_in(record->consumed)) >
      consumed_max)
    return {errc::batch_too_large,
            "a transaction acknowledges at most " + std::to_string(consumed_max) + " messages"};
  return {};
}

result<void> check_limits(const shard_state_data& s, std::uint64_t bytes, bool opens) {
  const auto& table = s.replica->state().transactions();
  if (opens && table.open() + s.tx_opening >= s.options.transactions_max)
    return {errc::too_many_transactions,
            "transactions-max is " + std::to_string(s.options.transactions_max)};
  if (bytes != 0 && table.bytes() + s.tx_bytes + bytes > half_bytes_max)
    return {errc::too_many_transactions,
            "half messages of a shard have at most " + std::to_string(half_bytes_max) + " bytes"};
  return {};
}

result<void> check_queues(shard_pointer self, const tx_wish& wish) {
  const auto& state = self->state.replica->state();
  const auto missing = [&](const auto& each) {
    return each.shard == own(self) && state.queue(each.queue) == nullptr;
  };
  for (const auto& half : wish.halves)
    if (missing(half)) return {errc::queue_unknown, "queue " + std::to_string(half.queue.value)};
  for (const auto& each : wish.consumed)
    if (missing(each)) return {errc::queue_unknown, "queue " + std::to_string(each.queue.value)};
  return {};
}

/// @returns What is to be written; without halves and messages consumed: nothing is.
result<tx_wish> check_prepare(shard_pointer self, const tx_wish& wish) {
  const auto& s = self->state;
  if (s.draining) return {errc::shutting_down, "the node stops"};
  if (s.tx_busy.contains(wish.id)) return busy();
  const auto* known = s.replica->state().transactions().find(wish.id);
  if (known != nullptr && known->record.state != transaction_state::open)
    return ended(known->record);
  if (known != nullptr && known->record.group != wish.group)
    return {errc::invalid_argument, "it is of producer group " + known->record.group};
  auto fresh = news_in(wish, known);
  if (fresh.halves.empty() && fresh.consumed.empty()) return fresh;
  if (auto ok = check_size(s, fresh, known); !ok) return ok.error();
  if (auto ok = check_limits(s, bytes_in(fresh.halves), known == nullptr); !ok) return ok.error();
  if (auto ok = check_queues(self, fresh); !ok) return ok.error();
  if (s.room != storage::log_room::everything) return no_room(s.room);
  return fresh;
}

std::uint64_t messages_of(shard_pointer self, const transaction_id& id) {
  const auto* known = self->state.replica->state().transactions().find(id);
  return known == nullptr ? 0 : known->record.messages;
}

} // namespace

caf::result<frames::tx_prepared> prepare_transaction(shard_pointer self, const tx_wish& wish) {
  auto& s = self->state;
  auto fresh = check_prepare(self, wish);
  if (!fresh) return to_caf(fresh.error());
  if (fresh->halves.empty() && fresh->consumed.empty())
    return frames::tx_prepared{messages_of(self, wish.id), true};
  const bool opens = s.replica->state().transactions().find(wish.id) == nullptr;
  const auto bytes = bytes_in(fresh->halves);
  effects::tx_prepared effect{wish.id,
                              wish.group,
                              wish.check_first_ms,
                              wish.check_every_ms,
                              0,
                              std::move(fresh->halves),
                              std::move(fresh->consumed)};
  auto promise = self->make_response_promise<frames::tx_prepared>();
  std::vector<effects::effect> entry;
  entry.emplace_back(std::move(effect));
  auto submitted =
    submit_then(self, std::move(entry), [self, promise, id = wish.id, opens, bytes]() mutable {
      auto& now = self->state;
      now.tx_busy.erase(id);
      now.tx_opening -= opens ? 1 : 0;
      now.tx_bytes -= bytes;
      promise.deliver(frames::tx_prepared{messages_of(self, id), false});
    });
  if (!submitted) {
    promise.deliver(to_caf(submitted.error()));
    return promise;
  }
  s.tx_busy.insert(wish.id);
  s.tx_opening += opens ? 1 : 0;
  s.tx_bytes += bytes;
  return promise;
}

// -- the end --------------------------------------------------------------------------------------

namespace {

result<void> check_acknowledged(shard_pointer self,
                                const std::vector<consumed_messages>& consumed) {
  const auto& replica = *self->state.replica;
  return core::check_consumed(
    replica.state(),
    [&replica](const std::function<void(const effects::effect&)>& each) {
      replica.for_each_in_flight(each);
    },
    consumed);
}

std::vector<half_batch> halves_in(shard_id shard, const transaction_table::stored& row) {
  std::vector<half_batch> out;
  for (const auto& [number, half] : row.halves)
    if (half.shard == shard) out.push_back(half);
  return out;
}

} // namespace

caf::result<tx_done> end_transaction(shard_pointer self, const transaction_id& id, bool commit) {
  auto& s = self->state;
  if (s.draining) return to_caf({errc::shutting_down, "the node stops"});
  if (s.tx_busy.contains(id)) return to_caf(busy());
  const auto& state = s.replica->state();
  const auto* row = state.transactions().find(id);
  if (row == nullptr) return to_caf({errc::tx_unknown, "number " + std::to_string(id.number)});
  if (row->record.state != transaction_state::open) {
    if (commit != (row->record.state == transaction_state::committed))
      return to_caf(ended(row->record));
    return tx_done{commit, {}};
  }
  if (commit && s.room != storage::log_room::everything) return to_caf(no_room(s.room));
  effects::tx_ended end{id, commit, {}};
  tx_done done{commit, {}};
  failure too_late{errc::none};
  std::vector<effects::effect> entry;
  if (commit) {
    auto consumed = core::consumed_in(own(self), row->record.consumed);
    if (auto ok = check_acknowledged(self, consumed); !ok) {
      too_late = ok.error();
      end.committed = false;
    } else {
      core::append_commit(entry, state, id.producer, halves_in(own(self), *row), consumed);
      end.owes = core::other_shards(own(self), *row);
      done.consumed = std::move(consumed);
    }
  }
  entry.emplace_back(std::move(end));
  auto promise = self->make_response_promise<tx_done>();
  auto submitted =
    submit_then(self, std::move(entry), [self, promise, id, done, too_late]() mutable {
      self->state.tx_busy.erase(id);
      if (too_late.code != errc::none)
        promise.deliver(to_caf(too_late));
      else
        promise.deliver(std::move(done));
    });
  if (submitted)
    s.tx_busy.insert(id);
  else
    promise.deliver(to_caf(submitted.error()));
  return promise;
}

// -- parts of others' commits ---------------------------------------------------------------------

caf::result<tx_done> apply_parts(shard_pointer self, const tx_parts& what) {
  auto& s = self->state;
  if (s.draining) return to_caf({errc::shutting_down, "the node stops"});
  if (s.tx_applying.contains(what.from))
    return to_caf({errc::too_many_requests, "parts of that shard are being taken"});
  const auto& state = s.replica->state();
  const auto applied = state.transactions().applied(what.from);
  std::vector<effects::effect> entry;
  tx_done done{true, {}};
  for (const auto& part : what.parts) {
    if (part.serial <= applied) continue;
    core::append_commit(entry, state, part.id.producer, part.halves, part.consumed);
    done.consumed.insert(done.consumed.end(), part.consumed.begin(), part.consumed.end());
  }
  if (what.parts.empty() || what.parts.back().serial <= applied) return done;
  if (s.room != storage::log_room::everything) return to_caf(no_room(s.room));
  entry.emplace_back(effects::tx_applied{what.from, own(self), what.parts.back().serial, false});
  auto promise = self->make_response_promise<tx_done>();
  auto submitted =
    submit_then(self, std::move(entry), [self, promise, from = what.from, done]() mutable {
      self->state.tx_applying.erase(from);
      promise.deliver(std::move(done));
    });
  if (submitted)
    s.tx_applying.insert(what.from);
  else
    promise.deliver(to_caf(submitted.error()));
  return promise;
}

caf::result<tx_parts> parts_for(shard_pointer self, shard_id to) {
  auto& s = self->state;
  tx_parts parts{own(self),
                 s.replica->state().transactions().parts_for(to, parts_max, parts_bytes_max)};
  if (s.options.mode == durability::fsync || parts.parts.empty()) return parts;
  // A power failure must not take a commit of which others have their parts: they would be taken
  // again, and its serial would be another one's.
  auto promise = self->make_response_promise<tx_parts>();
  self->request(s.writer, caf::infinite, sync_atom_v)
    .then([promise, parts = std::move(parts)](entry_index) mutable { promise.deliver(parts); },
          [self, promise](const caf::error& why) mutable {
            promise.deliver(why);
            fail_shard(self, from_caf(why));
          });
  return promise;
}

// -- news -----------------------------------------------------------------------------------------

tx_news all_transactions(shard_pointer self) {
  const auto& table = self->state.replica->state().transactions();
  tx_news news{own(self), {}, {}, table.counts()};
  for (const auto& [id, row] : table.all())
    if (row.record.state == transaction_state::open || !row.record.owes.empty())
      news.changed.push_back(row.record);
  return news;
}

void tell_tx_watcher(shard_pointer self) {
  auto& s = self->state;
  const auto touched = s.replica->take_touched_transactions();
  if (touched.empty() || !s.tx_watcher) return;
  const auto& table = s.replica->state().transactions();
  tx_news news{own(self), {}, {}, table.counts()};
  for (const auto& id : touched) {
    const auto* row = table.find(id);
    if (row != nullptr)
      news.changed.push_back(row->record);
    else
      news.gone.push_back(id);
  }
  self->send(s.tx_watcher, news_atom_v, std::move(news));
}

} // namespace carafe
