#include "test/storage/log_fixture.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <limits>
#include <sys/syscall.h>
#include <unistd.h>

namespace {
/// As on a file system that cannot reserve space.
bool cannot_reserve = false;
} // namespace

/// Comes before the C library's.
extern "C" int fallocate(int fd, int mode, off_t offset, off_t bytes) {
  if (cannot_reserve) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_fallocate, fd, mode, offset, bytes));
}

namespace carafe::test {
namespace {

using storage::log_room;

constexpr queue_id one{1};
constexpr std::size_t batch_bytes_each = 4'000;

std::filesystem::path spare_in(const temporary_folder& folder) {
  return folder.path() / "shard-0" / "spare.segment";
}

/// Appends batches until the log says something else than `while_it_says`.
std::size_t fill(open_log& node, log_writer& writer, log_room while_it_says) {
  std::size_t appended = 0;
  while (node.log().secure_room() == while_it_says) {
    writer.append(node.log(), 1, {one, 1, batch_bytes_each});
    REQUIRE(++appended < 5'000);
  }
  return appended;
}

storage::log_options without_reserve() { return small_log(); }

/// As on a disk that has no room for another segment.
storage::log_options on_a_full_disk() {
  auto how = small_log();
  how.reserve_bytes = std::numeric_limits<std::uint64_t>::max() / 2;
  return how;
}

} // namespace

TEST_CASE("without room for another segment a log refuses batches while what is under way fits") {
  temporary_folder folder;
  auto node = open_at(folder.path(), without_reserve());
  // Where the space would be taken is something else.
  std::filesystem::create_directories(spare_in(folder) / "in the way");
  log_writer writer;
  CHECK(fill(node, writer, log_room::everything) > 0);
  CHECK(node.log().secure_room() == log_room::no_batches);
  // As much as may be under way.
  const auto batches = storage::in_flight_bytes_max(small_segment) / (batch_bytes_each + 200);
  for (std::uint64_t i = 0; i < batches; ++i)
    writer.append(node.log(), 1, {one, 1, batch_bytes_each});
  CHECK(node.log().bounds().segments == 1);
  CHECK(node.log().secure_room() == log_room::no_batches);
  CHECK(fill(node, writer, log_room::no_batches) > 0);
  CHECK(node.log().secure_room() == log_room::only_freeing);
  for (int i = 0; i < 100; ++i) writer.append(node.log(), 1, {one, 1, 16});
  CHECK(node.log().bounds().segments == 1);
}

TEST_CASE("a log takes the space of its next segment before it needs it") {
  temporary_folder folder;
  auto node = open_at(folder.path(), without_reserve());
  log_writer writer;
  CHECK(node.log().secure_room() == log_room::everything);
  CHECK_FALSE(std::filesystem::exists(spare_in(folder)));
  std::size_t rolls = 0;
  for (int i = 0; i < 1'000; ++i) {
    const auto before = node.log().bounds().segments;
    writer.append(node.log(), 1, {one, 1, batch_bytes_each});
    if (node.log().bounds().segments > before) {
      ++rolls;
      CHECK_FALSE(std::filesystem::exists(spare_in(folder))); // It is that segment now.
    }
    REQUIRE(node.log().secure_room() == log_room::everything);
  }
  CHECK(rolls > 2);
  writer.check(node.log());
}

TEST_CASE(
  "the space of the next segment is kept over restarts, and is enough when the disk is full") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), without_reserve());
    while (!std::filesystem::exists(spare_in(folder))) {
      writer.append(node.log(), 1, {one, 1, batch_bytes_each});
      REQUIRE(node.log().secure_room() == log_room::everything);
    }
  }
  auto node = open_at(folder.path(), on_a_full_disk());
  CHECK(node.log().secure_room() == log_room::everything);
  CHECK(fill(node, writer, log_room::everything) > 0);
  CHECK(node.log().bounds().segments == 2);
  CHECK(node.log().secure_room() == log_room::no_batches);
  writer.check(node.log());
  const auto report = must(storage::verify(*node.dir));
  CHECK(report.damage.empty());
}

TEST_CASE("where space cannot be reserved, what is free counts") {
  temporary_folder folder;
  log_writer writer;
  cannot_reserve = true;
  {
    auto node = open_at(folder.path(), without_reserve());
    for (int i = 0; i < 1'000; ++i) {
      writer.append(node.log(), 1, {one, 1, batch_bytes_each});
      REQUIRE(node.log().secure_room() == log_room::everything);
    }
    CHECK(node.log().bounds().segments > 2);
    CHECK_FALSE(std::filesystem::exists(spare_in(folder)));
    writer.check(node.log());
  }
  auto node = open_at(folder.path(), on_a_full_disk());
  CHECK(node.log().secure_room() == log_room::no_batches);
  cannot_reserve = false;
}

TEST_CASE("a spare file that has less space than a segment is not counted on") {
  temporary_folder folder;
  log_writer writer;
  { auto node = open_at(folder.path(), without_reserve()); }
  { std::ofstream{spare_in(folder)} << "left by somebody"; }
  auto node = open_at(folder.path(), on_a_full_disk());
  CHECK(node.log().secure_room() == log_room::no_batches);
  for (int i = 0; i < 200; ++i) writer.append(node.log(), 1, {one, 1, batch_bytes_each});
  writer.check(node.log());
}

} // namespace carafe::test
