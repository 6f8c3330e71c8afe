#include "actors/client/socket.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace carafe::client {
namespace {

failure refused(int error) { return {errc::connection_refused, std::strerror(error)}; }

bool is_port(const std::string& text) {
  if (text.empty() || text.size() > 5) return false;
  if (text.find_first_not_of("0123456789") != std::string::npos) return false;
  auto number = std::stoul(text);
  return number > 0 && number <= 65'535;
}

} // namespace

result<node_address> parse_address(const std::string& text) {
  auto wrong = failure{errc::invalid_argument, "'" + text + "' is not HOST:PORT"};
  auto colon = text.rfind(':');
  if (colon == std::string::npos) return wrong;
  auto host = text.substr(0, colon);
  auto port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string::npos)
    return wrong;
  if (host.empty() || !is_port(port)) return wrong;
  return node_address{std::move(host), std::move(port)};
}

result<std::vector<endpoint>> resolve(const node_address& where) {
  auto hints = addrinfo{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* raw = nullptr;
  auto code = ::getaddrinfo(where.host.c_str(), where.port.c_str(), &hints, &raw);
  if (code != 0) return {errc::connection_refused, where.host + ": " + ::gai_strerror(code)};
  auto list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>{raw, &::freeaddrinfo};
  auto found = std::vector<endpoint>{};
  for (auto at = list.get(); at; at = at->ai_next) {
    auto& e = found.emplace_back();
    std::memcpy(&e.address, at->ai_addr, at->ai_addrlen);
    e.bytes = at->ai_addrlen;
    e.family = at->ai_family;
  }
  return found;
}

result<descriptor> begin_connect(const endpoint& to) {
  auto socket = descriptor{::socket(to.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!socket) return refused(errno);
  // Frames are coalesced before they are written; waiting for more in the kernel only adds delay.
  auto on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto address = reinterpret_cast<const sockaddr*>(&to.address);
  if (::connect(socket.get(), address, to.bytes) != 0 && errno != EINPROGRESS)
    return refused(errno);
  return socket;
}

result<void> finish_connect(const descriptor& socket) {
  auto error = 0;
  auto bytes = socklen_t{sizeof error};
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &bytes) != 0) return refused(errno);
  if (error != 0) return refused(error);
  return {};
}

} // namespace carafe::client
