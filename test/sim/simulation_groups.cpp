/// The simulation's groups that lend messages, and their end.

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/simulation.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

constexpr std::size_t workers_of_a_group = 3;

struct known_filter {
  /// They mean the same.
  std::vector<message_filter> filters;
  bool (*passes)(const message_name&);
};

const known_filter& filter_of(dice& d) {
  using kind = message_filter::kind;
  static const known_filter all[] = {
    {{{}, {kind::sql, "1 = 1"}}, [](const message_name&) { return true; }},
    {{{kind::tags, "red"}, {kind::sql, "TAG = 'red'"}},
     [](const message_name& m) { return tag_of(m) == "red"; }},
    {{{kind::sql, "TAG = 'blue' OR KEY = 'key 1'"}, {kind::sql, "KEY = 'key 1' OR TAG = 'blue'"}},
     [](const message_name& m) { return tag_of(m) == "blue" || key_of(m) == "key 1"; }}};
  return all[d.percent(60) ? 0 : d.between(1, 2)];
}

} // namespace

void simulation::make_groups() {
  if (!lends_) return;
  const auto modes = dice_.below(3);
  if (modes != 0) make_group("shared");
  if (modes != 1) make_group("keyed");
}

void simulation::make_group(const std::string& mode) {
  const auto& [filters, passes] = filter_of(dice_);
  std::vector<std::string> topics{dice_.pick(topics_).name};
  if (const auto& other = dice_.pick(topics_).name; other != topics.front())
    topics.push_back(other);
  auto earliest = [this](queue_id queue) { return earliest_of(queue); };
  std::function<void(const std::string&)> tell = [this](const std::string& what) { note(what); };
  auto& group = lending_.emplace_back(
    lending_group{mode + "-group", mode, topics, false, filters,
                  lending_oracle{{mode + "-group", mode == "keyed", passes, std::move(earliest),
                                  plan_.trace ? tell : nullptr},
                                 oracle_,
                                 rig_.clocks}});
  keepers_.emplace_back(rig_, group, [this](const std::string& topic, queue_number number) {
    return queue_of(topic, number);
  });
  const auto how = random_delivery(dice_);
  group.told.may_have(how);
  rig::client admin{rig_, "admin"};
  const auto made = admin.ask<frames::group_description>(
    frames::group_put{group.name, mode, topics, how, 0, false, filters.front()});
  expect(made.ok(), "a group could not be made");
  admin.post_disconnect();
}

void simulation::add_workers() {
  for (auto& group : lending_) {
    const auto there = std::count_if(workers_.begin(), workers_.end(),
                                     [&group](const worker& w) { return &w.group() == &group; });
    if (static_cast<std::size_t>(there) < workers_of_a_group)
      workers_.emplace_back(rig_, ++made_, group);
  }
}

std::optional<queue_id> simulation::queue_of(const std::string& topic, queue_number number) const {
  for (const auto& known : topics_)
    for (const auto& queue : known.queues)
      if (known.name == topic && queue.number == number) return queue.queue;
  return std::nullopt;
}

/// In `fsync` mode nobody was told of what is lost.
void simulation::groups_lose_end_of(shard_id shard, queue_id queue) {
  if (core::durability_of(shard) == durability::fsync) return;
  for (auto& group : lending_) group.told.lost_power(queue);
  for (auto& w : workers_) w.lost_power(queue);
  for (auto& k : keepers_) k.lost_power(shard);
}

void simulation::set_clock(std::int64_t shift_ms) {
  for (auto& group : lending_) group.told.clock_set();
  for (auto& each : acts_) each->clock_moves();
  rig_.clocks->wall_shift_ms = shift_ms;
  furthest_shift_ms_ = std::max(furthest_shift_ms_, shift_ms);
}

std::uint64_t simulation::left_of(const lending_group& group) {
  rig::client admin{rig_, "admin"};
  const auto now = admin.ask<frames::group_description>(frames::group_describe{group.name});
  expect(now.ok(), "group " + group.name + " is gone");
  admin.post_disconnect();
  std::uint64_t left = 0;
  for (const auto& queue : now->queues) left += queue.lag + queue.waiting + queue.in_flight;
  return left;
}

/// The group reads all of its topics again.
/// @returns Whether it does: somebody may have to settle something before.
bool simulation::takes_all_topics(lending_group& group) {
  if (!group.fewer) return true;
  rig::client admin{rig_, "admin"};
  const auto now = admin.ask<frames::group_description>(frames::group_describe{group.name});
  expect(now.ok(), "group " + group.name + " is gone");
  group.told.changing();
  const auto done = admin.ask<frames::group_description>(frames::group_put{
    group.name, group.mode, group.topics, now->delivery, now->version, false, now->filter});
  admin.post_disconnect();
  group.told.changed();
  group.fewer = !done.ok();
  return done.ok();
}

/// Members that settle everything come to the end of every group.
void simulation::finish_groups() {
  if (lending_.empty()) return;
  note("the groups finish");
  set_clock(furthest_shift_ms_); // Pauses end by it.
  add_workers();
  const auto left = [this] {
    std::string out;
    for (auto& k : keepers_)
      if (!k.finish(oracle_)) out = "the keeper of group " + k.group().name + " gets no answer";
    for (auto& group : lending_)
      if (!takes_all_topics(group))
        out = "group " + group.name + " cannot read all of its topics again";
    for (const auto& group : lending_)
      if (const auto count = left_of(group); count > 0)
        out = "group " + group.name + " does not finish: " + std::to_string(count) +
              " messages are left";
    return out;
  };
  auto missing = left();
  for (int round = 1; round <= 1'200 && !missing.empty(); ++round) {
    for (auto& w : workers_) w.finish(oracle_);
    rig_.pass(std::chrono::milliseconds{50});
    finish_syncs();
    check_node();
    if (round % 10 == 0) missing = left();
  }
  expect(missing.empty(), missing);
  for (auto& k : keepers_) {
    k.read_all(oracle_);
    const auto& group = k.group();
    for (const auto& topic : topics_)
      if (std::ranges::count(group.topics, topic.name) > 0)
        for (const auto& queue : topic.queues) group.told.check_finished(queue.queue);
    summary_.deliveries += group.told.deliveries();
    summary_.deaths += group.told.deaths();
    summary_.redrives += k.redrives();
    summary_.changes += k.changes();
  }
}

} // namespace carafe::sim
