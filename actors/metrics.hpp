#pragma once

#include <atomic>
#include <cstdint>

namespace carafe {

/// What the node counts about its clients; written by sessions, read by the node.
struct node_metrics {
  std::atomic<std::uint64_t> messages_in{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> messages_out{0};
  std::atomic<std::uint64_t> bytes_out{0};
};

} // namespace carafe
