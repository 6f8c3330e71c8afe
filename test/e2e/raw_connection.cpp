#include "test/e2e/raw_connection.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace carafe::test {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::uint32_t frame_bytes_max = 64u << 20;

std::chrono::milliseconds until(clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock::now());
  return std::max(left, std::chrono::milliseconds{0});
}

} // namespace

raw_connection::raw_connection(std::uint16_t port) : input_(frame_bytes_max) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error{errno, std::generic_category(), "connect"};
}

raw_connection::~raw_connection() { ::close(fd_); }

bool raw_connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void raw_connection::send(std::uint64_t request, frames::body body) {
  std::vector<char> bytes;
  frames::encode(frames::frame{request, std::move(body)}, bytes);
  send(std::string_view{bytes.data(), bytes.size()});
}

std::uint64_t raw_connection::flood(std::string_view bytes, std::uint64_t limit,
                                    std::chrono::milliseconds patience) {
  std::uint64_t sent = 0;
  while (sent < limit) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) break;
    const auto rest = bytes.substr(sent % bytes.size());
    const auto part = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (part < 0 && errno != EAGAIN) break;
    if (part > 0) sent += static_cast<std::uint64_t>(part);
  }
  return sent;
}

bool raw_connection::fill(std::chrono::milliseconds within) {
  pollfd ready{fd_, POLLIN, 0};
  if (::poll(&ready, 1, static_cast<int>(within.count())) <= 0) return false;
  std::array<char, 16 * 1024> buffer;
  const auto got = ::recv(fd_, buffer.data(), buffer.size(), 0);
  // A reset tells as much as an orderly end.
  if (got <= 0)
    closed_ = true;
  else
    input_.feed(std::as_bytes(std::span{buffer.data(), static_cast<std::size_t>(got)}));
  return true;
}

std::optional<frames::frame> raw_connection::receive(std::chrono::milliseconds within) {
  const auto deadline = clock::now() + within;
  for (;;) {
    auto next = input_.next();
    if (!next) throw std::runtime_error{"from the node: " + next.error().message()};
    if (*next) return std::move(**next);
    if (closed_ || !fill(until(deadline))) return std::nullopt;
  }
}

frames::body raw_connection::ask(frames::body body) {
  const auto request = ++requests_;
  send(request, std::move(body));
  while (auto answer = receive())
    if (answer->request == request) return std::move(answer->body);
  throw std::runtime_error{"no answer"};
}

frames::welcome raw_connection::greet() {
  return std::get<frames::welcome>(ask(frames::hello{.client = "raw", .software = "test"}));
}

bool raw_connection::closed(std::chrono::milliseconds within) {
  const auto deadline = clock::now() + within;
  while (!closed_)
    if (!fill(until(deadline))) return false;
  return true;
}

} // namespace carafe::test
