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
            " for another attempt, and such a group would never make it; wait, or reset it first"};
}

std::uint64_t waiting_of(const delivery_state& s, const std::set<queue_id>& queues) {
  std::uint64_t count = 0;
  for (const auto id : queues)
    if (const auto at = s.core->queues().find(id); at != s.core->queues().end())
      count += waiting_in(at->second);
  return count;
}

/// Whether consumers have something of a queue that the group leaves.
bool somebody_has(const delivery_state& s, queue_id id) {
  const auto at = s.core->queues().find(id);
  return at != s.core->queues().end() && !at->second.leases.empty();
}

/// Nothing is lent any more, and nothing is read; what consumers say of what they have still counts
/// until all of it is in the log.
/// @errors group_in_use
caf::result<caf::ok_atom> begin_end(delivery_pointer self, const failure& why) {
  auto& s = self->state;
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
  if (const auto count = waiting_of(s, leaving); count > 0) return to_caf(would_never_come(count));
  s.leaving = std::move(leaving);
  auto answer = begin_end(self, changed_just_now(s.record.name));
  if (!s.gone) {
    s.leaving.clear();
    return answer;
  }
  const std::chrono::milliseconds patience{s.options.revoke_timeout_ms};
  for (const auto id : s.leaving)
    if (somebody_has(s, id)) self->delayed_send(self, patience, deadline_atom_v, id, generation{});
  return answer;
}

void leaving_overdue(delivery_pointer self, queue_id queue) {
  auto& s = self->state;
  const auto at = s.core->queues().find(queue);
  if (s.ended || at == s.core->queues().end()) return;
  std::vector<std::pair<member_id, offset_range>> held;
  for (const auto& [first, lease] : at->second.leases)
    held.push_back({lease.member, {first, lease.count}});
  for (const auto& [member, range] : held)
    carry_out(self, s.core->give_back(member, queue, {range}, now(self)));
  maybe_ended(self);
}

void maybe_ended(delivery_pointer self) {
  auto& s = self->state;
  if (!s.ending || s.writing_apart > 0) return;
  const auto lives = [&s](queue_id id) { return somebody_has(s, id); };
  if (std::ranges::any_of(s.leaving, lives)) return;
  for (const auto& [shard, box] : s.outboxes)
    if (box.writing || !box.gathering.wish.effects.empty()) return;
  s.ended = true;
  burials_ended(self, std::nullopt, *s.gone);
  for (const auto& [id, member] : s.members) s.watched.remove(self, member.session.address());
  s.members.clear();
  s.member_readers.clear();
  const auto failed_since = waiting_of(s, s.leaving);
  if (failed_since > 0) s.owed.end(self); // The next actor serves the group as it was.
  std::exchange(s.ending, {})(failed_since == 0 ? result<caf::ok_atom>{caf::ok_atom::value}
                                                : would_never_come(failed_since));
}

} // namespace carafe
