#include "actors/net/listener.hpp"

#include "actors/logging.hpp"
#include "actors/net/connection.hpp"

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace carafe {

namespace {

using self_pointer = listener_actor::stateful_broker_pointer<listener_state>;

/// Says why and closes, without a session.
void turn_away(self_pointer self, caf::io::connection_handle handle, const failure& why) {
  std::vector<char> bytes;
  frames::encode(frames::frame{0, frames::error{why, 1'000}}, bytes);
  self->write(handle, bytes.size(), bytes.data());
  self->flush(handle);
  self->close(handle);
}

/// One line for all that were turned away in a while.
void tell_turned_away(self_pointer self) {
  constexpr std::uint64_t tell_every_ms = 10'000;
  auto& s = self->state;
  ++s.turned_away;
  const auto now = s.context->clocks->monotonic();
  if (s.told_at && now.value < s.told_at->value + tell_every_ms) return;
  logging::warning("listener", "connections refused: " + std::to_string(s.turned_away) +
                                 "; there are " + std::to_string(s.connections.size()) +
                                 ", as many as connections-max allows");
  s.turned_away = 0;
  s.told_at = now;
}

void answer_if_empty(self_pointer self) {
  auto& s = self->state;
  if (!s.drained || !s.connections.empty()) return;
  s.drained->deliver(caf::ok_atom::value);
  s.drained.reset();
}

} // namespace

listener_actor::behavior_type listener(self_pointer self,
                                       std::shared_ptr<const session_context> context,
                                       std::string address, std::uint16_t port,
                                       std::uint32_t connections_max,
                                       std::shared_ptr<std::promise<result<std::uint16_t>>> bound) {
  auto& s = self->state;
  s.context = std::move(context);
  s.connections_max = connections_max;
  self->set_down_handler([self](const caf::down_msg& down) {
    self->state.connections.erase(down.source);
    answer_if_empty(self);
  });
  self->set_exit_handler([self](caf::exit_msg& why) {
    for (const auto& [id, actor] : self->state.connections) self->send_exit(actor, why.reason);
    self->quit(std::move(why.reason));
  });
  errno = 0;
  auto door = self->add_tcp_doorman(port, address.c_str(), true);
  if (!door) {
    // CAF does not tell why; the system call's error is still there.
    const std::string why = errno == 0 ? "no such address" : std::generic_category().message(errno);
    bound->set_value(failure{errc::listen_failed, "cannot listen on " + address + ":" +
                                                    std::to_string(port) + ": " + why});
    self->quit();
  } else {
    s.door = door->first;
    bound->set_value(door->second);
  }
  return {
    [self](const caf::io::new_connection_msg& arrived) {
      auto& state = self->state;
      if (state.draining) {
        self->close(arrived.handle);
        return;
      }
      if (state.connections.size() >= state.connections_max) {
        turn_away(self, arrived.handle,
                  {errc::too_many_connections,
                   "connections-max is " + std::to_string(state.connections_max)});
        tell_turned_away(self);
        return;
      }
      auto made = self->fork(connection, arrived.handle, state.context);
      self->monitor(made);
      state.connections.emplace(made.address(), made);
    },
    [self](const caf::io::acceptor_closed_msg&) {
      if (self->state.draining) return;
      logging::error("listener", "the listening socket was closed");
      self->quit(caf::exit_reason::unhandled_exception);
    },
    [](const caf::io::connection_closed_msg&) {}, // One that was turned away.
    [self](actors_atom) {
      const auto waiting = static_cast<std::uint32_t>(self->mailbox().size());
      return frames::node_actor_list{{{"listener", "multiplexer", waiting}}};
    },
    [self](status_atom) { return static_cast<std::uint32_t>(self->state.connections.size()); },
    [self](drain_atom) -> caf::result<caf::ok_atom> {
      auto& state = self->state;
      state.draining = true;
      self->close(state.door);
      auto promise = self->make_response_promise<caf::ok_atom>();
      state.drained = promise;
      for (const auto& [id, actor] : state.connections) self->send(actor, drain_atom_v);
      answer_if_empty(self);
      return promise;
    },
  };
}

} // namespace carafe
