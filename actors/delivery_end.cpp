#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "actors/in_use.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

failure would_never_come(std::uint64_t count) {
  return {errc::group_in_use,
          std::to_string(count) + (count == 1 ? " message waits" : " messages wait") +
            " for the group, failed or kept past retention, and such a group would never get " +
            (count == 1 ? "it" : "them") + "; wait, or reset it first"};
}

/// Messages of these queues that failed or were copied before retention, and that nobody has.
/// @param dying Also those whose dead letters are being written.
std::uint64_t failed_in(const delivery_state& s, const std::set<queue_id>& queues, bool dying) {
  std::uint64_t count = 0;
  for (const auto id : queues) {
    const auto at = s.core->queues().find(id);
    if (at == s.core->queues().end()) continue;
    const auto& [queue, state] = *at;
    for (const auto& [where, row] : state.progress.waiting())
      if (!state.progress.lent().contains(where) && !state.dying.contains(where)) ++count;
    if (dying) count += state.dying.size();
  }
  return count;
}

/// Whether consumers have something of a queue that the group leaves, or it dies just now.
bool is_busy(const delivery_state& s, queue_id id) {
  const auto at = s.core->queues().find(id);
  return at != s.core->queues().end() && !(at->second.leases.empty() && at->second.dying.empty());
}

/// Nothing is lent any more, and nothing is read; what consumers say of what they have still counts
/// until all of it is in the log.
/// @errors group_in_use
caf::result<caf::ok_atom> begin_end(delivery_pointer self, const failure& why) {
  auto& s = self->state;
  if (s.owed.ending()) return to_caf({errc::shard_unavailable, "the group's actor stops"});
  if (s.redriving) return to_caf({errc::group_in_use, "dead letters of it are being brought back"});
  for (const auto& [id, queue] : s.queues)
    if (queue.resetting || queue.reset_asked)
      return to_caf({errc::group_in_use, "its progress is being reset"});
  s.gone = why;
  s.core->stop_lending();
  for (const auto& [queue, state] : s.queues) stop_reading(self, queue);
  auto answer = owe<caf::ok_atom>(self);
  s.ending = [answer](const result<caf::ok_atom>& outcome) mutable { answer.give(outcome); };
  std::vector<shard_id> shards;
  for (const auto& [shard, box] : s.outboxes) shards.push_back(shard);
  for (const auto shard : shards) when_written(self, shard, [](const failure&) {});
  maybe_ended(self);
  return answer.promise();
}

} // namespace

caf::result<caf::ok_atom> remove_group(delivery_pointer self) {
  const auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  if (!s.members.empty()) return to_caf(in_use_by(s.members.size()));
  return begin_end(self, deleted_just_now(s.record.name));
}

caf::result<caf::ok_atom> hand_over(delivery_pointer self, const group_change& change) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  if (!change.with_members && !s.members.empty()) return to_caf(mode_in_use_by(s.members.size()));
  std::set<queue_id> leaving;
  for (const auto& [id, queue] : s.queues)
    if (!change.lends || std::ranges::find(change.topics, queue.topic) == change.topics.end())
      leaving.insert(id);
  // What dies just now is waited for.
  if (const auto count = failed_in(s, leaving, false); count > 0)
    return to_caf(would_never_come(count));
  s.leaving = std::move(leaving);
  auto answer = begin_end(self, changed_just_now(s.record.name));
  if (!s.gone) s.leaving.clear();
  if (s.gone && !s.ended)
    self->delayed_send(self, std::chrono::milliseconds{s.options.revoke_timeout_ms},
                       deadline_atom_v, queue_id{0}, generation{});
  return answer;
}

void leaving_overdue(delivery_pointer self) {
  auto& s = self->state;
  s.overdue = true;
  for (const auto id : s.leaving) {
    const auto at = s.core->queues().find(id);
    if (at == s.core->queues().end()) continue;
    std::vector<std::pair<member_id, offset_range>> held;
    for (const auto& [first, lease] : at->second.leases)
      held.push_back({lease.member, {first, lease.count}});
    for (const auto& [member, range] : held)
      carry_out(self, s.core->give_back(member, id, {range}, now(self)));
  }
  maybe_ended(self);
}

void maybe_ended(delivery_pointer self) {
  auto& s = self->state;
  if (!s.ending || s.writing_apart > 0) return;
  const auto busy = [&s](queue_id id) { return is_busy(s, id); };
  if (!s.overdue && std::ranges::any_of(s.leaving, busy)) return;
  for (const auto& [shard, box] : s.outboxes)
    if (box.writing || !box.gathering.wish.effects.empty()) return;
  s.ended = true;
  burials_ended(self, std::nullopt, *s.gone);
  for (const auto& [id, member] : s.members) s.watched.remove(self, member.session.address());
  s.members.clear();
  s.member_readers.clear();
  result<caf::ok_atom> outcome = caf::ok_atom::value;
  if (s.owed.ending()) // The log refused something for good.
    outcome = failure{errc::shard_unavailable, "the group's actor stops"};
  else if (const auto failed = failed_in(s, s.leaving, true); failed > 0)
    outcome = would_never_come(failed);
  if (!outcome) s.owed.end(self); // The next actor serves the group as it was.
  std::exchange(s.ending, {})(outcome);
}

} // namespace carafe
