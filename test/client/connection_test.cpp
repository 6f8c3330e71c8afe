#include "test/client/quick.hpp"

#include <atomic>
#include <future>

using namespace carafe;
using namespace carafe::test;

TEST_CASE("connecting where nobody listens is refused at once") {
  auto address = std::string{};
  {
    auto node = fake_node{};
    address = node.address();
  }
  auto began = std::chrono::steady_clock::now();
  auto c = client::connect(quick(address));
  CHECK(c.code() == errc::connection_refused);
  CHECK(std::chrono::steady_clock::now() - began < 2s);
}

TEST_CASE("an address that is none is an invalid argument") {
  for (auto wrong : {"", "localhost", "localhost:", ":7470", "localhost:x", "localhost:70000",
                     "::1:7470", "localhost:0"}) {
    INFO(wrong);
    CHECK(client::connect(quick(wrong)).code() == errc::invalid_argument);
  }
}

TEST_CASE("an unknown host is refused") {
  CHECK(client::connect(quick("no-such-host.invalid:7470")).code() == errc::connection_refused);
}

TEST_CASE("what the node answers to hello comes out of connect") {
  auto node = fake_node{};
  auto code = GENERATE(errc::version_mismatch, errc::too_many_connections);
  node.on_frame([code](const frames::frame&) { return frames::body{frames::error{code, 0}}; });
  CHECK(client::connect(quick(node.address())).code() == code);
}

TEST_CASE("a node that does not answer hello is a timeout") {
  auto node = fake_node{};
  node.on_frame([](const frames::frame&) { return fake_node::drop{}; });
  auto options = quick(node.address());
  options.timeout = 50ms;
  CHECK(client::connect(options).code() == errc::timeout);
}

TEST_CASE("hello tells who the client is") {
  auto node = fake_node{};
  auto options = quick(node.address());
  options.name = "the tester";
  auto c = client::connect(options);
  REQUIRE(c.ok());
  auto hello = node.seen<frames::hello>();
  REQUIRE(hello.size() == 1);
  CHECK(hello[0].client == "the tester");
  CHECK(hello[0].version_min == frames::protocol_version_min);
}

TEST_CASE("a request made while the node is away is answered when it is back") {
  auto node = fake_node{};
  node.add_topic("t", 2);
  auto c = connected(node);
  node.listen(false);
  auto later = std::async(std::launch::async, [&] { return c.describe_topic("t"); });
  std::this_thread::sleep_for(30ms);
  node.listen(true);
  auto told = later.get();
  REQUIRE(told.ok());
  CHECK(told->queues.size() == 2);
}

TEST_CASE("a question is asked again when the connection breaks, a change is not") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto asked = std::atomic<int>{0};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::topic_describe>(f.body) && asked++ == 0)
      return fake_node::close{};
    if (std::holds_alternative<frames::topic_delete>(f.body)) return fake_node::close{};
    return fake_node::handle{};
  });
  CHECK(c.describe_topic("t").ok());
  CHECK(asked == 2);
  CHECK(c.delete_topic("t").code() == errc::outcome_unknown);
  CHECK(node.count<frames::topic_delete>() == 1);
}

TEST_CASE("without an answer a question times out, and a change is of unknown outcome") {
  auto node = fake_node{};
  auto options = quick(node.address());
  options.timeout = 50ms;
  auto c = client::connect(options);
  REQUIRE(c.ok());
  node.on_frame([](const frames::frame&) { return fake_node::drop{}; });
  CHECK(c->list_topics().code() == errc::timeout);
  CHECK(c->delete_topic("t").code() == errc::outcome_unknown);
}

TEST_CASE("a request that the node cannot serve just now is made again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto asked = std::atomic<int>{0};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::topic_describe>(f.body) && asked++ < 2)
      return frames::body{frames::error{errc::shard_unavailable, 1}};
    return fake_node::handle{};
  });
  CHECK(c.describe_topic("t").ok());
  CHECK(asked == 3);
}

TEST_CASE("errors of the node come with their detail") {
  auto node = fake_node{};
  auto c = connected(node);
  auto told = c.describe_topic("missing");
  CHECK(told.code() == errc::topic_unknown);
  CHECK(told.error().detail == "missing");
}

TEST_CASE("a silent client pings, and a silent node is given up") {
  auto s = fake_node::settings{};
  s.idle_timeout_ms = 120;
  auto node = fake_node{s};
  auto c = connected(node);
  REQUIRE(eventually([&] { return node.count<frames::ping>() >= 4; }));
  CHECK(node.greeted() == 1);
  node.on_frame([](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::hello>(f.body)) return fake_node::handle{};
    return fake_node::drop{};
  });
  CHECK(eventually([&] { return node.greeted() >= 2; }));
}

TEST_CASE("a frame that makes no sense breaks the connection, and the next one works") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  node.send(0, frames::error{{errc::shutting_down, "bye"}, 0});
  REQUIRE(eventually([&] { return node.greeted() == 2; }));
  CHECK(c.describe_topic("t").ok());
}

TEST_CASE("an answer of the wrong kind is an internal error") {
  auto node = fake_node{};
  auto c = connected(node);
  node.on_frame([](const frames::frame&) { return frames::body{frames::pong{}}; });
  CHECK(c.list_topics().code() == errc::internal);
  CHECK(c.delete_topic("t").code() == errc::internal);
}

TEST_CASE("a message id is written as producer and sequence") {
  CHECK(to_string(client::message_id{producer_id{0x123456789abcdef}, sequence{42}}) ==
        "0123456789abcdef-42");
}
