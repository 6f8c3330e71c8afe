#pragma once

#include "actors/client/event_loop.hpp"

#include <carafe/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <sys/socket.h>

namespace carafe::client {

struct node_address {
  std::string host;
  std::string port;
};

/// "HOST:PORT"; an IPv6 address stands in brackets.
/// @errors invalid_argument
result<node_address> parse_address(const std::string& text);

struct endpoint {
  sockaddr_storage address{};
  socklen_t bytes = 0;
  int family = 0;
};

/// The host's addresses, in the order to try them. A name (not a numeric address) may take as long
/// as the system's resolver does.
/// @errors connection_refused  no such host.
result<std::vector<endpoint>> resolve(const node_address& where);

/// A non-blocking TCP socket that is connecting; writable when it is done.
/// @errors connection_refused
result<descriptor> begin_connect(const endpoint& to);

/// What came of it.
/// @errors connection_refused
result<void> finish_connect(const descriptor& socket);

} // namespace carafe::client
