#include "actors/net/session.hpp"

#include "actors/logging.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

void close(session_pointer self) {
  auto& s = self->state;
  if (std::exchange(s.closing, true)) return;
  flush(self);
  self->send(s.connection, close_atom_v);
  leave_all(self);
  self->quit();
}

/// Tells the client why and closes its connection.
void refuse(session_pointer self, std::uint64_t request, const failure& why) {
  logging::debug("session", self->state.from.address() + ": " + why.message());
  reply_error(self, request, why);
  close(self);
}

void on_hello(session_pointer self, std::uint64_t request, const frames::hello& what) {
  auto& s = self->state;
  const auto& options = s.context->options;
  if (what.version_min > frames::protocol_version ||
      what.version_max < frames::protocol_version_min || what.version_min > what.version_max) {
    refuse(self, request,
           {errc::version_mismatch, "this node speaks versions " +
                                      std::to_string(frames::protocol_version_min) + " to " +
                                      std::to_string(frames::protocol_version)});
    return;
  }
  s.greeted = true;
  s.version = std::min(what.version_max, frames::protocol_version);
  s.client = what.client.substr(0, 256);
  // Those without a name are told apart by where they come from.
  s.quotas = s.context->quotas->of_client(s.client.empty() ? s.from.host : s.client,
                                          s.context->clocks->monotonic());
  frames::welcome answer;
  answer.version = s.version;
  answer.node = options.node_name;
  answer.software = options.software;
  answer.frame_bytes_max = options.frame_bytes_max;
  answer.message_bytes_max = options.limits.message_bytes_max;
  answer.batch_count_max = options.limits.batch_count_max;
  answer.idle_timeout_ms = static_cast<std::uint32_t>(options.idle_timeout_ms);
  answer.in_flight_max = options.in_flight_max;
  reply(self, request, answer);
}

void dispatch(session_pointer self, const frames::frame& f) {
  auto& s = self->state;
  const auto request = f.request;
  if (const auto* hello = std::get_if<frames::hello>(&f.body)) {
    on_hello(self, request, *hello);
    return;
  }
  if (!s.greeted) {
    refuse(self, request, {errc::hello_expected, "the first frame must be hello"});
    return;
  }
  if (const auto* produce = std::get_if<frames::produce>(&f.body))
    on_produce(self, request, *produce);
  else if (const auto* credit = std::get_if<frames::credit>(&f.body))
    on_credit(self, *credit);
  else if (std::holds_alternative<frames::ping>(f.body))
    reply(self, request, frames::pong{});
  else if (const auto* subscribe = std::get_if<frames::subscribe>(&f.body))
    on_subscribe(self, request, *subscribe);
  else if (const auto* unsubscribe = std::get_if<frames::unsubscribe>(&f.body))
    on_unsubscribe(self, request, *unsubscribe);
  else if (const auto* commit = std::get_if<frames::commit>(&f.body))
    on_commit(self, request, *commit);
  else if (const auto* settle = std::get_if<frames::settle>(&f.body))
    on_settle(self, request, *settle);
  else if (const auto* renew = std::get_if<frames::renew>(&f.body))
    on_renew(self, request, *renew);
  else if (const auto* join = std::get_if<frames::join>(&f.body))
    on_join(self, request, *join);
  else if (const auto* release = std::get_if<frames::release>(&f.body))
    on_release(self, request, *release);
  else if (const auto* leave = std::get_if<frames::leave>(&f.body))
    on_leave(self, request, *leave);
  else if (!on_transaction(self, f) && !on_admin(self, f))
    reply_error(self, request, {errc::unsupported, "a frame that only nodes send"});
}

void set_halted(session_pointer self, bool halt) {
  auto& s = self->state;
  if (s.halted == halt) return;
  s.halted = halt;
  if (halt)
    self->send(s.connection, halt_atom_v);
  else
    self->send(s.connection, resume_atom_v);
}

/// Whether the client may have more requests under way, and takes its answers.
bool takes_more(const session_state& s) {
  return s.pending < s.context->options.in_flight_max && s.unsent + s.output.size() <= unsent_max;
}

/// Takes whole frames from the input.
void process(session_pointer self) {
  auto& s = self->state;
  while (!s.closing && !s.draining && !s.stalled && takes_more(s)) {
    auto next = s.input->next();
    if (!next) {
      if (next.code() != errc::unsupported) {
        refuse(self, s.input->last_request(), next.error());
        return;
      }
      s.last_frame = s.context->clocks->monotonic();
      reply_error(self, s.input->last_request(), next.error());
      continue;
    }
    if (!*next) {
      s.held = false;
      set_halted(self, false);
      return;
    }
    s.last_frame = s.context->clocks->monotonic();
    dispatch(self, **next);
  }
  s.held = true;
  // A look-up is short, and everything else waits for it anyway.
  if (!s.closing && !s.stalled) set_halted(self, true);
}

void on_tick(session_pointer self) {
  auto& s = self->state;
  const auto& options = s.context->options;
  const auto silent = s.context->clocks->monotonic().value - s.last_frame.value;
  const auto untaken = s.context->clocks->monotonic().value - s.last_taken.value;
  if (s.unsent > 0 && untaken > options.idle_timeout_ms) {
    refuse(self, 0, {errc::timeout, "took nothing for " + std::to_string(untaken) + " ms"});
    return;
  }
  // A client that waits for us (halted, requests under way) is not silent by its own choice.
  // Nor is one that is busy taking its answers, whose frames wait meanwhile.
  const bool busy = std::exchange(s.taken_bytes, 0) > 0 && s.held;
  if (silent > options.idle_timeout_ms && s.pending == 0 && !busy) {
    refuse(self, 0, {errc::timeout, "no whole frame for " + std::to_string(silent) + " ms"});
    return;
  }
  // Not later than it may be silent.
  const auto left = options.idle_timeout_ms - std::min(silent, options.idle_timeout_ms);
  const auto third = options.idle_timeout_ms / 3;
  const auto wait = left == 0 ? third : std::min(left, third);
  self->delayed_send(self, std::chrono::milliseconds{wait + 1}, tick_atom_v);
}

void drained(session_pointer self) {
  auto& s = self->state;
  if (!s.draining || s.pending > 0) return;
  reply_error(self, 0, {errc::shutting_down, "the node stops"});
  close(self);
}

} // namespace

void reply(session_pointer self, std::uint64_t request, frames::body body) {
  frames::encode(frames::frame{request, std::move(body)}, self->state.output);
}

void reply_error(session_pointer self, std::uint64_t request, const failure& why,
                 std::uint32_t retry_after_ms) {
  frames::error answer;
  answer.why = why;
  if (retry_after_ms != 0)
    answer.retry_after_ms = retry_after_ms;
  else if (why.code == errc::storage_full || why.code == errc::too_many_requests)
    answer.retry_after_ms = why.code == errc::storage_full ? 1'000 : 20;
  reply(self, request, std::move(answer));
}

void flush(session_pointer self) {
  auto& s = self->state;
  if (s.output.empty()) return;
  if (s.unsent == 0) s.last_taken = s.context->clocks->monotonic();
  s.unsent += s.output.size();
  tell(self, s.budget.unsent(s.unsent)); // More of it: nobody is told of anything.
  self->send(s.connection, output_atom_v, std::exchange(s.output, {}));
}

void begin_request(session_pointer self) { ++self->state.pending; }

void end_request(session_pointer self) {
  auto& s = self->state;
  --s.pending;
  if (s.held && !s.stalled && s.pending <= s.context->options.in_flight_max / 2) process(self);
  drained(self);
}

session_actor::behavior_type session(session_pointer self,
                                     std::shared_ptr<const session_context> context,
                                     connection_actor connection, peer from) {
  auto& s = self->state;
  s.context = std::move(context);
  s.connection = std::move(connection);
  s.from = std::move(from);
  s.input.emplace(s.context->options.frame_bytes_max);
  s.last_frame = s.context->clocks->monotonic();
  self->monitor(s.connection);
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.source == self->state.connection.address()) {
      leave_all(self);
      self->quit();
      return;
    }
    on_queue_down(self, down.source);
    on_group_down(self, down.source);
    flush(self);
  });
  self->delayed_send(self, std::chrono::milliseconds{s.context->options.idle_timeout_ms / 3 + 1},
                     tick_atom_v);
  return {
    [self](input_atom, const byte_buffer& bytes) {
      self->state.input->feed(std::as_bytes(std::span{bytes.data(), bytes.size()}));
      process(self);
      flush(self);
      if (!self->state.closing)
        self->send(self->state.connection, taken_atom_v, std::uint64_t{bytes.size()});
    },
    [self](flushed_atom, std::uint64_t written) {
      auto& state = self->state;
      state.unsent -= std::min(state.unsent, written);
      tell(self, state.budget.unsent(state.unsent));
      state.taken_bytes += written;
      state.last_taken = state.context->clocks->monotonic();
      if (!state.held || state.stalled || state.unsent > unsent_max / 2) return;
      process(self);
      flush(self);
    },
    [self](closed_atom) {
      leave_all(self);
      self->quit();
    },
    [self](tick_atom) { on_tick(self); },
    [self](pace_atom) {
      self->state.pausing = false;
      pace(self);
    },
    [self](drain_atom) {
      self->state.draining = true;
      set_halted(self, true);
      drained(self);
    },
    [self](deliver_atom, core::reader_id reader, const storage::stored_batch& batch) {
      on_deliver(self, reader, batch);
      flush(self);
    },
    [self](leased_atom, core::reader_id reader, const lending& what) {
      on_leased(self, reader, what);
      flush(self);
    },
    [self](want_atom, core::reader_id reader, const want& what) { on_want(self, reader, what); },
    [self](alter_atom, core::reader_id reader, const core::topic_expiry& now) {
      on_expiry(self, reader, now);
    },
    [self](progress_atom) {
      tell_all_passed(self);
      flush(self);
    },
    [self](ended_atom, core::reader_id reader, const failure& why) {
      on_ended(self, reader, why);
      flush(self);
    },
    [self](assign_atom, const assignment& what) { on_assign(self, what); },
    [self](ended_atom, const assignment& what, const failure& why) {
      on_assign_failed(self, what, why);
      flush(self);
    },
    [self](check_atom, const frames::tx_check& what) {
      reply(self, 0, what);
      flush(self);
    },
    [self](revoke_atom, const revocation& what) {
      on_revoke(self, what);
      flush(self);
    },
  };
}

} // namespace carafe
