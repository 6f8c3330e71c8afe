#pragma once

#include "actors/interfaces.hpp"
#include "actors/net/session.hpp"

#include <caf/io/typed_broker.hpp>
#include <caf/stateful_actor.hpp>

#include <future>
#include <memory>
#include <optional>
#include <unordered_map>

namespace carafe {

struct listener_state {
  static inline const char* name = "listener";
  std::shared_ptr<const session_context> context;
  std::unordered_map<caf::actor_addr, connection_actor> connections;
  std::uint32_t connections_max = 0;
  caf::io::accept_handle door;
  bool draining = false;
  /// Turned away since that was last logged, and when.
  std::uint64_t turned_away = 0;
  std::optional<mono_ms> told_at;
  std::optional<caf::typed_response_promise<caf::ok_atom>> drained;
};

/// Accepts connections up to `connections_max`; one more gets an error frame and is closed.
///
/// @param bound Gets the port once it listens, or why it cannot.
listener_actor::behavior_type listener(listener_actor::stateful_broker_pointer<listener_state> self,
                                       std::shared_ptr<const session_context> context,
                                       std::string address, std::uint16_t port,
                                       std::uint32_t connections_max,
                                       std::shared_ptr<std::promise<result<std::uint16_t>>> bound);

} // namespace carafe
