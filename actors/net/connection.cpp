#include "actors/net/connection.hpp"

#include <caf/io/middleman.hpp>
#include <caf/io/network/multiplexer.hpp>

#include <algorithm>
#include <chrono>
#include <sys/socket.h>
#include <utility>

namespace carafe {

namespace {

/// One read takes what is there, up to this.
constexpr std::size_t read_bytes = 64 * 1024;
/// Time for a peer to take the last bytes of a connection that is closed.
constexpr auto linger = std::chrono::seconds{5};
/// More than this waits for the session, and the socket is not read.
constexpr std::uint64_t waiting_bytes_max = 1u << 20;

using self_pointer = connection_actor::stateful_broker_pointer<connection_state>;

/// Begins or ends reading, once a round of the multiplexer at most: CAF 0.17 carries `halt` and
/// `trigger` out when a round ends, and of two in one round it may lose the second for good.
void switch_reading(self_pointer self) {
  auto& s = self->state;
  const bool wanted = s.wants_input && s.waiting_bytes <= waiting_bytes_max;
  if (s.closing || s.switching || s.reading == wanted) return;
  s.reading = wanted;
  s.switching = true;
  if (s.reading)
    self->trigger(s.handle);
  else
    self->halt(s.handle);
  const auto next_round = [self, keep = connection_actor{self}, alive = std::weak_ptr{s.alive}] {
    if (alive.expired()) return;
    self->state.switching = false;
    switch_reading(self);
  };
  self->system().middleman().backend().post(next_round);
}

/// CAF tells nothing of a socket that was closed on this side, so this is the end of the actor too.
void end(self_pointer self) {
  auto& s = self->state;
  // CAF keeps a socket until its buffer is written, which may be never: then the write fails.
  if (s.unsent > 0) ::shutdown(static_cast<int>(s.handle.id()), SHUT_RDWR);
  self->close(s.handle);
  self->quit();
}

/// Reads no more, and ends once what is buffered is written, or the peer had its time for it.
void finish(self_pointer self) {
  auto& s = self->state;
  if (std::exchange(s.closing, true)) return;
  if (s.unsent == 0) {
    end(self);
    return;
  }
  self->halt(s.handle);
  self->delayed_send(self, linger, tick_atom_v);
}

} // namespace

connection_actor::behavior_type connection(self_pointer self, caf::io::connection_handle handle,
                                           std::shared_ptr<const session_context> context) {
  auto& s = self->state;
  s.handle = handle;
  self->configure_read(handle, caf::io::receive_policy::at_most(read_bytes));
  self->ack_writes(handle, true);
  s.session = self->system().spawn(session, std::move(context), connection_actor{self},
                                   peer{self->remote_addr(handle), self->remote_port(handle)});
  self->monitor(s.session);
  self->set_down_handler([self](const caf::down_msg&) { finish(self); });
  return {
    [self](const caf::io::new_data_msg& data) {
      auto& state = self->state;
      if (state.closing) return;
      state.waiting_bytes += data.buf.size();
      self->send(state.session, input_atom_v, byte_buffer{data.buf});
      switch_reading(self);
    },
    [self](const caf::io::connection_closed_msg&) {
      self->send(self->state.session, closed_atom_v);
      self->quit();
    },
    [self](const caf::io::data_transferred_msg& done) {
      auto& state = self->state;
      state.unsent -= std::min(state.unsent, done.written);
      if (!state.closing)
        self->send(state.session, flushed_atom_v, done.written);
      else if (state.unsent == 0)
        end(self);
    },
    [self](output_atom, const byte_buffer& bytes) {
      auto& state = self->state;
      if (state.closing) return;
      state.unsent += bytes.size();
      self->write(state.handle, bytes.size(), bytes.data());
      self->flush(state.handle);
    },
    [self](taken_atom, std::uint64_t bytes) {
      self->state.waiting_bytes -= bytes;
      switch_reading(self);
    },
    [self](halt_atom) {
      self->state.wants_input = false;
      switch_reading(self);
    },
    [self](resume_atom) {
      self->state.wants_input = true;
      switch_reading(self);
    },
    [self](drain_atom) { self->send(self->state.session, drain_atom_v); },
    [self](close_atom) { finish(self); },
    [self](tick_atom) { end(self); },
  };
}

} // namespace carafe
