#include "actors/client/told.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carafe::client {
namespace {

template <class To, class From, class Convert>
std::vector<To> each(std::vector<From>& from, Convert convert) {
  auto to = std::vector<To>{};
  to.reserve(from.size());
  for (auto& one : from) to.push_back(convert(std::move(one)));
  return to;
}

latency told(const frames::latency_summary& from) {
  return {from.count, from.p50_us, from.p99_us, from.max_us};
}

shard_info told(frames::shard_status&& from) {
  auto to = shard_info{};
  to.shard = from.shard;
  to.mode = from.mode;
  to.role = std::move(from.role);
  to.term = from.current_term;
  to.first = from.first;
  to.committed = from.committed;
  to.checkpoint = from.checkpoint;
  to.synced = from.synced;
  to.queues = from.queues;
  to.segments = from.segments;
  to.producers = from.producers;
  to.log_bytes = from.log_bytes;
  to.commits = told(from.commits);
  to.syncs = told(from.syncs);
  to.storage_full = from.storage_full;
  for (const auto& size : from.group_sizes) to.group_sizes.push_back({size.bytes, size.count});
  return to;
}

delivery_settings told(carafe::delivery_settings&& from) {
  auto to = delivery_settings{};
  to.lease_ms = from.lease_ms;
  to.attempts_max = from.attempts_max;
  to.backoff_ms = std::move(from.backoff_ms);
  to.jitter_percent = from.jitter_percent;
  to.member_in_flight_max = from.member_in_flight_max;
  to.in_flight_max = from.in_flight_max;
  to.waiting_max = from.waiting_max;
  to.expired_to_dead_letters = from.expired_to_dead_letters;
  return to;
}

} // namespace

topic_info told(frames::topic_description&& from) {
  auto to = topic_info{};
  to.topic = from.topic;
  to.name = std::move(from.name);
  to.settings = {from.settings.retention_ms, from.settings.mode, from.settings.default_ttl_ms,
                 from.settings.dedup_window_ms};
  to.settings.produce_bytes_per_second = from.settings.produce_bytes_per_second;
  to.settings.consume_bytes_per_second = from.settings.consume_bytes_per_second;
  to.settings.compacted = from.settings.compacted;
  to.throttled = {from.throttled.produce_refused, from.throttled.consume_paused_ms};
  to.created = from.created;
  to.queues = each<queue_info>(from.queues, [](frames::topic_queue&& q) {
    return queue_info{q.number, q.queue, q.shard, q.mode, q.earliest, q.end, q.last_time};
  });
  return to;
}

std::vector<topic_line> told(frames::topic_names&& from) {
  return each<topic_line>(from.topics, [](frames::topic_summary&& t) {
    return topic_line{std::move(t.name), t.topic, t.queues, t.messages};
  });
}

std::vector<group_line> told(frames::group_names&& from) {
  return each<group_line>(from.groups, [](frames::group_summary&& g) {
    return group_line{std::move(g.name),   g.group,   std::move(g.mode),
                      std::move(g.topics), g.members, g.lag};
  });
}

group_info told(frames::group_description&& from) {
  auto to = group_info{};
  to.name = std::move(from.name);
  to.group = from.group;
  to.mode = std::move(from.mode);
  to.topics = std::move(from.topics);
  to.members = each<member_info>(from.members, [](frames::group_member&& m) {
    return member_info{
      m.member, std::move(m.name), std::move(m.client), std::move(m.address), m.queues,
      m.joined, m.in_flight,       m.idle_ms,           std::move(m.id),      m.kept_until};
  });
  to.queues = each<group_queue_info>(from.queues, [](frames::group_queue&& q) {
    auto here = group_queue_info{};
    here.topic = std::move(q.topic);
    here.number = q.number;
    here.queue = q.queue;
    here.committed = q.committed;
    here.earliest = q.earliest;
    here.end = q.end;
    here.owner = q.owner;
    here.lag = q.lag;
    here.in_flight = q.in_flight;
    here.waiting = q.waiting;
    return here;
  });
  to.delivery = told(std::move(from.delivery));
  to.version = from.version;
  to.filter = {static_cast<message_filter::kind>(from.filter.how), std::move(from.filter.text)};
  to.filtered = from.filtered;
  to.expired = from.expired;
  to.consumers = each<named_consumer_info>(from.consumers, [](frames::named_consumer&& c) {
    auto here = named_consumer_info{std::move(c.name), c.created, c.member, {}};
    for (const auto& place : c.places)
      here.places.push_back({place.queue, place.committed, place.lag});
    return here;
  });
  return to;
}

std::vector<dead_letter_range> told(frames::dead_letter_list&& from) {
  auto to = std::vector<dead_letter_range>{};
  for (const auto& queue : from.queues)
    for (const auto& range : queue.open)
      to.push_back({queue.queue, queue.number, range.first, range.count});
  return to;
}

std::vector<redriven_letter> told(frames::redriven&& from) {
  return each<redriven_letter>(from.letters, [](frames::redriven_letter&& letter) {
    return redriven_letter{letter.queue, letter.at, std::move(letter.why)};
  });
}

node_info told(frames::node_status_report&& from) {
  auto to = node_info{};
  to.node = std::move(from.node);
  to.software = std::move(from.software);
  to.data_dir = std::move(from.data_dir);
  to.uptime_ms = from.uptime_ms;
  to.messages_in = from.messages_in;
  to.bytes_in = from.bytes_in;
  to.messages_out = from.messages_out;
  to.bytes_out = from.bytes_out;
  to.connections = from.connections;
  to.topics = from.topics;
  to.groups = from.groups;
  to.messages_in_per_second = from.messages_in_per_second;
  to.messages_out_per_second = from.messages_out_per_second;
  to.bytes_in_per_second = from.bytes_in_per_second;
  to.bytes_out_per_second = from.bytes_out_per_second;
  to.disk_free_bytes = from.disk_free_bytes;
  to.cpu_ms = from.cpu_ms;
  to.memory_bytes = from.memory_bytes;
  to.memory_peak_bytes = from.memory_peak_bytes;
  to.disk_written_bytes = from.disk_written_bytes;
  to.fsyncs = from.fsyncs;
  to.throttled = {from.throttled.produce_refused, from.throttled.consume_paused_ms};
  to.shards =
    each<shard_info>(from.shards, [](frames::shard_status&& s) { return told(std::move(s)); });
  return to;
}

std::vector<actor_line> told(frames::node_actor_list&& from) {
  return each<actor_line>(from.actors, [](frames::actor_info&& a) {
    return actor_line{std::move(a.name), std::move(a.kind), a.mailbox};
  });
}

std::uint32_t told(const frames::timers_changed& from) { return from.count; }

pending_timers told(frames::timers&& from) {
  auto to = pending_timers{};
  to.total = from.total;
  to.timers = each<pending_timer>(from.pending, [](frames::pending_timer&& t) {
    return pending_timer{t.due,
                         t.number,
                         t.queue,
                         t.place,
                         message_id{t.producer, t.sequence},
                         std::move(t.name),
                         std::move(t.key),
                         t.body_bytes,
                         t.armed};
  });
  return to;
}

pending_transactions told(frames::txs&& from) {
  auto to = pending_transactions{};
  to.transactions =
    each<pending_transaction>(from.transactions, [](frames::pending_transaction&& t) {
      const auto& name = t.transaction;
      auto row = pending_transaction{};
      row.transaction = {name.shard, name.id.producer, name.id.number};
      row.group = std::move(t.group);
      row.state = static_cast<transaction_state>(t.state);
      row.opened = t.opened;
      row.messages = t.messages;
      row.bytes = t.bytes;
      row.consumed = t.consumed;
      row.checks = t.checks;
      if (t.next_check.value != 0) row.next_check = t.next_check;
      row.owes = std::move(t.owes);
      return row;
    });
  to.total = from.total;
  to.prepared = from.prepared;
  to.committed = from.committed;
  to.rolled_back = from.rolled_back;
  to.pending = from.pending;
  return to;
}

backup_info told(frames::backup_done&& from) {
  return {std::move(from.path), from.bytes, from.shards};
}

frames::group_put frame_of(const group_definition& from) {
  auto to = frames::group_put{};
  to.name = from.name;
  to.mode = from.mode;
  to.topics = from.topics;
  to.delivery.lease_ms = from.delivery.lease_ms;
  to.delivery.attempts_max = from.delivery.attempts_max;
  to.delivery.backoff_ms = from.delivery.backoff_ms;
  to.delivery.jitter_percent = from.delivery.jitter_percent;
  to.delivery.member_in_flight_max = from.delivery.member_in_flight_max;
  to.delivery.in_flight_max = from.delivery.in_flight_max;
  to.delivery.waiting_max = from.delivery.waiting_max;
  to.delivery.expired_to_dead_letters = from.delivery.expired_to_dead_letters;
  to.version = from.version;
  to.if_missing = from.if_missing;
  to.filter = wire_filter(from.filter);
  return to;
}

carafe::message_filter wire_filter(const message_filter& from) {
  return {static_cast<carafe::message_filter::kind>(from.how), from.text};
}

} // namespace carafe::client
