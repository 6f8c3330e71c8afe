#pragma once

/// Strong types of Carafe's vocabulary. Two bare integers side by side are a bug.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace carafe {

/// An integer that converts to nothing by itself. `Tag` makes every use a type of its own.
template <class Tag, class Rep>
struct strong {
  using rep = Rep;
  Rep value{};

  constexpr strong() = default;
  constexpr explicit strong(Rep v) : value(v) {}

  friend constexpr auto operator<=>(strong, strong) = default;
  friend constexpr bool operator==(strong, strong) = default;
};

/// Position of a message in its queue, counted in messages from 0, dense.
using offset = strong<struct offset_tag, std::uint64_t>;
/// Raft index of an entry in a shard's commit log, from 1.
using entry_index = strong<struct entry_index_tag, std::uint64_t>;
/// Raft term.
using term = strong<struct term_tag, std::uint64_t>;
/// A shard of this cluster, from 0. Shard 0 also holds the catalogue.
using shard_id = strong<struct shard_id_tag, std::uint16_t>;
/// A queue, unique in the cluster and never reused; 0 is no queue.
using queue_id = strong<struct queue_id_tag, std::uint64_t>;
/// A topic, unique in the cluster and never reused; 0 is no topic.
using topic_id = strong<struct topic_id_tag, std::uint64_t>;
/// A consumer group, unique in the cluster and never reused; 0 is no group.
using group_id = strong<struct group_id_tag, std::uint64_t>;
/// A consumer group's member while it is connected; unique in the life of a node; 0 is no member.
using member_id = strong<struct member_id_tag, std::uint64_t>;
/// Chosen at random by a producer; never 0.
using producer_id = strong<struct producer_id_tag, std::uint64_t>;
/// A producer's name, unique in the cluster and never reused; 0 is no name.
using producer_name_id = strong<struct producer_name_id_tag, std::uint64_t>;
/// Counts a producer's messages over all queues, from 1. (producer, sequence) is a message's id.
using sequence = strong<struct sequence_tag, std::uint64_t>;
/// Number of a queue within its topic, from 0.
using queue_number = strong<struct queue_number_tag, std::uint32_t>;
/// Chosen by a client to name one of its subscriptions on a connection.
using subscription_id = strong<struct subscription_id_tag, std::uint64_t>;
/// Counts the owners a queue has had in a group since the node started; fences late commits.
using generation = strong<struct generation_tag, std::uint64_t>;
/// Unix time, milliseconds UTC.
using unix_ms = strong<struct unix_ms_tag, std::int64_t>;
/// Monotonic clock, milliseconds since an arbitrary start.
using mono_ms = strong<struct mono_ms_tag, std::uint64_t>;

constexpr offset operator+(offset at, std::uint64_t count) { return offset{at.value + count}; }
constexpr sequence operator+(sequence at, std::uint64_t count) {
  return sequence{at.value + count};
}
constexpr entry_index operator+(entry_index at, std::uint64_t count) {
  return entry_index{at.value + count};
}

/// How sure an acknowledged write is; a property of a shard.
enum class durability : std::uint8_t {
  /// Acknowledged once a majority has it on stable storage.
  fsync = 0,
  /// Synced at least every `sync-interval-ms`; a power failure may cost that much.
  interval = 1,
  /// In the page cache only; survives kill -9 but not power failure.
  memory = 2,
};

/// Compression of a batch.
enum class codec : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

/// What to do when a start offset is below retention or past the end.
enum class range_policy : std::uint8_t {
  /// Answer `offset_out_of_range`.
  error = 0,
  earliest = 1,
  latest = 2,
};

/// Where reading a queue begins.
struct start_position {
  enum class kind : std::uint8_t { earliest = 0, latest = 1, at_offset = 2, at_time = 3 };
  kind at = kind::earliest;
  /// Used when `at` is `at_offset`.
  offset from{};
  /// Used when `at` is `at_time`: the first message whose broker time is not before it.
  unix_ms time{};

  friend bool operator==(const start_position&, const start_position&) = default;
};

} // namespace carafe

template <class Tag, class Rep>
struct std::hash<carafe::strong<Tag, Rep>> {
  std::size_t operator()(carafe::strong<Tag, Rep> x) const noexcept {
    return std::hash<Rep>{}(x.value);
  }
};
