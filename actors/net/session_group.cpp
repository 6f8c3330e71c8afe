#include "actors/net/session.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

group_actor* member_group(session_pointer self, std::uint64_t request, member_id member) {
  auto at = self->state.members.find(member);
  if (at != self->state.members.end()) return &at->second;
  reply_error(self, request,
              {errc::member_unknown,
               "member " + std::to_string(member.value) + " is not of this connection"});
  return nullptr;
}

frames::body say_ok(caf::ok_atom) { return frames::ok{}; }

/// The subscription that serves `member`'s hold on `queue`.
auto find_assigned(session_pointer self, member_id member, queue_id queue, generation owner) {
  auto& subs = self->state.subscriptions;
  return std::find_if(subs.begin(), subs.end(), [&](const auto& entry) {
    const auto& sub = entry.second;
    return sub.member == member && sub.queue == queue && sub.owner == owner;
  });
}

void drop_member_reading(session_pointer self, member_id member) {
  auto& subs = self->state.subscriptions;
  for (auto at = subs.begin(); at != subs.end();) {
    if (at->second.member != member) {
      ++at;
      continue;
    }
    const auto id = at->first;
    stop_reading(self, id, at->second);
    ++at;
    forget_subscription(self, id);
  }
}

} // namespace

namespace {

subscription_id next_assignment(session_pointer self) {
  return subscription_id{(std::uint64_t{1} << 63) | ++self->state.assignments};
}

/// A member of a group that lends messages has one subscription for all of them.
void welcome_member(session_pointer self, std::uint64_t request, const frames::join& wish,
                    const group_actor& group, frames::joined joined) {
  if (joined.subscription.value == 0) {
    reply(self, request, joined);
    return;
  }
  auto& s = self->state;
  const auto id = next_assignment(self);
  session_state::subscription sub;
  // Only such groups answer so.
  sub.delivery = caf::actor_cast<delivery_actor>(group);
  sub.reader = core::reader_id{joined.subscription.value};
  sub.member = joined.member;
  sub.opening = false;
  sub.told = true;
  s.readers.emplace(sub.reader, id);
  s.subscriptions.emplace(id, std::move(sub));
  s.budget.add(id, wish.credit_bytes);
  joined.subscription = id;
  reply(self, request, joined);
  tell(self, s.budget.reading(id));
}

/// The group that lends this member messages.
const delivery_actor* delivery_of(session_pointer self, std::uint64_t request, member_id member) {
  for (const auto& [id, sub] : self->state.subscriptions)
    if (sub.member == member && sub.delivery) return &sub.delivery;
  reply_error(self, request,
              {errc::member_unknown, "member " + std::to_string(member.value) +
                                       " of a shared or keyed group is not of this connection"});
  return nullptr;
}

} // namespace

void on_settle(session_pointer self, std::uint64_t request, const frames::settle& what) {
  if (const auto* group = delivery_of(self, request, what.member))
    ask<caf::ok_atom>(self, request, *group, say_ok, settle_atom_v, what);
}

void on_renew(session_pointer self, std::uint64_t request, const frames::renew& what) {
  if (const auto* group = delivery_of(self, request, what.member))
    ask<frames::renewed>(
      self, request, *group, [](const frames::renewed& lost) -> frames::body { return lost; },
      renew_atom_v, what);
}

void on_leased(session_pointer self, core::reader_id reader, const lending& what) {
  auto& s = self->state;
  auto found = s.readers.find(reader);
  if (found == s.readers.end()) return; // It has left meanwhile.
  auto frame = what.what;
  frame.subscription = found->second;
  std::uint64_t count = 0;
  for (const auto& range : frame.ranges) count += range.count;
  reply(self, 0, std::move(frame));
  auto& metrics = *s.context->metrics;
  metrics.messages_out.fetch_add(count, std::memory_order_relaxed);
  metrics.bytes_out.fetch_add(what.bytes, std::memory_order_relaxed);
  count_delivered(self, found->second, what.bytes);
  tell(self, s.budget.delivered(found->second, what.bytes));
}

void on_join(session_pointer self, std::uint64_t request, const frames::join& what) {
  const bool filtered = what.filter.how != message_filter::kind::none;
  if (filtered && !core::lends_messages(what.mode) &&
      self->state.version < frames::sparse_version) {
    reply_error(self, request, old_client(self->state));
    return;
  }
  begin_request(self);
  const auto failed = [self, request](const caf::error& why) {
    reply_error(self, request, from_caf(why));
    end_request(self);
    flush(self);
  };
  auto wish = what;
  // It may find a filter that such a client knows nothing of.
  if (self->state.version < frames::sparse_version) wish.rejoins = {};
  self->request(self->state.context->catalogue, caf::infinite, join_atom_v, wish)
    .then(
      [self, request, what, failed](const group_actor& group) {
        auto& s = self->state;
        self
          ->request(
            group, caf::infinite, join_atom_v,
            join_request{what, s.client, s.from.address(), s.version >= frames::sparse_version},
            session_actor{self})
          .then(
            [self, request, what, group](const frames::joined& joined) {
              self->state.members.emplace(joined.member, group);
              self->state.watched.add(self, group);
              welcome_member(self, request, what, group, joined);
              end_request(self);
              flush(self);
            },
            failed);
      },
      failed);
}

void on_leave(session_pointer self, std::uint64_t request, const frames::leave& what) {
  auto* group = member_group(self, request, what.member);
  if (group == nullptr) return;
  drop_member_reading(self, what.member);
  ask<caf::ok_atom>(self, request, *group, say_ok, leave_atom_v, what.member);
  self->state.watched.remove(self, group->address());
  self->state.members.erase(what.member);
}

void on_release(session_pointer self, std::uint64_t request, const frames::release& what) {
  auto* group = member_group(self, request, what.member);
  if (group == nullptr) return;
  auto at = find_assigned(self, what.member, what.queue, what.owner);
  if (at != self->state.subscriptions.end()) {
    stop_reading(self, at->first, at->second);
    forget_subscription(self, at->first);
  }
  ask<caf::ok_atom>(self, request, *group, say_ok, release_atom_v, what.member, what.queue,
                    what.owner);
}

void on_commit(session_pointer self, std::uint64_t request, const frames::commit& what) {
  auto* group = member_group(self, request, what.member);
  if (group == nullptr) return;
  ask<caf::ok_atom>(self, request, *group, say_ok, commit_atom_v, what);
}

namespace {

void tell_assigned(session_pointer self, subscription_id id, const assignment& what, offset begin) {
  frames::assigned told;
  told.member = what.member;
  told.subscription = id;
  told.owner = what.owner;
  told.topic = what.topic;
  told.number = what.number;
  told.queue = what.queue;
  told.begin = begin;
  reply(self, 0, std::move(told));
}

} // namespace

/// The client is told once it is known where reading begins: retention may have passed what was
/// committed, and then the member's policy says where to go on.
void on_assign(session_pointer self, const assignment& what) {
  auto& s = self->state;
  if (!s.members.contains(what.member)) return; // It left while this was under way.
  if (s.subscriptions.size() >= s.context->options.subscriptions_max) {
    on_assign_failed(self, what, {errc::too_many_subscriptions, "on one connection"});
    flush(self);
    return;
  }
  const auto id = next_assignment(self);
  session_state::subscription sub;
  sub.queue = what.queue;
  sub.member = what.member;
  sub.owner = what.owner;
  sub.kept_from = what.screen;
  s.subscriptions.emplace(id, std::move(sub));
  s.budget.add(id, what.credit_bytes);
  open_subscription(self, id, what.queue, subscribe_request{id, what.start, what.out_of_range},
                    [self, id, what](const result<reading>& where) {
                      auto at = self->state.subscriptions.find(id);
                      if (at == self->state.subscriptions.end()) return; // Taken meanwhile.
                      at->second.told = true;
                      tell_assigned(self, id, what, where ? where->begin : what.start.from);
                      if (!where) end_subscription(self, id, where.error());
                      flush(self);
                    });
}

void on_assign_failed(session_pointer self, const assignment& what, const failure& why) {
  if (!self->state.members.contains(what.member)) return;
  const auto id = next_assignment(self);
  tell_assigned(self, id, what, what.start.from);
  reply(self, 0, frames::subscription_ended{id, why});
}

void on_revoke(session_pointer self, const revocation& what) {
  auto& s = self->state;
  auto at = find_assigned(self, what.member, what.queue, what.owner);
  if (at != s.subscriptions.end() && !at->second.told) {
    // The client has not heard of it: it goes back at once.
    forget_subscription(self, at->first);
    if (what.taken) return;
    self
      ->request(s.members.at(what.member), caf::infinite, release_atom_v, what.member, what.queue,
                what.owner)
      .then([](caf::ok_atom) {}, [](const caf::error&) {}); // Then its deadline takes it.
    return;
  }
  if (at != s.subscriptions.end()) {
    // A seek that is under way must not begin to read. Whatever it still gets it would have to give
    // back: nothing more is sent.
    stop_reading(self, at->first, at->second);
    at->second.opening_number = 0;
    if (what.taken) forget_subscription(self, at->first);
  }
  reply(self, 0, frames::revoked{what.member, what.queue, what.owner, what.deadline_ms});
}

void on_group_down(session_pointer self, const caf::actor_addr& source) {
  auto& s = self->state;
  for (auto at = s.members.begin(); at != s.members.end();) {
    if (at->second.address() != source) {
      ++at;
      continue;
    }
    const auto member = at->first;
    at = s.members.erase(at);
    const failure why{errc::member_unknown, "the group's actor stopped; join again"};
    for (auto sub = s.subscriptions.begin(); sub != s.subscriptions.end();) {
      const auto id = sub->first;
      auto& entry = sub->second;
      ++sub;
      if (entry.member != member) continue;
      stop_reading(self, id, entry);
      end_subscription(self, id, why);
    }
    // It may have no subscription, or just move one.
    reply(self, 0, frames::subscription_ended{{}, why, member});
  }
}

} // namespace carafe
