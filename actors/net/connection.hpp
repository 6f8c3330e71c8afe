#pragma once

#include "actors/interfaces.hpp"
#include "actors/net/session.hpp"

#include <caf/io/typed_broker.hpp>
#include <caf/stateful_actor.hpp>

#include <memory>

namespace carafe {

struct connection_state {
  static inline const char* name = "connection";
  caf::io::connection_handle handle;
  session_actor session;
  bool closing = false;
  /// Bytes that the kernel has not taken.
  std::uint64_t unsent = 0;

  /// Whether the session wants more input, and what the multiplexer was told last.
  bool wants_input = true;
  /// Bytes that the session has not dealt with.
  std::uint64_t waiting_bytes = 0;
  bool reading = true;
  /// The multiplexer has not carried that out yet.
  bool switching = false;
  /// Gone when the actor has ended.
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

/// One accepted connection and its session: hands over what was read, one message a read, and
/// writes what the session gives, one flush a message.
///
/// @thread CAF's multiplexer: nothing here may block or compute.
connection_actor::behavior_type
connection(connection_actor::stateful_broker_pointer<connection_state> self,
           caf::io::connection_handle handle, std::shared_ptr<const session_context> context);

} // namespace carafe
