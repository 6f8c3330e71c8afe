#include "config/settings.hpp"

#include <algorithm>

namespace carafe::config {

namespace {

constexpr std::string_view bytes = "bytes";
constexpr std::string_view ms = "ms";
constexpr std::uint64_t kib = 1ull << 10;
constexpr std::uint64_t mib = 1ull << 20;
constexpr std::uint64_t gib = 1ull << 30;
constexpr std::uint64_t pib = 1ull << 50;
constexpr std::uint64_t hour_ms = 3'600'000;
constexpr std::uint64_t year_ms = 365ull * 24 * hour_ms;

using o = node_options;

} // namespace

constexpr std::array<setting, 30> settings{{
  {.key = "node-name",
   .field = &o::node_name,
   .unit = "text",
   .max = 253,
   .characters = alphabet::name,
   .about = "Name of this node in its cluster and in its log; empty: the name of the host."},
  {.key = "data-dir",
   .field = &o::data_dir,
   .unit = "text",
   .min = 1,
   .max = 4096,
   .about = "Folder of the node's data, created if there is none; a relative path starts at the "
            "working directory."},
  {.key = "listen-address",
   .field = &o::listen_address,
   .unit = "text",
   .min = 1,
   .max = 253,
   .characters = alphabet::name,
   .about = "Address on which the ports are opened; the default lets only this machine in."},
  {.key = "client-port",
   .field = &o::client_port,
   .unit = "port",
   .max = 65535,
   .about = "TCP port for clients and the shell; 0: any free port, which the ready line shows."},
  {.key = "cluster-port",
   .field = &o::cluster_port,
   .unit = "port",
   .max = 65535,
   .about = "Reserved for the other nodes of a cluster; this version does not open it."},
  {.key = "shards",
   .field = &o::shards,
   .unit = "shards",
   .min = 1,
   .max = fixed_limits::shards_max,
   .about =
     "Commit logs of each durability that new queues are spread over; those of `interval` and "
     "`memory` are made when the first topic asks for them."},
  {.key = "sync-interval-ms",
   .field = &o::sync_interval_ms,
   .unit = ms,
   .min = 10,
   .max = 60'000,
   .about = "Longest time between two syncs of an `interval` shard, and so what a power failure "
            "may cost it."},
  {.key = "segment-bytes",
   .field = &o::segment_bytes,
   .unit = bytes,
   .min = 16 * mib,
   .max = 64 * gib,
   .multiple_of = 4096,
   .about = "Size of a log segment, taken on disk at once, and for the next one ahead of need; "
            "retention drops whole segments."},
  {.key = "retention-ms",
   .field = &o::retention_ms,
   .unit = ms,
   .max = 100 * year_ms,
   .about = "Age at which messages may be dropped; 0: never."},
  {.key = "retention-bytes",
   .field = &o::retention_bytes,
   .unit = bytes,
   .max = pib,
   .about = "Size of a shard's log from which its oldest segments are dropped; 0: no limit."},
  {.key = "storage-reserve-bytes",
   .field = &o::storage_reserve_bytes,
   .unit = bytes,
   .min = mib,
   .max = pib,
   .about = "Free space of the file system under which messages are answered with `storage_full`, "
            "until there is room again; no segment but a log's second one may take of it."},
  {.key = "checkpoint-entries",
   .field = &o::checkpoint_entries,
   .unit = "entries",
   .min = 1,
   .max = 10'000'000,
   .about = "Entries of a shard after which its state is checkpointed, and so about what a start "
            "replays."},
  {.key = "checkpoint-interval-ms",
   .field = &o::checkpoint_interval_ms,
   .unit = ms,
   .min = 100,
   .max = hour_ms,
   .about = "Time after which the state of a shard with new entries is checkpointed, however few "
            "they are."},
  {.key = "message-bytes-max",
   .field = &o::message_bytes_max,
   .unit = bytes,
   .min = kib,
   .max = 64 * mib,
   .about = "Largest message, with its key and properties; a frame may have twice this and 1 MiB "
            "more."},
  {.key = "connections-max",
   .field = &o::connections_max,
   .unit = "connections",
   .min = 1,
   .max = 100'000,
   .about = "Client connections at the same time; further ones are refused with "
            "`too_many_connections`."},
  {.key = "send-bytes-max",
   .field = &o::send_bytes_max,
   .unit = bytes,
   .min = mib,
   .max = pib,
   .about = "Memory for messages on their way to all clients together; near it, each connection "
            "has 64 KiB or one batch at a time."},
  {.key = "in-flight-max",
   .field = &o::in_flight_max,
   .unit = "requests",
   .min = 1,
   .max = 10'000,
   .about = "Unanswered requests of a connection at which the node stops reading from it."},
  {.key = "idle-timeout-ms",
   .field = &o::idle_timeout_ms,
   .unit = ms,
   .min = 1'000,
   .max = hour_ms,
   .about = "Silence after which a connection is closed; clients send heartbeats well within it."},
  {.key = "client-produce-bytes-per-second",
   .field = &o::client_produce_bytes_per_second,
   .unit = bytes,
   .max = 16 * gib,
   .about = "Bytes of batches that a client, by its name, may send a second; more is refused with "
            "`too_many_requests` and when to send again; 0: no limit."},
  {.key = "client-consume-bytes-per-second",
   .field = &o::client_consume_bytes_per_second,
   .unit = bytes,
   .max = 16 * gib,
   .about = "Bytes of batches that a client, by its name, is sent a second, more slowly if there "
            "are more; 0: no limit."},
  {.key = "topics-max",
   .field = &o::topics_max,
   .unit = "topics",
   .min = 1,
   .max = 1'000'000,
   .about = "Topics of the cluster; further ones are refused with `too_many_topics`."},
  {.key = "create-on-use-queues",
   .field = &o::create_on_use_queues,
   .unit = "queues",
   .max = fixed_limits::queues_per_topic_max,
   .about =
     "Queues of a topic that is created by its first use, producing or consuming; 0: topics are "
     "created explicitly only."},
  {.key = "group-names-max",
   .field = &o::group_names_max,
   .unit = "names",
   .min = 1,
   .max = 10'000,
   .about = "Names under which a group of mode `broadcast` keeps offsets of its consumers; further "
            "ones are refused with `too_many_names`."},
  {.key = "producers-max",
   .field = &o::producers_max,
   .unit = "producers",
   .min = 1,
   .max = 10'000'000,
   .about = "Producers a shard remembers in order to drop duplicates; further ones are refused "
            "with `too_many_producers`."},
  {.key = "timers-max",
   .field = &o::timers_max,
   .unit = "messages",
   .max = 1'000'000'000,
   .about = "Messages of a shard that wait for their time of delivery; further ones are refused "
            "with `too_many_timers`."},
  {.key = "transactions-max",
   .field = &o::transactions_max,
   .unit = "transactions",
   .max = 1'000'000,
   .about = "Open transactions of a shard; further ones are refused with "
            "`too_many_transactions`."},
  {.key = "producer-expiry-ms",
   .field = &o::producer_expiry_ms,
   .unit = ms,
   .min = 1'000,
   .max = year_ms,
   .about = "Silence after which a shard forgets a producer; its retries are recognised for this "
            "long."},
  {.key = "revoke-timeout-ms",
   .field = &o::revoke_timeout_ms,
   .unit = ms,
   .max = hour_ms,
   .about = "Time that a consumer has to finish a queue which moves to another one; 0: none."},
  {.key = "member-grace-ms",
   .field = &o::member_grace_ms,
   .unit = ms,
   .min = 1'000,
   .max = hour_ms,
   .about = "Time for which the queues of a consumer with a member id are kept for it while it is "
            "away."},
  {.key = "log-level",
   .field = &o::level,
   .unit = "word",
   .about = "Log lines of this level and of the more severe ones are written."},
}};

const setting* find_setting(std::string_view key) noexcept {
  const auto at = std::find_if(settings.begin(), settings.end(),
                               [key](const setting& what) { return what.key == key; });
  return at == settings.end() ? nullptr : &*at;
}

std::optional<conflict> find_conflict(const node_options& options) {
  if (options.client_port != 0 && options.client_port == options.cluster_port)
    return conflict{"client-port", "cluster-port",
                    "client-port and cluster-port are both " + std::to_string(options.client_port) +
                      "; allowed: two different ports, or 0"};
  // A group commit never straddles two segments, and LMDB needs some pages for itself.
  const auto needed = options.frame_bytes_max() + 4 * mib;
  if (options.segment_bytes < needed)
    return conflict{"segment-bytes", "message-bytes-max",
                    "segment-bytes is " + std::to_string(options.segment_bytes) +
                      "; allowed with message-bytes-max " +
                      std::to_string(options.message_bytes_max) + ": at least " +
                      std::to_string(needed)};
  return std::nullopt;
}

} // namespace carafe::config
