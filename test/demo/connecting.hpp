#pragma once

#include <carafe/client.hpp>

namespace carafe::demo {

/// Connects to a node that may be down for the moment, because it was just killed: tries for 10 s.
result<client::client> connect(const client::connect_options& options);

} // namespace carafe::demo
