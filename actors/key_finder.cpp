#include "actors/key_finder.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace carafe {

namespace {

using self_pointer = key_finder_pointer;

/// Of the log, between which others may read it.
constexpr std::uint64_t step_bytes = 4u << 20;
/// … and after which there is an answer, with what was found by then.
constexpr std::uint64_t answer_bytes = 64u << 20;

void end(self_pointer self) {
  if (self->state.asker) self->demonitor(self->state.asker);
  self->quit();
}

std::function<void(const caf::error&)> failing(self_pointer self) {
  return [self](const caf::error& why) {
    self->state.promise.deliver(why);
    end(self);
  };
}

void answer(self_pointer self) {
  auto& s = self->state;
  s.found.next = std::max(s.query.from, s.begin);
  s.found.more = s.query.from < s.query.until;
  s.promise.deliver(std::move(s.found));
  end(self);
}

void step(self_pointer self) {
  auto& s = self->state;
  const auto wanted = s.plan.wish.limit == 0 ? found_keys_max : s.plan.wish.limit;
  const auto most = std::min(wanted, found_keys_max);
  const auto got_on = s.query.from > s.begin;
  if (s.query.from >= s.query.until || s.found.offsets.size() >= most ||
      (s.bytes >= answer_bytes && got_on))
    return answer(self);
  s.query.found_max = most - s.found.offsets.size();
  s.query.bytes_max = step_bytes;
  self->request(s.plan.shard.reader, caf::infinite, find_atom_v, key_request{s.query, s.hint})
    .then(
      [self](const key_reply& reply) {
        auto& now = self->state;
        const auto& more = reply.found.found;
        now.found.offsets.insert(now.found.offsets.end(), more.begin(), more.end());
        now.found.looked += reply.found.messages;
        now.bytes += reply.found.bytes;
        now.query.from = reply.found.next;
        now.hint = reply.hint;
        step(self);
      },
      failing(self));
}

/// Calls `then` with the first offset of a message that was stored at `time` or later.
void when_stored(self_pointer self, unix_ms time, std::function<void(offset)> then) {
  const auto& s = self->state;
  self->request(s.plan.shard.reader, caf::infinite, time_atom_v, s.query.queue, time, s.query.last)
    .then(
      [self, then](const time_found& found) {
        then(found.row ? found.row->base : self->state.query.until);
      },
      failing(self));
}

void begin_steps(self_pointer self) {
  self->state.begin = self->state.query.from;
  step(self);
}

void end_at_time(self_pointer self) {
  const auto before = self->state.plan.wish.before;
  if (before.value == 0) return begin_steps(self);
  when_stored(self, before, [self](offset at) {
    auto& query = self->state.query;
    query.until = std::min(query.until, at);
    begin_steps(self);
  });
}

void begin_at_time(self_pointer self) {
  const auto since = self->state.plan.wish.since;
  if (since.value == 0) return end_at_time(self);
  when_stored(self, since, [self](offset at) {
    auto& query = self->state.query;
    query.from = std::max(query.from, at);
    end_at_time(self);
  });
}

void begin(self_pointer self) {
  auto& s = self->state;
  self->request(s.plan.shard.shard, caf::infinite, queues_atom_v, queue_ids{{s.plan.place.queue}})
    .then(
      [self](const queue_views& views) {
        auto& now = self->state;
        const auto& wish = now.plan.wish;
        now.query.queue = now.plan.place.queue;
        now.query.key = wish.key;
        now.query.from = wish.from;
        // One that its shard has not opened yet has no messages.
        if (views.queues.empty()) return begin_steps(self);
        const auto& view = views.queues.front();
        now.query.from = std::max(wish.from, view.earliest);
        now.query.until = wish.until.value == 0 ? view.next : std::min(wish.until, view.next);
        now.query.last = view.applied;
        begin_at_time(self);
      },
      failing(self));
}

} // namespace

key_finder_actor::behavior_type find_key_of(self_pointer self, key_plan plan) {
  self->state.plan = std::move(plan);
  // Who asked is gone: nobody wants to know.
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  return {
    [self](find_atom) -> caf::result<frames::key_found> {
      auto& s = self->state;
      s.promise = self->make_response_promise<frames::key_found>();
      if (self->current_sender()) {
        const auto asker = caf::actor_cast<caf::actor>(self->current_sender());
        s.asker = asker.address();
        self->monitor(asker);
      }
      begin(self);
      return s.promise;
    },
  };
}

} // namespace carafe
