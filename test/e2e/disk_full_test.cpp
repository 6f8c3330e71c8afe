#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <fstream>
#include <sys/mount.h>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;

/// A small file system in memory, while this object lives.
class small_disk {
public:
  explicit small_disk(fs::path at, const char* size = "size=64m") : at_(std::move(at)) {
    fs::create_directories(at_);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, size) == 0;
    if (!mounted_) WARN("skipped: mounting a small tmpfs: " << std::strerror(errno));
  }
  ~small_disk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  [[nodiscard]] bool mounted() const noexcept { return mounted_; }

private:
  fs::path at_;
  bool mounted_ = false;
};

} // namespace

TEST_CASE("a full disk: storage_full, reading goes on, and writing resumes when there is room") {
  temp_dir dir;
  small_disk disk{dir / "disk"};
  if (!disk.mounted()) return;
  node_process node{dir.path(),
                    {{"data-dir", (dir / "disk" / "data").string()},
                     {"storage-reserve-bytes", "4MiB"},
                     {"checkpoint-interval-ms", "100"}}};
  node.start();
  auto c = connect_to(node.address());
  must(c.create_topic("t", 1));
  auto p = must(c.make_producer({.delivery_timeout = 2s}));
  must(p->send("t", {.body = "first"}));
  const bool by_node = GENERATE(true, false);
  std::uint64_t stored = 1;
  if (by_node) {
    // The node itself fills it, segment after segment.
    for (;;) {
      const auto sent = p->send("t", {.body = std::string(1u << 20, 'x')});
      if (!sent) {
        // What was under way when the disk became full waits there for room.
        CHECK((sent.code() == errc::storage_full || sent.code() == errc::outcome_unknown));
        break;
      }
      REQUIRE(++stored < 100);
    }
    CHECK(stored > 16);
  }
  const auto ballast = dir / "disk" / "ballast";
  const auto free = fs::space(dir / "disk").available;
  if (free > (2u << 20)) std::ofstream{ballast} << std::string(free - (1u << 20), 'b');
  const auto is_full = [&] { return must(c.node_status()).shards.at(0).storage_full; };
  CHECK(eventually(is_full));
  CHECK(p->send("t", {.body = "no room"}).code() == errc::storage_full);
  const auto hasty = must(client::connect({.node = node.address(), .timeout = 1s}));
  CHECK(hasty.make_consumer({.topics = {"t"}, .group = "late"}).code() == errc::storage_full);
  // Reading does not care.
  CHECK(bodies_in(node.address(), "t", queue_number{0}).size() == stored);
  CHECK(node.running());
  if (by_node) {
    // Only more room helps: the segments stay, as retention says.
    REQUIRE(::mount("tmpfs", (dir / "disk").c_str(), "tmpfs", MS_REMOUNT, "size=128m") == 0);
  }
  fs::remove(ballast);
  CHECK(eventually([&] { return !is_full(); }));
  CHECK(must(p->send("t", {.body = "again"})).offset >= offset{stored});
  const auto bodies = bodies_in(node.address(), "t", queue_number{0});
  CHECK(bodies.front() == "first");
  CHECK(bodies.back() == "again");
  CHECK(node.stop() == exited(0));
  node.start();
  CHECK(bodies_in(node.address(), "t", queue_number{0}) == bodies);
  CHECK(node.stop() == exited(0));
}

TEST_CASE("retention goes on, and makes room, while a producer keeps the disk full") {
  temp_dir dir;
  small_disk disk{dir / "disk", "size=90m"};
  if (!disk.mounted()) return;
  node_process node{dir.path(),
                    {{"data-dir", (dir / "disk" / "data").string()},
                     {"segment-bytes", "16MiB"},
                     {"storage-reserve-bytes", "8MiB"},
                     {"retention-ms", "3000"},
                     {"checkpoint-interval-ms", "100"}}};
  node.start();
  auto c = connect_to(node.address());
  must(c.create_topic("t", 1));
  must(c.create_topic("other", 1));
  auto p = must(c.make_producer({.delivery_timeout = 60s}));
  const std::string body(1u << 20, 'x');
  // Four times what the disk holds. A send waits, again and again, for what retention drops.
  for (int i = 0; i < 360; ++i) must(p->send("t", {.body = body}));
  CHECK(must(c.describe_topic("t")).queues.at(0).earliest > offset{200});
  // Names can be deleted when nothing else is taken.
  const auto is_full = [&] { return must(c.node_status()).shards.at(0).storage_full; };
  auto hasty = must(c.make_producer({.delivery_timeout = 100ms}));
  bool refused = false;
  for (int i = 0; i < 100 && !refused; ++i) refused = !hasty->send("t", {.body = body});
  CHECK(refused);
  CHECK(is_full());
  must(c.delete_topic("other"));
  CHECK(eventually([&] { return !is_full(); }));
  CHECK(node.stop() == exited(0));
}

TEST_CASE(
  "a disk with room for two segments, but not for the reserve above them, is used for ever") {
  temp_dir dir;
  small_disk disk{dir / "disk", "size=62m"};
  if (!disk.mounted()) return;
  node_process node{dir.path(),
                    {{"data-dir", (dir / "disk" / "data").string()},
                     {"segment-bytes", "16MiB"},
                     {"storage-reserve-bytes", "16MiB"},
                     {"retention-ms", "500"},
                     {"checkpoint-interval-ms", "100"}}};
  node.start();
  auto c = connect_to(node.address());
  must(c.create_topic("t", 1));
  auto p = must(c.make_producer({.delivery_timeout = 60s}));
  for (int i = 0; i < 60; ++i) must(p->send("t", {.body = std::string(1u << 20, 'x')}));
  CHECK(must(c.describe_topic("t")).queues.at(0).earliest > offset{25});
  CHECK(node.stop() == exited(0));
}

TEST_CASE("a backup that finds no room says so, and leaves nothing behind") {
  running_node at;
  small_disk disk{at.dir / "disk", "size=2m"};
  if (!disk.mounted()) return;
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < 8; ++i) must(p->send("t", {.body = std::string(1u << 20, 'x')}));
  const auto copied = at.run.json({"log", "backup", (at.dir / "disk" / "copy").string()});
  CHECK(copied.code == 1);
  CHECK(copied.error_code() == "storage_full");
  CHECK(fs::is_empty(at.dir / "disk" / "copy"));
  CHECK(at.run.json({"log", "backup", (at.dir / "elsewhere").string()}).code == 0);
}

} // namespace carafe::test
