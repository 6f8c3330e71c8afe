#include "test/build_paths.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace carafe::test {

TEST_CASE(
  "a disk that refuses to sync stops the node with exit code 1, and nothing acknowledged is lost") {
  const auto mode = GENERATE(durability::fsync, durability::interval);
  temp_dir dir;
  const auto broken = dir / "the disk is broken";
  node_process node{dir.path()};
  node.preload(failing_sync_path, {"CARAFE_SYNC_FAILS=" + broken.string()});
  node.start();
  {
    auto c = connect_to(node.address());
    must(c.create_topic("t", 1, {.mode = mode}));
    auto p = must(c.make_producer({.delivery_timeout = 3s}));
    must(p->send("t", {.body = "before"}));
    std::ofstream{broken} << "yes";
    const auto late = p->send("t", {.body = "late"});
    if (mode == durability::fsync) CHECK(late.code() == errc::outcome_unknown);
    CHECK(node.wait(10s) == exited(1));
  }
  INFO(node.log());
  CHECK(node.log().find("storage_failed") != std::string::npos);
  CHECK(node.log().find("ended: ") != std::string::npos);
  std::filesystem::remove(broken);
  node.start();
  auto c = connect_to(node.address());
  CHECK(must(must(c.make_producer({}))->send("t", {.body = "after"})).offset >= offset{1});
  const auto bodies = bodies_in(node.address(), "t", queue_number{0});
  CHECK(bodies.front() == "before");
  CHECK(bodies.back() == "after");
  CHECK(node.stop() == exited(0));
}

TEST_CASE("a disk that refuses to sync while the node stops makes its exit code 1") {
  const auto mode = GENERATE(durability::fsync, durability::memory);
  temp_dir dir;
  const auto broken = dir / "the disk is broken";
  node_process node{dir.path(), {{"checkpoint-interval-ms", "60000"}}};
  node.preload(failing_sync_path, {"CARAFE_SYNC_FAILS=" + broken.string()});
  node.start();
  auto c = connect_to(node.address());
  must(c.create_topic("t", 1, {.mode = mode}));
  must(must(c.make_producer({}))->send("t", {.body = "before"}));
  std::ofstream{broken} << "yes";
  const auto end = node.stop();
  INFO(node.log());
  CHECK(end == exited(1));
}

} // namespace carafe::test
