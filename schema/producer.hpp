#pragma once

/// Producers with a name, and ids that producers give to messages: docs/adr/0015 and 0018.

#include <carafe/types.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace carafe {

struct named_producer_record {
  producer_name_id id;
  std::string name;
  /// Rises each time the name is opened; only its last holder may send.
  std::uint32_t epoch = 0;
  unix_ms created;
  unix_ms opened;

  friend bool operator==(const named_producer_record&, const named_producer_record&) = default;
};

/// How far a name is on one queue.
struct named_progress_record {
  /// The highest of its messages' numbers that is stored.
  sequence last;
  /// Over so many queues its messages are spread.
  std::uint32_t spread = 0;

  friend bool operator==(const named_progress_record&, const named_progress_record&) = default;
};

/// Whose a batch is, if its producer has a name. The numbers are the application's own, and rise
/// from message to message of a queue.
struct named_part {
  /// 0: it has none.
  producer_name_id name;
  std::uint32_t epoch = 0;
  /// Numbers of its first and last message.
  sequence first;
  sequence last;
  std::uint32_t spread = 0;

  friend bool operator==(const named_part&, const named_part&) = default;
};

/// 128 bits of a message's id; all 0: it has none.
struct id_digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  friend auto operator<=>(const id_digest&, const id_digest&) = default;
};

/// One digest a message, or none at all.
using id_digests = std::vector<id_digest>;

/// Ids of the messages of one stored batch, as long as they count.
struct stored_ids_record {
  /// They count up to this time.
  unix_ms until;
  id_digests ids;

  friend bool operator==(const stored_ids_record&, const stored_ids_record&) = default;
};

namespace effects {

/// The name has this holder now, or is forgotten with all that is known of it.
struct producer_put {
  named_producer_record producer;
  bool forgotten = false;
};

} // namespace effects

} // namespace carafe

template <>
struct std::hash<carafe::id_digest> {
  std::size_t operator()(const carafe::id_digest& d) const noexcept { return d.low; }
};
