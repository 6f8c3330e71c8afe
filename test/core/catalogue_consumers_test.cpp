#include "actors/core/catalogue_core.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr catalogue_limits limits{3, 6, 2, 2, 2};
constexpr unix_ms now{500};

/// With a topic `t` that has queues in shards 0 and 1.
catalogue_core catalogue() {
  catalogue_core out{limits, {}, {}, 1};
  frames::topic_create wish;
  wish.name = "t";
  wish.queues = 2;
  auto made = out.create_topic(wish, now);
  REQUIRE(made.ok());
  out.apply(*made);
  return out;
}

result<catalogue_core::decision> joining(catalogue_core& c, const std::string& name,
                                         const std::string& mode = "broadcast") {
  auto joined = c.join_group("g", {"t"}, now, mode);
  REQUIRE(joined.ok());
  auto wish = c.name_consumer(std::move(*joined), name, now);
  if (wish) c.apply(*wish);
  return wish;
}

frames::group_put putting(const catalogue_core& c, const std::string& mode) {
  frames::group_put wish;
  wish.name = "g";
  wish.mode = mode;
  wish.topics = {"t"};
  wish.version = c.group("g")->version;
  return wish;
}

} // namespace

TEST_CASE("A named consumer comes with its group in one entry, with an id of its own") {
  auto c = catalogue();
  const auto first = joining(c, "desk-1");
  REQUIRE(first.ok());
  CHECK(first->entry.size() == 2);
  CHECK(first->consumer->group.value == first->group.group.value + 1);
  CHECK(first->consumer->name == "%g%desk-1");
  CHECK(consumer_name(*first->consumer) == "desk-1");
  const auto again = joining(c, "desk-1");
  REQUIRE(again.ok());
  CHECK(again->entry.empty());
  CHECK(again->consumer == first->consumer);
  CHECK(c.groups().size() == 1);
  CHECK(c.consumers_of("g").size() == 1);
}

TEST_CASE("Names are kept in broadcast groups only, have a form, and there is a limit to them") {
  auto c = catalogue();
  CHECK(joining(c, "%").code() == errc::invalid_argument);
  CHECK(joining(c, "").code() == errc::invalid_argument);
  REQUIRE(joining(c, "a").ok());
  REQUIRE(joining(c, "b").ok());
  const auto third = joining(c, "c");
  REQUIRE(third.code() == errc::too_many_names);
  CHECK(third.error().detail == "group-names-max is 2");
  auto ordered = catalogue();
  CHECK(joining(ordered, "a", "ordered").code() == errc::unsupported);
}

TEST_CASE("A broadcast group is joined as one, with its filter") {
  auto c = catalogue();
  REQUIRE(joining(c, "a").ok());
  const auto other = c.join_group("g", {"t"}, now);
  REQUIRE(other.code() == errc::subscription_mismatch);
  CHECK(other.error().detail ==
        "group g is broadcast and reads t; this consumer asked for ordered and t");
  const auto filtered =
    c.join_group("g", {"t"}, now, "broadcast", {message_filter::kind::tags, "x"});
  REQUIRE(filtered.code() == errc::subscription_mismatch);
  CHECK(filtered.error().detail == "group g is broadcast and reads t; this consumer asked for "
                                   "broadcast and t with tags x");
  CHECK(c.join_group("h", {"t"}, now, "broadcast", {message_filter::kind::sql, "x ="}).code() ==
        errc::filter_invalid);
  const auto made =
    c.join_group("h", {"t"}, now, "broadcast", {message_filter::kind::sql, "x = 1"});
  REQUIRE(made.ok());
  CHECK(made->group.filter.text == "x = 1");
}

TEST_CASE("A group with named consumers stays broadcast") {
  auto c = catalogue();
  REQUIRE(joining(c, "a").ok());
  CHECK(c.put_group(putting(c, "broadcast"), now).ok());
  CHECK(c.put_group(putting(c, "ordered"), now).code() == errc::group_in_use);
  auto gone = c.forget_consumer("g", "a");
  REQUIRE(gone.ok());
  c.apply(*gone);
  CHECK(c.put_group(putting(c, "ordered"), now).ok());
}

TEST_CASE("A forgotten consumer, or a deleted group's, loses its progress in every shard") {
  auto c = catalogue();
  const auto id = joining(c, "a")->consumer->group;
  CHECK(c.forget_consumer("other", "a").code() == errc::group_unknown);
  CHECK(c.forget_consumer("g", "b").code() == errc::not_found);
  for (const auto& gone : {c.forget_consumer("g", "a"), c.delete_group("g")}) {
    REQUIRE(gone.ok());
    const auto drops = [id](const std::vector<effects::effect>& effects) {
      for (const auto& effect : effects)
        if (const auto* drop = std::get_if<effects::progress_dropped>(&effect))
          if (drop->group == id) return true;
      return false;
    };
    CHECK(drops(gone->entry));
    REQUIRE(gone->follow_ups.size() == 1);
    CHECK(drops(gone->follow_ups.begin()->second));
  }
  CHECK(c.repairs(shard_id{1}, {{}, {id}}).size() == 1); // The queue that is missing there.
  c.apply(*c.delete_group("g"));
  CHECK(c.consumers().empty());
  CHECK(c.repairs(shard_id{1}, {{}, {id}}).size() == 2);
}

TEST_CASE("A member's seat is a record of its own, which goes with its group or what it reads") {
  auto c = catalogue();
  auto joined = c.join_group("g", {"t"}, now, "ordered");
  REQUIRE(joined.ok());
  c.apply(*joined);
  const auto group = joined->group.group;
  const auto keep = [&](const std::string& id, std::vector<queue_id> queues) {
    const auto kept = c.keep_queues(group, id, std::move(queues), now);
    REQUIRE(kept.ok());
    c.apply(*kept);
    return kept->entry.size();
  };
  CHECK(keep("desk-1", {queue_id{2}}) == 1);
  CHECK(keep("desk-1", {queue_id{2}}) == 0);
  CHECK(keep("desk-1", {queue_id{2}, queue_id{3}}) == 1);
  CHECK(keep("desk-2", {}) == 1);
  auto seats = c.seats_of("g");
  REQUIRE(seats.size() == 2);
  CHECK(seats[0].mode == seat_mode);
  CHECK(seat_id(seats[0]) == "desk-1");
  CHECK(seats[0].queues == std::vector<queue_id>{queue_id{2}, queue_id{3}});
  CHECK(seats[0].group != seats[1].group);
  CHECK(c.groups().size() == 1);
  CHECK(c.consumers_of("g").empty());
  // As it is found again at the next start.
  std::vector<group_record> rows{c.groups().begin()->second};
  rows.insert(rows.end(), seats.begin(), seats.end());
  CHECK(catalogue_core{limits, {}, rows, 99}.seats_of("g") == seats);

  auto dropped = c.drop_seat(group, "desk-2");
  REQUIRE(dropped.ok());
  c.apply(*dropped);
  CHECK(c.drop_seat(group, "desk-2")->entry.empty());
  CHECK(c.seats_of("g").size() == 1);
  const auto other_mode = c.put_group(putting(c, "shared"), now);
  REQUIRE(other_mode.ok());
  CHECK(other_mode->entry.size() == 2);
  auto deleted = c.delete_group("g");
  REQUIRE(deleted.ok());
  c.apply(*deleted);
  CHECK(c.seats_of("g").empty());
  CHECK(c.keep_queues(group, "desk-1", {}, now).code() == errc::group_unknown);
}
