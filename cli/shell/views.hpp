#pragma once

/// The records that several commands show. docs/shell.md documents their JSON names: they are
/// stable.

#include "cli/shell/record.hpp"

#include <carafe/admin.hpp>

#include <string_view>

namespace carafe::shell {

[[nodiscard]] std::string_view durability_name(durability mode) noexcept;

/// "4 queues", "1 queue".
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

/// Messages that are stored in `topic`.
[[nodiscard]] std::uint64_t messages_of(const client::topic_info& topic) noexcept;

[[nodiscard]] record topic_view(const client::topic_info& topic);
[[nodiscard]] record group_view(const client::group_info& group);
[[nodiscard]] record node_view(const client::node_info& node);

} // namespace carafe::shell
