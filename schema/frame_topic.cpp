#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

topic_queue get(wire::TopicDescription::Queue::Reader from, decoding& state) {
  auto to = topic_queue{};
  to.number = queue_number{from.getNumber()};
  to.queue = queue_id{from.getQueue()};
  to.shard = shard_id{from.getShard()};
  to.mode = state.enumerator(from.getDurability());
  to.earliest = offset{from.getEarliest()};
  to.end = offset{from.getEnd()};
  to.last_time = unix_ms{from.getLastTimeMs()};
  return to;
}

void put(wire::TopicDescription::Queue::Builder to, const topic_queue& from) {
  to.setNumber(from.number.value);
  to.setQueue(from.queue.value);
  to.setShard(from.shard.value);
  to.setDurability(to_wire(from.mode));
  to.setEarliest(from.earliest.value);
  to.setEnd(from.end.value);
  to.setLastTimeMs(from.last_time.value);
}

} // namespace

void put(wire::TopicDescribe::Builder to, const topic_describe& from) {
  to.setName(wire_text{from.name});
  to.setCreateIfMissing(from.create_if_missing);
}

topic_describe get(wire::TopicDescribe::Reader from, decoding& state) {
  return {state.text(from.getName()), from.getCreateIfMissing()};
}

void put(wire::TopicDescription::Builder to, const topic_description& from) {
  to.setTopic(from.topic.value);
  to.setName(wire_text{from.name});
  put(to.initSettings(), from.settings);
  to.setCreatedMs(from.created.value);
  auto queues = to.initQueues(size_of(from.queues.size()));
  for (unsigned i = 0; i < queues.size(); ++i) put(queues[i], from.queues[i]);
  put(to.initThrottled(), from.throttled);
}

topic_description get(wire::TopicDescription::Reader from, decoding& state) {
  auto to = topic_description{};
  to.topic = topic_id{from.getTopic()};
  to.name = state.text(from.getName());
  to.settings = get(from.getSettings(), state);
  to.created = unix_ms{from.getCreatedMs()};
  auto queues = from.getQueues();
  to.queues.reserve(queues.size());
  for (auto queue : queues) to.queues.push_back(get(queue, state));
  to.throttled = get(from.getThrottled());
  return to;
}

void put(wire::TopicCreate::Builder to, const topic_create& from) {
  to.setName(wire_text{from.name});
  to.setQueues(from.queues);
  put(to.initSettings(), from.settings);
  to.setIfMissing(from.if_missing);
}

topic_create get(wire::TopicCreate::Reader from, decoding& state) {
  return {state.text(from.getName()), from.getQueues(), get(from.getSettings(), state),
          from.getIfMissing()};
}

void put(wire::TopicAlter::Builder to, const topic_alter& from) {
  to.setName(wire_text{from.name});
  to.setQueues(from.queues);
  to.setRetentionMs(from.retention_ms.value_or(0));
  to.setRetentionSet(from.retention_ms.has_value());
  to.setDefaultTtlMs(from.default_ttl_ms.value_or(0));
  to.setDefaultTtlSet(from.default_ttl_ms.has_value());
  to.setDedupWindowMs(from.dedup_window_ms.value_or(0));
  to.setDedupWindowSet(from.dedup_window_ms.has_value());
  to.setProduceBytesPerSecond(from.produce_bytes_per_second.value_or(0));
  to.setProduceQuotaSet(from.produce_bytes_per_second.has_value());
  to.setConsumeBytesPerSecond(from.consume_bytes_per_second.value_or(0));
  to.setConsumeQuotaSet(from.consume_bytes_per_second.has_value());
  to.setCompacted(from.compacted.value_or(false));
  to.setCompactedSet(from.compacted.has_value());
}

topic_alter get(wire::TopicAlter::Reader from, decoding& state) {
  auto to = topic_alter{};
  to.name = state.text(from.getName());
  to.queues = from.getQueues();
  if (from.getRetentionSet()) to.retention_ms = from.getRetentionMs();
  if (from.getDefaultTtlSet()) to.default_ttl_ms = from.getDefaultTtlMs();
  if (from.getDedupWindowSet()) to.dedup_window_ms = from.getDedupWindowMs();
  if (from.getProduceQuotaSet()) to.produce_bytes_per_second = from.getProduceBytesPerSecond();
  if (from.getConsumeQuotaSet()) to.consume_bytes_per_second = from.getConsumeBytesPerSecond();
  if (from.getCompactedSet()) to.compacted = from.getCompacted();
  return to;
}

void put(capnp::List<wire::TopicSummary>::Builder to, const topic_names& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    auto summary = to[i];
    auto& topic = from.topics[i];
    summary.setName(wire_text{topic.name});
    summary.setTopic(topic.topic.value);
    summary.setQueues(topic.queues);
    summary.setMessages(topic.messages);
  }
}

topic_names get(capnp::List<wire::TopicSummary>::Reader from, decoding& state) {
  auto to = topic_names{};
  to.topics.reserve(from.size());
  for (auto topic : from)
    to.topics.push_back({state.text(topic.getName()), topic_id{topic.getTopic()}, topic.getQueues(),
                         topic.getMessages()});
  return to;
}

} // namespace carafe::frames
