#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <random>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

constexpr std::size_t mib = 1u << 20;

std::vector<fs::path> segments_of(const fs::path& data) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator{data / "shard-0"})
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
  auto reader = must(c.make_consumer({.topics = {"t"}}));
  int next = 0;
  bool told = false;
  while (!told) {
    auto got = reader->poll(10, 3s);
    told = got.code() == errc::storage_corrupt;
    if (!got || got->empty()) break;
    for (const auto& each : *got) REQUIRE(each.body == body_of(next++));
  }
  // Nothing is skipped in silence.
  if (next < messages) {
    CHECK(told);
    CHECK_THAT(at.node.log(), Contains(damaged.filename().string()));
  }
}

} // namespace

TEST_CASE("damaged files: a segment that is cut or changed is named and never served") {
  running_node at;
  must(at.client.create_topic("t", 1));
  constexpr int messages = 40;
  {
    auto p = must(at.client.make_producer({}));
    for (int i = 0; i < messages; ++i) must(p->send("t", {.body = body_of(i)}));
  }
  const bool orderly = GENERATE(true, false);
  if (orderly)
    REQUIRE(at.node.stop() == exited(0));
  else
    at.node.kill();
  const auto segments = segments_of(at.node.data_dir());
  REQUIRE(segments.size() >= 3);
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  const auto which = GENERATE(0, 1, 2);
  const auto file = segments[which == 2 ? segments.size() - 1 : static_cast<std::size_t>(which)];
  const bool cut = GENERATE(true, false);
  const auto size = fs::file_size(file);
  if (cut) {
    fs::resize_file(file, 3 * 4'096 + random() % (4 * mib));
  } else {
    std::fstream raw{file, std::ios::binary | std::ios::in | std::ios::out};
    // Where the messages are: behind the metas, before what is not used.
    for (int i = 0; i < 200; ++i) {
      const auto place = static_cast<std::streamoff>(2 * 4'096 + random() % (size / 2));
      raw.seekg(place);
      const auto old = static_cast<char>(raw.get());
      raw.seekp(place);
      raw.put(static_cast<char>(old ^ static_cast<char>(1 << random() % 8)));
    }
  }
  const auto report = at.run.json({"log", "verify", at.node.data_dir().string()});
  CHECK(report.code == 1);
  CHECK_THAT(report.out + report.err, Contains(file.filename().string()));
  check_serves_no_damage(at, file, messages);
}

} // namespace carafe::test
