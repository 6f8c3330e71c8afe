#include "actors/core/catalogue_core.hpp"
#include "actors/core/delivery_batches.hpp"
#include "actors/core/placement.hpp"

#include <algorithm>
#include <set>

namespace carafe::core {

namespace {

constexpr std::uint64_t lease_ms_min = 1'000, lease_ms_max = 86'400'000;
constexpr std::uint64_t pause_ms_max = 2'592'000'000;
constexpr std::size_t pauses_max = 64;
constexpr std::uint32_t attempts_max = 1'000;
constexpr std::uint32_t messages_max = 1'000'000;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

failure unknown_topic(std::string_view name) { return {errc::topic_unknown, std::string{name}}; }

failure out_of_range(const char* what, std::uint64_t value, std::uint64_t least,
                     std::uint64_t most) {
  return {errc::invalid_argument, std::string{what} + " " + std::to_string(value) +
                                    "; allowed are " + std::to_string(least) + " to " +
                                    std::to_string(most)};
}

result<void> check_delivery(const delivery_settings& how) {
  if (how.lease_ms < lease_ms_min || how.lease_ms > lease_ms_max)
    return out_of_range("a lease (ms) of", how.lease_ms, lease_ms_min, lease_ms_max);
  if (how.attempts_max < 1 || how.attempts_max > attempts_max)
    return out_of_range("attempts:", how.attempts_max, 1, attempts_max);
  if (how.backoff_ms.empty() || how.backoff_ms.size() > pauses_max)
    return out_of_range("pauses of the back-off:", how.backoff_ms.size(), 1, pauses_max);
  for (const auto pause : how.backoff_ms)
    if (pause > pause_ms_max) return out_of_range("a pause (ms) of", pause, 0, pause_ms_max);
  if (how.jitter_percent > 100) return out_of_range("jitter (%):", how.jitter_percent, 0, 100);
  const std::pair<const char*, std::uint32_t> counts[] = {
    {"messages of one consumer:", how.member_in_flight_max},
    {"messages of the group:", how.in_flight_max},
    {"waiting messages:", how.waiting_max}};
  for (const auto& [what, count] : counts)
    if (count < 1 || count > messages_max) return out_of_range(what, count, 1, messages_max);
  return {};
}

std::string told(const message_filter& filter) {
  switch (filter.how) {
  case message_filter::kind::tags:
    return " with tags " + filter.text;
  case message_filter::kind::sql:
    return " where " + filter.text;
  case message_filter::kind::none:
    break;
  }
  return "";
}

result<void> check_filter(const message_filter& what) {
  auto parsed = parse_filter(what);
  if (!parsed) return parsed.error();
  return {};
}

result<void> check_mode(const std::string& mode) {
  if (mode == "ordered" || mode == "broadcast" || lends_messages(mode)) return {};
  return {errc::invalid_argument,
          "mode '" + mode.substr(0, 40) + "'; there are ordered, shared, keyed and broadcast"};
}

} // namespace

bool lends_messages(std::string_view mode) { return mode == "shared" || mode == "keyed"; }

result<std::vector<std::string>> catalogue_core::check_topics(std::vector<std::string> topics,
                                                              const group_record* had) const {
  if (topics.empty()) return {errc::invalid_argument, "a group reads at least one topic"};
  std::sort(topics.begin(), topics.end());
  topics.erase(std::unique(topics.begin(), topics.end()), topics.end());
  for (const auto& topic_name : topics)
    if (topic(topic_name) == nullptr &&
        (had == nullptr || std::ranges::find(had->topics, topic_name) == had->topics.end()))
      return unknown_topic(topic_name);
  return topics;
}

/// Those of the group's topics that are there.
std::vector<std::string> catalogue_core::topics_read(const group_record& group) const {
  auto read = group.topics;
  std::erase_if(read, [this](const auto& topic_name) { return topic(topic_name) == nullptr; });
  return read;
}

result<catalogue_core::decision> catalogue_core::join_group(const std::string& name,
                                                            std::vector<std::string> topics,
                                                            unix_ms now, std::string mode,
                                                            message_filter filter) const {
  if (mode.empty()) mode = "ordered";
  if (auto ok = check_group_name(name); !ok) return ok.error();
  if (auto ok = check_mode(mode); !ok) return ok.error();
  if (auto ok = check_filter(filter); !ok) return ok.error();
  auto wanted = check_topics(std::move(topics));
  if (!wanted) return wanted.error();
  decision out;
  if (const auto* there = group(name)) {
    const auto read = topics_read(*there);
    if (read != *wanted || there->mode != mode || there->filter != filter)
      return {errc::subscription_mismatch, "group " + name + " is " + there->mode + " and reads " +
                                             (read.empty() ? "only deleted topics" : joined(read)) +
                                             told(there->filter) + "; this consumer asked for " +
                                             mode + " and " + joined(*wanted) + told(filter)};
    out.group = *there;
    return out;
  }
  frames::group_put wish;
  wish.name = name;
  wish.mode = std::move(mode);
  wish.topics = std::move(*wanted);
  wish.filter = std::move(filter);
  return make_group(wish, now);
}

std::optional<catalogue_core::decision> catalogue_core::rejoin_group(const std::string& name,
                                                                     group_id before,
                                                                     std::string_view mode) const {
  const auto* there = group(name);
  if (there == nullptr || there->group != before) return std::nullopt;
  const bool singly = lends_messages(there->mode);
  if (singly != lends_messages(mode)) return std::nullopt;
  if (!singly && there->mode != (mode.empty() ? "ordered" : mode)) return std::nullopt;
  decision out;
  out.group = *there;
  return out;
}

result<catalogue_core::decision> catalogue_core::make_group(const frames::group_put& wish,
                                                            unix_ms now) const {
  if (groups_.size() >= limits_.groups_max)
    return {errc::too_many_groups, "at most " + std::to_string(limits_.groups_max)};
  decision out;
  out.group.group = group_id{next_id_};
  out.group.name = wish.name;
  out.group.mode = wish.mode;
  out.group.topics = wish.topics;
  out.group.created = now;
  out.group.delivery = wish.delivery;
  out.group.filter = wish.filter;
  out.entry.emplace_back(effects::group_put{out.group});
  return out;
}

result<catalogue_core::decision> catalogue_core::put_group(frames::group_put wish,
                                                           unix_ms now) const {
  if (auto ok = check_group_name(wish.name); !ok) return ok.error();
  if (auto ok = check_mode(wish.mode); !ok) return ok.error();
  if (auto ok = check_delivery(wish.delivery); !ok) return ok.error();
  if (auto ok = check_filter(wish.filter); !ok) return ok.error();
  const auto* there = group(wish.name);
  // Those that were deleted may stay, for when they are made again.
  auto topics = check_topics(std::move(wish.topics), wish.version == 0 ? nullptr : there);
  if (!topics) return topics.error();
  wish.topics = std::move(*topics);
  if (wish.version == 0) {
    if (there == nullptr) return make_group(wish, now);
    const bool same = there->mode == wish.mode && topics_read(*there) == wish.topics &&
                      there->delivery == wish.delivery && there->filter == wish.filter;
    if (!wish.if_missing || !same) return {errc::group_exists, wish.name};
    decision out;
    out.group = *there;
    return out;
  }
  if (there == nullptr) return {errc::group_unknown, wish.name};
  if (there->version != wish.version)
    return {errc::group_changed, wish.name + " has version " + std::to_string(there->version) +
                                   ", not " + std::to_string(wish.version)};
  if (const auto names = consumers_of(wish.name).size(); names > 0 && wish.mode != "broadcast")
    return {errc::group_in_use, wish.name + " keeps offsets of " + std::to_string(names) +
                                  " named consumers; forget them first"};
  decision out;
  out.group = *there;
  out.group.mode = wish.mode;
  out.group.topics = wish.topics;
  out.group.delivery = wish.delivery;
  out.group.filter = wish.filter;
  if (out.group == *there) return out; // Nothing changes.
  ++out.group.version;
  out.entry.emplace_back(effects::group_put{out.group});
  // Other topics have other queues, and members of other modes have none.
  if (there->mode != wish.mode || topics_read(*there) != topics_read(out.group))
    for (const auto& seat : seats_of(wish.name))
      out.entry.emplace_back(effects::group_deleted{seat.group});
  return out;
}

result<catalogue_core::decision> catalogue_core::make_dead_letters(const std::string& group_name,
                                                                   unix_ms now) const {
  const auto* of = group(group_name);
  if (of == nullptr) return {errc::group_unknown, group_name};
  std::set<shard_id> shards;
  for (const auto& topic_name : of->topics)
    if (const auto* read = topic(topic_name))
      for (const auto& place : read->queues) shards.insert(place.shard);
  decision out;
  auto next_id = next_id_;
  if (const auto* there = topic(dead_letters_of(group_name))) {
    out.topic = *there;
    for (const auto& place : there->queues) shards.erase(place.shard);
    if (shards.empty()) return out;
  } else {
    if (topics_.size() >= limits_.topics_max)
      return {errc::too_many_topics, "topics-max is " + std::to_string(limits_.topics_max)};
    out.topic.topic = topic_id{next_id++};
    out.topic.name = dead_letters_of(group_name);
    out.topic.created = now;
  }
  for (const auto shard : shards) add_queue(out.topic, shard, next_id, out);
  finish(out);
  return out;
}

result<catalogue_core::decision> catalogue_core::delete_group(const std::string& name) const {
  const auto* there = group(name);
  if (there == nullptr) return {errc::group_unknown, name};
  decision out;
  out.group = *there;
  for (const auto& consumer : consumers_of(name)) drop(*there, consumer.group, out);
  for (const auto& seat : seats_of(name))
    out.entry.emplace_back(effects::group_deleted{seat.group});
  drop(*there, there->group, out);
  return out;
}

} // namespace carafe::core
