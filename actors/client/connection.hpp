#pragma once

#include "actors/client/link.hpp"

#include <chrono>
#include <memory>
#include <thread>

namespace carafe::client {

/// Owns a link and its thread. Clients, producers and consumers share it.
///
/// @thread Any.
class connection {
public:
  explicit connection(std::shared_ptr<link> l);
  /// Ends the thread, and waits for it unless it is itself the last owner's.
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  [[nodiscard]] link& wire() const noexcept { return *link_; }

  /// Sends a request and waits for its answer, at most `connect_options::timeout` and `more`. An
  /// answer that says "not now" is asked for again until then.
  /// @errors timeout, outcome_unknown (of `on_loss::report`), what the node answers;
  ///         invalid_argument when called on the connection's thread.
  /// @param again  Whether what the node refuses for now is asked again until the time is over.
  /// @param more   What the node may need beyond the usual, since others have to act first.
  result<frames::body> ask(const frames::body& body, on_loss loss, bool again = true,
                           std::chrono::milliseconds more = {}) const;

private:
  result<frames::body> ask_once(const frames::body& body, on_loss loss, time_point deadline,
                                std::chrono::milliseconds& retry_after) const;

  std::shared_ptr<link> link_;
  std::thread thread_;
};

} // namespace carafe::client
