#pragma once

/// What is kept of compacted queues besides the log: docs/adr/0023.

#include "schema/producer.hpp"

#include <carafe/types.hpp>

#include <string>
#include <vector>

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

/// A message that is taken in: the row it leaves, or only the end of what was there of its key.
struct latest_change {
  latest_record row;
  bool ends = false;
};

/// Some of a queue's rows, in the order of their offsets.
struct latest_rows {
  std::vector<latest_record> rows;
  /// There are no more below the horizon.
  bool whole = true;
  /// Up to where the queue was taken in, as of the same moment.
  offset horizon;
};

} // namespace carafe
