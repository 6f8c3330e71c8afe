#pragma once

/// Frames about named producers, and about messages that were stored before.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe::frames {

/// The name is this client's from now on.
struct producer_open {
  std::string name;
};
/// How far its holder is in one topic.
struct producer_progress_ask {
  producer_name_id name;
  std::uint32_t epoch = 0;
  std::string topic;
};
struct producer_list {};
struct producer_forget {
  std::string name;
};
struct producer_request {
  std::variant<producer_open, producer_progress_ask, producer_list, producer_forget> what;
};

struct producer_opened {
  producer_name_id name;
  std::uint32_t epoch = 0;
};
struct producer_place {
  queue_id queue;
  /// The highest number that is stored there.
  sequence last;

  friend bool operator==(const producer_place&, const producer_place&) = default;
};
struct producer_progress {
  /// Over so many of the topic's queues its messages are spread; 0: it has none here yet.
  std::uint32_t spread = 0;
  std::vector<producer_place> queues;
};
struct producer_line {
  std::string name;
  producer_name_id id;
  std::uint32_t epoch = 0;
  unix_ms created;
  unix_ms opened;

  friend bool operator==(const producer_line&, const producer_line&) = default;
};
struct producer_names {
  std::vector<producer_line> producers;
};
/// A message of a batch, and where the one with the same id is stored.
struct duplicate {
  std::uint32_t index = 0;
  offset at;
  bool timed = false;

  friend bool operator==(const duplicate&, const duplicate&) = default;
};
/// Nothing of the batch is stored.
struct duplicates {
  std::vector<duplicate> messages;
};
struct producer_answer {
  std::variant<producer_opened, producer_progress, producer_names, duplicates> what;
};

} // namespace carafe::frames
