#pragma once

#include "cli/shell/interruption.hpp"

#include <carafe/result.hpp>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

namespace carafe::shell {

/// What the node said of a quota that holds messages up.
///
/// @thread `heard` is called on the connection's thread; everything else on the command's.
class quota_notice {
public:
  explicit quota_notice(interruption& waiter) : waiter_(waiter) {}

  void heard(const failure& why, std::chrono::milliseconds wait);
  /// A line for people, once.
  [[nodiscard]] std::optional<std::string> take();
  /// Whether the node has asked to wait longer than until now.
  [[nodiscard]] bool holds() const;

private:
  interruption& waiter_;
  mutable std::mutex mutex_;
  std::chrono::steady_clock::time_point until_{};
  std::string why_;
  bool told_ = false;
};

} // namespace carafe::shell
