#include "actors/client/told.hpp"
#include "test/client/quick.hpp"

using namespace carafe;
using namespace carafe::test;

TEST_CASE("a group's definition reaches the node, its description the caller") {
  auto node = fake_node{};
  auto c = connected(node);
  auto told = frames::group_description{};
  told.name = "g";
  told.group = group_id{4};
  told.mode = "keyed";
  told.topics = {"t"};
  told.delivery.lease_ms = 5'000;
  told.delivery.backoff_ms = {1, 2};
  told.delivery.jitter_percent = 20;
  told.version = 9;
  told.members.resize(1);
  told.members[0].in_flight = 12;
  told.members[0].idle_ms = 3'000;
  told.queues.resize(1);
  told.queues[0].lag = 30;
  told.queues[0].in_flight = 7;
  told.queues[0].waiting = 8;
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::group_put>(f.body)) return frames::body{told};
    return fake_node::handle{};
  });
  auto wanted = client::group_definition{};
  wanted.name = "g";
  wanted.mode = "keyed";
  wanted.topics = {"t", "u"};
  wanted.delivery = {5'000, 3, {1, 2}, 20, 11, 22, 33};
  wanted.version = 8;
  auto group = c.put_group(wanted);
  REQUIRE(group.ok());
  auto put = node.seen<frames::group_put>().at(0);
  CHECK(put.name == "g");
  CHECK(put.mode == "keyed");
  CHECK(put.topics == texts{"t", "u"});
  CHECK(put.delivery == delivery_settings{5'000, 3, {1, 2}, 20, 11, 22, 33});
  CHECK(put.version == 8);
  CHECK_FALSE(put.if_missing);
  CHECK(group->mode == "keyed");
  CHECK(group->version == 9);
  CHECK(group->delivery.lease_ms == 5'000);
  CHECK(group->delivery.backoff_ms == std::vector<std::uint64_t>{1, 2});
  CHECK(group->members.at(0).in_flight == 12);
  CHECK(group->members.at(0).idle_ms == 3'000);
  CHECK(group->queues.at(0).lag == 30);
  CHECK(group->queues.at(0).in_flight == 7);
  CHECK(group->queues.at(0).waiting == 8);
}

TEST_CASE("the defaults of a group's settings are the node's") {
  CHECK(client::frame_of({}).delivery == delivery_settings{});
}
