#pragma once

/// What is kept of compacted queues besides the log: docs/adr/0023.

#include "schema/producer.hpp"

#include <carafe/types.hpp>

#include <string>

namespace carafe {

/// The last message of its key below where the log of its queue begins.
struct latest_record {
  queue_id queue;
  offset at;
  /// Broker time.
  unix_ms time;
  producer_id producer;
  carafe::sequence sequence;
  /// Of its key.
  id_digest key;
  /// A batch of this message alone, not compressed.
  std::string batch;

  friend bool operator==(const latest_record&, const latest_record&) = default;
};

} // namespace carafe
