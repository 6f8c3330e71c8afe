#pragma once

#include "cli/shell/interruption.hpp"

#include <carafe/message.hpp>
#include <carafe/result.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace carafe::shell {

/// What the node answered to a producer's messages.
///
/// @thread `take` is called on the connection's thread; everything else on the command's.
class answers {
public:
  enum class receipts : std::uint8_t { none, text, json };

  answers(receipts wanted, interruption& waiter) : wanted_(wanted), waiter_(waiter) {}

  /// Failures beyond so many are only counted.
  static constexpr std::size_t failures_kept = 5;

  void take(std::uint64_t line, std::uint64_t bytes, const result<client::receipt>& answer);

  /// The receipts since the last call, a line each.
  [[nodiscard]] std::string take_receipts();
  [[nodiscard]] bool has_receipts() const noexcept { return has_receipts_.load(); }
  [[nodiscard]] bool any_failed() const noexcept { return failed_.load() > 0; }

  [[nodiscard]] std::uint64_t stored() const noexcept { return stored_.load(); }
  [[nodiscard]] std::uint64_t stored_bytes() const noexcept { return stored_bytes_.load(); }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_.load(); }
  [[nodiscard]] std::uint64_t failed() const noexcept { return failed_.load(); }
  /// The first lines that failed, by line.
  [[nodiscard]] std::map<std::uint64_t, failure> failures() const;

private:
  const receipts wanted_;
  interruption& waiter_;
  std::atomic<std::uint64_t> stored_ = 0, stored_bytes_ = 0, duplicates_ = 0, failed_ = 0;
  std::atomic<bool> has_receipts_ = false;
  mutable std::mutex mutex_;
  std::string lines_;
  std::map<std::uint64_t, failure> failures_;
};

} // namespace carafe::shell
