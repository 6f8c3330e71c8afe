#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <regex>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;
using Catch::Contains;

/// Starts a node on this folder, which must be refused, and gives what it says.
std::string refusal_of(const temp_dir& dir, const fs::path& data) {
  const auto run = run_node(dir / "refused", {"--carafe.data-dir=" + data.string(),
                                              "--carafe.client-port=0", "--carafe.cluster-port=0"});
  CHECK(run.end == exited(1));
  CHECK(run.out.empty());
  return run.err;
}

} // namespace

TEST_CASE("a second node on the same data folder is refused, and the first goes on") {
  running_node at;
  const auto said = refusal_of(at.dir, at.node.data_dir());
  CHECK_THAT(said, Contains("storage_locked") && Contains(at.node.data_dir().string()));
  CHECK(at.run({"topic", "create", "t"}).code == 0);
  CHECK(at.run.json({"log", "verify", at.node.data_dir().string()}).error_code() ==
        "storage_locked");
  at.node.kill();
  at.node.start();
  CHECK(at.run({"topic", "describe", "t"}).code == 0);
}

TEST_CASE("a folder with something else in it is refused and left as it is") {
  temp_dir dir;
  const auto data = dir / "mine";
  fs::create_directory(data);
  std::ofstream{data / "letter.txt"} << "dear node";
  CHECK_THAT(refusal_of(dir, data), Contains("format_foreign") && Contains(data.string()));
  CHECK(read_file(data / "letter.txt") == "dear node");
  CHECK(std::distance(fs::directory_iterator{data}, {}) == 1);
}

TEST_CASE("data of a newer format is refused and left as it is") {
  temp_dir dir;
  node_process node{dir.path()};
  node.start();
  REQUIRE(node.stop() == exited(0));
  const auto file = node.data_dir() / "carafe.format";
  const auto mine = read_file(file);
  const auto newer = std::regex_replace(mine, std::regex{"format 1"}, "format 2");
  REQUIRE(newer != mine);
  std::ofstream{file} << newer;
  CHECK_THAT(refusal_of(dir, node.data_dir()),
             Contains("format_newer") && Contains(node.data_dir().string()));
  CHECK(read_file(file) == newer);
  std::ofstream{file} << "something else\n";
  CHECK_THAT(refusal_of(dir, node.data_dir()), Contains("format_foreign"));
  std::ofstream{file} << mine;
  node.start();
  CHECK(node.stop() == exited(0));
}

TEST_CASE("a shard's file that is of a newer format or no such file is refused with its name") {
  temp_dir dir;
  node_process node{dir.path()};
  node.start();
  must(connect_to(node.address()).create_topic("t", 1));
  REQUIRE(node.stop() == exited(0));
  const auto name = GENERATE(as<std::string>{}, "state.mdb", "log-1.mdb");
  fs::path file;
  for (const auto& entry : fs::recursive_directory_iterator{node.data_dir()})
    if (entry.path().filename() == name ||
        (name == "log-1.mdb" &&
         std::regex_match(entry.path().filename().string(), std::regex{"log-0*1\\.mdb"})))
      file = entry.path();
  REQUIRE_FALSE(file.empty());
  std::ofstream{file, std::ios::binary | std::ios::in}.write(std::string(4'096, 'x').data(), 4'096);
  const auto said = refusal_of(dir, node.data_dir());
  CHECK_THAT(said, Contains(file.filename().string()));
  CHECK_THAT(said, Contains("storage_corrupt")); // The other meta page shows what it was.
}

TEST_CASE("a node whose port is taken says so") {
  running_node at;
  const auto run =
    run_node(at.dir / "refused", {"--carafe.data-dir=" + (at.dir / "other").string(),
                                  "--carafe.client-port=" + std::to_string(at.node.port())});
  CHECK(run.end == exited(1));
  CHECK_THAT(run.err, Contains("cannot listen on 127.0.0.1:" + std::to_string(at.node.port())));
}

TEST_CASE("a data directory that has lost its only shard is not taken for a new one") {
  temp_dir dir;
  node_process node{dir.path()};
  node.start();
  must(connect_to(node.address()).create_topic("t", 1));
  REQUIRE(node.stop() == exited(0));
  fs::rename(node.data_dir() / "shard-0", dir / "away");
  const auto run = run_node(dir / "refused", {"--carafe.data-dir=" + node.data_dir().string(),
                                              "--carafe.client-port=0", "--carafe.cluster-port=0"});
  CHECK(run.end == exited(1));
  CHECK_THAT(run.err, Contains((node.data_dir() / "shard-0").string()) && Contains("put it back"));
  CHECK_FALSE(fs::exists(node.data_dir() / "shard-0"));
  fs::rename(dir / "away", node.data_dir() / "shard-0");
  node.start();
  CHECK(must(connect_to(node.address()).list_topics()).size() == 1);
  CHECK(node.stop() == exited(0));
}

TEST_CASE("a shard whose folder is gone or emptied is missed, not made anew") {
  temp_dir dir;
  node_process node{dir.path(), {{"shards", "2"}}};
  node.start();
  must(connect_to(node.address()).create_topic("safe", 2));
  must(connect_to(node.address()).create_topic("fast", 1, {.mode = durability::memory}));
  REQUIRE(node.stop() == exited(0));
  const std::string lost = GENERATE("shard-0", "shard-1", "shard-2000");
  const bool emptied = GENERATE(true, false);
  fs::rename(node.data_dir() / lost, dir / "away");
  if (emptied) fs::create_directory(node.data_dir() / lost);
  const auto said = refusal_of(dir, node.data_dir());
  CHECK_THAT(said, Contains("storage_corrupt") && Contains("put") && Contains(lost));
  CHECK(shell{dir.path(), node}({"log", "verify", node.data_dir().string()}).code == 1);
  if (emptied)
    CHECK(fs::is_empty(node.data_dir() / lost));
  else
    CHECK_FALSE(fs::exists(node.data_dir() / lost));
  fs::remove(node.data_dir() / lost);
  fs::rename(dir / "away", node.data_dir() / lost);
  node.start();
  CHECK(must(connect_to(node.address()).list_topics()).size() == 2);
  CHECK(node.stop() == exited(0));
}

TEST_CASE("a log whose newest segment is gone is refused, and told by log verify") {
  temp_dir dir;
  node_process node{dir.path(), {{"checkpoint-interval-ms", "600000"}, {"segment-bytes", "16MiB"}}};
  node.start();
  constexpr int messages = 40;
  {
    auto client = connect_to(node.address());
    must(client.create_topic("t", 1));
    auto p = must(client.make_producer({}));
    for (int i = 0; i < messages; ++i) must(p->send("t", {.body = std::string(1u << 20, 'x')}));
  }
  node.kill();
  fs::path newest;
  for (const auto& entry : fs::directory_iterator{node.data_dir() / "shard-0"})
    if (entry.path().filename().string().starts_with("log-"))
      newest = std::max(newest, entry.path());
  fs::rename(newest, dir / "away");
  CHECK_THAT(refusal_of(dir, node.data_dir()),
             Contains("storage_corrupt") && Contains(newest.string() + " is missing"));
  const auto report = shell{dir.path(), node}({"log", "verify", node.data_dir().string()});
  CHECK(report.code == 1);
  CHECK_THAT(report.out + report.err, Contains(newest.string()));
  fs::rename(dir / "away", newest);
  node.start();
  const auto topic = must(connect_to(node.address()).describe_topic("t"));
  REQUIRE(topic.queues.size() == 1);
  CHECK(topic.queues.front().end == offset{messages});
}

} // namespace carafe::test
