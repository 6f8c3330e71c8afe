#pragma once

#include <carafe/priority.hpp>
#include <carafe/types.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::client {

/// A message to be sent.
struct message {
  std::string body{};
  /// Empty: no key. Messages of one key go to one queue and keep their order.
  std::string key{};
  std::string tag{};
  std::vector<std::pair<std::string, std::string>> properties{};
  /// When it was made; 0: the moment it is given to the producer.
  unix_ms born{};
  /// In `shared` groups higher goes first; from 0 to 9.
  std::uint8_t priority = priority_default;
  /// How long after it was stored (or, if it has a time of delivery, after that) it is delivered;
  /// 0: as its topic says.
  std::chrono::milliseconds ttl{0};
  /// When it is to be delivered by the node's clock, or how long after it is stored; 0: at once.
  /// Only one of the two. A property `carafe-timer` gives it a name to cancel it by.
  unix_ms deliver_at{};
  std::chrono::milliseconds delay{0};
  /// Of a producer with a name, and only there: where the message stands in what the application
  /// sends, such as its offset or line in a source. From 1 on, rising from message to message of a
  /// topic; gaps are fine.
  carafe::sequence sequence{};
  /// In a topic with a dedup window: a message whose id was stored in the same queue within this
  /// window is not stored again, whoever sends it. Without a key, it also chooses the queue, so
  /// that equal ids meet. At most 255 bytes; empty: none.
  std::string dedup_id{};
};

/// (producer, sequence): unique in the cluster.
struct message_id {
  producer_id producer;
  carafe::sequence sequence;

  friend auto operator<=>(const message_id&, const message_id&) = default;
};

/// "0123456789abcdef-42".
[[nodiscard]] std::string to_string(message_id id);
/// The other way round; nothing if it is no such text.
[[nodiscard]] std::optional<message_id> message_id_from(std::string_view text);

/// A message that was received.
struct delivery {
  message_id id;
  std::string topic;
  queue_number number;
  queue_id queue;
  carafe::offset offset;
  /// Which delivery of this message to its group it is; always 1 but in `shared` and `keyed`
  /// groups.
  std::uint32_t attempt = 1;
  unix_ms broker_time;
  unix_ms born;
  std::string key;
  std::string body;
  std::string tag;
  std::vector<std::pair<std::string, std::string>> properties;
  std::uint8_t priority = priority_default;
  /// Its time to live was over when the node sent it; only where `consumer_options::expired` asked
  /// for such messages, or from a node that leaves none out.
  bool expired = false;
};

/// What a producer gets back for each message.
struct receipt {
  message_id id;
  std::string topic;
  queue_number number;
  queue_id queue;
  /// Of a message for later: its number among those of its queue that were to be delivered later.
  carafe::offset offset;
  /// First offset and count of the batch it travelled in.
  carafe::offset batch_first;
  std::uint32_t batch_count = 0;
  durability reached = durability::fsync;
  std::uint16_t replicas = 1;
  /// It was stored before: by a retry, by an earlier run of this named producer, or as another
  /// message with the same dedup id. Of the last two `id` is 0, since it is not known; of an
  /// earlier run the offset is not known either, and `batch_count` is 0.
  bool duplicate = false;
  unix_ms broker_time;
  /// It was stored to be delivered later.
  bool timed = false;
};

} // namespace carafe::client
