#include "test/client/gate.hpp"
#include "test/client/quick.hpp"

#include "schema/batch.hpp"

#include <atomic>
#include <future>

using namespace carafe;
using namespace carafe::test;
using client::producer_options;

namespace {

std::unique_ptr<client::producer> make(const client::client& c, producer_options options = {}) {
  auto p = c.make_producer(options);
  REQUIRE(p.ok());
  return std::move(*p);
}

/// Every `produce` waits at the gate.
void guard(fake_node& node, gate& g) {
  node.on_frame([&g](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::produce>(f.body)) g.pass();
    return fake_node::handle{};
  });
}

std::vector<std::uint32_t> counts(const fake_node& node) {
  auto all = std::vector<std::uint32_t>{};
  for (auto& p : node.seen<frames::produce>()) all.push_back(p.count);
  return all;
}

} // namespace

TEST_CASE("a sent message is stored as it was given, and the receipt says where") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = make(c);
  auto m = text("hello", "k");
  m.tag = "tagged";
  m.properties = {{"a", "1"}, {"b", ""}};
  m.born = unix_ms{123};
  auto r = p->send("t", m);
  REQUIRE(r.ok());
  CHECK(r->id == client::message_id{p->id(), sequence{1}});
  CHECK(r->topic == "t");
  CHECK(r->queue == node.queue("t", 0));
  CHECK(r->offset == offset{0});
  CHECK(r->batch_count == 1);
  CHECK_FALSE(r->duplicate);
  CHECK(p->send("t", text("again"))->offset == offset{1});

  auto sent = node.seen<frames::produce>().at(0);
  CHECK(crc32c(sent.batch.span()) == sent.checksum);
  auto batch = batch_reader::open(sent.batch, sent.compression, {});
  REQUIRE(batch.ok());
  auto stored = batch->message(0);
  CHECK(stored.body == "hello");
  CHECK(stored.key == "k");
  CHECK(stored.tag == "tagged");
  CHECK(stored.born == unix_ms{123});
  REQUIRE(stored.properties.size() == 2);
  CHECK(stored.properties[0] == std::pair<std::string_view, std::string_view>{"a", "1"});
}

TEST_CASE("a message without a birth time is born when it is given") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto wall = [] {
    auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  };
  auto before = wall();
  REQUIRE(make(c)->send("t", text("x")).ok());
  auto sent = node.seen<frames::produce>().at(0);
  auto born = batch_reader::open(sent.batch, sent.compression, {})->message(0).born.value;
  CHECK(born >= before - 2);
  CHECK(born <= wall() + 2);
}

TEST_CASE("keyed messages go where their key says, others take turns a batch at a time") {
  auto node = fake_node{};
  node.add_topic("t", 4);
  auto c = connected(node);
  auto p = make(c);
  for (auto i = 0; i < 20; ++i) {
    auto key = "key-" + std::to_string(i);
    auto r = p->send("t", text("x", key));
    REQUIRE(r.ok());
    CHECK(r->number == queue_of_key(key, 4));
  }
  auto turns = std::vector<std::uint32_t>{};
  for (auto i = 0; i < 8; ++i) turns.push_back(p->send("t", text("x"))->number.value);
  std::rotate(turns.begin(), std::find(turns.begin(), turns.end(), 0u), turns.end());
  CHECK(turns == std::vector<std::uint32_t>{0, 1, 2, 3, 0, 1, 2, 3});
  auto asked = p->send_async("t", text("x"), queue_number{2}).get();
  CHECK(asked->number == queue_number{2});
  CHECK(p->send_async("t", text("x"), queue_number{4}).get().code() == errc::queue_unknown);
}

TEST_CASE("without linger messages pile up only behind a batch in flight") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto g = gate{};
  guard(node, g);
  auto c = connected(node);
  auto p = make(c);
  auto first = p->send_async("t", text("0"));
  REQUIRE(eventually([&] { return node.count<frames::produce>() == 1; }));
  auto rest = std::vector<std::future<result<receipt>>>{};
  for (auto i = 1; i < 50; ++i) rest.push_back(p->send_async("t", text(std::to_string(i))));
  g.open();
  REQUIRE(first.get().ok());
  for (std::uint64_t i = 0; i < rest.size(); ++i) {
    auto r = rest[i].get();
    REQUIRE(r.ok());
    CHECK(r->offset == offset{i + 1});
    CHECK(r->batch_first == offset{1});
    CHECK(r->batch_count == 49);
    CHECK(r->id.sequence == sequence{i + 2});
  }
  CHECK(counts(node) == std::vector<std::uint32_t>{1, 49});
}

TEST_CASE("batches are closed by count and by bytes") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = producer_options{};
  options.linger = 20s;
  SECTION("count") {
    options.batch_count = 10;
    auto p = make(c, options);
    for (auto i = 0; i < 35; ++i) REQUIRE(p->send_async("t", text("x"), nullptr).ok());
    REQUIRE(eventually([&] { return node.count<frames::produce>() == 3; }));
    REQUIRE(p->flush().ok());
    CHECK(counts(node) == std::vector<std::uint32_t>{10, 10, 10, 5});
  }
  SECTION("bytes") {
    options.batch_bytes = 4'096;
    auto p = make(c, options);
    for (auto i = 0; i < 40; ++i)
      REQUIRE(p->send_async("t", text(std::string(1'000, 'x')), nullptr).ok());
    REQUIRE(p->flush().ok());
    for (auto& sent : node.seen<frames::produce>()) CHECK(sent.batch.size() <= 4'096);
    CHECK(node.count<frames::produce>() <= 14);
  }
  SECTION("a message above batch_bytes travels alone") {
    options.batch_bytes = 4'096;
    auto p = make(c, options);
    REQUIRE(p->send_async("t", text("small"), nullptr).ok());
    REQUIRE(p->send_async("t", text(std::string(100'000, 'x')), nullptr).ok());
    REQUIRE(p->send_async("t", text("small"), nullptr).ok());
    REQUIRE(p->flush().ok());
    CHECK(counts(node) == std::vector<std::uint32_t>{1, 1, 1});
  }
}

TEST_CASE("linger sends what is not full when its time has come") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = producer_options{};
  options.linger = 40ms;
  auto p = make(c, options);
  REQUIRE(p->send("t", text("topic known")).ok());
  auto began = std::chrono::steady_clock::now();
  auto first = p->send_async("t", text("a"));
  auto second = p->send_async("t", text("b"));
  REQUIRE(first.get().ok());
  auto took = std::chrono::steady_clock::now() - began;
  CHECK(took >= 35ms);
  CHECK(took < 2s);
  CHECK(second.get()->batch_count == 2);
}

TEST_CASE("callbacks see the same as futures, in order, on one thread") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = make(c);
  auto offsets = std::vector<std::uint64_t>{};
  for (auto i = 0; i < 1'000; ++i) {
    auto done = [&](const result<receipt>& r) {
      offsets.push_back(r.ok() ? r.value().offset.value : 0);
    };
    // Not everybody wants to know.
    auto wants = i % 3 != 1;
    REQUIRE(p->send_async("t", text("x"), wants ? client::producer::callback{done} : nullptr).ok());
  }
  REQUIRE(p->flush().ok());
  auto expected = std::vector<std::uint64_t>{};
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    if (i % 3 != 1) expected.push_back(i);
  }
  CHECK(offsets == expected);
}

TEST_CASE("a callback may send, but not wait") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = make(c);
  auto seen = std::promise<std::vector<errc>>{};
  auto again = std::promise<void>{};
  REQUIRE(p->send_async(
             "t", text("a"),
             [&](const result<receipt>&) {
               auto codes = std::vector{p->send("t", text("x")).code(), p->flush().code(),
                                        c.list_topics().code()};
               codes.push_back(
                 p->send_async("t", text("b"), [&](const auto&) { again.set_value(); }).code());
               seen.set_value(codes);
             })
            .ok());
  auto bad = errc::invalid_argument;
  CHECK(seen.get_future().get() == std::vector{bad, bad, bad, errc::none});
  CHECK(again.get_future().wait_for(5s) == std::future_status::ready);
}

TEST_CASE("senders wait for room, and a full producer says so in the end") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto g = gate{};
  guard(node, g);
  auto c = connected(node);
  auto options = producer_options{};
  options.in_flight_bytes_max = 10'000;
  options.delivery_timeout = 5s;
  auto sent = std::atomic<int>{0};
  auto p = make(c, options);
  auto sender = std::thread{[&] {
    for (auto i = 0; i < 50; ++i) {
      if (p->send_async("t", text(std::string(1'000, 'x')), nullptr).ok()) ++sent;
    }
  }};
  REQUIRE(eventually([&] { return sent == 9; }));
  std::this_thread::sleep_for(20ms);
  CHECK(sent == 9);
  g.open();
  sender.join();
  CHECK(sent == 50);
  REQUIRE(p->flush().ok());
  CHECK(node.bodies("t", 0).size() == 50);
}

TEST_CASE("waiting for room ends with the delivery timeout") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto g = gate{};
  guard(node, g);
  auto c = connected(node);
  auto options = producer_options{};
  options.in_flight_bytes_max = 10'000;
  options.delivery_timeout = 60ms;
  options.linger = 50ms;
  {
    auto p = make(c, options);
    REQUIRE(p->send_async("t", text(std::string(9'000, 'x')), nullptr).ok());
    auto late = p->send_async("t", text(std::string(9'000, 'x')), nullptr);
    CHECK((late.ok() || late.code() == errc::timeout)); // The first one's time may be over first.
  }
  g.open();
}

TEST_CASE("after a message that failed nothing is taken, if so it is wished") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto g = gate{};
  guard(node, g);
  auto c = connected(node);
  auto options = producer_options{};
  options.in_flight_bytes_max = 10'000;
  options.delivery_timeout = 100ms;
  options.room_timeout = 5s;
  options.stop_at_failure = true;
  {
    auto p = make(c, options);
    auto failed = std::atomic<int>{0};
    auto refused = errc::none;
    for (auto i = 0; i < 50 && refused == errc::none; ++i)
      refused = p->send_async("t", text(std::string(1'000, 'x')),
                              [&](const auto& answer) {
                                if (!answer) ++failed;
                              })
                  .code();
    // It waited for room, and room came by the failure of others.
    CHECK(refused == errc::disconnected);
    CHECK(p->send("t", text("x")).code() == errc::disconnected);
    CHECK(eventually([&] { return failed > 0; }));
  }
  g.open();
}

TEST_CASE("what is wrong with a message is told at once") {
  auto s = fake_node::settings{};
  s.message_bytes_max = 1'000;
  auto node = fake_node{s};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = make(c);
  auto big = text(std::string(1'001, 'x'));
  auto called = false;
  auto done = [&](const auto&) { called = true; };
  CHECK(c.message_bytes_max() == 1'000);
  CHECK(p->send_async("t", big, done).code() == errc::message_too_large); // Topic not known yet.
  REQUIRE(p->send("t", text("x")).ok());
  CHECK(p->send_async("t", big, done).code() == errc::message_too_large);
  CHECK(p->send("t", big).code() == errc::message_too_large);
  auto bad = text("x");
  bad.tag = std::string(300, 't');
  CHECK(p->send_async("t", bad, done).code() == errc::invalid_argument);
  REQUIRE(p->flush().ok());
  CHECK_FALSE(called);
  CHECK(p->send("t", text(std::string(1'000, 'x'))).ok());
}

TEST_CASE("a topic that is not there fails its messages, and is found once it is") {
  auto node = fake_node{};
  auto c = connected(node);
  auto p = make(c);
  CHECK(p->send("t", text("x")).code() == errc::topic_unknown);
  CHECK(p->flush().ok());
  node.add_topic("t", 1);
  CHECK(p->send("t", text("y")).ok());
  CHECK(node.count<frames::topic_describe>() == 2);
  CHECK(node.seen<frames::topic_describe>()[0].create_if_missing);
}

TEST_CASE("a producer may insist on topics that are there") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = producer_options{};
  options.create_topics = false;
  REQUIRE(make(c, options)->send("t", text("x")).ok());
  CHECK_FALSE(node.seen<frames::topic_describe>().at(0).create_if_missing);
}

TEST_CASE("a topic that was deleted and made again is found again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = make(c);
  REQUIRE(p->send("t", text("x")).ok());
  node.delete_topic("t");
  node.add_topic("t", 2);
  CHECK(p->send("t", text("lost")).code() == errc::queue_unknown);
  // The topic is looked up at most once a second; until then its old queue is still tried.
  CHECK(eventually([&] { return p->send("t", text("found")).ok(); }));
  CHECK(node.bodies("t", 0).size() + node.bodies("t", 1).size() == 1);
}

TEST_CASE("batches are compressed when asked for") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = producer_options{};
  options.compression = GENERATE(codec::lz4, codec::zstd);
  auto p = make(c, options);
  REQUIRE(p->send("t", text(std::string(10'000, 'x'))).ok());
  auto sent = node.seen<frames::produce>();
  CHECK(sent[0].compression == options.compression);
  CHECK(sent[0].batch.size() < 1'000);
  CHECK(node.bodies("t", 0).at(0) == std::string(10'000, 'x'));
}

TEST_CASE("options that make no sense are refused") {
  auto node = fake_node{};
  auto c = connected(node);
  auto check = [&](auto change) {
    auto options = producer_options{};
    change(options);
    CHECK(c.make_producer(options).code() == errc::invalid_argument);
  };
  check([](auto& o) { o.batch_bytes = 0; });
  check([](auto& o) { o.batch_count = 0; });
  check([](auto& o) { o.delivery_timeout = 0ms; });
  check([](auto& o) { o.linger = -1ms; });
  check([](auto& o) { o.linger = o.delivery_timeout; });
}

TEST_CASE("several threads share a producer") {
  auto node = fake_node{};
  node.add_topic("t", 3);
  auto c = connected(node);
  auto p = make(c);
  auto good = std::atomic<int>{0};
  auto threads = std::vector<std::thread>{};
  for (auto t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (auto i = 0; i < 500; ++i) {
        auto m = text(std::to_string(i), "thread-" + std::to_string(t));
        static_cast<void>(p->send_async("t", m, [&](const auto& r) { good += r.ok() ? 1 : 0; }));
      }
    });
  }
  for (auto& t : threads) t.join();
  REQUIRE(p->flush().ok());
  CHECK(good == 2'000);
  auto total = std::size_t{0};
  for (auto q = 0u; q < 3; ++q) total += node.bodies("t", q).size();
  CHECK(total == 2'000);
}
