#include "log_fixture.hpp"
#include "storage/segment_layout.hpp"
#include "storage/synced_meta.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <random>
#include <sys/resource.h>

using namespace carafe;
using namespace carafe::test;
using namespace carafe::storage;

namespace {

constexpr queue_id one{1};
constexpr std::size_t page = 4096;

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void spit(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary} << bytes;
}

/// Flips a bit in the stored bytes of a batch.
void damage_batch(const std::filesystem::path& file, queue_id queue, offset base,
                  std::size_t bytes) {
  auto content = slurp(file);
  auto at = content.find(batch_bytes(queue, base, bytes).text());
  REQUIRE(at != std::string::npos);
  content[at + bytes / 2] = static_cast<char>(content[at + bytes / 2] ^ 4);
  spit(file, content);
}

log_options after_power_failure(durability mode) {
  auto how = small_log(mode);
  how.testing.boot_id = "second boot";
  return how;
}

std::uint64_t fresh_seed() {
  if (const auto* given = std::getenv("CARAFE_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

/// A log whose writer synced after `synced` entries and then went on to `last`.
struct interrupted_log {
  temporary_folder folder;
  log_writer writer;
  std::uint64_t synced = 0;
  /// The newest segment's pages when it was synced last, and at the end.
  std::string synced_pages;
  std::string last_pages;
  std::filesystem::path file;

  explicit interrupted_log(std::mt19937_64& random) {
    temporary_folder running;
    auto how = small_log(durability::interval);
    // So that the log does not sync by itself.
    how.segment_bytes = 4 * small_segment;
    auto node = open_at(running.path(), how);
    auto append = [&] { writer.append(node.log(), 1 + random() % 3, {one, 1, random() % 6000}); };
    for (auto i = random() % 30; i > 0; --i) append();
    must(node.log().sync());
    for (auto i = random() % 10; i > 0; --i) append();
    must(node.log().sync());
    file = segment_files(running.path()).back().filename();
    synced_pages = slurp(running.path() / "shard-0" / file);
    synced = node.log().bounds().synced.value;
    CHECK(synced == node.log().bounds().last.value);
    for (auto i = random() % 4; i > 0; --i) append();
    CHECK(node.log().bounds().synced.value == synced);
    copy_as_killed(running.path(), folder.path() / "node");
    last_pages = slurp(folder.path() / "node" / "shard-0" / file);
    REQUIRE(last_pages.size() == synced_pages.size());
  }

  /// Some of what was written since the sync reaches the disk, in any order, metas first.
  void lose_power(std::mt19937_64& random) const {
    auto image = synced_pages;
    for (std::size_t at = 0; at < image.size(); at += page)
      if (at < 2 * page || random() % 3 != 0) image.replace(at, page, last_pages, at, page);
    spit(folder.path() / "node" / "shard-0" / file, image);
  }
};

} // namespace

TEST_CASE("a killed process loses nothing that was appended") {
  auto mode = GENERATE(durability::fsync, durability::interval, durability::memory);
  temporary_folder folder;
  temporary_folder copies;
  auto node = open_at(folder.path(), small_log(mode));
  log_writer writer;
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < 5; ++j) writer.append(node.log(), 2, {one, 1, 12'000});
    auto copy = copies.path() / std::to_string(i);
    copy_as_killed(folder.path(), copy);
    {
      auto dir = must(data_dir::open(copy));
      CHECK(must(verify(dir)).damage.empty());
    }
    auto again = open_at(copy, small_log(mode));
    CHECK(again.shard.notes.empty());
    writer.check(again.log());
    auto continued = writer;
    continued.append(again.log(), 2, {one, 1, 100});
    continued.check(again.log());
  }
}

TEST_CASE("after a power failure an unsynced log is what it was when synced last") {
  auto seed = fresh_seed();
  INFO("CARAFE_SEED=" << seed);
  std::mt19937_64 random{seed};
  for (int round = 0; round < 12; ++round) {
    interrupted_log made{random};
    made.lose_power(random);
    auto how = after_power_failure(durability::interval);
    auto last = made.writer.next().value - 1;
    made.writer.truncate_after(entry_index{made.synced});
    {
      auto node = open_at(made.folder.path() / "node", how);
      REQUIRE(node.shard.notes.size() == 1);
      CHECK(node.shard.notes[0].find("entry " + std::to_string(made.synced)) != std::string::npos);
      CHECK(node.log().bounds().synced.value == made.synced);
      CHECK(last >= made.synced);
      made.writer.check(node.log());
      made.writer.append(node.log(), 3, {one, 1, 3000});
      made.writer.check(node.log());
    }
    auto dir = must(data_dir::open(made.folder.path() / "node"));
    CHECK(must(verify(dir)).damage.empty());
  }
}

TEST_CASE("without the kept metas a power failure costs synced entries") {
  std::mt19937_64 random{11};
  int harmed = 0;
  for (int round = 0; round < 40 && harmed == 0; ++round) {
    interrupted_log made{random};
    made.lose_power(random);
    auto how = after_power_failure(durability::interval);
    how.testing.keep_meta_file = false;
    auto dir = must(data_dir::open(made.folder.path() / "node"));
    auto opened = dir.open_shard(shard_id{0}, how);
    if (!opened || opened->log->bounds().last.value < made.synced) ++harmed;
  }
  CHECK(harmed > 0);
}

TEST_CASE("a newer segment does not count as synced before the older one is") {
  temporary_folder folder;
  temporary_folder copies;
  auto how = small_log(durability::memory);
  how.segment_bytes = 4 * small_segment;
  std::mutex disk;
  std::atomic<bool> slow = false;
  how.testing.fail_sync = [&](const std::filesystem::path& segment) {
    if (slow && segment.filename() == segment_name(entry_index{1})) std::lock_guard wait{disk};
    return 0;
  };
  log_writer writer;
  log_writer synced;
  {
    auto node = open_at(folder.path(), how);
    writer.append(node.log(), 3, {one, 1, 60'000});
    must(node.log().sync());
    synced = writer;
    {
      std::lock_guard wait{disk};
      slow = true;
      while (node.log().bounds().segments < 3) writer.append(node.log(), 6, {one, 1, 60'000});
      must(node.log().sync_soon());
      CHECK(node.log().bounds().synced == entry_index{3});
      CHECK(!std::filesystem::exists(folder.path() / "shard-0" / "log-00000000000000000001.sum"));
      copy_as_killed(folder.path(), copies.path() / "same boot");
      copy_as_killed(folder.path(), copies.path() / "other boot");
    }
    must(node.log().sync());
    CHECK(node.log().bounds().synced == node.log().bounds().last);
    writer.check(node.log());
  }
  SECTION("a killed process loses nothing") {
    {
      auto node = open_at(copies.path() / "same boot", small_log(durability::memory));
      CHECK(node.shard.notes.empty());
      CHECK(node.log().bounds().synced == entry_index{3});
      writer.check(node.log());
      writer.append(node.log(), 1, {one});
      must(node.log().sync());
      CHECK(node.log().bounds().synced == node.log().bounds().last);
    }
    auto node = open_at(copies.path() / "same boot", small_log(durability::fsync));
    CHECK(node.shard.notes.empty());
    writer.check(node.log());
  }
  SECTION("a killed process loses nothing when groups are synced from then on") {
    auto node = open_at(copies.path() / "same boot", small_log(durability::fsync));
    CHECK(node.shard.notes.empty());
    CHECK(node.log().bounds().synced == node.log().bounds().last);
    writer.check(node.log());
  }
  SECTION("after a power failure the newer segments are gone, too") {
    {
      auto dir = must(data_dir::open(copies.path() / "other boot"));
      CHECK(must(verify(dir)).damage.empty());
    }
    {
      auto node = open_at(copies.path() / "other boot", after_power_failure(durability::memory));
      CHECK(node.shard.notes.size() == 3);
      CHECK(segment_files(copies.path() / "other boot").size() == 1);
      synced.check(node.log());
    }
    // And are not missed at the next start.
    auto node = open_at(copies.path() / "other boot", after_power_failure(durability::memory));
    synced.check(node.log());
    for (int i = 0; i < 20; ++i) synced.append(node.log(), 4, {one, 1, 60'000});
    synced.check(node.log());
  }
  SECTION("but not if one of them says that it was synced") {
    std::filesystem::remove(
      segment_files(copies.path() / "other boot").back().replace_extension(".meta"));
    auto why = fail_to_open(copies.path() / "other boot", after_power_failure(durability::memory));
    CHECK(why.code == errc::storage_corrupt);
    CHECK(why.detail.find("entry 4") != std::string::npos);
    CHECK(segment_files(copies.path() / "other boot").size() == 3);
  }
}

TEST_CASE("a log that was closed in order needs no recovery after the machine's restart") {
  auto mode = GENERATE(durability::fsync, durability::interval, durability::memory);
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log(mode));
    for (int i = 0; i < 30; ++i) writer.append(node.log(), 2, {one, 1, 1000});
  }
  auto node = open_at(folder.path(), after_power_failure(mode));
  CHECK(node.shard.notes.empty());
  CHECK(node.log().bounds().synced == node.log().bounds().last);
  writer.check(node.log());
}

TEST_CASE("the mark of an orderly end goes with the first write") {
  temporary_folder folder;
  temporary_folder copies;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log(durability::memory));
    writer.append(node.log(), 5, {one, 1, 1000});
  }
  auto node = open_at(folder.path(), small_log(durability::memory));
  auto closed = writer;
  writer.append(node.log(), 1, {one, 1, 1000});
  copy_as_killed(folder.path(), copies.path() / "copy");
  auto again = open_at(copies.path() / "copy", after_power_failure(durability::memory));
  CHECK(again.shard.notes.size() == 1);
  closed.check(again.log());
}

TEST_CASE("changing to synced writing and back keeps the log") {
  temporary_folder folder;
  log_writer writer;
  for (auto mode :
       {durability::memory, durability::fsync, durability::interval, durability::fsync}) {
    auto node = open_at(folder.path(), small_log(mode));
    CHECK(node.shard.notes.empty());
    writer.append(node.log(), 5, {one, 1, 1000});
    auto meta = segment_files(folder.path()).back().replace_extension(".meta");
    CHECK(std::filesystem::exists(meta) == (mode != durability::fsync));
    writer.check(node.log());
  }
}

TEST_CASE("a torn tail above the synced mark is cut back, with a note") {
  temporary_folder folder;
  temporary_folder copies;
  log_writer writer;
  auto copy = copies.path() / "copy";
  auto how = small_log(durability::memory);
  how.testing.boot_id = must(storage::current_boot_id());
  {
    auto node = open_at(folder.path(), how);
    writer.append(node.log(), 5, {one, 1, 5000});
    must(node.log().sync());
    writer.append(node.log(), 5, {one, 1, 5000});
    copy_as_killed(folder.path(), copy);
  }
  damage_batch(segment_files(copy).back(), one, offset{7}, 5000);
  {
    auto dir = must(data_dir::open(copy));
    auto report = must(verify(dir));
    REQUIRE(report.damage.size() == 1);
    CHECK(report.damage[0].index == entry_index{8});
  }
  auto node = open_at(copy, how);
  REQUIRE(node.shard.notes.size() == 1);
  CHECK(node.shard.notes[0].find("cut back to entry 7") != std::string::npos);
  writer.truncate_after(entry_index{7});
  writer.check(node.log());
  writer.append(node.log(), 5, {one, 1, 5000});
  writer.check(node.log());
}

TEST_CASE("damage at or below the synced mark is refused, naming file and entry") {
  auto mode = GENERATE(durability::fsync, durability::memory);
  temporary_folder folder;
  temporary_folder copies;
  auto copy = copies.path() / "copy";
  {
    log_writer writer;
    auto node = open_at(folder.path(), small_log(mode));
    writer.append(node.log(), 8, {one, 1, 5000});
    must(node.log().sync());
    copy_as_killed(folder.path(), copy);
  }
  damage_batch(segment_files(copy).back(), one, offset{7}, 5000);
  auto before = slurp(segment_files(copy).back());
  auto why = fail_to_open(copy, small_log(mode));
  CHECK(why.code == errc::storage_corrupt);
  CHECK(why.detail.find("log-00000000000000000001.mdb, entry 8") != std::string::npos);
  CHECK(slurp(segment_files(copy).back()) == before);
}

TEST_CASE("damaged entries up to the checkpoint are met when they are read, not when opening") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log());
    writer.append(node.log(), 8, {one, 1, 5000});
    must(
      node.state().save_checkpoint({entry_index{8}, term{1}, unix_ms{0}, "", entry_index{1}}, {}));
  }
  damage_batch(segment_files(folder.path()).back(), one, offset{3}, 5000);
  auto node = open_at(folder.path(), small_log());
  read_hint hint;
  auto read = node.log().read_queue(one, offset{0}, entry_index{8}, 1u << 20, hint);
  REQUIRE(read.ok());
  CHECK(read->size() == 3);
  auto damaged = node.log().read_queue(one, offset{3}, entry_index{8}, 1u << 20, hint);
  CHECK(damaged.code() == errc::storage_corrupt);
  CHECK(damaged.error().detail.find("entry 4") != std::string::npos);
  CHECK(must(node.log().read_queue(one, offset{4}, entry_index{8}, 1u << 20, hint)).size() == 4);
}

TEST_CASE("damaged pages above the synced mark cost only what was not synced") {
  temporary_folder folder;
  temporary_folder copies;
  auto copy = copies.path() / "copy";
  log_writer synced;
  {
    auto node = open_at(folder.path(), small_log(durability::memory));
    log_writer writer;
    writer.append(node.log(), 20, {one, 1, 500});
    must(node.log().sync());
    synced = writer;
    writer.append(node.log(), 3, {one, 1, 500});
    copy_as_killed(folder.path(), copy);
  }
  auto file = segment_files(copy).back();
  auto content = slurp(file);
  // The main tree's root of the newest of the two metas.
  auto root = [&](std::size_t meta) {
    std::uint64_t number = 0;
    content.copy(reinterpret_cast<char*>(&number), 8, meta * page + 128);
    return number;
  };
  auto txn = [&](std::size_t meta) {
    std::uint64_t number = 0;
    content.copy(reinterpret_cast<char*>(&number), 8, meta * page + 144);
    return number;
  };
  content.replace(root(txn(0) > txn(1) ? 0 : 1) * page, page, page, '\x5a');
  spit(file, content);
  auto node = open_at(copy, small_log(durability::memory));
  REQUIRE(node.shard.notes.size() == 1);
  CHECK(node.shard.notes[0].find("put back to its last synced state, entry 20") !=
        std::string::npos);
  synced.check(node.log());
}

TEST_CASE("what an interrupted roll left is cleared away") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log());
    writer.append(node.log(), 4, {one, 1, 100});
  }
  auto shard = folder.path() / "shard-0";
  spit(shard / "log-00000000000000000005.mdb.new", std::string(100, 'x'));
  spit(shard / "log-00000000000000000001.sum.new", "x");
  spit(shard / "log-00000000000000000001.mdb-lock", std::string(70'000, '\xff'));
  auto node = open_at(folder.path(), small_log());
  writer.check(node.log());
  CHECK(!std::filesystem::exists(shard / "log-00000000000000000005.mdb.new"));
  CHECK(!std::filesystem::exists(shard / "log-00000000000000000001.sum.new"));
  CHECK(!std::filesystem::exists(shard / "log-00000000000000000001.mdb-lock"));
}

TEST_CASE("an older segment gets page checksums and a change in it is found") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log());
    for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {one, 1, 40'000});
    must(
      node.state().save_checkpoint({entry_index{60}, term{1}, unix_ms{0}, "", entry_index{1}}, {}));
  }
  auto file = segment_files(folder.path()).front();
  REQUIRE(std::filesystem::exists(std::filesystem::path{file}.replace_extension(".sum")));
  CHECK(std::filesystem::file_size(file) < small_segment);
  auto content = slurp(file);
  // Bytes behind a value, which no entry's CRC covers.
  content.back() = static_cast<char>(content.back() ^ 1);
  spit(file, content);
  auto dir = must(data_dir::open(folder.path()));
  auto report = must(verify(dir));
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage[0].file == file.string());
  CHECK(report.damage[0].what.find("sealed") != std::string::npos);
}

TEST_CASE("after a failed sync nothing is written any more and the shard is not opened again") {
  temporary_folder folder;
  auto how = small_log(durability::interval);
  auto fails = std::make_shared<bool>(false);
  how.testing.fail_sync = [fails](const auto&) { return *fails ? EIO : 0; };
  auto dir = must(data_dir::open(folder.path()));
  {
    auto shard = must(dir.open_shard(shard_id{0}, how));
    log_writer writer;
    writer.append(*shard.log, 3, {one});
    must(shard.log->sync());
    writer.append(*shard.log, 3, {one});
    *fails = true;
    CHECK(shard.log->sync().code() == errc::storage_failed);
    *fails = false;
    CHECK(shard.log->sync().code() == errc::storage_failed);
    CHECK(shard.log->bounds().synced == entry_index{3});
    CHECK(shard.log->append(std::vector{writer.make({{one}})}).code() == errc::storage_failed);
    CHECK(shard.log->truncate_after(entry_index{1}).code() == errc::storage_failed);
    CHECK(must(shard.log->read_entries(entry_index{1}, entry_index{6}, 1u << 20)).size() == 6);
  }
  CHECK(dir.open_shard(shard_id{0}, how).code() == errc::storage_failed);
}

TEST_CASE("a full disk refuses the next segment, writes nothing, and writing resumes by itself") {
  auto mode = GENERATE(durability::fsync, durability::memory);
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log(mode));
  log_writer writer;
  for (int i = 0; i < 6; ++i) writer.append(node.log(), 1, {one, 1, 60'000});
  // Stands for a full disk: no file may become as large as a segment.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto full = before;
  full.rlim_cur = small_segment - 1;
  std::vector<errc> codes;
  auto attempt = writer;
  std::vector<log_write> group;
  for (int i = 0; i < 12; ++i) group.push_back(attempt.make({{one, 1, 60'000}}));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  for (int i = 0; i < 3; ++i) codes.push_back(node.log().append(group).code());
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(codes == std::vector(3, errc::storage_full));
  CHECK(segment_files(folder.path()).size() == 1);
  for (const auto& entry : std::filesystem::directory_iterator{folder.path() / "shard-0"})
    CHECK(entry.path().extension() != ".new");
  writer.check(node.log());
  must(node.log().append(group));
  attempt.check(node.log());
  CHECK(node.log().bounds().segments == 2);
}
