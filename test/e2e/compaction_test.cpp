#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>

namespace carafe::test {
namespace {

constexpr std::uint64_t keys = 40;

/// A topic of one queue, of which each key is given a new value again and again.
class table {
public:
  explicit table(running_node& at) : at_(&at) {}

  /// Sends so many messages of 64 KiB.
  void fill(int count) {
    auto p = must(at_->client.make_producer({}));
    for (; count > 0; --count) {
      const auto key = "k" + std::to_string(next_ % keys);
      const auto body = std::to_string(next_) + ' ' + std::string(64u << 10, 'x');
      const auto at = must(p->send("t", {.body = body, .key = key})).offset;
      last_[key] = at;
      ++next_;
    }
  }
  void end(const std::string& key) {
    must(must(at_->client.make_producer({}))->send("t", {.body = "", .key = key}));
    last_.erase(key);
  }

  /// What one who reads everything from the beginning ends up with.
  [[nodiscard]] std::map<std::string, offset> read(const client::consumer_options& options) const {
    const auto queue = must(at_->client.describe_topic("t")).queues.at(0);
    std::map<std::string, std::pair<offset, bool>> came;
    auto consumer = must(at_->client.make_consumer(options));
    std::optional<offset> before;
    const bool in_order = options.mode == client::group_mode::ordered;
    const auto is_over = [&] {
      if (in_order) return before && *before + 1 >= queue.end;
      return before && must(at_->client.describe_group(options.group)).queues.at(0).lag == 0;
    };
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!is_over()) {
      REQUIRE(std::chrono::steady_clock::now() < until);
      for (const auto& d : must(consumer->poll(100, 100ms))) {
        if (in_order && before) CHECK(d.offset > *before);
        before = std::max(before.value_or(offset{0}), d.offset);
        if (!d.body.empty()) CHECK("k" + std::to_string(std::stoull(d.body) % keys) == d.key);
        auto& last = came[d.key];
        if (d.offset >= last.first) last = {d.offset, d.body.empty()};
        ++delivered_;
        if (!options.group.empty()) must(consumer->ack(d));
      }
    }
    must(consumer->close());
    std::map<std::string, offset> out;
    for (const auto& [key, last] : came)
      if (!last.second) out.emplace(key, last.first);
    return out;
  }
  [[nodiscard]] const std::map<std::string, offset>& last() const { return last_; }
  [[nodiscard]] std::uint64_t sent() const { return next_; }
  [[nodiscard]] std::uint64_t delivered() const { return delivered_; }

private:
  running_node* at_;
  std::uint64_t next_ = 0;
  std::map<std::string, offset> last_;
  mutable std::uint64_t delivered_ = 0;
};

client::consumer_options everything(const std::string& group = {},
                                    client::group_mode mode = client::group_mode::ordered) {
  client::consumer_options o;
  o.topics = {"t"};
  o.group = group;
  o.mode = mode;
  o.start = {.at = start_position::kind::earliest};
  return o;
}

node_process::settings small() {
  return {{"retention-bytes", "40MiB"}, {"checkpoint-interval-ms", "100"}};
}

bool retention_ran(running_node& at, std::uint32_t segments) {
  return eventually(
    [&] { return must(at.client.node_status()).shards.at(0).segments <= segments; });
}

} // namespace

TEST_CASE("a compacted topic keeps the last message of each key, whatever retention takes") {
  running_node at{small()};
  REQUIRE(at.run({"topic", "create", "t", "--queues", "1", "--compacted"}).code == 0);
  table t{at};
  for (int round = 0; round < 3; ++round) {
    // Some keys are not written any more; what they had must stay.
    t.fill(400);
    t.end("k" + std::to_string(round));
    t.fill(5);
    if (round == 1) {
      at.node.kill();
      at.node.start();
    }
    REQUIRE(retention_ran(at, 3));
    CHECK(t.read(everything()) == t.last());
  }
  CHECK(t.delivered() < 3 * t.sent() / 2);
  // Groups of each mode get the same.
  CHECK(t.read(everything("ordered")) == t.last());
  CHECK(t.read(everything("shared", client::group_mode::shared)) == t.last());
  CHECK(t.read(everything("keyed", client::group_mode::keyed)) == t.last());
  for (const auto* group : {"ordered", "shared", "keyed"})
    CHECK(eventually([&] { return must(at.client.describe_group(group)).queues.at(0).lag == 0; }));
  const auto copy = (at.dir.path() / "copy").string();
  REQUIRE(at.run({"log", "backup", copy}).code == 0);
  CHECK(at.node.stop() == exited(0));
  CHECK(at.run({"log", "verify", at.node.data_dir().string()}).code == 0);
  CHECK(at.run({"log", "verify", copy}).code == 0);
}

TEST_CASE("messages of a compacted topic need a key") {
  running_node at;
  must(at.client.create_topic("t", 1, {.compacted = true}));
  auto p = must(at.client.make_producer({}));
  CHECK(p->send("t", {.body = "x"}).code() == errc::key_required);
  CHECK(p->send("t", {.body = "x", .key = "k", .delay = 1h}).ok());
  CHECK(p->send("t", {.body = "x", .delay = 1h}).code() == errc::key_required);
  auto transactions = must(at.client.make_transaction_producer({.group = "g"}));
  auto transaction = transactions->begin();
  must(transaction->send("t", {.body = "x"}));
  CHECK(transaction->commit().code() == errc::key_required);
  must(at.client.alter_topic("t", {.compacted = false}));
  CHECK(p->send("t", {.body = "x"}).ok());
}

TEST_CASE("a topic may become compacted, and stop being so") {
  running_node at{small()};
  must(at.client.create_topic("t", 1));
  table t{at};
  t.fill(100);
  REQUIRE(at.run({"topic", "alter", "t", "--compacted", "yes"}).code == 0);
  CHECK(at.run.json({"topic", "describe", "t"}).object().at("compacted") == true);
  t.fill(900);
  REQUIRE(retention_ran(at, 3));
  CHECK(t.read(everything()) == t.last());
  CHECK(at.run.json({"message", "get", "t/0/1"}).error_code() == "not_found");
  const auto found = at.run({"message", "find", "--topic", "t", "--key", "k7", "--json"});
  REQUIRE(found.code == 0);
  CHECK(found.objects().back().at("offset") == t.last().at("k7").value);
  REQUIRE(at.run({"topic", "alter", "t", "--compacted", "no"}).code == 0);
  const auto queue = must(at.client.describe_topic("t")).queues.at(0);
  CHECK(queue.earliest > offset{0});
  must(at.client.delete_topic("t"));
}

} // namespace carafe::test
