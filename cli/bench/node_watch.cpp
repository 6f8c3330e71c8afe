#include "cli/bench/node_watch.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace carafe::bench {

namespace {

constexpr std::chrono::milliseconds look_every{100};

/// How many of each size there were, all shards together.
std::map<std::uint64_t, std::uint64_t> sizes_of(const client::node_info& node) {
  std::map<std::uint64_t, std::uint64_t> sizes;
  for (const auto& shard : node.shards)
    for (const auto& size : shard.group_sizes) sizes[size.bytes] += size.count;
  return sizes;
}

template <class Field>
std::uint64_t sum(const client::node_info& of, Field field) {
  std::uint64_t total = 0;
  for (const auto& shard : of.shards) total += field(shard);
  return total;
}

} // namespace

result<std::unique_ptr<node_watch>> node_watch::begin(shell::node_api& node) {
  auto now = node.node_status();
  if (!now) return now.error();
  return std::unique_ptr<node_watch>{new node_watch{node, std::move(*now)}};
}

node_watch::node_watch(shell::node_api& node, client::node_info before)
  : node_(node),
    before_(std::move(before)),
    memory_most_(before_.memory_bytes),
    watching_([this] { watch(); }) {}

node_watch::~node_watch() { stop_watching(); }

void node_watch::watch() {
  std::unique_lock guard{lock_};
  while (!woken_.wait_for(guard, look_every, [this] { return ended_; })) {
    guard.unlock();
    const auto now = node_.node_status();
    // Whoever works with the node is told as well.
    if (!now) return;
    saw(*now);
    guard.lock();
  }
}

void node_watch::saw(const client::node_info& now) {
  const std::lock_guard guard{lock_};
  memory_most_ = std::max(memory_most_, now.memory_bytes);
}

void node_watch::stop_watching() {
  {
    const std::lock_guard guard{lock_};
    ended_ = true;
  }
  woken_.notify_all();
  if (watching_.joinable()) watching_.join();
}

result<void> node_watch::end(figures& out) {
  stop_watching();
  auto now = node_.node_status();
  if (!now) return now.error();
  saw(*now);
  out.node_memory_peak_bytes = memory_most_;
  out.node_cpu_ms = now->cpu_ms - before_.cpu_ms;
  out.disk_bytes = now->disk_written_bytes - before_.disk_written_bytes;
  out.fsyncs = now->fsyncs - before_.fsyncs;
  const auto groups = [](const client::shard_info& s) { return s.syncs.count; };
  const auto bytes = [](const client::shard_info& s) { return s.log_bytes; };
  const auto entries = [](const client::shard_info& s) { return s.committed.value; };
  out.groups = sum(*now, groups) - sum(before_, groups);
  const auto before = sizes_of(before_);
  for (const auto& [size, count] : sizes_of(*now)) {
    const auto known = before.find(size);
    const auto fresh = count - (known == before.end() ? 0 : known->second);
    if (fresh > 0) out.group_sizes.push_back({size, fresh});
  }
  out.entries = sum(*now, entries) - sum(before_, entries);
  // Retention may have dropped more than was added.
  out.log_bytes = sum(*now, bytes) - std::min(sum(*now, bytes), sum(before_, bytes));
  return {};
}

} // namespace carafe::bench
