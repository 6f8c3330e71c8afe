#include "test/e2e/recorder.hpp"

#include <charconv>
#include <stdexcept>

namespace carafe::test {

namespace {

/// Spreads the bits of a number (splitmix64).
std::uint64_t scatter(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::string fill(message_name name, std::size_t bytes) {
  std::string out;
  out.reserve(bytes);
  auto state = scatter(name.number * 1'000 + name.producer);
  while (out.size() < bytes) {
    state = scatter(state);
    for (int i = 0; i < 8 && out.size() < bytes; ++i)
      out += static_cast<char>('a' + (state >> (8 * i)) % 26);
  }
  return out;
}

std::uint64_t number_at(const std::string& body, std::size_t& at) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(body.data() + at, body.data() + body.size(), value);
  at = static_cast<std::size_t>(end - body.data()) + 1;
  if (error != std::errc{} || at > body.size())
    throw std::runtime_error{"not a test's message: " + body.substr(0, 60)};
  return value;
}

} // namespace

std::string body_of(message_name name, std::size_t bytes_max) {
  const auto bytes = scatter(name.number) % (bytes_max + 1);
  return std::to_string(name.producer) + ":" + std::to_string(name.number) + ":" +
         std::to_string(bytes) + ":" + fill(name, bytes);
}

message_name name_of(const std::string& body) {
  std::size_t at = 0;
  message_name name;
  name.producer = static_cast<std::uint32_t>(number_at(body, at));
  name.number = number_at(body, at);
  const auto bytes = number_at(body, at);
  if (body.compare(at, std::string::npos, fill(name, bytes)) != 0)
    throw std::runtime_error{"the body was changed: " + body.substr(0, 60)};
  return name;
}

std::string fault_in(const recorder& r) {
  const auto history = r.history();
  const auto v = find_violation(history);
  return v ? describe(*v, history) : "";
}

} // namespace carafe::test
