/// What a log that has lost segments is taken for.

#include "test/storage/log_fixture.hpp"

namespace carafe::test {
namespace {

using Catch::Contains;
using storage::data_dir;
using storage::verify;

void check_verify_names(const std::filesystem::path& folder, const std::filesystem::path& lost) {
  auto dir = must(data_dir::open(folder));
  auto report = must(verify(dir));
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage.front().file == lost.string());
}

/// A node that was killed after three segments or more, before any checkpoint.
log_writer leave_killed(const std::filesystem::path& folder, const storage::log_options& how) {
  temporary_folder alive;
  log_writer writer;
  auto node = open_at(alive.path(), how);
  for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
  std::filesystem::remove(folder);
  copy_as_killed(alive.path(), folder);
  return writer;
}

} // namespace

TEST_CASE("a missing segment is named") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log());
    for (int i = 0; i < 80; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
    must(
      node.state().save_checkpoint({entry_index{80}, term{1}, unix_ms{0}, "", entry_index{1}}, {}));
  }
  auto files = segment_files(folder.path());
  REQUIRE(files.size() >= 4);
  auto aside = folder.path() / "aside";
  // A log of an earlier version has no note, but the checkpoint tells.
  if (GENERATE(true, false)) std::filesystem::remove(folder.path() / "shard-0" / "newest");
  for (auto at : {std::size_t{1}, files.size() - 1}) {
    std::filesystem::rename(files[at], aside);
    auto why = fail_to_open(folder.path(), small_log());
    CHECK(why.code == errc::storage_corrupt);
    CHECK_THAT(why.detail, Contains(files[at].string() + " is missing"));
    check_verify_names(folder.path(), files[at]);
    std::filesystem::rename(aside, files[at]);
  }
  auto node = open_at(folder.path(), small_log());
  writer.check(node.log());
}

TEST_CASE("a log that begins after the checkpoint is refused") {
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    log_writer writer;
    for (int i = 0; i < 40; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
  }
  std::filesystem::remove(segment_files(folder.path()).front());
  std::filesystem::remove(folder.path() / "shard-0" / "start");
  auto why = fail_to_open(folder.path(), small_log());
  CHECK(why.code == errc::storage_corrupt);
  CHECK(why.detail.find("entry 1:") != std::string::npos);
}

TEST_CASE("a log that has lost its oldest segments is not taken for one that was shortened") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log());
    for (int i = 0; i < 120; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
    must(node.state().save_checkpoint({entry_index{120}, term{1}, unix_ms{0}, "", entry_index{1}},
                                      {}));
    must(node.log().drop_before(entry_index{50}));
  }
  const auto files = segment_files(folder.path());
  REQUIRE(files.size() >= 3);
  const auto aside = folder.path() / "aside";
  std::filesystem::rename(files.front(), aside);
  const auto why = fail_to_open(folder.path(), small_log());
  CHECK(why.code == errc::storage_corrupt);
  CHECK(why.detail.find(files.front().filename().string()) != std::string::npos);
  {
    auto dir = must(data_dir::open(folder.path()));
    CHECK(must(verify(dir)).damage.size() == 1);
  }
  // Back in its place, all is well; so it is without the note of where the log begins.
  std::filesystem::rename(aside, files.front());
  {
    auto node = open_at(folder.path(), small_log());
    writer.check(node.log(), node.log().bounds().first);
  }
  std::filesystem::remove(folder.path() / "shard-0" / "start");
  { auto node = open_at(folder.path(), small_log()); }
  CHECK(std::filesystem::exists(folder.path() / "shard-0" / "start"));
}

TEST_CASE("a log that has lost its newest segment is not taken for one that never was longer") {
  temporary_folder folder;
  const auto how = small_log(GENERATE(durability::fsync, durability::interval, durability::memory));
  const auto writer = leave_killed(folder.path(), how);
  const auto newest = segment_files(folder.path()).back();
  REQUIRE(segment_files(folder.path()).size() >= 3);
  const auto aside = folder.path() / "aside";
  std::filesystem::rename(newest, aside);
  const auto why = fail_to_open(folder.path(), how);
  CHECK(why.code == errc::storage_corrupt);
  CHECK_THAT(why.detail, Contains(newest.string() + " is missing"));
  check_verify_names(folder.path(), newest);
  std::filesystem::rename(aside, newest);
  auto node = open_at(folder.path(), how);
  writer.check(node.log());
}

TEST_CASE("a log without a note of its newest segment is opened and gets one") {
  temporary_folder folder;
  const auto note = folder.path() / "shard-0" / "newest";
  const auto writer = leave_killed(folder.path(), small_log());
  const bool damaged = GENERATE(true, false);
  std::filesystem::remove(note);
  if (damaged) std::filesystem::copy_file(folder.path() / "shard-0" / "start", note);
  {
    auto node = open_at(folder.path(), small_log());
    CHECK(node.shard.notes.size() == (damaged ? 1 : 0));
    writer.check(node.log());
  }
  const auto newest = segment_files(folder.path()).back();
  std::filesystem::remove(newest);
  CHECK_THAT(fail_to_open(folder.path(), small_log()).detail, Contains(newest.string()));
}

TEST_CASE("a log that was cut back is not missed what was cut off") {
  temporary_folder folder;
  const auto how = small_log(GENERATE(durability::fsync, durability::interval, durability::memory));
  auto writer = leave_killed(folder.path(), how);
  const auto segments = segment_files(folder.path()).size();
  {
    auto node = open_at(folder.path(), how);
    must(node.log().truncate_after(entry_index{10}));
    writer.truncate_after(entry_index{10});
  }
  CHECK(segment_files(folder.path()).size() < segments);
  {
    auto node = open_at(folder.path(), how);
    writer.check(node.log());
    for (int i = 0; i < 30; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
  }
  const auto newest = segment_files(folder.path()).back();
  std::filesystem::remove(newest);
  CHECK_THAT(fail_to_open(folder.path(), how).detail, Contains(newest.string() + " is missing"));
}

TEST_CASE("a copy of a log tells of its newest segment, too") {
  temporary_folder folder;
  temporary_folder copy;
  {
    auto node = open_at(folder.path(), small_log());
    log_writer writer;
    for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
    must(node.dir->begin_copy(copy.path()));
    const auto to = copy.path() / "shard-0";
    must(node.state().copy_to((to / "state.mdb").string()));
    must(node.log().copy_to(to.string()));
  }
  const auto newest = segment_files(copy.path()).back();
  std::filesystem::remove(newest);
  CHECK_THAT(fail_to_open(copy.path(), small_log()).detail,
             Contains(newest.string() + " is missing"));
}

} // namespace carafe::test
