#include "actors/queue.hpp"

#include "actors/error_bridge.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = queue_actor::stateful_pointer<queue_state>;

std::vector<core::batch_span> spans_of(const std::vector<storage::stored_batch>& batches) {
  std::vector<core::batch_span> out;
  out.reserve(batches.size());
  for (const auto& b : batches) out.push_back({b.base, b.count, b.batch.bytes.size()});
  return out;
}

/// The topic's consume quota, if it has one now.
shared_quota* limit_of(queue_state& s) {
  const auto& quotas = s.quotas.get();
  return quotas && quotas->consume.limits() ? &quotas->consume : nullptr;
}

void forget_paced(queue_state& s, core::reader_id id) {
  if (s.pacer.unused()) return;
  const auto unused = s.pacer.remove(id);
  if (auto* limit = limit_of(s)) limit->give_back(unused);
}

void forget(self_pointer self, core::reader_id id) {
  auto& s = self->state;
  forget_paced(s, id);
  auto at = s.readers.find(id);
  if (at == s.readers.end()) return;
  const auto address = at->second.session.address();
  s.readers.erase(at);
  s.sessions.remove(self, address);
}

void carry_out(self_pointer self, const core::queue_core::effects& effects,
               const std::vector<storage::stored_batch>& batches);

void read_log(self_pointer self, const core::queue_core::read& wish) {
  auto& s = self->state;
  read_request request{s.view.queue, wish.from, s.view.applied, wish.bytes_max,
                       s.readers.at(wish.reader).hint};
  const auto id = wish.reader;
  self->request(s.log, caf::infinite, read_atom_v, request)
    .then(
      [self, id](const read_reply& reply) {
        if (auto at = self->state.readers.find(id); at != self->state.readers.end())
          at->second.hint = reply.hint;
        carry_out(self, self->state.core->read_done(id, spans_of(reply.batches)), reply.batches);
      },
      [self, id](const caf::error& why) {
        carry_out(self, self->state.core->read_failed(id, from_caf(why)), {});
      });
}

// -- the topic's consume quota --------------------------------------------------------------------

/// A change of the quota is noticed this soon.
constexpr std::uint64_t pause_max_ms = 1'000;

/// What was delivered beyond what the quota let through is paid for afterwards.
void count_delivered(queue_state& s, core::reader_id reader, std::uint64_t bytes) {
  auto* limit = limit_of(s);
  if (limit == nullptr && s.pacer.unused()) return;
  const auto extra = s.pacer.delivered(reader, bytes);
  if (limit != nullptr) limit->charge(extra, s.clocks->monotonic());
}

/// Passes demand on as far as the quota goes, and looks again when there is room.
void pace(self_pointer self) {
  auto& s = self->state;
  if (s.pacing) return; // It goes on below.
  s.pacing = true;
  while (const auto portion = s.pacer.next()) {
    if (auto* limit = limit_of(s)) {
      const auto now = s.clocks->monotonic();
      if (auto wait = limit->take(portion->bytes, now); wait > 0) {
        if (!std::exchange(s.pause_is_over_later, true)) {
          wait = std::min(wait, pause_max_ms);
          limit->count_paused(wait, now);
          self->delayed_send(self, std::chrono::milliseconds{wait}, pace_atom_v);
        }
        break;
      }
    }
    s.pacer.pass(*portion);
    carry_out(self, s.core->demand(portion->to, portion->bytes), {});
  }
  s.pacing = false;
}

void on_demand(self_pointer self, core::reader_id reader, std::uint64_t bytes) {
  auto& s = self->state;
  const auto* limit = limit_of(s);
  if (bytes == 0 || !s.readers.contains(reader) || (limit == nullptr && s.pacer.unused())) {
    carry_out(self, s.core->demand(reader, bytes), {});
    return;
  }
  if (limit != nullptr) s.pacer.portions_of(core::byte_quota{limit->rate()}.portion());
  s.pacer.add(reader, bytes);
  pace(self);
}

void on_want(self_pointer self, const core::queue_core::want& what) {
  auto& s = self->state;
  auto upstream = want{what.bytes, what.returned};
  if (!s.pacer.unused()) {
    const auto answer = s.pacer.wants(what.reader, what.bytes, what.returned);
    if (auto* limit = limit_of(s)) limit->give_back(answer.unused);
    if (!answer.upstream) return;
    upstream = {answer.upstream->bytes, answer.upstream->returned};
  }
  self->send(s.readers.at(what.reader).session, want_atom_v, what.reader, upstream);
}

void carry_out(self_pointer self, const core::queue_core::effects& effects,
               const std::vector<storage::stored_batch>& batches) {
  auto& s = self->state;
  for (const auto& effect : effects) {
    if (const auto* d = std::get_if<core::queue_core::deliver>(&effect)) {
      count_delivered(s, d->reader, batches[d->batch].batch.bytes.size());
      self->send(s.readers.at(d->reader).session, deliver_atom_v, d->reader, batches[d->batch]);
    } else if (const auto* r = std::get_if<core::queue_core::read>(&effect)) {
      read_log(self, *r);
    } else if (const auto* w = std::get_if<core::queue_core::want>(&effect)) {
      on_want(self, *w);
    } else if (const auto* e = std::get_if<core::queue_core::end>(&effect)) {
      self->send(s.readers.at(e->reader).session, ended_atom_v, e->reader, e->why);
      forget(self, e->reader);
    }
  }
  if (!s.pacer.unused()) pace(self);
}

void close(self_pointer self, const failure& why) {
  auto& s = self->state;
  s.ended = why;
  for (const auto& [id, reader] : s.readers) {
    self->send(reader.session, ended_atom_v, id, why);
    s.core->remove(id);
    forget_paced(s, id);
  }
  s.readers.clear();
  s.owed.end(self);
}

void on_news(self_pointer self, const queue_news& news) {
  auto& s = self->state;
  if (s.owed.ending()) return;
  if (news.closed) {
    close(self, {errc::queue_unknown, "its topic was deleted"});
    return;
  }
  s.view = news.view;
  carry_out(self, s.core->committed(news.view.earliest, spans_of(news.batches)), news.batches);
}

reading make_reading(const core::queue_core& core, offset begin) {
  return {core::reader_id{0}, begin, core.start(), core.next()};
}

/// Offsets at once, times after a look into the log.
template <class Then>
void resolve(self_pointer self, const start_position& start, range_policy policy, Then then) {
  if (self->state.owed.ending()) {
    then(result<offset>{self->state.ended});
    return;
  }
  auto& core = *self->state.core;
  switch (start.at) {
  case start_position::kind::earliest:
    then(result<offset>{core.start()});
    return;
  case start_position::kind::latest:
    then(result<offset>{core.next()});
    return;
  case start_position::kind::at_offset:
    then(core.resolve(start.from, policy));
    return;
  case start_position::kind::at_time:
    break;
  }
  const auto& view = self->state.view;
  self->request(self->state.log, caf::infinite, time_atom_v, view.queue, start.time, view.applied)
    .then(
      [self, then, next = view.next](const time_found& found) mutable {
        if (self->state.owed.ending()) {
          then(result<offset>{self->state.ended});
          return;
        }
        const auto& now = *self->state.core;
        // Nothing so young: the next message after those that were looked at will be.
        const auto at = std::max(found.row ? found.row->base : next, now.start());
        then(result<offset>{at});
      },
      [then](const caf::error& why) mutable { then(result<offset>{from_caf(why)}); });
}

using reading_answer = owed_answer<reading, self_pointer>;

void on_subscribe(self_pointer self, const reader_actor& session, const subscribe_request& wish,
                  reading_answer reply) {
  resolve(self, wish.start, wish.out_of_range, [self, session, reply](result<offset> at) mutable {
    auto& s = self->state;
    if (!at) {
      reply.give(at.error());
      return;
    }
    const auto id = next_reader();
    s.readers[id] = {session, {}};
    s.sessions.add(self, session);
    s.core->add(id, *at);
    auto answer = make_reading(*s.core, *at);
    answer.reader = id;
    answer.expiry = s.expiry;
    reply.give(answer);
  });
}

queue_actor::behavior_type serving(self_pointer self) {
  return {
    [self](subscribe_atom, const reader_actor& session,
           const subscribe_request& wish) -> caf::result<reading> {
      auto reply = owe<reading>(self);
      on_subscribe(self, session, wish, reply);
      return reply.promise();
    },
    [self](unsubscribe_atom, core::reader_id id) {
      self->state.core->remove(id);
      forget(self, id);
    },
    [self](demand_atom, core::reader_id id, std::uint64_t bytes) { on_demand(self, id, bytes); },
    [self](pace_atom) {
      self->state.pause_is_over_later = false;
      pace(self);
    },
    [self](resolve_atom, const start_position& start, range_policy policy) -> caf::result<reading> {
      auto reply = owe<reading>(self);
      resolve(self, start, policy, [self, reply](result<offset> at) mutable {
        if (at)
          reply.give(make_reading(*self->state.core, *at));
        else
          reply.give(at.error());
      });
      return reply.promise();
    },
    [self](alter_atom, const core::topic_expiry& now) {
      auto& s = self->state;
      if (s.expiry == now) return;
      s.expiry = now;
      for (const auto& [id, reader] : s.readers) self->send(reader.session, alter_atom_v, id, now);
    },
    [self](news_atom, const queue_news& news) { on_news(self, news); },
  };
}

} // namespace

core::reader_id next_reader() {
  static std::atomic<std::uint64_t> made{0};
  return core::reader_id{++made};
}

queue_actor::behavior_type queue(self_pointer self, queue_id id, shard_handles shard,
                                 std::shared_ptr<const clock> clocks,
                                 std::shared_ptr<const quota_board> quotas,
                                 core::topic_expiry expiry) {
  self->state.clocks = std::move(clocks);
  self->state.quotas = queue_quotas{std::move(quotas), id};
  self->state.log = shard.reader;
  self->state.expiry = expiry;
  self->set_down_handler([self](const caf::down_msg& down) {
    auto& s = self->state;
    s.sessions.ended(down.source);
    for (auto at = s.readers.begin(); at != s.readers.end();) {
      if (at->second.session.address() != down.source) {
        ++at;
        continue;
      }
      s.core->remove(at->first);
      forget_paced(s, at->first);
      at = s.readers.erase(at);
    }
  });
  // Another actor took its place, or the node stops.
  self->set_exit_handler([self](const caf::exit_msg&) {
    if (self->state.core)
      close(self, {errc::shard_unavailable, "the queue's actor stopped; subscribe again"});
    else
      self->quit();
  });
  // Nothing else is handled before the answer, so that `core` is always there.
  self->request(shard.shard, caf::infinite, watch_atom_v, id, queue_actor{self})
    .await(
      [self](const queue_view& view) {
        self->state.view = view;
        self->state.core.emplace(view.earliest, view.next);
      },
      [self](const caf::error& why) { self->quit(why); });
  return serving(self);
}

} // namespace carafe
