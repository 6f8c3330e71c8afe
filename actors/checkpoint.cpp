#include "actors/checkpoint.hpp"

#include "actors/core/compaction.hpp"
#include "actors/error_bridge.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carafe {

namespace {

/// Of a compacted queue, at a time.
constexpr std::uint64_t taken_in_bytes = 1u << 20;
constexpr std::size_t taken_in_max = 4'096;

result<retention_plan> plan(checkpoint_state& s, const retention_rule& rule) {
  const auto& log = *s.log;
  const auto begin = log.bounds().first;
  auto first = log.retention_limit(rule.keep_after, rule.bytes_max, rule.checkpoint);
  const bool due = first > begin;
  if (!due) first = log.second_segment(rule.checkpoint);
  if (first <= begin) return retention_plan{};
  if (!due && first == s.oldest_end) return retention_plan{first, s.oldest, false};
  auto ends = log.ends_before(first);
  if (!ends) return ends.error();
  auto shared = std::make_shared<const queue_ends>(std::move(*ends));
  if (!due) {
    s.oldest_end = first;
    s.oldest = shared;
  }
  return retention_plan{first, std::move(shared), due};
}

/// Some of what is to be kept of a queue; it is for the caller to ask for the rest.
result<offset> take_in(checkpoint_state& s, const keep_request& what) {
  auto index = s.latest->make();
  if (!index) return index.error();
  auto known = s.latest->horizon(what.queue);
  if (!known) return known.error();
  const auto from = std::max(known->value_or(what.from), what.from);
  if (from >= what.until) return from;
  storage::read_hint hint;
  auto batches = s.log->read_queue(what.queue, from, what.last, taken_in_bytes, hint);
  if (!batches) return batches.error();
  auto horizon = from;
  std::vector<latest_change> changes;
  for (const auto& batch : *batches) {
    auto some = core::latest_changes(batch, horizon, what.until, s.limits);
    if (!some) return some.error();
    std::move(some->begin(), some->end(), std::back_inserter(changes));
    horizon = std::min(batch.base + batch.count, what.until);
    if (horizon == what.until || changes.size() >= taken_in_max) break;
  }
  if (horizon == from) return from; // It is not durable yet.
  if (auto ok = (*index)->take_in(what.queue, horizon, changes); !ok) return ok.error();
  s.latest->raise(what.queue, horizon);
  return horizon;
}

/// @returns Whether nothing is left of the queue.
result<bool> forget(checkpoint_state& s, queue_id queue) {
  auto index = s.latest->find();
  if (!index) return index.error();
  s.latest->forget(queue);
  if (!*index) return true;
  return (*index)->forget(queue);
}

} // namespace

checkpoint_actor::behavior_type
checkpoint_keeper(checkpoint_actor::stateful_pointer<checkpoint_state> self,
                  std::shared_ptr<storage::commit_log> log,
                  std::shared_ptr<storage::state_store> state,
                  std::shared_ptr<latest_messages> latest, batch_limits limits) {
  self->state.log = std::move(log);
  self->state.state = std::move(state);
  self->state.latest = std::move(latest);
  self->state.limits = limits;
  return {
    [self](save_atom, const raft::checkpoint& what) -> caf::result<caf::ok_atom> {
      auto ok = self->state.state->save_checkpoint(what.mark, what.deltas);
      if (!ok) return to_caf(ok.error());
      return caf::ok_atom::value;
    },
    [self](plan_atom, const retention_rule& rule) -> caf::result<retention_plan> {
      auto out = plan(self->state, rule);
      if (!out) return to_caf(out.error());
      return std::move(*out);
    },
    [self](read_atom, const read_request& request) -> caf::result<read_reply> {
      read_reply reply;
      auto batches = self->state.log->read_queue(request.queue, request.from, request.last,
                                                 request.bytes_max, reply.hint);
      if (!batches) return to_caf(batches.error());
      reply.batches = std::move(*batches);
      return reply;
    },
    [self](load_atom) -> caf::result<latest_horizons> {
      auto all = self->state.latest->horizons();
      if (!all) return to_caf(all.error());
      return latest_horizons{std::move(*all)};
    },
    [self](keep_atom, const keep_request& what) -> caf::result<keep_reply> {
      auto horizon = take_in(self->state, what);
      if (!horizon) return to_caf(horizon.error());
      return keep_reply{*horizon};
    },
    [self](forget_atom, queue_id queue) -> caf::result<bool> {
      auto gone = forget(self->state, queue);
      if (!gone) return to_caf(gone.error());
      return *gone;
    },
  };
}

} // namespace carafe
