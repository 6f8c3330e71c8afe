#pragma once

#include "cli/shell/command.hpp"

#include <carafe/admin.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// What `group create` and `group alter` were told about a group; nothing: as it is.
struct group_changes {
  std::optional<std::string> mode;
  std::optional<std::vector<std::string>> topics;
  std::optional<std::chrono::milliseconds> lease;
  std::optional<std::vector<std::uint64_t>> backoff;
  std::optional<client::message_filter> filter;
  /// "drop" or "dead".
  std::optional<std::string> expired;
  std::optional<std::uint32_t> attempts, jitter, member_in_flight, in_flight, waiting_max;

  [[nodiscard]] bool any() const { return mode || topics || filter || any_of_delivery(); }
  /// Of what only `shared` and `keyed` groups have.
  [[nodiscard]] bool any_of_delivery() const {
    return lease || backoff || expired || attempts || jitter || member_in_flight || in_flight ||
           waiting_max;
  }
  /// Why a group of this mode cannot be told so; empty: it can.
  [[nodiscard]] std::string conflict_with(const std::string& of_mode) const;
  void apply_to(client::group_definition& group) const;
};

/// The mode of a group's description.
[[nodiscard]] client::group_mode mode_named(std::string_view name) noexcept;

/// The options of the delivery settings; those of mode and topics.
[[nodiscard]] std::vector<option> delivery_options(group_changes& changes);
[[nodiscard]] option mode_option(group_changes& changes, std::string help);
/// `--tags` and `--where`.
[[nodiscard]] std::vector<option> filter_options(std::optional<client::message_filter>& filter);
[[nodiscard]] option topics_option(group_changes& changes, std::string help);

} // namespace carafe::shell
