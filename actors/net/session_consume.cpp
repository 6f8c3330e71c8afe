#include "actors/net/session.hpp"

#include <utility>

namespace carafe {

namespace {

/// Whether the subscription is still there, and waits for this answer.
bool awaits(const session_state& s, subscription_id id, std::uint64_t opening) {
  auto at = s.subscriptions.find(id);
  return at != s.subscriptions.end() && at->second.opening_number == opening;
}

void opened(session_pointer self, subscription_id id, std::uint64_t opening,
            const queue_actor& queue, const reading& where) {
  auto& s = self->state;
  if (!awaits(s, id, opening)) { // Unsubscribed meanwhile, and perhaps subscribed again.
    self->send(queue, unsubscribe_atom_v, where.reader);
    return;
  }
  auto at = s.subscriptions.find(id);
  auto& sub = at->second;
  sub.actor = queue;
  sub.reader = where.reader;
  sub.opening = false;
  begin_screen(self, sub, where);
  s.readers[where.reader] = id;
  s.watched.add(self, queue);
  const auto grants = s.budget.reading(id);
  if (grants.empty()) self->send(queue, demand_atom_v, where.reader, std::uint64_t{0});
  tell(self, grants);
}

} // namespace

void tell(session_pointer self, const core::send_budget::grants& grants) {
  for (const auto& [id, bytes] : grants) send_demand(self, id, bytes);
  pace(self);
  auto& s = self->state;
  const auto held = s.budget.under_way() + s.unsent;
  s.context->sending->held(std::exchange(s.held_bytes, held), held);
  s.budget.limit(s.context->sending->share());
}

void stop_reading(session_pointer self, subscription_id id, session_state::subscription& sub) {
  if (sub.reader.value == 0) return;
  self->state.readers.erase(sub.reader);
  if (!sub.delivery) {
    self->send(sub.actor, unsubscribe_atom_v, sub.reader);
    self->state.watched.remove(self, sub.actor.address());
  }
  sub.reader = core::reader_id{0};
  forget_paced(self, id);
  sub.screen.reset();
  tell(self, self->state.budget.stopped(id));
}

void forget_subscription(session_pointer self, subscription_id id) {
  self->state.subscriptions.erase(id);
  forget_paced(self, id);
  tell(self, self->state.budget.remove(id));
}

void end_subscription(session_pointer self, subscription_id id, const failure& why) {
  forget_subscription(self, id);
  reply(self, 0, frames::subscription_ended{id, why});
}

void open_subscription(session_pointer self, subscription_id id, queue_id queue,
                       subscribe_request wish, std::function<void(const result<reading>&)> done) {
  const auto opening = ++self->state.openings;
  self->state.subscriptions.at(id).opening_number = opening;
  const auto failed = [self, id, opening, done](const caf::error& why) {
    if (awaits(self->state, id, opening))
      done(result<reading>{from_caf(why)});
    else
      done(result<reading>{{errc::subscription_unknown, "unsubscribed meanwhile"}});
  };
  self->request(self->state.context->catalogue, caf::infinite, activate_atom_v, queue)
    .then(
      [self, id, opening, wish, done, failed](const queue_actor& actor) {
        self
          ->request(actor, caf::infinite, subscribe_atom_v, reader_actor{session_actor{self}}, wish)
          .then(
            [self, id, opening, actor, done](const reading& where) {
              // The client hears where it begins before the first batch is asked for.
              if (awaits(self->state, id, opening))
                done(result<reading>{where});
              else
                done(result<reading>{{errc::subscription_unknown, "unsubscribed meanwhile"}});
              opened(self, id, opening, actor, where);
            },
            failed);
      },
      failed);
}

namespace {

/// A group's subscription stays with its member, who may seek again.
void seek_failed(session_pointer self, subscription_id id, bool group, const failure& why) {
  auto& subscriptions = self->state.subscriptions;
  auto at = subscriptions.find(id);
  // Taken away or unsubscribed meanwhile; what has its number now is another one.
  if (at == subscriptions.end() || why.code == errc::subscription_unknown) return;
  if (group)
    at->second.opening = false;
  else
    forget_subscription(self, id);
}

} // namespace

void on_subscribe(session_pointer self, std::uint64_t request, const frames::subscribe& what) {
  auto& s = self->state;
  const auto id = what.subscription;
  auto there = s.subscriptions.find(id);
  if (id.value == 0) {
    reply_error(self, request, {errc::invalid_argument, "subscription 0"});
    return;
  }
  const bool group = there != s.subscriptions.end() && there->second.member.value != 0;
  auto screen = screening_of(s, what, group);
  if (!screen) {
    reply_error(self, request, screen.error());
    return;
  }
  if (there != s.subscriptions.end()) { // A seek: read on from elsewhere.
    if (there->second.queue != what.queue || there->second.opening || there->second.delivery) {
      reply_error(
        self, request,
        {errc::invalid_argument, "the subscription is of another queue, or just being opened"});
      return;
    }
    stop_reading(self, id, there->second);
    there->second.opening = true;
  } else if ((id.value >> 63) != 0) {
    reply_error(self, request, {errc::subscription_unknown, "the group took this queue away"});
    return;
  } else if (s.subscriptions.size() >= s.context->options.subscriptions_max) {
    reply_error(self, request, {errc::too_many_subscriptions, "on one connection"});
    return;
  } else {
    session_state::subscription sub;
    sub.queue = what.queue;
    there = s.subscriptions.emplace(id, std::move(sub)).first;
    s.budget.add(id, 0);
  }
  tell(self, s.budget.credit(id, what.credit_bytes));
  if (!group) there->second.kept_from = std::move(*screen);
  begin_request(self);
  open_subscription(
    self, id, what.queue, subscribe_request{id, what.start, what.out_of_range},
    [self, request, id, group](const result<reading>& where) {
      if (where) {
        reply(self, request, frames::subscribed{id, where->begin, where->earliest, where->end});
      } else {
        seek_failed(self, id, group, where.error());
        reply_error(self, request, where.error());
      }
      end_request(self);
      flush(self);
    });
}

void on_unsubscribe(session_pointer self, std::uint64_t request, const frames::unsubscribe& what) {
  auto& s = self->state;
  auto at = s.subscriptions.find(what.subscription);
  if (at == s.subscriptions.end()) {
    reply_error(self, request, {errc::subscription_unknown, "on this connection"});
    return;
  }
  if (at->second.delivery) {
    reply_error(self, request, {errc::invalid_argument, "it goes when its member leaves"});
    return;
  }
  stop_reading(self, at->first, at->second);
  forget_subscription(self, what.subscription);
  reply(self, request, frames::ok{});
}

void on_credit(session_pointer self, const frames::credit& what) {
  // It may have ended while this was under way.
  tell(self, self->state.budget.credit(what.subscription, what.bytes));
}

void on_want(session_pointer self, core::reader_id reader, const want& what) {
  auto& s = self->state;
  auto found = s.readers.find(reader);
  if (found == s.readers.end()) return; // Unsubscribed or moved meanwhile.
  auto upstream = what;
  if (!s.pacer.unused()) {
    const auto answer = s.pacer.wants(found->second, what.bytes, what.returned);
    if (s.quotas) s.quotas->consume.give_back(answer.unused);
    if (!answer.upstream) return pace(self);
    upstream = {answer.upstream->bytes, answer.upstream->returned};
  }
  tell(self, s.budget.wants(found->second, upstream.bytes, upstream.returned));
}

void on_ended(session_pointer self, core::reader_id reader, const failure& why) {
  auto& s = self->state;
  auto found = s.readers.find(reader);
  if (found == s.readers.end()) return;
  const auto id = found->second;
  s.readers.erase(found);
  s.watched.remove(self, s.subscriptions.at(id).actor.address());
  end_subscription(self, id, why);
}

void on_queue_down(session_pointer self, const caf::actor_addr& source) {
  auto& s = self->state;
  s.watched.ended(source);
  for (auto at = s.subscriptions.begin(); at != s.subscriptions.end();) {
    const auto id = at->first;
    auto& sub = at->second;
    ++at;
    if (sub.opening || sub.reader.value == 0 || sub.delivery || sub.actor.address() != source)
      continue;
    s.readers.erase(sub.reader);
    end_subscription(self, id,
                     {errc::shard_unavailable, "the queue's actor stopped; subscribe "
                                               "again"});
  }
}

void leave_all(session_pointer self) {
  auto& s = self->state;
  s.budget = core::send_budget{}; // What one gives back is not to be lent to another.
  for (auto& [id, sub] : s.subscriptions) stop_reading(self, id, sub);
  s.subscriptions.clear();
  s.watched.clear(self);
  // Groups monitor the actor and notice its end by themselves.
}

} // namespace carafe
