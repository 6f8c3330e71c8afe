#include "actors/core/quota.hpp"

#include <algorithm>

namespace carafe::core {

namespace {

/// Three years: longer than anybody waits, and no sum of two overflows.
constexpr std::uint64_t cost_max_ns = 100'000'000'000'000'000;
constexpr std::uint64_t second_ns = 1'000'000'000;

} // namespace

std::uint64_t byte_quota::cost_ns(std::uint64_t bytes) const noexcept {
  const auto seconds = bytes / bytes_per_second;
  if (seconds >= cost_max_ns / second_ns) return cost_max_ns;
  // Below 2^34 * 10^9, which fits.
  return seconds * second_ns + bytes % bytes_per_second * second_ns / bytes_per_second;
}

std::uint64_t byte_quota::charge(std::uint64_t paid_at_ns, std::uint64_t bytes,
                                 std::uint64_t now_ns) const noexcept {
  const auto owed = paid_at_ns > now_ns ? paid_at_ns - now_ns : 0;
  return now_ns + std::min(owed + cost_ns(bytes), cost_max_ns);
}

byte_quota::outcome byte_quota::take(std::uint64_t paid_at_ns, std::uint64_t bytes,
                                     std::uint64_t now_ns) const noexcept {
  if (paid_at_ns < now_ns + burst_ns) return {charge(paid_at_ns, bytes, now_ns), 0};
  return {paid_at_ns, paid_at_ns - now_ns - burst_ns + refill_ns};
}

std::uint64_t byte_quota::give_back(std::uint64_t paid_at_ns, std::uint64_t bytes) const noexcept {
  return paid_at_ns - std::min(paid_at_ns, cost_ns(bytes));
}

std::uint64_t byte_quota::portion() const noexcept {
  return std::clamp<std::uint64_t>(bytes_per_second / 64, 1u << 10, 64u << 10);
}

} // namespace carafe::core
