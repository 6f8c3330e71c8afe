#pragma once

/// The settings of a node, as plain values. Keys, ranges and texts: config/settings.hpp.

#include <carafe/types.hpp>

#include <cstdint>
#include <string>

namespace carafe::config {

/// Lines of this level and of the ones before it are logged.
enum class log_level : std::uint8_t { error = 0, warning = 1, info = 2, debug = 3 };

/// Every member is one setting: `data_dir` is the key `data-dir` of section `[carafe]`, and its
/// initial value is the default. Values that came out of `load` are within their ranges.
struct node_options {
  // -- identity and network ----------------------------------------------------------------------

  /// Empty: the host's name.
  std::string node_name;
  std::string data_dir = "./carafe-data";
  std::string listen_address = "127.0.0.1";
  /// 0: any free port; the ready line shows it.
  std::uint16_t client_port = 7470;
  /// 0: no cluster port.
  std::uint16_t cluster_port = 7471;

  // -- shards ------------------------------------------------------------------------------------

  /// Shards of each durability that new queues are spread over; 1..64.
  std::uint32_t shards = 1;
  /// Longest time between two syncs of an `interval` shard.
  std::uint64_t sync_interval_ms = 100;

  // -- storage -----------------------------------------------------------------------------------

  /// A multiple of 4096, and large enough for the largest frame.
  std::uint64_t segment_bytes = 1ull << 30;
  /// 0: kept for ever.
  std::uint64_t retention_ms = 7ull * 24 * 60 * 60 * 1000;
  /// Of a shard; 0: no limit.
  std::uint64_t retention_bytes = 0;
  /// Free bytes of the file system under which new writes get `storage_full`.
  std::uint64_t storage_reserve_bytes = 256ull << 20;
  /// Entries of a shard between two checkpoints.
  std::uint64_t checkpoint_entries = 100'000;
  /// Time between two checkpoints of a shard that has new entries.
  std::uint64_t checkpoint_interval_ms = 5'000;

  // -- clients -----------------------------------------------------------------------------------

  /// Largest message: body, key, tag and properties together.
  std::uint64_t message_bytes_max = 4ull << 20;
  std::uint32_t connections_max = 1'000;
  /// Under way to the clients of all connections together.
  std::uint64_t send_bytes_max = 256ull << 20;
  /// Unanswered produce frames of a connection before it is not read any more.
  std::uint32_t in_flight_max = 256;
  /// A connection that was silent for this long is closed.
  std::uint64_t idle_timeout_ms = 30'000;
  /// Of all connections of a client's name together; 0: no limit.
  std::uint64_t client_produce_bytes_per_second = 0;
  std::uint64_t client_consume_bytes_per_second = 0;

  // -- topics, groups and producers --------------------------------------------------------------

  std::uint32_t topics_max = 20'000;
  /// Queues of a topic that comes to be by being used; 0: topics are created explicitly only.
  std::uint32_t create_on_use_queues = 0;
  /// Names under which a `broadcast` group keeps offsets.
  std::uint32_t group_names_max = 1'000;
  /// Producers that a shard remembers for removing duplicates.
  std::uint32_t producers_max = 100'000;
  std::uint32_t timers_max = 20'000'000;
  /// Open transactions of a shard.
  std::uint32_t transactions_max = 10'000;
  /// A producer that wrote nothing for this long (in entry time) is forgotten.
  std::uint64_t producer_expiry_ms = 24ull * 60 * 60 * 1000;
  /// How long a consumer may finish what it has of a queue that moves to another one.
  std::uint64_t revoke_timeout_ms = 10'000;
  /// How long the queues of a consumer with a member id are kept while it is away.
  std::uint64_t member_grace_ms = 45'000;

  log_level level = log_level::info;

  // -- derived from the settings -----------------------------------------------------------------

  /// Largest frame in either direction: a batch with one message of the largest size always fits.
  [[nodiscard]] constexpr std::uint64_t frame_bytes_max() const noexcept {
    return message_bytes_max * 2 + (1ull << 20);
  }

  friend bool operator==(const node_options&, const node_options&) = default;
};

/// Limits that nobody has had to change; settings once somebody has.
struct fixed_limits {
  static constexpr std::uint32_t shards_max = 64;
  static constexpr std::uint32_t queues_per_topic_max = 1'024;
  static constexpr std::uint32_t groups_max = 10'000;
  static constexpr std::uint32_t members_per_group_max = 1'000;
  static constexpr std::uint32_t schedules_max = 10'000;
};

} // namespace carafe::config
