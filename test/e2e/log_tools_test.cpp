#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <set>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

/// The largest file under a folder whose name ends so.
fs::path find_file(const fs::path& folder, const std::string& end) {
  for (const auto& entry : fs::recursive_directory_iterator{folder})
    if (entry.path().filename().string().starts_with("log-") &&
        entry.path().string().ends_with(end))
      return entry.path();
  throw std::runtime_error{"no file " + end};
}

/// Flips one bit of every occurrence of a text in a file.
int damage(const fs::path& file, const std::string& text) {
  auto bytes = read_file(file);
  int found = 0;
  for (auto at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1)) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    ++found;
  }
  std::ofstream{file, std::ios::binary | std::ios::trunc} << bytes;
  return found;
}

/// Every body of a topic, queue by queue.
std::vector<std::vector<std::string>> contents(const std::string& address, const std::string& topic,
                                               std::uint32_t queues) {
  std::vector<std::vector<std::string>> all;
  for (std::uint32_t q = 0; q < queues; ++q)
    all.push_back(bodies_in(address, topic, queue_number{q}));
  return all;
}

} // namespace

TEST_CASE("log verify finds a sound log sound, also after kill -9, and counts what is in it") {
  running_node at{{{"shards", "2"}}};
  must(at.client.create_topic("t", 4));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 100; ++i) must(p->send("t", {.body = "body", .key = std::to_string(i)}));
  const bool hard = GENERATE(true, false);
  if (hard)
    at.node.kill();
  else
    CHECK(at.node.stop() == exited(0));
  const auto report = at.run.json({"log", "verify", at.node.data_dir().string()});
  CHECK(report.code == 0);
  const auto found = report.object();
  CHECK(found.at("ok") == true);
  CHECK(found.at("shards") == 2);
  CHECK(found.at("messages") == 100);
  CHECK(found.at("queues") == 4);
  CHECK(found.at("damage").empty());
}

TEST_CASE("log verify names file and index of the first damage, and the node refuses to serve it") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 50; ++i)
    must(p->send("t", {.body = i == 20 ? "the-one-that-breaks" : std::string(200, 'x')}));
  REQUIRE(at.node.stop() == exited(0));
  const auto file = find_file(at.node.data_dir(), ".mdb");
  REQUIRE(damage(file, "the-one-that-breaks") > 0);
  const auto report = at.run.json({"log", "verify", at.node.data_dir().string()});
  CHECK(report.code == 1);
  CHECK(report.error_code() == "storage_corrupt");
  const auto found = report.object();
  CHECK(found.at("ok") == false);
  REQUIRE(found.at("damage").size() == 1);
  CHECK_THAT(found.at("damage").at(0).at("file").get<std::string>(),
             Contains(file.filename().string()));
  CHECK(found.at("damage").at(0).at("index") > 20);

  at.node.launch();
  if (at.node.wait(2s)) {
    CHECK_THAT(at.node.log(), Contains("storage_corrupt") && Contains(file.filename().string()));
    return;
  }
  // What is whole is served, what is damaged is not.
  at.node.wait_ready();
  const auto got = at.run.json({"consume", "t", "--format", "json"});
  CHECK(got.code == 1);
  CHECK(got.error_code() == "storage_corrupt");
  CHECK(got.objects().size() == 20);
}

TEST_CASE("log dump prints the entries") {
  running_node at;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 5; ++i) must(p->send("t", {.body = "x"}));
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "5"}).code == 0);
  REQUIRE(at.node.stop() == exited(0));
  const auto dumped = at.run.json({"log", "dump", at.node.data_dir().string()});
  REQUIRE(dumped.code == 0);
  std::uint64_t index = 0, messages = 0;
  std::set<std::string> effects;
  for (const auto& entry : dumped.objects()) {
    CHECK(entry.at("index") == index + 1);
    index = entry.at("index");
    for (const auto& e : entry.at("effects")) {
      effects.insert(e.at("effect"));
      if (e.at("effect") == "batch") messages += e.at("count").get<std::uint64_t>();
    }
  }
  CHECK(messages == 5);
  for (const auto* name : {"topic_put", "queue_opened", "batch", "group_put", "commit"})
    CHECK(effects.contains(name));
  const auto part =
    at.run.json({"log", "dump", at.node.data_dir().string(), "--from", "3", "--count", "2"});
  REQUIRE(part.objects().size() == 2);
  CHECK(part.objects().at(0).at("index") == 3);
  std::filesystem::copy(at.node.data_dir(), at.dir / "gone",
                        std::filesystem::copy_options::recursive);
  for (const auto& file : std::filesystem::recursive_directory_iterator{at.dir / "gone"})
    if (file.path().filename().string().starts_with("log-")) std::filesystem::remove(file);
  const auto gone = at.run.json({"log", "dump", (at.dir / "gone").string()});
  CHECK(gone.code == 1);
  CHECK(gone.error_code() == "storage_corrupt");
  CHECK(at.run.json({"log", "dump", at.node.data_dir().string(), "--shard", "63"}).error_code() ==
        "not_found");
}

TEST_CASE("log backup while messages come in: a node on the copy has a whole part of them") {
  const std::string shards = GENERATE(as<std::string>{}, "1", "3");
  running_node at{{{"shards", shards}, {"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("load", 4));
  recorder record;
  load traffic{{.address = at.node.address()}, record};
  group_member member{{.address = at.node.address()}, record};
  REQUIRE(eventually([&] { return traffic.acknowledged() > 2'000 && member.received() > 1'000; }));
  const auto copy = at.dir / "restored" / "data";
  fs::create_directories(copy.parent_path());
  const auto surely_in_it = traffic.acknowledged();
  const auto backup = at.run.json({"log", "backup", copy.string()});
  REQUIRE(backup.code == 0);
  CHECK(backup.object().at("shards") == std::stoi(shards));
  CHECK(at.run.json({"log", "backup", copy.string()}).error_code() == "already_exists");
  const auto before = traffic.acknowledged();
  REQUIRE(eventually([&] { return traffic.acknowledged() > before + 500; }));
  traffic.stop();
  member.stop();

  CHECK(at.run({"log", "verify", copy.string()}).code == 0);
  node_process other{copy.parent_path()};
  other.start();
  const auto restored = contents(other.address(), "load", 4);
  const auto original = contents(at.node.address(), "load", 4);
  std::uint64_t messages = 0;
  for (std::size_t q = 0; q < 4; ++q) {
    REQUIRE(restored[q].size() <= original[q].size());
    CHECK(std::equal(restored[q].begin(), restored[q].end(), original[q].begin()));
    messages += restored[q].size();
  }
  CHECK(messages >= surely_in_it);
  auto c = connect_to(other.address());
  const auto group = must(c.describe_group("workers"));
  for (const auto& q : group.queues) CHECK(q.committed.value_or(offset{0}) <= q.end);
  // It is a node as any other: the offsets go on where the copy ends.
  auto p = must(c.make_producer({}));
  CHECK(must(p->send_async("load", {.body = "on"}, queue_number{0}).get()).offset ==
        offset{restored[0].size()});
  CHECK(other.stop() == exited(0));
}

} // namespace carafe::test
