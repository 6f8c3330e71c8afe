#include "actors/raft/replica.hpp"

#include "actors/core/kept_copies.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace carafe::raft {

namespace {

/// Read and fold this much at a time when replaying.
constexpr std::uint64_t replay_bytes = 4u << 20;

std::vector<storage::index_row> index_rows(entry_index index, unix_ms time,
                                           const std::vector<effects::effect>& effects) {
  std::vector<storage::index_row> rows;
  for (const auto& effect : effects)
    if (const auto* batch = std::get_if<effects::batch>(&effect); batch && !batch->timed)
      rows.push_back({batch->queue, batch->base, batch->count, time, index});
  return rows;
}

/// Whether the log goes on where the checkpoint ends.
result<void> check_bounds(const storage::log_bounds& log, entry_index checkpoint) {
  if (log.last == entry_index{0}) return {errc::storage_corrupt, "the log is gone"};
  if (log.last < checkpoint)
    return {errc::storage_corrupt, "the log ends at entry " + std::to_string(log.last.value) +
                                     ", the checkpoint is of entry " +
                                     std::to_string(checkpoint.value)};
  if (log.first > checkpoint + 1)
    return {errc::storage_corrupt, "entries " + std::to_string(checkpoint.value + 1) + " to " +
                                     std::to_string(log.first.value - 1) + " are missing"};
  return {};
}

} // namespace

replica::replica(replica_options options)
  : options_(std::move(options)),
    state_(options_.producer_expiry_ms),
    window_(state_, options_.producers_max),
    raft_(options_.node, options_.address, options_.seed) {}

result<void> replica::bootstrap(storage::commit_log& log, storage::state_store& state) {
  auto change = std::make_shared<encoded_entry>(
    encode_change(entry_header{entry_kind::change, entry_index{1}, term{1}, unix_ms{0}},
                  as_bytes(raft_group::sole_voter_configuration(options_.node, options_.address))));
  const storage::log_write first{std::move(change), {}};
  if (log.bounds().last == entry_index{0})
    if (auto ok = log.append({&first, 1}); !ok) return ok;
  if (auto ok = log.sync(); !ok) return ok;
  return state.save_vote({term{1}, 0});
}

result<std::unique_ptr<replica>> replica::recover(replica_options options, storage::commit_log& log,
                                                  storage::state_store& state, mono_ms now) {
  std::unique_ptr<replica> self{new replica(std::move(options))};
  start_state start;
  auto mark = state.load_mark();
  if (!mark) return mark.error();
  start.mark = std::move(*mark);
  auto vote = state.load_vote();
  if (!vote) return vote.error();
  // The vote is saved after entry 1. Without it the first start was cut off before the end; with it
  // and without entry 1, the log is lost.
  if (!start.mark && vote->term == term{0} && log.bounds().last <= entry_index{1}) {
    if (auto ok = self->bootstrap(log, state); !ok) return ok.error();
    vote->term = term{1};
  }
  const auto bounds = log.bounds();
  if (auto ok = check_bounds(bounds, start.mark ? start.mark->index : entry_index{0}); !ok)
    return ok.error();

  // A sole voter elects itself without a new term: raise it, so that an index is never written
  // twice with one term.
  start.vote = storage::vote{term{vote->term.value + 1}, 0};
  if (auto ok = state.save_vote(start.vote); !ok) return ok.error();

  result<void> loaded;
  if (start.mark) {
    auto rows = state.load_rows([&](std::string_view key, std::string_view value) {
      if (loaded) loaded = self->state_.load(key, value);
    });
    if (!rows) return rows.error();
    if (!loaded) return loaded.error();
    self->state_.loaded(start.mark->time);
    self->applied_ = self->checkpoint_ = start.mark->index;
    self->applied_term_ = start.mark->term;
  }

  for (auto at = self->applied_ + 1; at <= bounds.last;) {
    auto stored = log.read_entries(at, bounds.last, replay_bytes);
    if (!stored) return stored.error();
    for (const auto& bytes : *stored) {
      auto entry = decode_entry(bytes);
      if (!entry) return entry.error();
      if (entry->header.index != at)
        return {errc::storage_corrupt, "entry " + std::to_string(at.value) + " carries index " +
                                         std::to_string(entry->header.index.value)};
      start.entries.push_back(
        {entry->header.term, entry->header.kind, std::string{entry->configuration.text()}});
      self->fold(entry->header.time, entry->effects);
      self->applied_ = at;
      self->applied_term_ = entry->header.term;
      at = at + 1;
    }
  }
  auto outcome = self->raft_.start(start, now);
  if (!outcome) return outcome.error();
  if (!outcome->leader) return {errc::not_leader, "the sole voter did not elect itself"};
  CARAFE_ASSERT(outcome->commit == self->applied_);
  self->stored_ = self->commit_ = self->applied_;
  self->stamped_ = self->state_.time();
  return self;
}

void replica::fold(unix_ms time, const std::vector<effects::effect>& effects) {
  state_.apply(time, effects);
}

result<void> replica::room(std::uint64_t bytes) const {
  if (flight_.empty()) return {};
  if (flight_.size() >= options_.in_flight_entries_max ||
      flight_bytes_ + bytes > options_.in_flight_bytes_max)
    return {errc::too_many_requests, "shard " + std::to_string(options_.shard.value) +
                                       " has its limit of entries in flight"};
  return {};
}

result<replica::batch_outcome> replica::submit_batch(const core::batch_request& request,
                                                     unix_ms wall, mono_ms now) {
  auto stamped = window_.check(request, std::max(stamped_, wall));
  if (!stamped) return stamped.error();
  if (const auto* done = std::get_if<core::stamp_committed>(&*stamped))
    return batch_outcome{known{done->base, done->count, done->time}};
  if (const auto* joins = std::get_if<core::stamp_joins>(&*stamped))
    return batch_outcome{pending{joins->index, joins->base, true}};
  if (auto* repeated = std::get_if<core::stamp_repeated>(&*stamped))
    return batch_outcome{std::move(*repeated)};
  if (refusal_) return *refusal_;
  if (request.timed && state_.timers_pending() + request.count > options_.timers_max)
    return {errc::too_many_timers, "timers-max is " + std::to_string(options_.timers_max)};
  auto& effect = std::get<core::stamp_fresh>(*stamped).effect;
  if (auto ok = room(effect.bytes.size()); !ok) return ok.error();
  const auto kept = effect;
  std::vector<effects::effect> effects;
  effects.emplace_back(std::move(effect));
  auto index = submit(std::move(effects), wall, now);
  if (!index) return index.error();
  window_.submitted(kept, *index);
  return batch_outcome{pending{*index, kept.base, false}};
}

namespace {

/// About what one holds.
constexpr std::uint64_t effect_bytes = 64;

} // namespace

result<entry_index> replica::submit_effects(std::vector<effects::effect> effects, unix_ms wall,
                                            mono_ms now) {
  if (effects.size() > effects_per_entry_max)
    return {errc::batch_too_large, std::to_string(effects.size()) + " effects in one entry"};
  std::vector<effects::batch> batches;
  if (auto ok = stamp_own(effects, batches); !ok) return ok.error();
  auto bytes = effects.size() * effect_bytes;
  for (const auto& batch : batches) bytes += batch.bytes.size();
  if (auto ok = room(bytes); !ok) return ok.error();
  std::vector<effects::producer_put> holders;
  for (const auto& effect : effects)
    if (const auto* put = std::get_if<effects::producer_put>(&effect)) holders.push_back(*put);
  auto index = submit(std::move(effects), wall, now);
  if (!index) return index;
  for (const auto& batch : batches) window_.submitted(batch, *index);
  for (const auto& put : holders) window_.submitted(put);
  return index;
}

/// Gives the node's own batches their offsets, and copies of them to `batches`.
result<void> replica::stamp_own(std::vector<effects::effect>& effects,
                                std::vector<effects::batch>& batches) const {
  for (auto& effect : effects) {
    auto* batch = std::get_if<effects::batch>(&effect);
    if (batch == nullptr) continue;
    CARAFE_ASSERT(!batch->guarded());
    // Copies make room: what they are of may be dropped then.
    if (refusal_ && batch->queue != kept_messages && !core::moves_letters(effects))
      return *refusal_;
    auto base = window_.next_of(batch->queue);
    if (!base) return base.error();
    for (const auto& earlier : batches)
      if (earlier.queue == batch->queue) base = earlier.base + earlier.count;
    batch->base = *base;
    batches.push_back(*batch);
  }
  return {};
}

result<entry_index> replica::submit(std::vector<effects::effect> effects, unix_ms wall,
                                    mono_ms now) {
  auto index = raft_.submit(1, now);
  if (!index) return index;
  stamped_ = std::max(stamped_, wall);
  flight_entry entry;
  entry.write.entry = std::make_shared<encoded_entry>(encode_entry(
    entry_header{entry_kind::command, *index, raft_.current_term(), stamped_}, effects));
  entry.write.rows = index_rows(*index, stamped_, effects);
  entry.bytes = entry.write.entry->bytes();
  entry.effects = std::move(effects);
  flight_bytes_ += entry.bytes;
  unwritten_bytes_ += entry.bytes;
  CARAFE_ASSERT(*index == applied_ + flight_.size() + 1);
  flight_.push_back(std::move(entry));
  return index;
}

std::optional<write_group> replica::next_write(std::uint64_t bytes_max) {
  if (handed_out_ == flight_.size()) return std::nullopt;
  write_group group;
  while (handed_out_ < flight_.size()) {
    const auto& entry = flight_[handed_out_];
    if (!group.writes.empty() && group.bytes + entry.bytes > bytes_max) break;
    group.bytes += entry.bytes;
    unwritten_bytes_ -= entry.bytes;
    group.writes.push_back(entry.write);
    ++handed_out_;
  }
  group.last = applied_ + handed_out_;
  return group;
}

result<std::vector<applied_entry>> replica::persisted(entry_index last, mono_ms now) {
  CARAFE_ASSERT(last > stored_ && last.value <= applied_.value + handed_out_);
  stored_ = last;
  auto outcome = raft_.persisted(last, now);
  if (!outcome) return outcome.error();
  commit_ = outcome->commit;
  return apply_committed();
}

std::vector<applied_entry> replica::apply_committed() {
  std::vector<applied_entry> out;
  const auto limit = std::min(commit_, stored_);
  while (applied_ < limit) {
    auto entry = std::move(flight_.front());
    flight_.pop_front();
    flight_bytes_ -= entry.bytes;
    --handed_out_;
    applied_ = applied_ + 1;
    const auto& header = entry.write.entry->header;
    applied_term_ = header.term;
    fold(header.time, entry.effects);
    for (const auto& effect : entry.effects) {
      if (const auto* batch = std::get_if<effects::batch>(&effect)) window_.applied(*batch);
      if (const auto* put = std::get_if<effects::producer_put>(&effect)) window_.applied(*put);
    }
    out.push_back({applied_, header.time, std::move(entry.effects)});
  }
  return out;
}

checkpoint replica::take_checkpoint() {
  checkpoint out;
  out.mark.index = applied_;
  out.mark.term = applied_term_;
  out.mark.time = state_.time();
  out.mark.configuration = raft_.configuration();
  out.mark.configuration_index = raft_.configuration_index();
  out.deltas = state_.take_deltas();
  return out;
}

result<void> replica::checkpointed(entry_index index, entry_index first_retained, mono_ms now) {
  CARAFE_ASSERT(index > checkpoint_);
  checkpoint_ = index;
  return raft_.snapshot(index, first_retained, now);
}

result<void> replica::tick(mono_ms now) {
  auto outcome = raft_.tick(now);
  if (!outcome) return outcome.error();
  commit_ = outcome->commit;
  return {};
}

} // namespace carafe::raft
