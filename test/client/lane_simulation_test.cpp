#include "actors/client/lane.hpp"

#include "test/client/model_queue.hpp"

#include <catch2/catch.hpp>

#include <deque>
#include <map>
#include <random>

using namespace carafe;
using namespace carafe::client;
using std::chrono::milliseconds;

namespace {

/// One lane against a model node over connections that delay, break, and deliver late: frames of a
/// broken connection may reach the node after those of the next one.
struct simulation {
  explicit simulation(std::uint32_t s) : seed(s), random(s) {}

  struct flight {
    lane::key batch = 0;
    frames::produce frame;
  };
  struct answer {
    lane::key batch = 0;
    result<frames::receipt> what;
    std::uint32_t retry_after_ms = 0;
  };

  std::uint32_t seed;
  std::mt19937 random;
  std::uint64_t ids = 0;
  test::model_queue node;
  lane l{queue_id{1}, std::make_shared<identity>(identity{producer_id{++ids}}),
         [this] { return producer_id{++ids}; }};
  time_point now = time_point{} + std::chrono::hours{1};
  bool connected = true;
  bool calm = false;
  std::deque<flight> to_node;
  std::deque<answer> to_client;
  std::vector<std::deque<flight>> zombies;
  std::vector<lane::settled> out;
  std::uint32_t pushed = 0;

  bool chance(int percent) { return std::uniform_int_distribution<>{1, 100}(random) <= percent; }

  void push() {
    auto b = sealed_batch{};
    b.data.count = std::uniform_int_distribution<std::uint32_t>{1, 5}(random);
    b.data.checksum = ++pushed; // Tells batches apart.
    b.deadline = now + milliseconds{2'000};
    l.push(std::move(b));
  }

  void pump() {
    l.expire(now, out);
    if (!connected) return;
    while (auto next = l.next(now, out)) to_node.push_back({next->batch, std::move(next->frame)});
  }

  /// A node refuses a batch for its bytes either always or never.
  [[nodiscard]] bool malformed(const frames::produce& p) const {
    return (p.checksum * 2'654'435'761u + seed) % 23 == 0;
  }

  result<frames::receipt> store(const frames::produce& p) {
    if (malformed(p)) return errc::batch_malformed;
    return node.append(p);
  }

  answer decide(const flight& f) {
    if (!calm) {
      if (chance(5)) return {f.batch, errc::storage_full, 30};
      if (chance(3)) return {f.batch, errc::too_many_requests};
      if (chance(1)) return {f.batch, errc::topic_unknown};
      if (chance(2)) return {f.batch, errc::outcome_unknown};
      if (chance(3)) {
        static_cast<void>(store(f.frame));
        return {f.batch, errc::outcome_unknown};
      }
    }
    auto stored = store(f.frame);
    // The window is kept: whatever is sent again is still remembered.
    REQUIRE(stored.code() != errc::duplicate_too_old);
    return {f.batch, std::move(stored)};
  }

  void node_turn() {
    if (!to_node.empty()) {
      to_client.push_back(decide(to_node.front()));
      to_node.pop_front();
    }
    for (auto& z : zombies) {
      if (z.empty() || !chance(20)) continue;
      static_cast<void>(store(z.front().frame));
      z.pop_front();
    }
  }

  void client_turn() {
    if (to_client.empty()) return;
    auto a = std::move(to_client.front());
    to_client.pop_front();
    if (a.what)
      l.on_receipt(a.batch, *a.what, out);
    else
      l.on_error(a.batch, {a.what.error(), a.retry_after_ms}, now, out);
  }

  void cut() {
    connected = false;
    to_client.clear();
    zombies.push_back(std::exchange(to_node, {}));
    l.on_lost();
  }

  void step() {
    if (!calm && chance(30) && pushed < 60) push();
    if (!calm && connected && chance(4)) cut();
    if (!connected && chance(calm ? 100 : 15)) connected = true;
    pump();
    if (chance(60)) node_turn();
    if (chance(60)) client_turn();
    now += milliseconds{std::uniform_int_distribution<>{0, 25}(random)};
  }

  void run() {
    for (auto i = 0; i < 600; ++i) step();
    calm = true;
    for (auto i = 0; i < 2'000 && !l.empty(); ++i) step();
    for (auto& z : zombies) {
      for (auto& f : z) static_cast<void>(store(f.frame));
    }
  }

  void check() {
    REQUIRE(l.empty());
    REQUIRE(out.size() == pushed);
    auto stored = std::map<std::uint32_t, offset>{};
    for (auto& each : node.log()) {
      auto fresh = stored.emplace(each.what.checksum, each.base).second;
      INFO("batch " << each.what.checksum);
      REQUIRE(fresh); // Never twice.
    }
    auto placed = std::map<std::uint32_t, offset>{};
    for (auto& each : out) {
      auto number = each.batch.data.checksum;
      INFO("batch " << number << " " << to_string(each.outcome.code()));
      if (each.outcome) {
        REQUIRE(stored.contains(number));
        REQUIRE(stored[number] == each.outcome->first);
        placed[number] = stored[number];
      } else if (each.outcome.code() != errc::outcome_unknown) {
        REQUIRE_FALSE(stored.contains(number));
      }
    }
    // A receipt may come late, but what was given first lies first.
    auto end = offset{};
    for (auto& [number, base] : placed) {
      INFO("batch " << number);
      REQUIRE(base >= end);
      end = base + 1;
    }
  }
};

} // namespace

TEST_CASE("whatever breaks, a batch is stored at most once, in order, as its outcome says") {
  auto seed = std::random_device{}();
  auto successes = std::size_t{0};
  for (auto round = 0u; round < 300; ++round) {
    INFO("seed " << seed + round);
    auto s = simulation{seed + round};
    s.run();
    s.check();
    for (auto& each : s.out) successes += each.outcome.ok() ? 1 : 0;
  }
  CHECK(successes > 300 * 20); // It does get somewhere.
}
