#include "test/e2e/running_node.hpp"
#include "test/e2e/waiting.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t body_bytes = 256u << 10;
constexpr std::uint64_t keys = 20;

/// Sends `count` messages to the one queue of `t`; the key of each is its offset mod `keys`.
void send(running_node& at, std::uint64_t& sent, std::uint64_t count) {
  auto producer = must(at.client.make_producer({}));
  for (; count > 0; --count, ++sent)
    must(producer->send(
      "t", {.body = std::string(body_bytes, 'x'), .key = "k" + std::to_string(sent % keys)}));
}

std::vector<offset> places(running_node& at, const std::string& key,
                           std::uint64_t* looked = nullptr) {
  std::vector<offset> out;
  client::key_question question{"t", queue_number{0}, key, {}, {}, {}, {}, 3};
  for (auto more = true; more;) {
    const auto answer = must(at.client.find_key(question));
    out.insert(out.end(), answer.offsets.begin(), answer.offsets.end());
    if (looked != nullptr) *looked += answer.looked;
    question.from = answer.next;
    more = answer.more;
  }
  return out;
}

std::vector<offset> expected(std::uint64_t key, std::uint64_t from, std::uint64_t end) {
  std::vector<offset> out;
  for (auto at = key; at < end; at += keys)
    if (at >= from) out.emplace_back(at);
  return out;
}

std::vector<fs::path> files(running_node& at, const std::string& extension) {
  std::vector<fs::path> out;
  for (const auto& each : fs::directory_iterator{at.node.data_dir() / "shard-0"})
    if (each.path().extension() == extension && each.path().filename().string().starts_with("log-"))
      out.push_back(each.path());
  std::ranges::sort(out);
  return out;
}

bool all_indexed(running_node& at) {
  return files(at, ".keys").size() + 1 == files(at, ".mdb").size();
}

} // namespace

TEST_CASE("keys: messages are found while their indices are built, over kills, and after damage") {
  running_node at{{{"checkpoint-interval-ms", "100"}, {"segment-bytes", "16MiB"}}};
  must(at.client.create_topic("t", 1));
  must(must(at.client.make_producer({}))->send("t", {.body = "the first", .key = "lonely"}));
  std::uint64_t sent = 1;
  for (int round = 0; round < 4; ++round) {
    send(at, sent, 70); // More than a segment.
    at.node.kill();
    at.node.start();
    for (const std::uint64_t key : {0, 7, 19})
      CHECK(places(at, "k" + std::to_string(key)) == expected(key, 1, sent));
  }
  REQUIRE(files(at, ".mdb").size() >= 4);
  REQUIRE(eventually([&] { return all_indexed(at); }));
  std::uint64_t looked = 0;
  CHECK(places(at, "lonely", &looked) == std::vector{offset{0}});
  CHECK(looked < 1 + 70); // Itself, and what the newest segment has.
  CHECK(places(at, "nobodys").empty());

  const auto lines = at.run({"message", "find", "--topic", "t", "--key", "k7", "--json"}).objects();
  REQUIRE(lines.size() == expected(7, 1, sent).size());
  CHECK(lines.at(1).at("offset") == 27);
  CHECK(lines.at(1).at("key") == "k7");
  CHECK(at.run.json({"message", "find", "--topic", "t", "--key", "k7", "--limit", "2"})
          .lines()
          .size() == 2);
  CHECK(at.run({"message", "find", "--topic", "t", "--key", "nobodys", "--all-queues"}).code == 0);

  at.node.kill();
  const auto indices = files(at, ".keys");
  fs::remove(indices.at(0));
  fs::resize_file(indices.at(1), fs::file_size(indices.at(1)) / 2);
  std::ofstream{indices.at(2)} << "something else";
  at.node.start();
  CHECK(places(at, "k7") == expected(7, 1, sent));
  CHECK(eventually([&] { return all_indexed(at); }));
  CHECK(places(at, "k7") == expected(7, 1, sent));
  CHECK(at.node.stop() == exited(0));
  const auto verified = at.run.json({"log", "verify", at.node.data_dir().string()});
  CHECK(verified.code == 0);
  CHECK(verified.object().at("key_indices") == indices.size());
  CHECK(verified.object().at("notes").empty());
}

TEST_CASE("keys: indices go with the segments that retention drops") {
  running_node at{
    {{"checkpoint-interval-ms", "100"}, {"segment-bytes", "16MiB"}, {"retention-bytes", "40MiB"}}};
  must(at.client.create_topic("t", 1));
  std::uint64_t sent = 0;
  send(at, sent, 320);
  REQUIRE(eventually([&] { return files(at, ".mdb").size() <= 3; }));
  const auto earliest = must(at.client.describe_topic("t")).queues.at(0).earliest;
  REQUIRE(earliest > offset{0});
  CHECK(eventually([&] { return all_indexed(at); }));
  const auto found = places(at, "k3");
  // Retention may have gone on meanwhile.
  REQUIRE(!found.empty());
  CHECK(found.front() >= earliest);
  CHECK(found == expected(3, found.front().value, sent));
}

} // namespace carafe::test
