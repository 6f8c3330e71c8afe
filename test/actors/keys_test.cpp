#include "test/actors/requests.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::test;

namespace {

/// A topic of two queues; the first has 60 messages in batches of three, of the keys "0" to "4" in
/// turn, the batches 100 ms apart.
struct keyed_topic {
  rig nodes;
  rig::client client{nodes, "c"};
  frames::topic_description topic = make_topic(client, "orders", 2);
  unix_ms half{};

  keyed_topic() {
    for (std::uint64_t batch = 0; batch < 20; ++batch) {
      nodes.advance(std::chrono::milliseconds{100});
      if (batch == 10) half = nodes.clocks->wall();
      batch_builder builder;
      for (std::uint64_t i = 3 * batch; i < 3 * batch + 3; ++i) {
        const auto key = std::to_string(i % 5);
        message_view message;
        message.key = key;
        message.body = "body";
        REQUIRE(builder.add(message).ok());
      }
      const auto encoded = builder.finish(codec::none);
      REQUIRE(encoded.ok());
      frames::produce out;
      out.queue = topic.queues[0].queue;
      out.producer = producer_id{9};
      out.first = sequence{3 * batch + 1};
      out.previous = sequence{3 * batch};
      out.count = encoded->count;
      out.compression = encoded->compression;
      out.checksum = encoded->checksum;
      out.batch = encoded->bytes;
      REQUIRE(client.ask<frames::receipt>(out).ok());
    }
  }

  result<frames::key_found> find(frames::key_find wish) {
    wish.topic = "orders";
    return client.ask<frames::key_found>(wish);
  }
};

frames::key_find of_key(std::string key) {
  frames::key_find wish;
  wish.key = std::move(key);
  return wish;
}

std::vector<offset> every_fifth(std::uint64_t from, std::uint64_t until) {
  std::vector<offset> out;
  for (; from < until; from += 5) out.emplace_back(from);
  return out;
}

} // namespace

TEST_CASE("keys: a node tells where messages of a key are, a page at a time") {
  keyed_topic at;
  const auto all = at.find(of_key("3"));
  REQUIRE(all.ok());
  CHECK(all->offsets == every_fifth(3, 60));
  CHECK_FALSE(all->more);
  CHECK(all->next == offset{60});
  CHECK(all->looked == 60); // A log in memory has no indices.
  auto wish = of_key("3");
  wish.limit = 5;
  std::vector<offset> paged;
  for (auto more = true; more;) {
    const auto page = at.find(wish);
    REQUIRE(page.ok());
    CHECK(page->offsets.size() <= 5);
    CHECK((page->next > wish.from || !page->more));
    paged.insert(paged.end(), page->offsets.begin(), page->offsets.end());
    wish.from = page->next;
    more = page->more;
  }
  CHECK(paged == all->offsets);
  const auto nothing = at.find(of_key("5"));
  REQUIRE(nothing.ok());
  CHECK(nothing->offsets.empty());
  wish = of_key("3");
  wish.number = queue_number{1};
  const auto other = at.find(wish);
  REQUIRE(other.ok());
  CHECK(other->offsets.empty());
  CHECK_FALSE(other->more);
}

TEST_CASE("keys: only messages between two offsets and two times are told") {
  keyed_topic at;
  auto wish = of_key("0");
  wish.from = offset{11};
  wish.until = offset{40};
  CHECK(at.find(wish)->offsets == every_fifth(15, 40));
  wish = of_key("0");
  wish.since = at.half;
  CHECK(at.find(wish)->offsets == every_fifth(30, 60));
  wish.since = {};
  wish.before = at.half;
  CHECK(at.find(wish)->offsets == every_fifth(0, 30));
  wish.since = unix_ms{at.half.value + 1'000'000};
  wish.before = {};
  CHECK(at.find(wish)->offsets.empty());
  wish = of_key("0");
  wish.until = offset{1'000'000};
  CHECK(at.find(wish)->offsets == every_fifth(0, 60));
  wish.from = offset{100};
  CHECK(at.find(wish)->offsets.empty());
}

TEST_CASE("keys: what cannot be looked for is refused") {
  keyed_topic at;
  frames::key_find wish = of_key("1");
  wish.topic = "nowhere";
  CHECK(at.client.ask<frames::key_found>(wish).code() == errc::topic_unknown);
  wish = of_key("1");
  wish.number = queue_number{2};
  CHECK(at.find(wish).code() == errc::queue_unknown);
  CHECK(at.find(of_key("")).code() == errc::invalid_argument);
  at.nodes.disks.begin()->second.log->read_fails = errc::storage_corrupt;
  CHECK(at.find(of_key("1")).code() == errc::storage_corrupt);
}

TEST_CASE("keys: so many searches go on at a time, and those of who left are over") {
  keyed_topic at;
  rig::client asker{at.nodes, "asker"};
  auto wish = of_key("1");
  wish.topic = "orders";
  for (std::uint64_t i = 1; i <= 17; ++i) asker.post(i, wish);
  at.nodes.settle();
  std::size_t answered = 0;
  while (asker.take<frames::key_found>()) ++answered;
  const auto refused = asker.take<frames::error>();
  CHECK(answered + (refused ? 1 : 0) == 17);
  if (refused) CHECK(refused->why.code == errc::too_many_requests);
  // None is left of them.
  asker.post(18, wish);
  asker.post_disconnect();
  at.nodes.settle();
  CHECK(at.find(of_key("1")).ok());
}
