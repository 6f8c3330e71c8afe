#include "actors/core/catalogue_core.hpp"

#include "test/core/builders.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr catalogue_limits limits{3, 6, 2, 2};
constexpr unix_ms now{500};
constexpr shard_id shard_0{0};
constexpr shard_id shard_1{1};

catalogue_core empty_catalogue() { return {limits, {}, {}, 1}; }

frames::topic_create topic_wish(std::string name, std::uint32_t queues, bool if_missing = false) {
  frames::topic_create wish;
  wish.name = std::move(name);
  wish.queues = queues;
  wish.if_missing = if_missing;
  return wish;
}

frames::topic_alter alter_wish(std::string name, std::uint32_t queues) {
  frames::topic_alter wish;
  wish.name = std::move(name);
  wish.queues = queues;
  return wish;
}

catalogue_core::decision created(catalogue_core& catalogue, const frames::topic_create& wish) {
  auto decision = catalogue.create_topic(wish, now);
  REQUIRE(decision.ok());
  catalogue.apply(*decision);
  return *decision;
}

catalogue_core::decision joined(catalogue_core& catalogue, const std::string& name,
                                std::vector<std::string> topics) {
  auto decision = catalogue.join_group(name, std::move(topics), now);
  REQUIRE(decision.ok());
  catalogue.apply(*decision);
  return *decision;
}

template <class Effect>
std::vector<Effect> all(const std::vector<effects::effect>& effects) {
  std::vector<Effect> out;
  for (const auto& effect : effects)
    if (const auto* e = std::get_if<Effect>(&effect)) out.push_back(*e);
  return out;
}

} // namespace

TEST_CASE("Names of topics and groups are 1 to 127 of letters, digits, '.', '_' and '-'") {
  for (const std::string good : {"a", "Orders-2.eu_west", "0"}) {
    CHECK(check_topic_name(good).ok());
    CHECK(check_group_name(good).ok());
  }
  CHECK(check_topic_name(std::string(127, 'a')).ok());
  for (const std::string& bad :
       {std::string{}, std::string{"a b"}, std::string{"%DLQ%a"}, std::string{"a/b"},
        std::string{"caf\xc3\xa9"}, std::string{"a\0b", 3}, std::string(128, 'a')}) {
    CHECK(check_topic_name(bad).code() == errc::topic_name_invalid);
    CHECK(check_group_name(bad).code() == errc::group_name_invalid);
  }
}

TEST_CASE("A new topic gets ids, queues spread over shards, and opens them where they live") {
  auto catalogue = empty_catalogue();
  const auto decision = created(catalogue, topic_wish("orders", 3));
  const auto& topic = decision.topic;
  CHECK(topic.topic == topic_id{1});
  CHECK(topic.created == now);
  CHECK(topic.queues == std::vector<queue_place>{
                          {queue_id{2}, shard_1}, {queue_id{3}, shard_0}, {queue_id{4}, shard_1}});
  REQUIRE(decision.entry.size() == 2);
  CHECK(all<effects::topic_put>(decision.entry).at(0).topic == topic);
  CHECK(all<effects::queue_opened>(decision.entry).at(0).queue == queue_id{3});
  REQUIRE(decision.follow_ups.size() == 1);
  const auto opened = all<effects::queue_opened>(decision.follow_ups.at(shard_1));
  REQUIRE(opened.size() == 2);
  CHECK(opened[0].queue == queue_id{2});
  CHECK(opened[1].queue == queue_id{4});
  CHECK(*catalogue.topic("orders") == topic);
  CHECK(catalogue.owner_of(queue_id{4}) == catalogue.topic(topic_id{1}));
}

TEST_CASE("A topic of another durability has no queue in shard 0") {
  auto catalogue = empty_catalogue();
  auto wish = topic_wish("metrics", 2);
  wish.settings.mode = durability::memory;
  const auto decision = created(catalogue, wish);
  CHECK(decision.entry.size() == 1);
  for (const auto& place : decision.topic.queues) CHECK(place.shard.value >= 2'000);
}

TEST_CASE("Creating a topic that is there is an error, or nothing if that is wished and it fits") {
  auto catalogue = empty_catalogue();
  const auto first = created(catalogue, topic_wish("orders", 3));
  CHECK(catalogue.create_topic(topic_wish("orders", 3), now).code() == errc::topic_exists);
  CHECK(catalogue.create_topic(topic_wish("orders", 4, true), now).code() == errc::topic_exists);
  const auto again = catalogue.create_topic(topic_wish("orders", 3, true), now);
  REQUIRE(again.ok());
  CHECK(again->entry.empty());
  CHECK(again->follow_ups.empty());
  CHECK(again->topic == first.topic);
}

TEST_CASE("Topics, their queues and groups have limits") {
  auto catalogue = empty_catalogue();
  CHECK(catalogue.create_topic(topic_wish("a", 0), now).code() == errc::invalid_argument);
  CHECK(catalogue.create_topic(topic_wish("a", 7), now).code() == errc::too_many_queues);
  CHECK(catalogue.create_topic(topic_wish("a b", 1), now).code() == errc::topic_name_invalid);
  created(catalogue, topic_wish("a", 6));
  CHECK(catalogue.alter_topic(alter_wish("a", 7)).code() == errc::too_many_queues);
  created(catalogue, topic_wish("b", 1));
  created(catalogue, topic_wish("c", 1));
  CHECK(catalogue.create_topic(topic_wish("d", 1), now).code() == errc::too_many_topics);
  joined(catalogue, "g", {"a"});
  joined(catalogue, "h", {"a"});
  CHECK(catalogue.join_group("i", {"a"}, now).code() == errc::too_many_groups);
  CHECK(catalogue.join_group("g", {"a"}, now).ok());
}

TEST_CASE("A topic can get more queues, never fewer, and another retention") {
  auto catalogue = empty_catalogue();
  const auto before = created(catalogue, topic_wish("orders", 2)).topic;
  CHECK(catalogue.alter_topic(alter_wish("nothing", 3)).code() == errc::topic_unknown);
  CHECK(catalogue.alter_topic(alter_wish("orders", 1)).code() == errc::queues_cannot_shrink);
  auto wish = alter_wish("orders", 4);
  wish.retention_ms = 99;
  const auto decision = catalogue.alter_topic(wish);
  REQUIRE(decision.ok());
  catalogue.apply(*decision);
  const auto& after = *catalogue.topic("orders");
  REQUIRE(after.queues.size() == 4);
  CHECK(std::equal(before.queues.begin(), before.queues.end(), after.queues.begin()));
  CHECK(after.settings.retention_ms == 99);
  CHECK(all<effects::queue_opened>(decision->entry).size() +
          all<effects::queue_opened>(decision->follow_ups.at(shard_1)).size() ==
        2);
  const auto same = catalogue.alter_topic(alter_wish("orders", 0));
  REQUIRE(same.ok());
  CHECK(same->topic == after);
}

TEST_CASE("A deleted topic closes its queues everywhere and its name can be used again") {
  auto catalogue = empty_catalogue();
  const auto first = created(catalogue, topic_wish("orders", 4));
  CHECK(catalogue.delete_topic("nothing").code() == errc::topic_unknown);
  const auto decision = catalogue.delete_topic("orders");
  REQUIRE(decision.ok());
  catalogue.apply(*decision);
  CHECK(all<effects::topic_deleted>(decision->entry).size() == 1);
  CHECK(all<effects::queue_closed>(decision->entry).size() == 2);
  CHECK(all<effects::queue_closed>(decision->follow_ups.at(shard_1)).size() == 2);
  CHECK(catalogue.topic("orders") == nullptr);
  CHECK(catalogue.owner_of(first.topic.queues[0].queue) == nullptr);
  const auto second = created(catalogue, topic_wish("orders", 1));
  CHECK(second.topic.topic.value > first.topic.queues.back().queue.value);
}

TEST_CASE("A group is created by the first to join it and must be joined with the same topics") {
  auto catalogue = empty_catalogue();
  created(catalogue, topic_wish("a", 1));
  created(catalogue, topic_wish("b", 1));
  CHECK(catalogue.join_group("g g", {"a"}, now).code() == errc::group_name_invalid);
  CHECK(catalogue.join_group("g", {}, now).code() == errc::invalid_argument);
  CHECK(catalogue.join_group("g", {"a", "c"}, now).code() == errc::topic_unknown);
  const auto first = joined(catalogue, "g", {"b", "a", "b"});
  CHECK(first.group.topics == std::vector<std::string>{"a", "b"});
  CHECK(first.group.created == now);
  CHECK(all<effects::group_put>(first.entry).at(0).group == first.group);
  const auto again = catalogue.join_group("g", {"a", "b"}, unix_ms{900});
  REQUIRE(again.ok());
  CHECK(again->entry.empty());
  CHECK(again->group == first.group);
  const auto other = catalogue.join_group("g", {"a"}, now);
  REQUIRE(other.code() == errc::subscription_mismatch);
  CHECK(other.error().detail.find("a, b") != std::string::npos);
}

TEST_CASE("A group that is changed keeps topics that were deleted, until they are made again") {
  auto catalogue = empty_catalogue();
  created(catalogue, topic_wish("a", 1));
  created(catalogue, topic_wish("b", 1));
  const auto group = joined(catalogue, "g", {"a", "b"}).group;
  catalogue.apply(catalogue.delete_topic("b").value());
  frames::group_put wish{"g", "ordered", {"a", "b"}, {}, group.version, false, {}};
  wish.delivery.attempts_max = 3;
  const auto changed = catalogue.put_group(wish, now);
  REQUIRE(changed.ok());
  CHECK(changed->group.topics == std::vector<std::string>{"a", "b"});
  CHECK(changed->group.version == group.version + 1);
  wish.delivery.attempts_max = group.delivery.attempts_max;
  const auto same = catalogue.put_group(wish, now);
  REQUIRE(same.ok());
  CHECK(same->entry.empty());
  CHECK(same->group == group);
  wish.topics = {"a", "c"};
  CHECK(catalogue.put_group(wish, now).code() == errc::topic_unknown);
  wish.version = 0;
  wish.topics = {"a", "b"};
  CHECK(catalogue.put_group(wish, now).code() == errc::topic_unknown);
}

TEST_CASE("Who was in a group is let in again whatever it reads by now") {
  auto catalogue = empty_catalogue();
  created(catalogue, topic_wish("a", 1));
  created(catalogue, topic_wish("b", 1));
  const auto group = joined(catalogue, "g", {"a"}).group;
  frames::group_put wish{"g", "ordered", {"b"}, {}, group.version, false, {}};
  auto altered = catalogue.put_group(wish, now);
  REQUIRE(altered.ok());
  catalogue.apply(*altered);
  CHECK(catalogue.join_group("g", {"a"}, now).code() == errc::subscription_mismatch);
  const auto again = catalogue.rejoin_group("g", group.group, "");
  REQUIRE(again);
  CHECK(again->group.topics == std::vector<std::string>{"b"});
  CHECK(again->entry.empty());
  CHECK_FALSE(catalogue.rejoin_group("g", {}, ""));
  CHECK_FALSE(catalogue.rejoin_group("h", group.group, ""));
  CHECK_FALSE(catalogue.rejoin_group("g", group_id{group.group.value + 1}, ""));
  for (const auto* mode : {"shared", "keyed", "broadcast"})
    CHECK_FALSE(catalogue.rejoin_group("g", group.group, mode));
  wish.mode = "shared";
  wish.version = again->group.version;
  catalogue.apply(catalogue.put_group(wish, now).value());
  for (const auto* mode : {"shared", "keyed"})
    CHECK(catalogue.rejoin_group("g", group.group, mode));
  for (const auto* mode : {"", "ordered", "broadcast"})
    CHECK_FALSE(catalogue.rejoin_group("g", group.group, mode));
}

TEST_CASE("Who joins a group asks for those of its topics that there are") {
  auto catalogue = empty_catalogue();
  created(catalogue, topic_wish("a", 1));
  created(catalogue, topic_wish("b", 1));
  const auto group = joined(catalogue, "g", {"a", "b"}).group;
  catalogue.apply(catalogue.delete_topic("b").value());
  CHECK(catalogue.join_group("g", {"a", "b"}, now).code() == errc::topic_unknown);
  CHECK(joined(catalogue, "g", {"a"}).group == group);
  created(catalogue, topic_wish("b", 1));
  CHECK(catalogue.join_group("g", {"a"}, now).code() == errc::subscription_mismatch);
  CHECK(joined(catalogue, "g", {"a", "b"}).group == group);
  catalogue.apply(catalogue.delete_topic("a").value());
  catalogue.apply(catalogue.delete_topic("b").value());
  created(catalogue, topic_wish("c", 1));
  const auto other = catalogue.join_group("g", {"c"}, now);
  REQUIRE(other.code() == errc::subscription_mismatch);
  CHECK(other.error().detail.find("only deleted topics") != std::string::npos);
}

TEST_CASE("A retention of more than a hundred years is refused") {
  auto catalogue = empty_catalogue();
  auto wish = topic_wish("a", 1);
  wish.settings.retention_ms = ~std::uint64_t{0};
  CHECK(catalogue.create_topic(wish, now).code() == errc::invalid_argument);
  created(catalogue, topic_wish("a", 1));
  frames::topic_alter alter;
  alter.name = "a";
  alter.retention_ms = 3'153'600'000'001;
  CHECK(catalogue.alter_topic(alter).code() == errc::invalid_argument);
  alter.retention_ms = 3'153'600'000'000;
  CHECK(catalogue.alter_topic(alter).ok());
}

TEST_CASE("A deleted group loses its progress in every shard that its topics have queues in") {
  auto catalogue = empty_catalogue();
  created(catalogue, topic_wish("a", 4));
  const auto group = joined(catalogue, "g", {"a"}).group;
  CHECK(catalogue.delete_group("nothing").code() == errc::group_unknown);
  const auto decision = catalogue.delete_group("g");
  REQUIRE(decision.ok());
  catalogue.apply(*decision);
  CHECK(all<effects::group_deleted>(decision->entry).at(0).group == group.group);
  CHECK(all<effects::progress_dropped>(decision->entry).at(0).group == group.group);
  REQUIRE(decision->follow_ups.size() == 1);
  CHECK(all<effects::progress_dropped>(decision->follow_ups.at(shard_1)).size() == 1);
  CHECK(catalogue.group("g") == nullptr);
  CHECK(joined(catalogue, "g", {"a"}).group.group > group.group);
}

TEST_CASE("Repairs open what is missing and close and drop what belongs to nothing") {
  auto catalogue = empty_catalogue();
  const auto topic = created(catalogue, topic_wish("a", 4)).topic;
  const auto group = joined(catalogue, "g", {"a"}).group;
  const auto in_1 = std::vector{topic.queues[0].queue, topic.queues[2].queue};
  CHECK(catalogue.repairs(shard_1, {in_1, {group.group}}).empty());
  const auto repairs =
    catalogue.repairs(shard_1, {{in_1[0], queue_id{99}}, {group.group, group_id{98}}});
  REQUIRE(repairs.size() == 3);
  CHECK(all<effects::queue_opened>(repairs).at(0).queue == in_1[1]);
  CHECK(all<effects::queue_opened>(repairs).at(0).topic == topic.topic);
  CHECK(all<effects::queue_closed>(repairs).at(0).queue == queue_id{99});
  CHECK(all<effects::progress_dropped>(repairs).at(0).group == group_id{98});
}

TEST_CASE("Quotas are settings of a topic, each for itself, and have a limit") {
  auto catalogue = empty_catalogue();
  auto wish = topic_wish("orders", 1);
  wish.settings.produce_bytes_per_second = 1'000;
  created(catalogue, wish);
  auto alter = alter_wish("orders", 0);
  alter.consume_bytes_per_second = 2'000;
  const auto altered = catalogue.alter_topic(alter);
  REQUIRE(altered.ok());
  CHECK(altered->topic.settings.produce_bytes_per_second == 1'000);
  CHECK(altered->topic.settings.consume_bytes_per_second == 2'000);
  alter.produce_bytes_per_second = (std::uint64_t{16} << 30) + 1;
  CHECK(catalogue.alter_topic(alter).code() == errc::invalid_argument);
  auto other = topic_wish("other", 1);
  other.settings.consume_bytes_per_second = ~std::uint64_t{0};
  CHECK(catalogue.create_topic(other, now).code() == errc::invalid_argument);
}
