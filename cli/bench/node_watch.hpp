#pragma once

#include "cli/bench/workload.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace carafe::bench {

/// The node's counters before and after, and its memory meanwhile.
///
/// @thread One; a thread of its own asks the node ten times a second.
class node_watch {
public:
  static result<std::unique_ptr<node_watch>> begin(shell::node_api& node);
  ~node_watch();
  node_watch(const node_watch&) = delete;
  node_watch& operator=(const node_watch&) = delete;

  /// Ends the watch and writes into `out` what belongs to the node.
  result<void> end(figures& out);

private:
  node_watch(shell::node_api& node, client::node_info before);
  void watch();
  void stop_watching();
  void saw(const client::node_info& now);

  shell::node_api& node_;
  client::node_info before_;
  std::mutex lock_;
  std::condition_variable woken_;
  std::uint64_t memory_most_ = 0; // Under lock_.
  bool ended_ = false;            // Under lock_.
  std::thread watching_;
};

} // namespace carafe::bench
