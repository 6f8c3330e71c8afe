#include "schema/batch.hpp"
#include "test/core/dice.hpp"
#include "test/e2e/raw_connection.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

namespace carafe::test {
namespace {

/// A message goes in and comes out.
void check_works(running_node& at) {
  auto p = must(at.client.make_producer({}));
  CHECK(p->send("t", {.body = "well"}).ok());
}

errc code_of(const frames::body& body) { return std::get<frames::error>(body).why.code; }

} // namespace

TEST_CASE("one connection more than connections-max is refused, and has room later") {
  running_node at{{{"connections-max", "3"}}};
  must(at.client.create_topic("t", 1));
  auto second = connect_to(at.node.address());
  {
    auto third = connect_to(at.node.address());
    const auto fourth = client::connect({.node = at.node.address(), .timeout = 1s});
    CHECK(fourth.code() == errc::too_many_connections);
  }
  CHECK(eventually([&] { return client::connect({.node = at.node.address()}).ok(); }));
  check_works(at);
}

TEST_CASE("bytes that are no frames end their connection, and no other") {
  running_node at;
  must(at.client.create_topic("t", 1));
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  for (int i = 0; i < 20; ++i) {
    std::string garbage(random.between(1, 100'000), '\0');
    for (auto& c : garbage) c = static_cast<char>(random.below(256));
    raw_connection wrong{at.node.port()};
    if (i % 2 == 1) wrong.greet();
    wrong.send(garbage);
    // Whatever begins like a large frame waits for the rest of it.
    wrong.send(std::string(4'096, '\xff'));
  }
  raw_connection web{at.node.port()};
  web.send("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  CHECK(web.closed());
  check_works(at);
  CHECK(at.node.running());
}

TEST_CASE("a frame that announces more than the limit ends its connection before it is sent") {
  running_node at{{{"message-bytes-max", "64KiB"}}};
  must(at.client.create_topic("t", 1));
  raw_connection large{at.node.port()};
  const auto limits = large.greet();
  const std::uint32_t words = limits.frame_bytes_max / 8 + 1;
  std::string header(8, '\0');
  for (std::size_t i = 0; i < 4; ++i) header[4 + i] = static_cast<char>(words >> (8 * i));
  REQUIRE(large.send(header));
  const auto answer = large.receive();
  REQUIRE(answer);
  CHECK(code_of(answer->body) == errc::frame_too_large);
  CHECK(large.closed());
  check_works(at);
}

TEST_CASE("anything before hello is refused") {
  running_node at;
  raw_connection rude{at.node.port()};
  CHECK(code_of(rude.ask(frames::ping{})) == errc::hello_expected);
  CHECK(rude.closed());
  raw_connection old{at.node.port()};
  CHECK(code_of(old.ask(frames::hello{90, 99, {}, {}})) == errc::version_mismatch);
  CHECK(old.closed());
}

TEST_CASE("a silent connection is closed, one with heartbeats is not") {
  running_node at{{{"idle-timeout-ms", "1000"}}};
  must(at.client.create_topic("t", 1));
  raw_connection silent{at.node.port()};
  silent.greet();
  raw_connection shy{at.node.port()};
  const auto begun = std::chrono::steady_clock::now();
  const auto last_word = silent.receive();
  REQUIRE(last_word);
  CHECK(code_of(last_word->body) == errc::timeout);
  CHECK(silent.closed());
  CHECK(shy.closed());
  CHECK(std::chrono::steady_clock::now() - begun > 900ms);
  // The client library said nothing meanwhile but its heartbeats.
  check_works(at);
  CHECK(eventually([&] { return must(at.client.node_status()).connections == 1; }));
}

TEST_CASE("who does not read its answers is not read from, and costs bounded memory") {
  running_node at;
  must(at.client.create_topic("t", 1));
  raw_connection greedy{at.node.port()};
  greedy.greet();
  std::vector<char> frame;
  SECTION("pings") { frames::encode(frames::frame{7, frames::ping{}}, frame); }
  SECTION("descriptions of a topic") {
    frames::encode(frames::frame{7, frames::topic_describe{"t", false}}, frame);
  }
  std::string many;
  while (many.size() < 100'000) many.append(frame.data(), frame.size());
  const auto before = at.node.memory_bytes();
  constexpr std::uint64_t limit = 400u << 20;
  CHECK(greedy.flood(many, limit, 1s) < limit);
  CHECK(at.node.memory_bytes() < before + (64u << 20));
  check_works(at);
}

TEST_CASE("a batch that unpacks to much more than it may is refused, and costs bounded memory") {
  running_node at{{{"message-bytes-max", "1MiB"}}};
  const auto topic = must(at.client.create_topic("t", 1));
  batch_builder builder{{.message_bytes_max = 64u << 20, .batch_bytes_max = 80u << 20}};
  const std::string zeros(60u << 20, '\0');
  message_view bomb;
  bomb.body = zeros;
  must(builder.add(bomb));
  const auto batch = must(builder.finish(codec::zstd));
  raw_connection sly{at.node.port()};
  sly.greet();
  frames::produce wish;
  wish.queue = topic.queues.at(0).queue;
  wish.producer = producer_id{9};
  wish.first = sequence{1};
  wish.count = batch.count;
  wish.compression = batch.compression;
  wish.checksum = batch.checksum;
  wish.batch = batch.bytes;
  const auto before = at.node.memory_bytes();
  for (int i = 0; i < 50; ++i) CHECK(code_of(sly.ask(wish)) == errc::batch_too_large);
  CHECK(at.node.memory_bytes() < before + (32u << 20));
  check_works(at);
}

TEST_CASE("who does not take what it asked for is dropped, and nothing of it stays") {
  running_node at{{{"idle-timeout-ms", "1000"}}};
  const auto topic = must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 40; ++i) must(p->send("t", {.body = std::string(1u << 20, 'x')}));
  const auto sockets = at.node.open_sockets();
  raw_connection full{at.node.port()};
  full.greet();
  full.send(2, frames::subscribe{subscription_id{1}, topic.queues.at(0).queue, {}, {}, 1u << 30});
  bool pings = false;
  SECTION("when it says nothing") {}
  SECTION("when it goes on asking") { pings = true; }
  CHECK(eventually([&] { return at.node.open_sockets() == sockets + 1; }));
  const bool dropped = eventually(
    [&] {
      if (pings) full.send(3, frames::ping{});
      std::this_thread::sleep_for(50ms);
      return at.node.open_sockets() <= sockets;
    },
    20s);
  INFO(at.node.open_sockets() << " sockets, before " << sockets);
  CHECK(dropped);
  check_works(at);
}

TEST_CASE("a connection that ends in the middle of a frame harms nobody") {
  running_node at;
  must(at.client.create_topic("t", 1));
  std::vector<char> bytes;
  frames::hello hello;
  hello.client.assign(1'000, 'x');
  frames::encode(frames::frame{1, hello}, bytes);
  for (std::size_t cut = 1; cut < bytes.size(); cut += 61) {
    raw_connection torn{at.node.port()};
    torn.send(std::string_view{bytes.data(), cut});
  }
  CHECK(eventually([&] { return must(at.client.node_status()).connections == 1; }));
  check_works(at);
}

} // namespace carafe::test
