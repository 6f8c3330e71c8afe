#pragma once

/// Short ways to say effects, records and requests.

#include "actors/core/submit_window.hpp"
#include "schema/records.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace carafe::test {

inline constexpr queue_id queue_a{11};
inline constexpr queue_id queue_b{12};
inline constexpr producer_id producer_a{101};
inline constexpr producer_id producer_b{102};
inline constexpr group_id group_a{21};
inline constexpr group_id group_b{22};
inline constexpr topic_id topic_a{1};

[[nodiscard]] inline effects::batch batch_of(queue_id queue, std::uint64_t base,
                                             std::uint32_t count, producer_id producer,
                                             std::uint64_t first) {
  effects::batch out;
  out.queue = queue;
  out.base = offset{base};
  out.count = count;
  out.producer = producer;
  out.first = sequence{first};
  return out;
}

[[nodiscard]] inline core::batch_request request_of(queue_id queue, producer_id producer,
                                                    std::uint64_t first, std::uint64_t previous,
                                                    std::uint32_t count = 1) {
  core::batch_request out;
  out.queue = queue;
  out.producer = producer;
  out.first = sequence{first};
  out.previous = sequence{previous};
  out.count = count;
  return out;
}

[[nodiscard]] inline topic_record topic_of(topic_id id, std::string name,
                                           std::vector<queue_place> queues) {
  topic_record out;
  out.topic = id;
  out.name = std::move(name);
  out.queues = std::move(queues);
  return out;
}

[[nodiscard]] inline group_record group_of(group_id id, std::string name,
                                           std::vector<std::string> topics) {
  group_record out;
  out.group = id;
  out.name = std::move(name);
  out.topics = std::move(topics);
  return out;
}

} // namespace carafe::test
