#include "actors/core/catalogue_core.hpp"
#include "actors/core/shard_state.hpp"
#include "test/core/builders.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr std::uint64_t expiry_ms = 1'000;
constexpr catalogue_limits limits{4, 5, 3, 3, 2};

/// A catalogue in front of three shards. Follow-ups get lost when the node dies after shard 0 has
/// applied its entry.
class simulated_node {
public:
  explicit simulated_node(dice& d) : dice_(&d) {
    for (std::uint16_t number = 0; number < 3; ++number)
      shards_.try_emplace(shard_id{number}, expiry_ms);
    restart();
  }

  void step() {
    const auto topic = "t" + std::to_string(dice_->below(6));
    const auto group = "g" + std::to_string(dice_->below(4));
    const auto name = "n" + std::to_string(dice_->below(3));
    switch (dice_->below(12)) {
    case 0:
    case 1: {
      frames::topic_create wish;
      wish.name = topic;
      wish.queues = static_cast<std::uint32_t>(dice_->below(7));
      wish.if_missing = dice_->percent(50);
      carry_out(core_->create_topic(wish, unix_ms{1}));
      break;
    }
    case 2: {
      frames::topic_alter wish;
      wish.name = topic;
      wish.queues = static_cast<std::uint32_t>(dice_->below(7));
      if (dice_->percent(50)) wish.dedup_window_ms = dice_->below(3);
      if (dice_->percent(20)) wish.produce_bytes_per_second = dice_->below(1'000);
      carry_out(core_->alter_topic(wish));
      break;
    }
    case 3:
      carry_out(core_->delete_topic(topic));
      break;
    case 4:
      carry_out(core_->join_group(group, {topic}, unix_ms{1}));
      break;
    case 5:
      carry_out(core_->delete_group(group));
      break;
    case 6:
      commit();
      break;
    case 7:
      restart();
      break;
    case 8: {
      auto joined = core_->join_group(group, {topic}, unix_ms{1}, "broadcast");
      if (joined) carry_out(core_->name_consumer(std::move(*joined), name, unix_ms{1}));
      break;
    }
    case 9:
      carry_out(core_->forget_consumer(group, name));
      break;
    case 10:
      carry_out(core_->open_producer(name, shard_ids(), unix_ms{1}));
      break;
    case 11:
      carry_out(core_->forget_producer(name, shard_ids()));
      break;
    }
    check_limits();
  }

  void restart() {
    const auto& home = shards_.at(shard_id{0});
    std::vector<topic_record> topics;
    std::vector<group_record> groups;
    for (const auto& [id, topic] : home.topics()) topics.push_back(topic);
    for (const auto& [id, group] : home.groups()) groups.push_back(group);
    std::vector<named_producer_record> producers;
    for (const auto& [id, producer] : home.names()) producers.push_back(producer);
    core_.emplace(limits, topics, groups, home.catalogue().next_id, producers);
    for (auto& [shard, state] : shards_) {
      state.apply(unix_ms{1}, core_->repairs(shard, inventory(state)));
      REQUIRE(core_->repairs(shard, inventory(state)).empty());
      check_shard(shard, state);
    }
  }

private:
  void carry_out(const result<catalogue_core::decision>& decision) {
    if (!decision) return;
    note_ids(*decision);
    if (!decision->entry.empty()) shards_.at(shard_id{0}).apply(unix_ms{1}, decision->entry);
    core_->apply(*decision);
    for (const auto& [shard, effects] : decision->follow_ups)
      if (dice_->percent(80)) {
        shards_.at(shard).apply(unix_ms{1}, effects);
        if (dice_->percent(20)) shards_.at(shard).apply(unix_ms{1}, effects);
      } else {
        restart();
        return;
      }
  }

  /// An id that is new in a decision was never seen before.
  void note_ids(const catalogue_core::decision& decision) {
    const auto fresh = [this](std::uint64_t id) { REQUIRE(ids_.insert(id).second); };
    for (const auto& effect : decision.entry) {
      if (const auto* put = std::get_if<effects::group_put>(&effect)) fresh(put->group.group.value);
      const auto* put = std::get_if<effects::topic_put>(&effect);
      if (put == nullptr) continue;
      const auto* there = core_->topic(put->topic.topic);
      if (there == nullptr) fresh(put->topic.topic.value);
      const auto had = there == nullptr ? 0 : there->queues.size();
      for (auto i = had; i < put->topic.queues.size(); ++i) fresh(put->topic.queues[i].queue.value);
    }
  }

  void commit() {
    auto& [shard, state] = dice_->pick(shards_);
    const auto& groups = shards_.at(shard_id{0}).groups(); // And their named consumers.
    if (state.queues().empty() || groups.empty()) return;
    const auto queue = dice_->pick(state.queues()).first;
    const auto group = dice_->pick(groups).first;
    state.apply(unix_ms{1}, {effects::commit{group, queue, offset{1}}});
  }

  [[nodiscard]] std::vector<shard_id> shard_ids() const {
    std::vector<shard_id> out;
    for (const auto& [id, state] : shards_) out.push_back(id);
    return out;
  }

  static catalogue_core::inventory inventory(const shard_state& state) {
    catalogue_core::inventory out;
    for (const auto& [id, queue] : state.queues()) {
      out.queues.push_back(id);
      if (queue.dedup_window_ms != 0) out.dedup_windows.emplace(id, queue.dedup_window_ms);
    }
    for (const auto& [id, producer] : state.names()) out.producers.emplace(id, producer.epoch);
    for (const auto& [key, progress] : state.all_progress()) out.groups.push_back(key.group);
    return out;
  }

  void check_shard(shard_id shard, const shard_state& state) const {
    std::set<queue_id> due;
    for (const auto& [id, topic] : core_->topics())
      for (const auto& place : topic.queues) {
        if (place.shard != shard) continue;
        due.insert(place.queue);
        REQUIRE(state.queue(place.queue)->dedup_window_ms == topic.settings.dedup_window_ms);
      }
    REQUIRE(state.names() == core_->producers());
    std::set<queue_id> open;
    for (const auto& [id, queue] : state.queues()) open.insert(id);
    REQUIRE(open == due);
    for (const auto& [key, progress] : state.all_progress())
      REQUIRE((core_->groups().contains(key.group) || core_->consumers().contains(key.group)));
  }

  void check_limits() const {
    REQUIRE(core_->topics().size() <= limits.topics_max);
    REQUIRE(core_->groups().size() <= limits.groups_max);
    REQUIRE(core_->topics() == shards_.at(shard_id{0}).topics());
    auto records = core_->groups();
    records.insert(core_->consumers().begin(), core_->consumers().end());
    REQUIRE(records == shards_.at(shard_id{0}).groups());
    std::size_t named = 0;
    for (const auto& [id, group] : core_->groups()) {
      const auto of_it = core_->consumers_of(group.name).size();
      REQUIRE(of_it <= (group.mode == "broadcast" ? limits.names_per_group_max : 0));
      named += of_it;
    }
    REQUIRE(named == core_->consumers().size());
    for (const auto& [id, topic] : core_->topics()) {
      REQUIRE(topic.queues.size() <= limits.queues_per_topic_max);
      REQUIRE(core_->topic(topic.name)->topic == id);
      for (const auto& place : topic.queues) REQUIRE(core_->owner_of(place.queue)->topic == id);
    }
  }

  dice* dice_;
  std::map<shard_id, shard_state> shards_;
  std::optional<catalogue_core> core_;
  std::set<std::uint64_t> ids_;
};

} // namespace

TEST_CASE("After a restart every shard agrees with the catalogue, whatever follow-ups got lost") {
  with_seeds(100, [](dice& d) {
    simulated_node node{d};
    for (int i = 0; i < 150; ++i) node.step();
    node.restart();
  });
}
