#include "cli/shell/views.hpp"

#include "cli/shell/value_text.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

value retention_value(std::uint64_t ms) {
  auto v = value::span(ms);
  return ms == 0 ? std::move(v).shown_as("as the node's") : std::move(v);
}

value ttl_value(std::uint64_t ms) {
  auto v = value::span(ms);
  return ms == 0 ? std::move(v).shown_as("none") : std::move(v);
}

value window_value(std::uint64_t ms) {
  auto v = value::span(ms);
  return ms == 0 ? std::move(v).shown_as("none") : std::move(v);
}

value quota_value(std::uint64_t bytes_per_second) {
  auto v = value::size(bytes_per_second);
  return std::move(v).shown_as(bytes_per_second == 0 ? "none" : size_text(bytes_per_second) + "/s");
}

record latency_record(const client::latency& l) {
  record r;
  r.add("count", value::count(l.count));
  r.add("p50_us", value::latency(l.p50_us));
  r.add("p99_us", value::latency(l.p99_us));
  r.add("max_us", value::latency(l.max_us));
  return r;
}

value latency_value(const client::latency& l) {
  auto shown = l.count == 0 ? "-"
                            : latency_text(l.p50_us) + " / " + latency_text(l.p99_us) + " / " +
                                latency_text(l.max_us);
  return value::object(latency_record(l), std::move(shown));
}

record shard_record(const client::shard_info& s) {
  record r;
  r.add("shard", value::id(s.shard.value));
  r.add("durability", value::text(durability_name(s.mode)));
  r.add("role", value::text(s.role));
  r.add("term", value::id(s.term.value));
  r.add("queues", value::count(s.queues));
  r.add("first_index", value::id(s.first.value));
  r.add("commit_index", value::id(s.committed.value));
  r.add("synced_index", value::id(s.synced.value));
  r.add("checkpoint_index", value::id(s.checkpoint.value));
  r.add("segments", value::count(s.segments));
  r.add("log_bytes", value::size(s.log_bytes));
  r.add("producers", value::count(s.producers));
  r.add_hidden("commit_latency", latency_value(s.commits));
  r.add_hidden("fsync_latency", latency_value(s.syncs));
  r.add("storage_full",
        value::boolean(s.storage_full).in(s.storage_full ? tone::bad : tone::plain));
  return r;
}

/// For people the latencies are a table of their own: one with all columns is too wide to read.
record shard_latency_row(const client::shard_info& s) {
  record r;
  r.add("shard", value::id(s.shard.value));
  r.add("commits", value::count(s.commits.count));
  r.add("commit p50 / p99 / max", latency_value(s.commits));
  r.add("fsyncs", value::count(s.syncs.count));
  r.add("fsync p50 / p99 / max", latency_value(s.syncs));
  return r;
}

} // namespace

std::string_view durability_name(durability mode) noexcept {
  switch (mode) {
  case durability::fsync:
    return "fsync";
  case durability::interval:
    return "interval";
  case durability::memory:
    return "memory";
  }
  return "unknown";
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return count_text(count) + ' ' + std::string{noun} + (count == 1 ? "" : "s");
}

std::uint64_t messages_of(const client::topic_info& topic) noexcept {
  std::uint64_t messages = 0;
  for (const auto& q : topic.queues) messages += q.end.value - std::min(q.earliest, q.end).value;
  return messages;
}

record topic_view(const client::topic_info& topic) {
  std::vector<record> queues;
  for (const auto& q : topic.queues) {
    record row;
    row.add("queue", value::id(q.number.value));
    row.add_hidden("queue_id", value::id(q.queue.value));
    row.add("shard", value::id(q.shard.value));
    row.add("durability", value::text(durability_name(q.mode)));
    row.add("earliest", value::id(q.earliest.value));
    row.add("end", value::id(q.end.value));
    row.add("messages", value::count(q.end.value - std::min(q.earliest, q.end).value));
    row.add("last_time", value::time(q.last_time));
    queues.push_back(std::move(row));
  }
  record r;
  r.add("topic", value::text(topic.name));
  r.add_hidden("topic_id", value::id(topic.topic.value));
  r.add("durability", value::text(durability_name(topic.settings.mode)));
  r.add("retention_ms", retention_value(topic.settings.retention_ms));
  r.add("ttl_ms", ttl_value(topic.settings.default_ttl_ms));
  r.add("dedup_window_ms", window_value(topic.settings.dedup_window_ms));
  r.add("compacted", value::boolean(topic.settings.compacted));
  r.add("produce_quota_bytes", quota_value(topic.settings.produce_bytes_per_second));
  r.add("consume_quota_bytes", quota_value(topic.settings.consume_bytes_per_second));
  r.add("produce_refused", value::count(topic.throttled.produce_refused));
  r.add("consume_paused_ms", value::span(topic.throttled.consume_paused_ms));
  r.add("created", value::time(topic.created));
  r.add("messages", value::count(messages_of(topic)));
  r.add("queues", value::table(std::move(queues)));
  return r;
}

record node_view(const client::node_info& node) {
  std::uint64_t queues = 0, log_bytes = 0;
  std::vector<record> shards, latencies;
  for (const auto& s : node.shards) {
    queues += s.queues;
    log_bytes += s.log_bytes;
    shards.push_back(shard_record(s));
    latencies.push_back(shard_latency_row(s));
  }
  record r;
  r.add("node", value::text(node.node));
  r.add("software", value::text(node.software));
  r.add("data_dir", value::text(node.data_dir));
  r.add("uptime_ms", value::span(node.uptime_ms));
  r.add("connections", value::count(node.connections));
  r.add("topics", value::count(node.topics));
  r.add("queues", value::count(queues));
  r.add("groups", value::count(node.groups));
  r.add("messages_in", value::count(node.messages_in));
  r.add("messages_in_per_second", value::rate(node.messages_in_per_second));
  r.add("bytes_in", value::size(node.bytes_in));
  r.add("bytes_in_per_second", value::size_rate(node.bytes_in_per_second));
  r.add("messages_out", value::count(node.messages_out));
  r.add("messages_out_per_second", value::rate(node.messages_out_per_second));
  r.add("bytes_out", value::size(node.bytes_out));
  r.add("bytes_out_per_second", value::size_rate(node.bytes_out_per_second));
  r.add("produce_refused", value::count(node.throttled.produce_refused));
  r.add("consume_paused_ms", value::span(node.throttled.consume_paused_ms));
  r.add("log_bytes", value::size(log_bytes));
  r.add("disk_free_bytes", value::size(node.disk_free_bytes));
  r.add("disk_written_bytes", value::size(node.disk_written_bytes));
  r.add("fsyncs", value::count(node.fsyncs));
  r.add("memory_bytes", value::size(node.memory_bytes));
  r.add("memory_peak_bytes", value::size(node.memory_peak_bytes));
  r.add("cpu_ms", value::span(node.cpu_ms));
  r.add("shards", value::table(std::move(shards)));
  r.add_shown("latencies", value::table(std::move(latencies)));
  return r;
}

} // namespace carafe::shell
