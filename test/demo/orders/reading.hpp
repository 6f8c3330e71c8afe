#pragma once

#include <carafe/client.hpp>

#include <functional>
#include <string>

namespace carafe::demo::orders {

/// Reads what a topic has at the moment, from `from` on, in no group.
void read_all(const client::client& node, const std::string& topic, const start_position& from,
              const std::function<void(const client::delivery&)>& take);

} // namespace carafe::demo::orders
