#pragma once

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
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
};

/// (producer, sequence): unique in the cluster.
struct message_id {
  producer_id producer;
  carafe::sequence sequence;

  friend auto operator<=>(const message_id&, const message_id&) = default;
};

/// "0123456789abcdef-42".
[[nodiscard]] std::string to_string(message_id id);

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
};

/// What a producer gets back for each message.
struct receipt {
  message_id id;
  std::string topic;
  queue_number number;
  queue_id queue;
  carafe::offset offset;
  /// First offset and count of the batch it travelled in.
  carafe::offset batch_first;
  std::uint32_t batch_count = 0;
  durability reached = durability::fsync;
  std::uint16_t replicas = 1;
  /// A retry found it already stored.
  bool duplicate = false;
  unix_ms broker_time;
};

} // namespace carafe::client
