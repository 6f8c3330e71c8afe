#include "test/core/dice.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

namespace carafe::test {
namespace {

using bodies = std::vector<std::string>;

/// Every 40th message, over two properties.
constexpr auto condition = "kind = 'hit' AND number >= 0";

/// Sends numbers until it is told to stop, and knows which that pass are acknowledged.
class numbers_sender {
public:
  explicit numbers_sender(const std::string& address)
    : client_(connect_to(address)),
      producer_(must(client_.make_producer({}))),
      thread_([this] { run(); }) {}
  ~numbers_sender() { stop(); }

  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint64_t acknowledged() const { return acknowledged_; }
  /// No number below is still to be sent.
  [[nodiscard]] std::uint64_t begun() const { return begun_; }
  [[nodiscard]] std::set<std::string> hits() const {
    auto guard = std::lock_guard{lock_};
    return hits_;
  }

private:
  void run() {
    for (std::uint64_t number = 0; !stopping_; ++number) {
      begun_ = number + 1;
      const bool hit = number % 40 == 0;
      const auto text = std::to_string(number);
      client::message m{.body = text,
                        .properties = {{"kind", hit ? "hit" : "miss"}, {"number", text}}};
      const auto sent = producer_->send_async(
        "load", std::move(m), [this, hit, text](const result<client::receipt>& outcome) {
          if (!outcome) return;
          ++acknowledged_;
          if (!hit) return;
          auto guard = std::lock_guard{lock_};
          hits_.insert(text);
        });
      static_cast<void>(sent);
      if (number % 50 == 0) std::this_thread::sleep_for(2ms);
    }
    static_cast<void>(producer_->flush());
  }

  client::client client_;
  std::unique_ptr<client::producer> producer_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> acknowledged_ = 0;
  std::atomic<std::uint64_t> begun_ = 0;
  mutable std::mutex lock_;
  std::set<std::string> hits_;
  std::thread thread_;
};

/// Members of one group, each of which takes what it gets.
class collectors {
public:
  collectors(const std::string& address, const client::consumer_options& options, int count) {
    for (int i = 0; i < count; ++i)
      threads_.emplace_back([this, address, options] {
        auto client = connect_to(address);
        const auto consumer = must(client.make_consumer(options));
        while (!stopping_) {
          auto got = consumer->poll(100, 20ms);
          const auto guard = std::lock_guard{lock_};
          if (!got) {
            errors_ += got.error().message() + "; ";
            return;
          }
          for (const auto& each : *got) {
            ++seen_[each.body];
            // What was read of a topic that is deleted meanwhile belongs to nobody.
            if (auto ok = consumer->ack(each);
                !ok && !(ok.code() == errc::not_owner && each.topic == "gone"))
              errors_ += ok.error().message() + "; ";
          }
        }
        must(consumer->close());
      });
  }
  ~collectors() { stop(); }

  void stop() {
    stopping_ = true;
    for (auto& each : threads_)
      if (each.joinable()) each.join();
  }
  /// How often each body came.
  [[nodiscard]] std::map<std::string, int> seen() const {
    const auto guard = std::lock_guard{lock_};
    return seen_;
  }
  [[nodiscard]] std::string errors() const {
    const auto guard = std::lock_guard{lock_};
    return errors_;
  }

private:
  std::atomic<bool> stopping_ = false;
  mutable std::mutex lock_;
  std::map<std::string, int> seen_;
  std::string errors_;
  std::vector<std::thread> threads_;
};

/// Whole lines; a kill may have cut the last one.
std::set<std::string> lines_of(const std::string& out) {
  std::set<std::string> lines;
  std::istringstream in{out.substr(0, out.rfind('\n') + 1)};
  for (std::string line; std::getline(in, line);) lines.insert(line);
  return lines;
}

} // namespace

TEST_CASE("filters: over kill -9 of node and consumer an ordered group gets what passes, and gets "
          "on over the rest") {
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  running_node at{{{"checkpoint-entries", "200"}, {"checkpoint-interval-ms", "200"}}};
  must(at.client.create_topic("load", 2));
  CHECK(
    at.run({"group", "create", "g", "--topics", "load", "--mode", "ordered", "--where", condition})
      .code == 0);
  const std::vector<std::string> consume{"consume", "load", "--group", "g"};
  std::set<std::string> got;
  numbers_sender sender{at.node.address()};
  auto consumer = at.run.launch(consume);
  for (int kill = 0; kill < 5; ++kill) {
    const auto before = sender.acknowledged();
    REQUIRE(eventually([&] { return sender.acknowledged() > before + 400; }, 30s));
    std::this_thread::sleep_for(std::chrono::milliseconds{random.between(5, 150)});
    if (kill % 2 == 0) {
      at.node.kill();
      at.node.start();
      continue;
    }
    CHECK(consumer->kill() == killed_by(SIGKILL));
    got.merge(lines_of(consumer->out()));
    consumer = at.run.launch(consume);
  }
  sender.stop();
  // Nothing passes any more, and the group gets on all the same.
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 3'000; ++i)
    must(p->send_async("load", {.body = "miss", .properties = {{"kind", "miss"}}},
                       [](const result<client::receipt>&) {}));
  must(p->flush());
  CHECK(eventually([&] { return is_up_to_date(at.client, "g"); }, 30s));
  const auto group = must(at.client.describe_group("g"));
  CHECK(group.filter.text == condition);
  CHECK(group.filtered >= 3'000);
  CHECK(consumer->kill() == killed_by(SIGKILL));
  got.merge(lines_of(consumer->out()));
  CHECK(got.size() >= sender.hits().size());
  for (const auto& hit : sender.hits()) CHECK(got.contains(hit));
  for (const auto& body : got)
    if (body.empty() || std::stoull(body) % 40 != 0) FAIL("got " << body);
  at.node.kill();
  at.node.start();
  auto again = consume;
  again.insert(again.end(), {"--idle-exit", "500"});
  const auto rest = at.run(again);
  CHECK(rest.code == 0);
  CHECK(rest.out.empty());
}

TEST_CASE("filters: a group gets another filter and other topics while its consumers run") {
  using client::group_mode;
  const auto mode =
    GENERATE(group_mode::ordered, group_mode::shared, group_mode::keyed, group_mode::broadcast);
  running_node at{{{"shards", "2"}}};
  must(at.client.create_topic("load", 4));
  must(at.client.create_topic("more", 2));
  numbers_sender sending{at.node.address()};
  const client::consumer_options options{.topics = {"load"}, .group = "g", .mode = mode};
  collectors running{at.node.address(), options, mode == group_mode::broadcast ? 1 : 2};
  REQUIRE(eventually([&] { return running.seen().size() > 1'000; }));

  auto now = must(at.client.describe_group("g"));
  const client::message_filter hits{client::message_filter::kind::sql, condition};
  now = must(at.client.put_group(
    {now.name, now.mode, {"load", "more"}, now.delivery, now.version, false, hits}));
  const auto begun = sending.begun();
  CHECK(now.topics == std::vector<std::string>{"load", "more"});
  REQUIRE(eventually([&] { return sending.acknowledged() > begun + 2'000; }));
  auto producer = must(at.client.make_producer({}));
  must(producer->send_async("more", {.body = "no"}).get());
  must(
    producer->send_async("more", {.body = "yes", .properties = {{"kind", "hit"}, {"number", "1"}}})
      .get());
  sending.stop();

  const auto all_there = [&] {
    const auto seen = running.seen();
    return seen.contains("yes") &&
           std::ranges::all_of(sending.hits(), [&](const auto& hit) { return seen.contains(hit); });
  };
  CHECK(eventually(all_there));
  running.stop();
  CHECK(running.errors() == "");
  std::uint64_t missed = 0, twice = 0, wrong = 0;
  const auto seen = running.seen();
  for (const auto& hit : sending.hits()) missed += seen.contains(hit) ? 0 : 1;
  for (const auto& [body, times] : seen) {
    twice += times > 1 ? 1 : 0;
    if (body == "yes") continue;
    wrong += body == "no" || (std::stoull(body) >= begun && std::stoull(body) % 40 != 0) ? 1 : 0;
  }
  CHECK(missed == 0);
  CHECK(twice == 0);
  CHECK(wrong == 0);
  const auto late = at.client.make_consumer(options);
  CHECK(late.code() == errc::subscription_mismatch);
}

TEST_CASE("a group's consumers go on with the others when one of its topics is deleted") {
  using client::group_mode;
  const auto mode =
    GENERATE(group_mode::ordered, group_mode::shared, group_mode::keyed, group_mode::broadcast);
  running_node at;
  must(at.client.create_topic("load", 2));
  must(at.client.create_topic("gone", 2));
  auto producer = must(at.client.make_producer({}));
  for (int i = 0; i < 20'000; ++i)
    static_cast<void>(producer->send_async("gone", {.body = "gone"}));
  must(producer->flush());
  client::consumer_options options{.topics = {"load", "gone"}, .group = "g", .mode = mode};
  if (mode == group_mode::broadcast) options.durable_name = "desk";
  const int count = mode == group_mode::broadcast ? 1 : 2;
  collectors running{at.node.address(), options, count};
  numbers_sender sending{at.node.address()};
  REQUIRE(eventually([&] {
    const auto seen = running.seen();
    return seen.contains("gone") && seen.size() > 100;
  }));
  REQUIRE(eventually([&] {
    return must(at.client.describe_group("g")).members.size() == static_cast<std::size_t>(count);
  }));
  must(at.client.delete_topic("gone"));
  const auto then = sending.acknowledged();
  REQUIRE(eventually([&] { return sending.acknowledged() > then + 2'000; }, 60s));
  sending.stop();
  CHECK(eventually([&] { return running.seen().size() == sending.acknowledged() + 1; }, 60s));
  running.stop();
  CHECK(running.errors() == "");
}

TEST_CASE("filters: broadcast consumers and readers without a group get what passes") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  const auto send = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      must(p->send("t", {.body = std::to_string(i), .tag = i % 3 == 0 ? "three" : "other"}));
  };
  send(0, 10);
  const auto take = [&](std::size_t count, std::vector<std::string> words) {
    words.insert(words.begin(), {"consume", "t", "--count", std::to_string(count)});
    const auto got = at.run(words);
    CHECK(got.code == 0);
    return got.lines();
  };
  const bodies threes{"0", "3", "6", "9"};
  CHECK(take(4, {"--tags", "three"}) == threes);
  CHECK(take(2, {"--tags", "three", "--from", "4"}) == bodies{"6", "9"});
  const std::vector<std::string> as_a{"--group", "caches", "--name", "a"};
  auto first = as_a;
  first.insert(first.end(), {"--tags", "three"});
  CHECK(take(4, first) == threes);
  send(10, 12); // Neither passes, and it gets on.
  const auto gets_to = [&](std::uint64_t committed) {
    return eventually(
      [&] {
        auto words = as_a;
        words.insert(words.begin(), {"consume", "t", "--idle-exit", "200"});
        CHECK(at.run(words).out.empty());
        const auto row = at.run.json({"group", "describe", "caches"}).object().at("consumers")[0];
        return row.at("committed") == committed && row.at("lag") == 0;
      },
      60s);
  };
  CHECK(gets_to(12));
  at.node.kill();
  at.node.start();
  send(12, 14);
  CHECK(take(1, as_a) == bodies{"12"});
  CHECK(gets_to(14));
  CHECK(take(5, {"--group", "caches"}) == bodies{"0", "3", "6", "9", "12"});
  const auto other =
    at.run.json({"consume", "t", "--group", "caches", "--mode", "broadcast", "--tags", "other"});
  CHECK(other.error_code() == "subscription_mismatch");
  CHECK(at.run.json({"consume", "t", "--where", "a = "}).error_code() == "filter_invalid");
  CHECK(at.run({"topic", "tail", "t", "--from", "earliest", "--count", "2", "--where",
                "TAG LIKE 'th%'"})
          .lines()
          .size() == 2);
  CHECK(at.run({"group", "alter", "caches", "--tags", "other"}).code == 0);
  send(14, 17);
  CHECK(take(2, as_a) == bodies{"14", "16"});
  const auto described = at.run.json({"group", "describe", "caches"}).object();
  CHECK(described.at("filter") == "tags other");
  CHECK(described.at("filtered_messages") == 1);
}

TEST_CASE("filters: what has expired goes to those who ask for it, and is marked") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  must(p->send("t", {.body = "old", .ttl = 1ms}));
  std::this_thread::sleep_for(10ms); // By the node's clock.
  must(p->send("t", {.body = "kept"}));
  const auto take = [&](int count, std::vector<std::string> words) {
    words.insert(words.begin(), {"consume", "t", "--count", std::to_string(count)});
    return at.run(words).lines();
  };
  CHECK(take(1, {}) == bodies{"kept"});
  CHECK(take(2, {"--expired"}) == bodies{"old", "kept"});
  CHECK(take(1, {"--group", "o"}) == bodies{"kept"});
  CHECK(take(1, {"--group", "b", "--mode", "broadcast"}) == bodies{"kept"});
  CHECK(is_up_to_date(at.client, "o"));
  CHECK(at.run.json({"group", "describe", "o"}).object().at("expired_messages") == 1);
  const auto tailed = at.run({"topic", "tail", "t", "--from", "earliest", "--count", "2"}).lines();
  REQUIRE(tailed.size() == 2);
  CHECK(tailed[0].ends_with("old  (expired)"));
  CHECK(tailed[1].ends_with("kept"));
  CHECK(at.run.json({"message", "get", "t/0/0"}).object().at("expired") == true);
  CHECK_FALSE(at.run.json({"message", "get", "t/0/1"}).object().contains("expired"));
  const auto story = at.run({"message", "why", "t/0/0", "--group", "o"});
  CHECK_THAT(story.out, Catch::Contains("its time to live was over"));
}

} // namespace carafe::test
