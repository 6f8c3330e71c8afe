#include "actors/checkpoint.hpp"

#include "actors/error_bridge.hpp"

namespace carafe {

namespace {

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

} // namespace

checkpoint_actor::behavior_type
checkpoint_keeper(checkpoint_actor::stateful_pointer<checkpoint_state> self,
                  std::shared_ptr<storage::commit_log> log,
                  std::shared_ptr<storage::state_store> state) {
  self->state.log = std::move(log);
  self->state.state = std::move(state);
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
  };
}

} // namespace carafe
