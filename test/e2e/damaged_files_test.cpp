#include "test/core/dice.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr std::size_t mib = 1u << 20;

std::vector<fs::path> segments_of(const fs::path& data, const std::string& shard = "shard-0") {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator{data / shard})
    if (entry.path().filename().string().starts_with("log-") && entry.path().extension() == ".mdb")
      found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

std::string body_of(int number) {
  auto body = "number " + std::to_string(number) + " ";
  body.resize(mib, static_cast<char>('a' + number % 26));
  return body;
}

void fill(running_node& at, int messages, durability mode = durability::fsync) {
  must(at.client.create_topic("t", 1, {.mode = mode}));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < messages; ++i) must(p->send("t", {.body = body_of(i)}));
}

/// Flips a bit in the middle of each place where a message's body is.
void damage_body(const fs::path& file, int number) {
  const auto begin = "number " + std::to_string(number) + " ";
  auto bytes = read_file(file);
  int found = 0;
  for (auto at = bytes.find(begin); at != std::string::npos; at = bytes.find(begin, at + 1)) {
    bytes[at + mib / 2] = static_cast<char>(bytes[at + mib / 2] ^ 1);
    ++found;
  }
  REQUIRE(found > 0);
  std::ofstream{file, std::ios::binary | std::ios::in} << bytes;
}

/// Starts the node on damaged files: it either refuses, naming the file, or serves what is whole
/// and nothing that is not.
void check_serves_no_damage(running_node& at, const fs::path& damaged, int messages) {
  at.node.launch();
  if (at.node.wait(3s)) {
    CHECK_THAT(at.node.log(), Contains(damaged.filename().string()));
    return;
  }
  at.node.wait_ready();
  auto c = connect_to(at.node.address());
  const auto end = must(c.describe_topic("t")).queues.front().end;
  auto reader = must(c.make_consumer({.topics = {"t"}}));
  int next = 0;
  const auto read = [&] { return end.value <= static_cast<std::uint64_t>(next); };
  bool told = false;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!told && !read() && std::chrono::steady_clock::now() < deadline) {
    auto got = reader->poll(10, 3s);
    told = got.code() == errc::storage_corrupt;
    if (!got) break;
    for (const auto& each : *got) REQUIRE(each.body == body_of(next++));
  }
  CHECK((told || read()));
  // Nothing is skipped in silence.
  if (next < messages) {
    CHECK(told);
    CHECK_THAT(at.node.log(), Contains(damaged.filename().string()));
  }
}

} // namespace

TEST_CASE("damaged files: a segment that is cut or changed is named and never served") {
  running_node at;
  constexpr int messages = 40;
  fill(at, messages);
  const bool orderly = GENERATE(true, false);
  if (orderly)
    REQUIRE(at.node.stop() == exited(0));
  else
    at.node.kill();
  const auto segments = segments_of(at.node.data_dir());
  REQUIRE(segments.size() >= 3);
  const auto seed = seed_of_run();
  INFO("CARAFE_SEED=" << seed);
  dice random{seed};
  const auto which = GENERATE(0, 1, 2);
  const auto file = segments[which == 2 ? segments.size() - 1 : static_cast<std::size_t>(which)];
  const bool cut = GENERATE(true, false);
  const auto size = fs::file_size(file);
  if (cut) {
    fs::resize_file(file, 3 * 4'096 + random.below(4 * mib));
  } else {
    std::fstream raw{file, std::ios::binary | std::ios::in | std::ios::out};
    // Where the messages are: behind the metas, before what is not used.
    for (int i = 0; i < 200; ++i) {
      const auto place = static_cast<std::streamoff>(2 * 4'096 + random.below(size / 2));
      raw.seekg(place);
      const auto old = static_cast<char>(raw.get());
      raw.seekp(place);
      raw.put(static_cast<char>(old ^ static_cast<char>(1 << random.below(8))));
    }
  }
  const auto report = at.run.json({"log", "verify", at.node.data_dir().string()});
  CHECK(report.code == 1);
  CHECK_THAT(report.out + report.err, Contains(file.filename().string()));
  check_serves_no_damage(at, file, messages);
}

TEST_CASE("damaged files: a torn end above the synced mark is cut back, and told") {
  // So large that nothing is synced because of pages that were copied.
  running_node at{{{"segment-bytes", "128MiB"}, {"checkpoint-interval-ms", "600000"}}};
  constexpr int messages = 12, first_damaged = 9;
  fill(at, messages, durability::memory);
  at.node.kill();
  const auto segments = segments_of(at.node.data_dir(), "shard-2000");
  REQUIRE(segments.size() == 1);
  // What comes after the first one is cut back with it, whole or not.
  damage_body(segments.front(), first_damaged);
  damage_body(segments.front(), messages - 1);
  at.node.start();
  CHECK_THAT(at.node.log(), Contains(segments.front().filename().string() + ": cut back to entry"));
  std::vector<std::string> whole;
  for (int i = 0; i < first_damaged; ++i) whole.push_back(body_of(i));
  CHECK((bodies_in(at.node.address(), "t", queue_number{0}) == whole));
  // Its offsets are given again.
  auto c = connect_to(at.node.address());
  auto p = must(c.make_producer({}));
  CHECK(must(p->send("t", {.body = "on"})).offset == offset{first_damaged});
}

TEST_CASE("damaged files: damage below the synced mark is refused with file and entry") {
  running_node at{{{"checkpoint-interval-ms", "600000"}}};
  constexpr int messages = 4, damaged = 2;
  fill(at, messages);
  at.node.kill();
  std::uint64_t entry = 0, batches = 0;
  const auto dumped = at.run.json({"log", "dump", at.node.data_dir().string()});
  for (const auto& each : dumped.objects())
    for (const auto& effect : each.at("effects"))
      if (effect.at("effect") == "batch" && batches++ == damaged) entry = each.at("index");
  REQUIRE(entry > 0);
  const auto file = segments_of(at.node.data_dir()).front();
  damage_body(file, damaged);
  at.node.launch();
  REQUIRE(at.node.wait(20s) == exited(1));
  CHECK_THAT(at.node.log(), Contains("storage_corrupt") &&
                              Contains(file.string() + ", entry " + std::to_string(entry) + ":"));
  const auto report = at.run.json({"log", "verify", at.node.data_dir().string()});
  CHECK(report.code == 1);
  REQUIRE(report.object().at("damage").size() == 1);
  CHECK(report.object().at("damage").at(0).at("index") == entry);
}

} // namespace carafe::test
