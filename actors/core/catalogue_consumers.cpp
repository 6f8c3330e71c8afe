#include "actors/core/catalogue_core.hpp"

#include <set>
#include <utility>

namespace carafe::core {

namespace {

std::string prefix_of(std::string_view group) { return "%" + std::string{group} + "%"; }

} // namespace

std::string consumer_record_name(std::string_view group, std::string_view consumer) {
  return prefix_of(group) + std::string{consumer};
}

std::string consumer_name(const group_record& consumer) {
  return consumer.name.substr(consumer.name.rfind('%') + 1);
}

std::string seat_id(const group_record& seat) { return consumer_name(seat); }

void catalogue_core::put(const group_record& group) {
  if (group.mode == seat_mode) {
    seat_names_[group.name] = group.group;
    seats_[group.group] = group;
    return;
  }
  const bool is_consumer = group.mode == consumer_mode;
  (is_consumer ? consumer_names_ : group_names_)[group.name] = group.group;
  (is_consumer ? consumers_ : groups_)[group.group] = group;
}

void catalogue_core::remove(group_id group) {
  const auto from = [group](auto& records, auto& names) {
    const auto at = records.find(group);
    if (at == records.end()) return;
    names.erase(at->second.name);
    records.erase(at);
  };
  from(groups_, group_names_);
  from(consumers_, consumer_names_);
  from(seats_, seat_names_);
}

void catalogue_core::drop(const group_record& group, group_id of, decision& out) const {
  out.entry.emplace_back(effects::group_deleted{of});
  out.entry.emplace_back(effects::progress_dropped{of});
  std::set<shard_id> shards;
  for (const auto& topic_name : group.topics)
    if (const auto* read = topic(topic_name))
      for (const auto& place : read->queues) shards.insert(place.shard);
  shards.erase(shard_id{0});
  for (const auto shard : shards) out.follow_ups[shard].emplace_back(effects::progress_dropped{of});
}

namespace {

std::vector<group_record> all_of(std::string_view group_name, const auto& names,
                                 const auto& records) {
  std::vector<group_record> out;
  const auto prefix = prefix_of(group_name);
  for (auto at = names.lower_bound(prefix); at != names.end() && at->first.starts_with(prefix);
       ++at)
    out.push_back(records.at(at->second));
  return out;
}

} // namespace

std::vector<group_record> catalogue_core::consumers_of(std::string_view group_name) const {
  return all_of(group_name, consumer_names_, consumers_);
}

std::vector<group_record> catalogue_core::seats_of(std::string_view group_name) const {
  return all_of(group_name, seat_names_, seats_);
}

result<catalogue_core::decision> catalogue_core::keep_queues(group_id group,
                                                             const std::string& member,
                                                             std::vector<queue_id> queues,
                                                             unix_ms now) const {
  const auto of = groups_.find(group);
  if (of == groups_.end()) return {errc::group_unknown, "deleted meanwhile"};
  decision out;
  out.group = of->second;
  group_record record;
  record.name = consumer_record_name(of->second.name, member);
  if (const auto at = seat_names_.find(record.name); at != seat_names_.end()) {
    record = seats_.at(at->second);
    if (record.queues == queues) return out;
  } else {
    record.group = group_id{next_id_};
    record.mode = seat_mode;
    record.created = now;
  }
  record.queues = std::move(queues);
  out.entry.emplace_back(effects::group_put{std::move(record)});
  return out;
}

result<catalogue_core::decision> catalogue_core::drop_seat(group_id group,
                                                           const std::string& member) const {
  const auto of = groups_.find(group);
  if (of == groups_.end()) return {errc::group_unknown, "deleted meanwhile"};
  decision out;
  out.group = of->second;
  const auto at = seat_names_.find(consumer_record_name(of->second.name, member));
  if (at != seat_names_.end()) out.entry.emplace_back(effects::group_deleted{at->second});
  return out;
}

result<catalogue_core::decision>
catalogue_core::name_consumer(decision joined, const std::string& name, unix_ms now) const {
  const auto& group = joined.group;
  if (group.mode != "broadcast")
    return {errc::unsupported, "offsets are kept under names in groups of mode broadcast; " +
                                 group.name + " is " + group.mode};
  if (!check_group_name(name))
    return {errc::invalid_argument, "a consumer's name is 1 to 127 letters, digits, '.', '_' or "
                                    "'-', the first no '.' or '-'; not '" +
                                      name.substr(0, 200) + "'"};
  const auto record_name = consumer_record_name(group.name, name);
  if (const auto at = consumer_names_.find(record_name); at != consumer_names_.end()) {
    joined.consumer = consumers_.at(at->second);
    return joined;
  }
  if (consumers_of(group.name).size() >= limits_.names_per_group_max)
    return {errc::too_many_names,
            "group-names-max is " + std::to_string(limits_.names_per_group_max)};
  group_record record;
  // A group that this very decision makes has the id before.
  record.group = group_id{joined.entry.empty() ? next_id_ : next_id_ + 1};
  record.name = record_name;
  record.mode = consumer_mode;
  record.created = now;
  joined.entry.emplace_back(effects::group_put{record});
  joined.consumer = std::move(record);
  return joined;
}

result<catalogue_core::decision> catalogue_core::forget_consumer(const std::string& group_name,
                                                                 const std::string& name) const {
  const auto* there = group(group_name);
  if (there == nullptr) return {errc::group_unknown, group_name};
  const auto at = consumer_names_.find(consumer_record_name(group_name, name));
  if (at == consumer_names_.end())
    return {errc::not_found, "group " + group_name + " has no consumer " + name.substr(0, 200)};
  decision out;
  out.group = *there;
  out.consumer = consumers_.at(at->second);
  drop(*there, at->second, out);
  return out;
}

} // namespace carafe::core
