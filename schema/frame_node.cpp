#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

void put(wire::NodeStatus::Latency::Builder to, const latency_summary& from) {
  to.setCount(from.count);
  to.setP50Us(from.p50_us);
  to.setP99Us(from.p99_us);
  to.setMaxUs(from.max_us);
}

latency_summary get(wire::NodeStatus::Latency::Reader from) {
  return {from.getCount(), from.getP50Us(), from.getP99Us(), from.getMaxUs()};
}

void put(wire::NodeStatus::Shard::Builder to, const shard_status& from) {
  to.setShard(from.shard.value);
  to.setDurability(to_wire(from.mode));
  to.setRole(wire_text{from.role});
  to.setTerm(from.current_term.value);
  to.setFirstIndex(from.first.value);
  to.setCommitIndex(from.committed.value);
  to.setCheckpointIndex(from.checkpoint.value);
  to.setSyncedIndex(from.synced.value);
  to.setQueues(from.queues);
  to.setLogBytes(from.log_bytes);
  to.setSegments(from.segments);
  to.setProducers(from.producers);
  put(to.initCommits(), from.commits);
  put(to.initSyncs(), from.syncs);
  to.setStorageFull(from.storage_full);
  auto sizes = to.initGroupSizes(size_of(from.group_sizes.size()));
  for (unsigned i = 0; i < sizes.size(); ++i) {
    sizes[i].setBytes(from.group_sizes[i].bytes);
    sizes[i].setCount(from.group_sizes[i].count);
  }
}

shard_status get(wire::NodeStatus::Shard::Reader from, decoding& state) {
  auto to = shard_status{};
  to.shard = shard_id{from.getShard()};
  to.mode = state.enumerator(from.getDurability());
  to.role = state.text(from.getRole());
  to.current_term = term{from.getTerm()};
  to.first = entry_index{from.getFirstIndex()};
  to.committed = entry_index{from.getCommitIndex()};
  to.checkpoint = entry_index{from.getCheckpointIndex()};
  to.synced = entry_index{from.getSyncedIndex()};
  to.queues = from.getQueues();
  to.log_bytes = from.getLogBytes();
  to.segments = from.getSegments();
  to.producers = from.getProducers();
  to.commits = get(from.getCommits());
  to.syncs = get(from.getSyncs());
  to.storage_full = from.getStorageFull();
  for (auto size : from.getGroupSizes())
    to.group_sizes.push_back({size.getBytes(), size.getCount()});
  return to;
}

} // namespace

void put(wire::Throttling::Builder to, const throttling& from) {
  to.setProduceRefused(from.produce_refused);
  to.setConsumePausedMs(from.consume_paused_ms);
}

throttling get(wire::Throttling::Reader from) {
  return {from.getProduceRefused(), from.getConsumePausedMs()};
}

void put(wire::NodeStatus::Builder to, const node_status_report& from) {
  to.setNode(wire_text{from.node});
  to.setSoftware(wire_text{from.software});
  to.setUptimeMs(from.uptime_ms);
  to.setConnections(from.connections);
  to.setTopics(from.topics);
  to.setGroups(from.groups);
  to.setMessagesIn(from.messages_in);
  to.setBytesIn(from.bytes_in);
  to.setMessagesOut(from.messages_out);
  to.setBytesOut(from.bytes_out);
  to.setMessagesInPerSecond(from.messages_in_per_second);
  to.setMessagesOutPerSecond(from.messages_out_per_second);
  to.setBytesInPerSecond(from.bytes_in_per_second);
  to.setBytesOutPerSecond(from.bytes_out_per_second);
  auto shards = to.initShards(size_of(from.shards.size()));
  for (unsigned i = 0; i < shards.size(); ++i) put(shards[i], from.shards[i]);
  to.setDiskFreeBytes(from.disk_free_bytes);
  to.setDataDir(wire_text{from.data_dir});
  to.setCpuMs(from.cpu_ms);
  to.setMemoryBytes(from.memory_bytes);
  to.setMemoryPeakBytes(from.memory_peak_bytes);
  to.setDiskWrittenBytes(from.disk_written_bytes);
  to.setFsyncs(from.fsyncs);
  put(to.initThrottled(), from.throttled);
}

node_status_report get(wire::NodeStatus::Reader from, decoding& state) {
  auto to = node_status_report{};
  to.node = state.text(from.getNode());
  to.software = state.text(from.getSoftware());
  to.uptime_ms = from.getUptimeMs();
  to.connections = from.getConnections();
  to.topics = from.getTopics();
  to.groups = from.getGroups();
  to.messages_in = from.getMessagesIn();
  to.bytes_in = from.getBytesIn();
  to.messages_out = from.getMessagesOut();
  to.bytes_out = from.getBytesOut();
  to.messages_in_per_second = from.getMessagesInPerSecond();
  to.messages_out_per_second = from.getMessagesOutPerSecond();
  to.bytes_in_per_second = from.getBytesInPerSecond();
  to.bytes_out_per_second = from.getBytesOutPerSecond();
  auto shards = from.getShards();
  to.shards.reserve(shards.size());
  for (auto shard : shards) to.shards.push_back(get(shard, state));
  to.disk_free_bytes = from.getDiskFreeBytes();
  to.data_dir = state.text(from.getDataDir());
  to.cpu_ms = from.getCpuMs();
  to.memory_bytes = from.getMemoryBytes();
  to.memory_peak_bytes = from.getMemoryPeakBytes();
  to.disk_written_bytes = from.getDiskWrittenBytes();
  to.fsyncs = from.getFsyncs();
  to.throttled = get(from.getThrottled());
  return to;
}

void put(capnp::List<wire::ActorInfo>::Builder to, const node_actor_list& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    auto info = to[i];
    info.setName(wire_text{from.actors[i].name});
    info.setKind(wire_text{from.actors[i].kind});
    info.setMailbox(from.actors[i].mailbox);
  }
}

node_actor_list get(capnp::List<wire::ActorInfo>::Reader from, decoding& state) {
  auto to = node_actor_list{};
  to.actors.reserve(from.size());
  for (auto info : from)
    to.actors.push_back(
      {state.text(info.getName()), state.text(info.getKind()), info.getMailbox()});
  return to;
}

void put(wire::BackupDone::Builder to, const backup_done& from) {
  to.setPath(wire_text{from.path});
  to.setBytes(from.bytes);
  to.setShards(from.shards);
}

backup_done get(wire::BackupDone::Reader from, decoding& state) {
  return {state.text(from.getPath()), from.getBytes(), from.getShards()};
}

} // namespace carafe::frames
