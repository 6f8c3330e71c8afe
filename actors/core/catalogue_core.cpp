#include "actors/core/catalogue_core.hpp"

#include "actors/core/placement.hpp"
#include "actors/core/quota.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_set>

namespace carafe::core {

namespace {

bool plain_name(std::string_view name) {
  // At the beginning the others would look like an option, or like a folder.
  return !name.empty() && name.size() <= 127 && name.front() != '-' && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
         });
}

const char* name_of(durability mode) {
  switch (mode) {
  case durability::interval:
    return "interval";
  case durability::memory:
    return "memory";
  default:
    return "fsync";
  }
}

std::string told(const topic_record& topic) {
  return std::to_string(topic.queues.size()) + " queues, durability " +
         name_of(topic.settings.mode);
}

/// As the setting `retention-ms`.
constexpr std::uint64_t retention_ms_max = 3'153'600'000'000;

result<void> check_retention(std::uint64_t ms) {
  if (ms <= retention_ms_max) return {};
  return {errc::invalid_argument, "a retention of " + std::to_string(ms) + " ms; at most " +
                                    std::to_string(retention_ms_max) +
                                    " (100 years); 0: as the node's"};
}

result<void> check_ttl(std::uint64_t ms) {
  if (ms <= retention_ms_max) return {};
  return {errc::invalid_argument, "a time to live of " + std::to_string(ms) + " ms; at most " +
                                    std::to_string(retention_ms_max) +
                                    " (100 years); 0: messages do not expire"};
}

/// Ids are kept in memory as long.
constexpr std::uint64_t dedup_window_ms_max = 2'592'000'000;

result<void> check_dedup_window(std::uint64_t ms) {
  if (ms <= dedup_window_ms_max) return {};
  return {errc::invalid_argument, "a dedup window of " + std::to_string(ms) + " ms; at most " +
                                    std::to_string(dedup_window_ms_max) +
                                    " (30 days); 0: ids do not matter"};
}

result<void> check_quotas(std::uint64_t produce, std::uint64_t consume) {
  const auto most = std::max(produce, consume);
  if (most <= byte_quota::bytes_per_second_max) return {};
  return {errc::invalid_argument,
          "a quota of " + std::to_string(most) + " bytes a second; at most " +
            std::to_string(byte_quota::bytes_per_second_max) + " (16 GiB); 0: none"};
}

failure unknown_topic(std::string_view name) { return {errc::topic_unknown, std::string{name}}; }

} // namespace

result<void> check_topic_name(std::string_view name) {
  if (plain_name(name)) return {};
  return {errc::topic_name_invalid, std::string{name.substr(0, 200)}};
}

std::string dead_letters_of(std::string_view group) { return "%DLQ%" + std::string{group}; }

bool is_dead_letters(std::string_view topic) { return topic.starts_with("%DLQ%"); }

result<void> check_group_name(std::string_view name) {
  if (plain_name(name)) return {};
  return {errc::group_name_invalid, std::string{name.substr(0, 200)}};
}

catalogue_core::catalogue_core(catalogue_limits limits, std::vector<topic_record> topics,
                               std::vector<group_record> groups, std::uint64_t next_id,
                               const std::vector<named_producer_record>& producers)
  : limits_(limits), next_id_(next_id) {
  for (const auto& topic : topics) put(topic);
  for (const auto& group : groups) put(group);
  for (const auto& producer : producers) put(producer);
}

void catalogue_core::put(const topic_record& topic) {
  topic_names_[topic.name] = topic.topic;
  for (const auto& place : topic.queues) queue_topics_[place.queue] = topic.topic;
  topics_[topic.topic] = topic;
}

void catalogue_core::add_queue(topic_record& topic, shard_id shard, std::uint64_t& next_id,
                               decision& out) {
  topic.queues.push_back({queue_id{next_id++}, shard});
  tell_queue(topic, topic.queues.back(), out);
}

void catalogue_core::tell_queue(const topic_record& topic, const queue_place& place,
                                decision& out) {
  const effects::queue_opened opened{place.queue, topic.topic, topic.settings.dedup_window_ms,
                                     topic.settings.compacted};
  if (place.shard == shard_id{0})
    out.entry.emplace_back(opened);
  else
    out.follow_ups[place.shard].emplace_back(opened);
}

/// The topic as it is now comes before what follows from it.
void catalogue_core::finish(decision& out) {
  out.entry.insert(out.entry.begin(), effects::topic_put{out.topic});
}

void catalogue_core::add_queues(topic_record& topic, std::uint32_t count, std::uint64_t& next_id,
                                decision& out) const {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto number = queue_number{static_cast<std::uint32_t>(topic.queues.size())};
    add_queue(topic, place_queue(topic.topic, number, topic.settings.mode, limits_.shards_per_mode),
              next_id, out);
  }
  out.topic = topic;
  finish(out);
}

result<catalogue_core::decision> catalogue_core::create_topic(const frames::topic_create& wish,
                                                              unix_ms now) const {
  if (auto ok = check_topic_name(wish.name); !ok) return ok.error();
  if (const auto* there = topic(wish.name)) {
    if (!wish.if_missing) return {errc::topic_exists, wish.name};
    if (there->queues.size() != wish.queues || there->settings.mode != wish.settings.mode)
      return {errc::topic_exists, wish.name + " has " + told(*there)};
    decision same;
    same.topic = *there;
    return same;
  }
  if (topics_.size() >= limits_.topics_max)
    return {errc::too_many_topics, "topics-max is " + std::to_string(limits_.topics_max)};
  if (wish.queues == 0) return {errc::invalid_argument, "a topic has at least one queue"};
  if (wish.queues > limits_.queues_per_topic_max)
    return {errc::too_many_queues,
            "a topic has at most " + std::to_string(limits_.queues_per_topic_max)};
  if (auto ok = check_retention(wish.settings.retention_ms); !ok) return ok.error();
  if (auto ok = check_ttl(wish.settings.default_ttl_ms); !ok) return ok.error();
  if (auto ok = check_dedup_window(wish.settings.dedup_window_ms); !ok) return ok.error();
  if (auto ok = check_quotas(wish.settings.produce_bytes_per_second,
                             wish.settings.consume_bytes_per_second);
      !ok)
    return ok.error();
  decision out;
  auto next_id = next_id_;
  topic_record record;
  record.topic = topic_id{next_id++};
  record.name = wish.name;
  record.settings = wish.settings;
  record.created = now;
  add_queues(record, wish.queues, next_id, out);
  return out;
}

result<catalogue_core::decision>
catalogue_core::alter_topic(const frames::topic_alter& wish) const {
  const auto* there = topic(wish.name);
  if (there == nullptr) return unknown_topic(wish.name);
  auto record = *there;
  const auto had = static_cast<std::uint32_t>(record.queues.size());
  if (wish.queues != 0 && wish.queues < had)
    return {errc::queues_cannot_shrink, wish.name + " has " + std::to_string(had) + " queues"};
  if (wish.queues > limits_.queues_per_topic_max)
    return {errc::too_many_queues,
            "a topic has at most " + std::to_string(limits_.queues_per_topic_max)};
  if (wish.retention_ms) {
    if (auto ok = check_retention(*wish.retention_ms); !ok) return ok.error();
  }
  if (auto ok = check_ttl(wish.default_ttl_ms.value_or(0)); !ok) return ok.error();
  if (auto ok = check_dedup_window(wish.dedup_window_ms.value_or(0)); !ok) return ok.error();
  if (auto ok = check_quotas(wish.produce_bytes_per_second.value_or(0),
                             wish.consume_bytes_per_second.value_or(0));
      !ok)
    return ok.error();
  if (wish.retention_ms) record.settings.retention_ms = *wish.retention_ms;
  if (wish.default_ttl_ms) record.settings.default_ttl_ms = *wish.default_ttl_ms;
  if (wish.produce_bytes_per_second)
    record.settings.produce_bytes_per_second = *wish.produce_bytes_per_second;
  if (wish.consume_bytes_per_second)
    record.settings.consume_bytes_per_second = *wish.consume_bytes_per_second;
  if (wish.dedup_window_ms) record.settings.dedup_window_ms = *wish.dedup_window_ms;
  if (wish.compacted) record.settings.compacted = *wish.compacted;
  decision out;
  if (wish.dedup_window_ms || wish.compacted)
    for (const auto& place : record.queues) tell_queue(record, place, out);
  auto next_id = next_id_;
  add_queues(record, wish.queues == 0 ? 0 : wish.queues - had, next_id, out);
  return out;
}

result<catalogue_core::decision> catalogue_core::delete_topic(const std::string& name) const {
  const auto* there = topic(name);
  if (there == nullptr) return unknown_topic(name);
  decision out;
  out.topic = *there;
  out.entry.emplace_back(effects::topic_deleted{there->topic});
  for (const auto& place : there->queues) {
    const effects::queue_closed closed{place.queue};
    if (place.shard == shard_id{0})
      out.entry.emplace_back(closed);
    else
      out.follow_ups[place.shard].emplace_back(closed);
  }
  return out;
}

void catalogue_core::apply(const decision& done) {
  for (const auto& effect : done.entry) {
    if (const auto* e = std::get_if<effects::topic_put>(&effect)) {
      put(e->topic);
      next_id_ = std::max(next_id_, e->topic.topic.value + 1);
      for (const auto& place : e->topic.queues)
        next_id_ = std::max(next_id_, place.queue.value + 1);
    } else if (const auto* gone = std::get_if<effects::topic_deleted>(&effect)) {
      auto at = topics_.find(gone->topic);
      if (at == topics_.end()) continue;
      for (const auto& place : at->second.queues) queue_topics_.erase(place.queue);
      topic_names_.erase(at->second.name);
      topics_.erase(at);
    } else if (const auto* put_group = std::get_if<effects::group_put>(&effect)) {
      put(put_group->group);
      next_id_ = std::max(next_id_, put_group->group.group.value + 1);
    } else if (const auto* gone_group = std::get_if<effects::group_deleted>(&effect)) {
      remove(gone_group->group);
    } else if (const auto* producer = std::get_if<effects::producer_put>(&effect)) {
      apply(*producer);
    }
  }
}

std::vector<effects::effect> catalogue_core::repairs(shard_id shard, const inventory& there) const {
  std::vector<effects::effect> out;
  const std::unordered_set<queue_id> open(there.queues.begin(), there.queues.end());
  for (const auto queue : there.queues)
    if (!queue_topics_.contains(queue)) out.emplace_back(effects::queue_closed{queue});
  for (const auto group : there.groups)
    if (!groups_.contains(group) && !consumers_.contains(group))
      out.emplace_back(effects::progress_dropped{group});
  const auto window_of = [&there](queue_id queue) {
    const auto at = there.dedup_windows.find(queue);
    return at == there.dedup_windows.end() ? 0 : at->second;
  };
  for (const auto& [id, record] : topics_)
    for (const auto& place : record.queues) {
      const auto window = record.settings.dedup_window_ms;
      const auto compacted = record.settings.compacted;
      if (place.shard == shard &&
          (!open.contains(place.queue) || window_of(place.queue) != window ||
           there.compacted.contains(place.queue) != compacted))
        out.emplace_back(effects::queue_opened{place.queue, id, window, compacted});
    }
  repair_producers(there, out);
  return out;
}

const topic_record* catalogue_core::topic(std::string_view name) const {
  auto at = topic_names_.find(name);
  return at == topic_names_.end() ? nullptr : &topics_.at(at->second);
}

const topic_record* catalogue_core::topic(topic_id id) const {
  auto at = topics_.find(id);
  return at == topics_.end() ? nullptr : &at->second;
}

const group_record* catalogue_core::group(std::string_view name) const {
  auto at = group_names_.find(name);
  return at == group_names_.end() ? nullptr : &groups_.at(at->second);
}

const topic_record* catalogue_core::owner_of(queue_id queue) const {
  auto at = queue_topics_.find(queue);
  return at == queue_topics_.end() ? nullptr : topic(at->second);
}

} // namespace carafe::core
