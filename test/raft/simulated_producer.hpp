#pragma once

#include "actors/raft/replica.hpp"
#include "test/core/dice.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace carafe::test {

/// One producer on one queue, as the client library behaves: at most `producer_window` batches from
/// the oldest unanswered one on, retries of the same batch under the same sequence, and a fresh
/// producer id when the old one cannot go on.
class simulated_producer {
public:
  explicit simulated_producer(producer_id producer, queue_id queue)
    : producer_(producer), queue_(queue) {}

  /// Sends a new batch or one of the old ones again, and checks the answer.
  void send(raft::replica& replica, dice& d, unix_ms wall, mono_ms now);

  /// `entry` was applied: whatever waits for it is answered.
  void applied(const raft::applied_entry& entry, bool queue_open);

  /// The node died: what was unanswered stays so, and is to be sent again.
  void disconnected();

  /// It writes no more; a fresh one is to take its place.
  [[nodiscard]] bool retired() const { return retired_; }
  void retire() { retired_ = true; }

  [[nodiscard]] queue_id queue() const { return queue_; }

private:
  struct receipt {
    offset base;
    unix_ms time;
  };
  struct sent {
    core::batch_request request;
    /// The entry that answers it.
    std::optional<entry_index> waits_for;
    std::optional<offset> promised;
    std::optional<receipt> answer;
  };

  [[nodiscard]] core::batch_request next_request(dice& d) const;
  void send_again(sent& batch, raft::replica& replica, unix_ms wall, mono_ms now);
  [[nodiscard]] bool remembered(const sent& batch) const;

  producer_id producer_;
  queue_id queue_;
  bool retired_ = false;
  std::vector<sent> batches_;
};

} // namespace carafe::test
