#include "test/client/gate.hpp"
#include "test/client/quick.hpp"

#include <atomic>
#include <future>
#include <random>

using namespace carafe;
using namespace carafe::test;
using client::producer_options;

namespace {

std::unique_ptr<client::producer> make(const client::client& c, producer_options options = {}) {
  auto p = c.make_producer(options);
  REQUIRE(p.ok());
  return std::move(*p);
}

/// Lets the reaction to each `produce` depend on how many came before.
void react(fake_node& node, std::function<fake_node::reaction(int)> what) {
  auto seen = std::make_shared<std::atomic<int>>(0);
  node.on_frame([seen, what](const frames::frame& f) -> fake_node::reaction {
    if (!std::holds_alternative<frames::produce>(f.body)) return fake_node::handle{};
    return what((*seen)++);
  });
}

frames::body failed(errc code, std::uint32_t retry_after_ms = 0) {
  return frames::error{code, retry_after_ms};
}

texts numbers(int count) {
  auto all = texts{};
  for (auto i = 0; i < count; ++i) all.push_back(std::to_string(i));
  return all;
}

} // namespace

TEST_CASE("a batch whose receipt was lost is sent again and stored once") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  react(node, [](int n) -> fake_node::reaction {
    if (n == 0) return fake_node::handle_and_close{};
    return fake_node::handle{};
  });
  auto p = make(c);
  auto r = p->send("t", text("once"));
  REQUIRE(r.ok());
  CHECK(r->duplicate);
  CHECK(r->offset == offset{0});
  CHECK(node.bodies("t", 0) == texts{"once"});
  CHECK(node.count<frames::produce>() == 2);
}

TEST_CASE("a batch that was lost on its way is sent again") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  react(node, [](int n) -> fake_node::reaction {
    if (n == 0) return fake_node::close{};
    return fake_node::handle{};
  });
  auto r = make(c)->send("t", text("once"));
  REQUIRE(r.ok());
  CHECK_FALSE(r->duplicate);
  CHECK(node.bodies("t", 0) == texts{"once"});
}

TEST_CASE("order holds when batches in flight are refused for a while") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto code = GENERATE(errc::storage_full, errc::not_leader, errc::too_many_requests,
                       errc::shard_unavailable, errc::outcome_unknown);
  react(node, [code](int n) -> fake_node::reaction {
    if (n == 2 || n == 5) return failed(code, 1);
    return fake_node::handle{};
  });
  auto options = producer_options{};
  options.batch_count = 1;
  auto p = make(c, options);
  for (auto& each : numbers(20)) REQUIRE(p->send_async("t", text(each), nullptr).ok());
  REQUIRE(p->flush().ok());
  CHECK(node.bodies("t", 0) == numbers(20));
}

TEST_CASE("the node's wish to wait is heard") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  react(node, [](int n) -> fake_node::reaction {
    if (n == 0) return failed(errc::storage_full, 80);
    return fake_node::handle{};
  });
  auto p = make(c);
  auto began = std::chrono::steady_clock::now();
  REQUIRE(p->send("t", text("x")).ok());
  CHECK(std::chrono::steady_clock::now() - began >= 80ms);
}

TEST_CASE("a refusal for good fails its messages only") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto code = GENERATE(errc::batch_malformed, errc::too_many_producers, errc::permission_denied);
  react(node, [code](int n) -> fake_node::reaction {
    if (n == 1) return failed(code);
    return fake_node::handle{};
  });
  auto options = producer_options{};
  options.batch_count = 2;
  options.linger = 1s;
  auto p = make(c, options);
  auto answers = std::vector<std::future<result<receipt>>>{};
  for (auto& each : numbers(8)) answers.push_back(p->send_async("t", text(each)));
  auto codes = std::vector<errc>{};
  for (auto& each : answers) codes.push_back(each.get().code());
  auto none = errc::none;
  CHECK(codes == std::vector{none, none, code, code, none, none, none, none});
  CHECK(node.bodies("t", 0) == texts{"0", "1", "4", "5", "6", "7"});
}

TEST_CASE("a message that never left in time was surely not stored") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = producer_options{};
  options.delivery_timeout = 600ms;
  auto p = make(c, options);
  REQUIRE(p->send("t", text("x")).ok());
  node.listen(false);
  std::this_thread::sleep_for(20ms);
  CHECK(p->send("t", text("y")).code() == errc::timeout);
  CHECK(p->send("unheard of", text("y")).code() == errc::timeout);
  node.listen(true);
  CHECK(eventually([&] { return p->send("t", text("z")).ok(); }));
  CHECK(node.bodies("t", 0).front() == "x");
  CHECK(node.bodies("t", 0).back() == "z");
}

TEST_CASE("a message that was sent and not answered in time may be stored") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  react(node, [](int n) -> fake_node::reaction {
    if (n == 1) return fake_node::drop{};
    return fake_node::handle{};
  });
  auto options = producer_options{};
  options.delivery_timeout = 600ms;
  auto p = make(c, options);
  auto first = p->send("t", text("0"));
  REQUIRE(first.ok());
  CHECK(p->send("t", text("1")).code() == errc::outcome_unknown);
  auto after = p->send("t", text("2"));
  REQUIRE(after.ok());
  CHECK(after->id.producer != first->id.producer);
  CHECK(after->id.sequence == sequence{1});
  CHECK(node.bodies("t", 0) == texts{"0", "2"});
}

TEST_CASE("a producer that the node forgot goes on under another id") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto p = make(c);
  REQUIRE(p->send("t", text("0")).ok());
  node.with_queue("t", 0, [](model_queue& q) { q.forget_all(); });
  auto r = p->send("t", text("1"));
  REQUIRE(r.ok());
  CHECK(r->id.producer != p->id());
  CHECK(node.bodies("t", 0) == texts{"0", "1"});
}

TEST_CASE("no more than the node's in-flight limit is unanswered") {
  auto s = fake_node::settings{};
  s.in_flight_max = 3;
  auto node = fake_node{s};
  node.add_topic("t", 8);
  auto c = connected(node);
  auto options = producer_options{};
  options.batch_count = 1;
  auto p = make(c, options);
  node.on_frame([](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::produce>(f.body)) return fake_node::drop{};
    return fake_node::handle{};
  });
  for (auto i = 0; i < 16; ++i) REQUIRE(p->send_async("t", text("x"), nullptr).ok());
  REQUIRE(eventually([&] { return node.count<frames::produce>() == 3; }));
  std::this_thread::sleep_for(20ms);
  CHECK(node.count<frames::produce>() == 3);
  node.on_frame({});
  node.cut();
  REQUIRE(p->flush().ok());
  auto stored = std::size_t{0};
  for (auto q = 0u; q < 8; ++q) stored += node.bodies("t", q).size();
  CHECK(stored == 16);
}

TEST_CASE("no more than eight batches of one queue are in flight") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  auto options = producer_options{};
  options.batch_count = 1;
  auto p = make(c, options);
  auto g = gate{};
  node.on_frame([&](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::produce>(f.body)) return fake_node::drop{};
    return fake_node::handle{};
  });
  for (auto i = 0; i < 20; ++i) REQUIRE(p->send_async("t", text("x"), nullptr).ok());
  REQUIRE(eventually([&] { return node.count<frames::produce>() == 8; }));
  std::this_thread::sleep_for(20ms);
  CHECK(node.count<frames::produce>() == 8);
  node.on_frame({});
  node.cut();
  REQUIRE(p->flush().ok());
  CHECK(node.bodies("t", 0).size() == 20);
}

TEST_CASE("nothing is lost, doubled or reordered by connections that keep breaking") {
  auto seed = std::random_device{}();
  INFO("seed " << seed);
  auto random = std::make_shared<std::mt19937>(seed);
  auto node = fake_node{};
  node.add_topic("t", 3);
  auto c = connected(node);
  node.on_frame([random](const frames::frame& f) -> fake_node::reaction {
    if (!std::holds_alternative<frames::produce>(f.body)) return fake_node::handle{};
    switch ((*random)() % 40) {
    case 0:
      return fake_node::close{};
    case 1:
      return fake_node::handle_and_close{};
    case 2:
      return failed(errc::storage_full, 2);
    case 3:
      return failed(errc::outcome_unknown);
    default:
      return fake_node::handle{};
    }
  });
  auto options = producer_options{};
  options.batch_count = 3;
  auto p = make(c, options);
  auto good = 0;
  auto wrong = texts{};
  constexpr auto count = 1'500;
  for (auto i = 0; i < count; ++i) {
    auto to = queue_number{static_cast<std::uint32_t>(i % 3)};
    auto done = [&](const result<receipt>& r) {
      if (r.ok())
        ++good;
      else
        wrong.push_back(r.error().message());
    };
    REQUIRE(p->send_async("t", text(std::to_string(i)), done, to).ok());
  }
  REQUIRE(p->flush().ok());
  CHECK(good == count);
  CHECK(wrong == texts{});
  for (auto q = 0; q < 3; ++q) {
    auto expected = texts{};
    for (auto i = q; i < count; i += 3) expected.push_back(std::to_string(i));
    CHECK(node.bodies("t", static_cast<std::uint32_t>(q)) == expected);
  }
}

TEST_CASE("a closed producer tells the outcome of all it took") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto c = connected(node);
  react(node, [](int) { return fake_node::drop{}; });
  auto options = producer_options{};
  options.delivery_timeout = 50ms;
  auto p = make(c, options);
  auto sent = p->send_async("t", text("x"));
  p.reset();
  CHECK(sent.get().code() == errc::outcome_unknown);
}
