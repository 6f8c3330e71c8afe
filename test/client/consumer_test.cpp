#include "test/client/quick.hpp"

#include <atomic>
#include <future>
#include <map>

using namespace carafe;
using namespace carafe::test;
using client::consumer_options;

namespace {

using kind = start_position::kind;

consumer_options reading(const std::string& topic) {
  auto options = consumer_options{};
  options.topics = {topic};
  return options;
}

std::unique_ptr<client::consumer> make(const client::client& c, consumer_options options) {
  auto made = c.make_consumer(std::move(options));
  REQUIRE(made.ok());
  return std::move(*made);
}

/// Stores `count` messages "0", "1", … in one queue, `batch` at a time.
void fill(const client::client& c, const std::string& topic, int count, std::uint32_t batch,
          std::uint32_t number = 0, int from = 0) {
  auto options = client::producer_options{};
  options.batch_count = batch;
  options.linger = 1s;
  auto p = c.make_producer(options);
  REQUIRE(p.ok());
  for (auto i = from; i < from + count; ++i)
    REQUIRE((*p)->send_async(topic, text(std::to_string(i)), nullptr, queue_number{number}).ok());
  REQUIRE((*p)->flush().ok());
}

texts numbers(int from, int to) {
  auto all = texts{};
  for (auto i = from; i < to; ++i) all.push_back(std::to_string(i));
  return all;
}

start_position at(std::uint64_t o) { return {kind::at_offset, offset{o}, {}}; }

} // namespace

TEST_CASE("what was produced comes out, with all that belongs to it") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = c.make_producer({});
  auto m = text("hello", "k");
  m.tag = "tagged";
  m.properties = {{"a", "1"}};
  m.born = unix_ms{77};
  auto r = (*p)->send("t", m);
  REQUIRE(r.ok());
  auto reader = make(c, reading("t"));
  auto got = take(*reader, 1);
  REQUIRE(got.size() == 1);
  CHECK(got[0].id == r->id);
  CHECK(got[0].topic == "t");
  CHECK(got[0].offset == offset{0});
  CHECK(got[0].queue == r->queue);
  CHECK(got[0].key == "k");
  CHECK(got[0].body == "hello");
  CHECK(got[0].tag == "tagged");
  CHECK(got[0].born == unix_ms{77});
  CHECK(got[0].broker_time == unix_ms{1'700'000'000'000});
  CHECK(got[0].properties == m.properties);
}

TEST_CASE("reading begins where it is told to, also in the middle of a batch") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 20, 8);
  auto options = reading("t");
  options.start = at(5);
  CHECK(bodies_of(take(*make(c, options), 15)) == numbers(5, 20));
  options.start = {kind::latest, {}, {}};
  auto late = make(c, options);
  fill(c, "t", 2, 8, 0, 20);
  CHECK(bodies_of(take(*late, 2)) == numbers(20, 22));
}

TEST_CASE("a waiting poll gets a message as soon as it comes, and nothing when its time is over") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto reader = make(c, reading("t"));
  auto began = std::chrono::steady_clock::now();
  auto none = reader->poll(10, 30ms);
  REQUIRE(none.ok());
  CHECK(none->empty());
  CHECK(std::chrono::steady_clock::now() - began >= 30ms);
  CHECK(reader->poll(0, 1ms).code() == errc::invalid_argument);
  auto waiting = std::async(std::launch::async, [&] { return reader->poll(10, 5s); });
  std::this_thread::sleep_for(10ms);
  fill(c, "t", 1, 1);
  auto got = waiting.get();
  REQUIRE(got.ok());
  CHECK(bodies_of(*got) == texts{"0"});
}

TEST_CASE("queues take turns a batch at a time, each in order") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, "t", 30, 10, 0);
  fill(c, "t", 30, 10, 1);
  auto reader = make(c, reading("t"));
  REQUIRE(eventually([&] { return node.count<frames::subscribe>() == 2; }));
  std::this_thread::sleep_for(20ms); // Both queues' batches are here then.
  auto got = take(*reader, 60);
  auto runs = std::vector<std::uint32_t>{};
  auto next = std::map<std::uint32_t, std::uint64_t>{};
  for (auto& d : got) {
    if (runs.empty() || runs.back() != d.number.value) runs.push_back(d.number.value);
    CHECK(d.offset.value == next[d.number.value]++);
  }
  CHECK(runs.size() == 6);
}

TEST_CASE("only the chosen queues are read") {
  auto node = fake_node{};
  node.add_topic("t", 3);
  auto c = connected(node);
  fill(c, "t", 2, 2, 0);
  fill(c, "t", 2, 2, 2, 10);
  auto options = reading("t");
  options.queues = {queue_number{2}};
  auto reader = make(c, options);
  CHECK(bodies_of(take(*reader, 2)) == texts{"10", "11"});
  auto owned = reader->queues();
  REQUIRE(owned.size() == 1);
  CHECK(owned[0].number == queue_number{2});
  CHECK(owned[0].next == offset{2});
  options.queues = {queue_number{3}};
  CHECK(c.make_consumer(options).code() == errc::queue_unknown);
}

TEST_CASE("options that make no sense are refused, and missing topics too") {
  auto node = fake_node{};
  auto c = connected(node);
  CHECK(c.make_consumer(reading("missing")).code() == errc::topic_unknown);
  auto check = [&](auto change) {
    auto options = reading("t");
    change(options);
    CHECK(c.make_consumer(options).code() == errc::invalid_argument);
  };
  check([](auto& o) { o.topics.clear(); });
  check([](auto& o) { o.credit_bytes = 0; });
  check([](auto& o) {
    o.queues = {queue_number{0}};
    o.group = "g";
  });
  check([](auto& o) {
    o.queues = {queue_number{0}};
    o.topics.push_back("u");
  });
}

TEST_CASE("the node is never asked for more than the credit, and gets it back") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 400, 10);
  auto options = reading("t");
  options.credit_bytes = 1'500;
  auto reader = make(c, options);
  std::this_thread::sleep_for(20ms);
  CHECK(node.count<frames::credit>() == 0);
  CHECK(bodies_of(take(*reader, 400)) == numbers(0, 400));
  auto produced = std::uint64_t{0};
  for (auto& each : node.seen<frames::produce>()) produced += each.batch.size();
  const auto returned = [&] {
    auto sum = std::uint64_t{0};
    for (auto& each : node.seen<frames::credit>()) sum += each.bytes;
    return sum;
  };
  // The last of it may still be on its way.
  REQUIRE(eventually([&] { return returned() + options.credit_bytes >= produced; }));
  CHECK(returned() <= produced);
  for (auto& each : node.seen<frames::credit>()) CHECK(each.bytes >= 750);
}

TEST_CASE("after a lost connection reading goes on at the next message") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 100, 30);
  auto reader = make(c, reading("t"));
  CHECK(bodies_of(take(*reader, 45)) == numbers(0, 45));
  node.cut();
  REQUIRE(eventually([&] { return node.count<frames::subscribe>() == 2; }));
  CHECK(bodies_of(take(*reader, 55)) == numbers(45, 100));
  auto again = node.seen<frames::subscribe>().back();
  CHECK(again.start == at(45));
  CHECK(again.credit_bytes == 1u << 20);
}

TEST_CASE("a position that the node does not have is an error of its queue only") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, "t", 10, 10, 0);
  fill(c, "t", 20, 10, 1);
  auto options = reading("t");
  options.start = at(15);
  auto reader = make(c, options);
  auto first = reader->poll(100, 5s);
  CHECK(first.code() == errc::offset_out_of_range);
  CHECK(bodies_of(take(*reader, 5)) == numbers(15, 20));
  SECTION("seek revives it") {
    REQUIRE(reader->seek("t", queue_number{0}, at(8)).ok());
    CHECK(bodies_of(take(*reader, 2)) == numbers(8, 10));
  }
  SECTION("with a policy it is none") {
    options.out_of_range = range_policy::earliest;
    CHECK(take(*make(c, options), 15).size() == 15);
  }
}

TEST_CASE("a subscription that ends says why, one that ends for now goes on") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 10, 5);
  auto reader = make(c, reading("t"));
  CHECK(take(*reader, 7).size() == 7);
  auto id = node.seen<frames::subscribe>().back().subscription;
  SECTION("for good") {
    node.send(0, frames::subscription_ended{id, {errc::queue_unknown, "deleted"}});
    CHECK(bodies_of(take(*reader, 3)) == numbers(7, 10));
    auto got = reader->poll(1, 5s);
    CHECK(got.code() == errc::queue_unknown);
    CHECK(got.error().detail == "t/0: deleted");
    auto none = reader->poll(1, 1ms);
    CHECK((none.ok() && none->empty()));
  }
  SECTION("for now") {
    node.send(0, frames::subscription_ended{id, errc::shard_unavailable});
    CHECK(bodies_of(take(*reader, 3)) == numbers(7, 10));
  }
}

TEST_CASE("deliveries that leave messages out are an error, never a silent jump") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 4, 2);
  auto reader = make(c, reading("t"));
  CHECK(take(*reader, 4).size() == 4);
  auto sent = node.seen<frames::produce>().back();
  auto d = frames::deliver{};
  d.subscription = node.seen<frames::subscribe>().back().subscription;
  d.queue = sent.queue;
  d.base = offset{6};
  d.count = sent.count;
  d.checksum = sent.checksum;
  d.batch = sent.batch;
  node.send(0, d);
  CHECK(reader->poll(1, 5s).code() == errc::internal);
}

TEST_CASE("seek moves both ways, and what was not handed out is dropped") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 100, 10);
  auto reader = make(c, reading("t"));
  CHECK(take(*reader, 25).size() == 25);
  REQUIRE(reader->seek("t", queue_number{0}, at(5)).ok());
  CHECK(reader->queues().at(0).next == offset{5});
  CHECK(bodies_of(take(*reader, 3)) == numbers(5, 8));
  REQUIRE(reader->seek("t", queue_number{0}, at(97)).ok());
  CHECK(bodies_of(take(*reader, 3)) == numbers(97, 100));
  REQUIRE(reader->seek("t", queue_number{0}, {kind::earliest, {}, {}}).ok());
  CHECK(bodies_of(take(*reader, 2)) == numbers(0, 2));
  auto frames = node.seen<frames::subscribe>();
  for (auto& each : frames) CHECK(each.subscription == frames[0].subscription);
  CHECK(reader->seek("t", queue_number{1}, at(0)).code() == errc::queue_unknown);
}

TEST_CASE("a seek that fails leaves the reader where it was") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 50, 10);
  auto reader = make(c, reading("t"));
  CHECK(take(*reader, 12).size() == 12);
  CHECK(reader->seek("t", queue_number{0}, at(1'000)).code() == errc::offset_out_of_range);
  CHECK(bodies_of(take(*reader, 38)) == numbers(12, 50));
}

TEST_CASE("a paused queue waits, the others go on") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  fill(c, "t", 10, 2, 0);
  fill(c, "t", 10, 2, 1, 100);
  auto reader = make(c, reading("t"));
  REQUIRE(reader->pause("t", queue_number{0}).ok());
  CHECK(bodies_of(take(*reader, 10)) == numbers(100, 110));
  CHECK(reader->poll(1, 20ms)->empty());
  REQUIRE(reader->resume("t", queue_number{0}).ok());
  CHECK(bodies_of(take(*reader, 10)) == numbers(0, 10));
  CHECK(reader->pause("t", queue_number{9}).code() == errc::queue_unknown);
}

TEST_CASE("run hands over every message until the handler or stop ends it") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  fill(c, "t", 10, 4);
  auto reader = make(c, reading("t"));
  auto seen = texts{};
  REQUIRE(reader
            ->run([&](const delivery& d) {
              seen.push_back(d.body);
              return seen.size() < 6;
            })
            .ok());
  CHECK(seen == numbers(0, 6));
  CHECK(bodies_of(take(*reader, 1)) == numbers(6, 7));
  auto running = std::async(std::launch::async, [&] {
    return reader->run([&](const delivery& d) {
      seen.push_back(d.body);
      return true;
    });
  });
  REQUIRE(eventually([&] { return reader->queues().at(0).next == offset{10}; }));
  reader->stop();
  CHECK(running.get().ok());
  CHECK(seen.size() == 9);
}

TEST_CASE("a queue that is added to a topic is read from its beginning") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = reading("t");
  options.start = {kind::latest, {}, {}};
  auto reader = make(c, options);
  node.add_topic("t", 2);
  fill(c, "t", 3, 3, 1);
  CHECK(bodies_of(take(*reader, 3)).size() <= 3); // Found within the look-up interval.
  CHECK(eventually([&] { return reader->queues().size() == 2; }));
}

TEST_CASE("a closed consumer ends its subscriptions and says so") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  auto reader = make(c, reading("t"));
  auto waiting = std::async(std::launch::async, [&] { return reader->poll(1, 5s); });
  std::this_thread::sleep_for(10ms);
  REQUIRE(reader->close().ok());
  CHECK(waiting.get().code() == errc::disconnected);
  CHECK(reader->poll(1, 1ms).code() == errc::disconnected);
  CHECK(eventually([&] { return node.count<frames::unsubscribe>() == 2; }));
  CHECK(reader->close().ok());
}
