#include "actors/checkpoint.hpp"

#include "actors/error_bridge.hpp"

namespace carafe {

namespace {

result<retention_plan> plan(const storage::commit_log& log, const retention_rule& rule) {
  retention_plan out;
  const auto first = log.retention_limit(rule.keep_after, rule.bytes_max, rule.checkpoint);
  if (first <= log.bounds().first) return out;
  auto ends = log.ends_before(first);
  if (!ends) return ends.error();
  out.first = first;
  out.starts = std::move(*ends);
  return out;
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
      auto out = plan(*self->state.log, rule);
      if (!out) return to_caf(out.error());
      return std::move(*out);
    },
  };
}

} // namespace carafe
