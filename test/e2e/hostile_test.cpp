#include "test/core/dice.hpp"
#include "test/e2e/raw_connection.hpp"
#include "test/e2e/running_node.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <memory>
#include <thread>

namespace carafe::test {
namespace {

constexpr std::uint64_t mib = 1u << 20;

void check_works(running_node& at) {
  auto p = must(at.client.make_producer({}));
  CHECK(p->send("t", {.body = "well"}).ok());
  CHECK(at.node.running());
}

std::string little_endian(std::initializer_list<std::uint32_t> numbers) {
  std::string out;
  for (const auto number : numbers)
    for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(number >> (8 * i)));
  return out;
}

std::string wire_text(const frames::frame& f) {
  const auto bytes = wire_bytes(f);
  return {bytes.data(), bytes.size()};
}

/// Frames that a client may send, each with its bytes changed in some places behind the table.
std::string changed_frames(dice& random) {
  static const auto samples = sample_frames();
  std::string out;
  for (int i = 0; i < 4; ++i) {
    auto bytes = wire_text(random.pick(samples).value);
    for (auto left = random.below(4); left > 0; --left)
      bytes[8 + random.below(bytes.size() - 8)] = static_cast<char>(random.below(256));
    if (random.below(16) == 0) bytes.resize(random.below(bytes.size()));
    out += bytes;
  }
  return out;
}

/// So many subscriptions of a queue, with credit for all that is in it.
void ask_for_all(raw_connection& c, queue_id queue, std::uint64_t subscriptions) {
  for (std::uint64_t i = 1; i <= subscriptions; ++i) {
    frames::subscribe wish;
    wish.subscription = subscription_id{i};
    wish.queue = queue;
    wish.credit_bytes = 1u << 30;
    c.send(i, wish);
  }
}

/// Of the next two seconds.
std::uint64_t most_memory(const running_node& at) {
  const auto end = std::chrono::steady_clock::now() + 2s;
  std::uint64_t most = 0;
  while (std::chrono::steady_clock::now() < end) {
    most = std::max(most, at.node.memory_bytes());
    std::this_thread::sleep_for(20ms);
  }
  return most;
}

} // namespace

TEST_CASE("hostile: changed frames from many connections crash nothing and cost bounded memory") {
  running_node at{{{"topics-max", "100"}}};
  must(at.client.create_topic("t", 1));
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  const auto before = at.node.memory_bytes();
  for (int i = 0; i < 300; ++i) {
    raw_connection wrong{at.node.port()};
    if (i % 4 != 0) wrong.greet();
    for (int part = 0; part < 8 && wrong.send(changed_frames(random)); ++part) {
    }
  }
  CHECK(at.node.memory_bytes() < before + 64 * mib);
  CHECK(eventually([&] { return must(at.client.node_status()).connections == 1; }));
  check_works(at);
}

TEST_CASE("hostile: lengths, segments and pointers that lead nowhere end their connection only") {
  running_node at;
  must(at.client.create_topic("t", 1));
  // A pointer to a struct of one pointer, which is the next word, and so on.
  constexpr std::uint32_t depth = 20'000;
  std::string nested = little_endian({0, depth});
  for (std::uint32_t i = 0; i < depth; ++i) nested += little_endian({0, 1u << 16});
  // Many segments that far pointers lead round in a circle.
  std::string circle = little_endian({1, 1, 1, 0});
  circle += little_endian({2, 1}) + little_endian({2, 0});
  // A list of as many elements without size as there can be.
  std::string zeros = little_endian({0, 2}) + little_endian({0, 0x00010000});
  zeros += little_endian({1, 0xfffffff8});
  for (const auto& bytes : {nested, circle, zeros, little_endian({0, 0xffffffff}),
                            little_endian({0xffffffff, 0}), little_endian({511, 0xffffffff})}) {
    raw_connection wrong{at.node.port()};
    wrong.greet();
    wrong.send(bytes);
    wrong.send(std::string(8'192, '\xff'));
    check_works(at);
  }
}

TEST_CASE(
  "hostile: who sends a byte at a time is closed, however many do it, and others are served") {
  running_node at{{{"idle-timeout-ms", "1000"}}};
  must(at.client.create_topic("t", 1));
  const auto hello = wire_text({1, frames::hello{1, 1, "slow", "test"}});
  const auto large = little_endian({0, 100'000}); // The rest of it never comes.
  std::vector<std::unique_ptr<raw_connection>> slow;
  for (int i = 0; i < 100; ++i) slow.push_back(std::make_unique<raw_connection>(at.node.port()));
  const auto before = at.node.memory_bytes();
  const auto begun = std::chrono::steady_clock::now();
  const auto end = begun + 10s;
  std::size_t sent = 0, open = slow.size();
  for (; open > 0 && std::chrono::steady_clock::now() < end; ++sent) {
    open = 0;
    for (std::size_t i = 0; i < slow.size(); ++i) {
      const auto& text = i % 2 == 0 ? hello : large;
      // Half of the hello at most, so that no frame is ever whole.
      const char next = text[std::min(sent, text.size() / 2)];
      open += slow[i]->send({&next, 1}) ? 1 : 0;
    }
    std::this_thread::sleep_for(50ms);
  }
  CHECK(open == 0);
  CHECK(at.node.memory_bytes() < before + 32 * mib);
  check_works(at);
}

TEST_CASE("hostile: half frames are kept within the limit of frames and of connections") {
  running_node at{{{"connections-max", "64"}, {"message-bytes-max", "256KiB"}}};
  must(at.client.create_topic("t", 1));
  const auto before = at.node.memory_bytes();
  std::vector<std::unique_ptr<raw_connection>> held;
  for (int i = 0; i < 60; ++i) {
    held.push_back(std::make_unique<raw_connection>(at.node.port()));
    const auto limit = held.back()->greet().frame_bytes_max;
    held.back()->send(little_endian({0, limit / 8 - 1}));
    held.back()->send(std::string(limit - 64, 'x'));
  }
  // Twice what was sent, for buffers that grow by doubling.
  CHECK(at.node.memory_bytes() < before + 60 * 2 * 2 * mib);
  check_works(at);
  held.clear();
  CHECK(eventually([&] { return must(at.client.node_status()).connections == 1; }));
}

TEST_CASE("hostile: a thousand subscriptions of one queue that nobody takes cost bounded memory") {
  running_node at;
  must(at.client.create_topic("t", 1, {.mode = durability::memory}));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 32; ++i) must(p->send("t", {.body = std::string(mib, 'x')}));
  const auto queue = must(at.client.describe_topic("t")).queues.at(0).queue;
  const auto before = at.node.memory_bytes();
  raw_connection greedy{at.node.port()};
  greedy.greet();
  ask_for_all(greedy, queue, 1'000);
  const auto most = most_memory(at);
  CHECK(most < before + 96 * mib);
  check_works(at);
}

TEST_CASE("hostile: many connections that take nothing share bounded memory, and others go on") {
  running_node at{{{"send-bytes-max", "16MiB"}}};
  must(at.client.create_topic("t", 1, {.mode = durability::memory}));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 400; ++i) must(p->send("t", {.body = std::string(mib / 16, 'x')}));
  const auto queue = must(at.client.describe_topic("t")).queues.at(0).queue;
  const auto before = at.node.memory_bytes();
  std::vector<std::unique_ptr<raw_connection>> greedy;
  for (int n = 0; n < 60; ++n) {
    auto& c = *greedy.emplace_back(std::make_unique<raw_connection>(at.node.port()));
    c.greet();
    ask_for_all(c, queue, 20);
  }
  const auto most = most_memory(at);
  // Each alone would hold 8 MiB and more.
  CHECK(most < before + 96 * mib);
  CHECK(bodies_in(at.node.address(), "t", queue_number{0}).size() == 400);
  check_works(at);
}

} // namespace carafe::test
