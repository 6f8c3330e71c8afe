#pragma once

/// The one list of errors. Numbers are part of the wire protocol: append only, never renumber.

#include <cstdint>
#include <string_view>

namespace carafe {

enum class errc : std::uint16_t {
  // General.
  none = 0,
  internal = 1,
  invalid_argument = 2,
  unsupported = 3,
  shutting_down = 4,
  timeout = 5,
  outcome_unknown = 6,
  too_many_requests = 7,
  permission_denied = 8,
  // Connection and frames.
  frame_malformed = 20,
  frame_too_large = 21,
  version_mismatch = 22,
  hello_expected = 23,
  disconnected = 24,
  connection_refused = 25,
  too_many_connections = 26,
  listen_failed = 27,
  // Batches and messages.
  batch_malformed = 40,
  batch_too_large = 41,
  message_too_large = 42,
  checksum_mismatch = 43,
  codec_unknown = 44,
  // Producers.
  sequence_gap = 60,
  duplicate_too_old = 61,
  producer_unknown = 62,
  too_many_producers = 63,
  tx_unknown = 64,
  tx_ended = 65,
  too_many_transactions = 66,
  producer_fenced = 67,
  too_many_ids = 68,
  key_required = 69,
  // Topics and queues.
  topic_unknown = 80,
  topic_exists = 81,
  topic_name_invalid = 82,
  queue_unknown = 83,
  too_many_queues = 84,
  queues_cannot_shrink = 85,
  offset_out_of_range = 86,
  too_many_topics = 87,
  timer_unknown = 88,
  too_many_timers = 89,
  schedule_unknown = 90,
  schedule_exists = 91,
  schedule_invalid = 92,
  too_many_schedules = 93,
  // Groups.
  group_unknown = 100,
  group_in_use = 101,
  group_name_invalid = 102,
  subscription_mismatch = 103,
  member_unknown = 104,
  not_owner = 105,
  commit_out_of_range = 106,
  too_many_groups = 107,
  too_many_members = 108,
  subscription_unknown = 109,
  too_many_subscriptions = 110,
  group_exists = 111,
  group_changed = 112,
  filter_invalid = 113,
  name_in_use = 116,
  too_many_names = 117,
  // Shards and storage.
  not_leader = 120,
  storage_full = 121,
  storage_failed = 122,
  storage_corrupt = 123,
  storage_locked = 124,
  format_newer = 125,
  format_foreign = 126,
  shard_unavailable = 127,
  not_found = 128,
  already_exists = 129,
  // Configuration.
  config_unknown_key = 140,
  config_wrong_type = 141,
  config_out_of_range = 142,
  config_unreadable = 143,
};

/// Stable snake_case name, as in `--json` output and docs/protocol.md.
[[nodiscard]] std::string_view to_string(errc code) noexcept;

/// One sentence that names cause and fix.
[[nodiscard]] std::string_view explain(errc code) noexcept;

/// The code with this number, or `errc::internal` for a number this version does not know.
[[nodiscard]] errc errc_from_number(std::uint16_t number) noexcept;

/// Whether the same request may be sent again and can succeed without anybody changing anything.
[[nodiscard]] bool is_retriable(errc code) noexcept;

} // namespace carafe
