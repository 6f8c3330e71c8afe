#include "log_fixture.hpp"
#include "storage/segment_layout.hpp"
#include "storage/synced_meta.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>

using namespace carafe;
using namespace carafe::test;
using namespace carafe::storage;

namespace {

constexpr queue_id one{1};
constexpr queue_id two{2};
constexpr entry_index all{std::numeric_limits<std::uint64_t>::max()};

std::uint64_t fresh_seed() {
  if (const auto* given = std::getenv("CARAFE_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

/// A directory with every kind of file: sealed segments with and without checksums, a newest one
/// with a synced mark, a state with rows.
struct victim {
  temporary_folder folder;
  log_writer writer;
  std::map<std::string, std::string> rows;
  /// Everything but the lock.
  std::vector<std::filesystem::path> files;

  victim() {
    auto how = small_log(durability::interval);
    how.testing.boot_id = must(current_boot_id());
    temporary_folder running;
    auto node = open_at(running.path(), how);
    for (int i = 0; i < 48; ++i) {
      writer.append(node.log(), 8, {i % 3 ? one : two, 3, 900});
      writer.append(node.log(), 1, {one, 1, 33'000});
      writer.append(node.log(), 1, {two, 1, 60'000 - 1000u * static_cast<unsigned>(i)});
    }
    must(node.log().sync());
    std::vector<state_delta> deltas;
    for (int i = 0; i < 200; ++i) {
      auto key = "row " + std::to_string(i);
      rows[key] = std::string(static_cast<std::size_t>(i * i % 3000), static_cast<char>(i));
      deltas.push_back({key, rows[key]});
    }
    must(node.state().save_vote({term{9}, 2}));
    must(node.state().save_checkpoint({entry_index{400}, term{1}, unix_ms{1}, "c", entry_index{1}},
                                      deltas));
    writer.append(node.log(), 2, {one, 1, 100});
    copy_as_killed(running.path(), folder.path() / "node");
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder.path() / "node"})
      if (entry.is_regular_file() && entry.path().filename() != "lock")
        files.push_back(entry.path().lexically_relative(folder.path() / "node"));
    std::ranges::sort(files);
  }

  [[nodiscard]] log_options how() const {
    auto options = small_log(durability::interval);
    options.testing.boot_id = must(current_boot_id());
    return options;
  }
};

/// A copy of the victim with one file changed.
struct damaged_copy {
  temporary_folder folder;
  std::filesystem::path node;
  std::filesystem::path file;

  damaged_copy(const victim& of, const std::filesystem::path& which)
    : node(folder.path() / "node"), file(node / which) {
    copy_as_killed(of.folder.path() / "node", node);
  }

  void flip(std::uint64_t bit) const {
    std::fstream io{file, std::ios::binary | std::ios::in | std::ios::out};
    io.seekg(static_cast<std::streamoff>(bit / 8));
    char byte = 0;
    io.get(byte);
    io.seekp(static_cast<std::streamoff>(bit / 8));
    io.put(static_cast<char>(byte ^ (1 << bit % 8)));
  }
};

/// Whether the log serves nothing wrong: all batches of both queues, in order, or an error.
bool serves_nothing_wrong(const commit_log& log, const log_writer& made, bool& complete) {
  complete = true;
  for (const auto& [queue, batches] : made.made()) {
    read_hint hint;
    auto at = batches.begin();
    while (at != batches.end()) {
      auto read = log.read_queue(queue, at->row.base, all, 100'000, hint);
      if (!read || read->empty()) {
        complete = false;
        break;
      }
      for (const auto& batch : *read) {
        if (at == batches.end() || batch.base != at->row.base || batch.count != at->row.count ||
            batch.time != at->row.time ||
            batch.batch.bytes.text() != batch_bytes(queue, at->row.base, at->bytes).text())
          return false;
        ++at;
      }
    }
    static_cast<void>(log.find_time(queue, log_writer::time_of(entry_index{200}), all));
  }
  static_cast<void>(log.ends_before(all));
  static_cast<void>(log.retention_limit(unix_ms{1}, 1, all));
  return true;
}

/// Opens and uses the directory; it must neither crash nor serve anything wrong.
/// @returns Whether all that was stored is there.
bool use(const damaged_copy& copy, const victim& of) {
  auto dir = data_dir::open(copy.node);
  if (!dir) return false;
  auto shard = dir->open_shard(shard_id{0}, of.how());
  if (!shard) {
    CHECK(!shard.error().detail.empty());
    return false;
  }
  auto complete = true;
  REQUIRE(serves_nothing_wrong(*shard->log, of.writer, complete));
  std::map<std::string, std::string> rows;
  auto loaded = shard->state->load_rows(
    [&](std::string_view key, std::string_view value) { rows.emplace(key, value); });
  if (!loaded || rows != of.rows) complete = false;
  auto vote = shard->state->load_vote();
  if (!vote || vote->term != term{9} || vote->voted_for != 2) complete = false;
  auto mark = shard->state->load_mark();
  if (!mark || !*mark || (*mark)->index != entry_index{400}) complete = false;
  // Writing may be refused, but must not crash either.
  log_writer writer{shard->log->bounds().last + 1};
  static_cast<void>(shard->log->append(std::vector{writer.make({{queue_id{77}}})}));
  return complete;
}

/// verify finds damage, or all is there and right.
void check_damage(const damaged_copy& copy, const victim& of) {
  auto found = false;
  {
    auto dir = data_dir::open_existing(copy.node);
    if (!dir) {
      CHECK(dir.code() != errc::storage_locked);
      return;
    }
    auto report = must(verify(*dir));
    found = !report.damage.empty();
    for (const auto& damage : report.damage) {
      CHECK(!damage.file.empty());
      CHECK(!damage.what.empty());
    }
  }
  auto complete = use(copy, of);
  CHECK((found || complete));
}

} // namespace

TEST_CASE("a flipped bit anywhere is found or harmless, and crashes nothing") {
  auto seed = fresh_seed();
  std::mt19937_64 random{seed};
  victim of;
  CHECK(of.files.size() >= 8);
  for (const auto& which : of.files) {
    auto size = std::filesystem::file_size(of.folder.path() / "node" / which);
    for (int round = 0; round < 12; ++round) {
      damaged_copy copy{of, which};
      // Half of the flips hit the first pages: metas, headers, roots.
      auto span = round % 2 ? size : std::min<std::uintmax_t>(size, 5 * 4096);
      auto bit = random() % (span * 8);
      INFO("CARAFE_SEED=" << seed << ": bit " << bit << " of " << which);
      copy.flip(bit);
      check_damage(copy, of);
    }
  }
}

TEST_CASE("flipped bits in the pages of the trees crash nothing") {
  auto seed = fresh_seed();
  std::mt19937_64 random{seed};
  victim of;
  for (const auto& which : of.files) {
    if (which.extension() != ".mdb") continue;
    // Branch and leaf pages, by their flags.
    std::ifstream in{of.folder.path() / "node" / which, std::ios::binary};
    std::string content{std::istreambuf_iterator<char>{in}, {}};
    std::vector<std::size_t> pages;
    for (std::size_t at = 0; at + 4096 <= content.size(); at += 4096)
      if (content[at + 10] == 1 || content[at + 10] == 2) pages.push_back(at);
    REQUIRE(!pages.empty());
    for (int round = 0; round < 15; ++round) {
      damaged_copy copy{of, which};
      auto at = pages[random() % pages.size()];
      auto bit = 8 * at + random() % (round % 2 ? 8 * 4096 : 8 * 64);
      INFO("CARAFE_SEED=" << seed << ": bit " << bit << " of " << which);
      copy.flip(bit);
      check_damage(copy, of);
    }
  }
}

TEST_CASE("a truncated file is found and crashes nothing") {
  auto seed = fresh_seed();
  std::mt19937_64 random{seed};
  victim of;
  for (const auto& which : of.files) {
    auto size = std::filesystem::file_size(of.folder.path() / "node" / which);
    for (std::uintmax_t left : {std::uintmax_t{0}, std::uintmax_t{1}, std::uintmax_t{4096},
                                random() % size, random() % size, size - 1}) {
      damaged_copy copy{of, which};
      INFO("CARAFE_SEED=" << seed << ": " << left << " of " << size << " bytes of " << which);
      std::filesystem::resize_file(copy.file, left);
      check_damage(copy, of);
    }
  }
}

TEST_CASE("pages filled with noise crash nothing") {
  auto seed = fresh_seed();
  std::mt19937_64 random{seed};
  victim of;
  for (const auto& which : of.files) {
    auto size = std::filesystem::file_size(of.folder.path() / "node" / which);
    for (int round = 0; round < 4; ++round) {
      damaged_copy copy{of, which};
      auto first = random() % (size / 4096 + 1) * 4096;
      INFO("CARAFE_SEED=" << seed << ": noise from byte " << first << " of " << which);
      std::fstream io{copy.file, std::ios::binary | std::ios::in | std::ios::out};
      io.seekp(static_cast<std::streamoff>(first));
      for (std::uintmax_t i = first; i < std::min<std::uintmax_t>(size, first + 3 * 4096); ++i)
        io.put(static_cast<char>(random()));
      io.close();
      check_damage(copy, of);
    }
  }
}

TEST_CASE("verify names the first damaged entry, also of a sealed segment") {
  temporary_folder folder;
  const bool sealed = GENERATE(true, false);
  {
    log_writer writer;
    auto node = open_at(folder.path(), small_log());
    for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {one, 1, 50'000});
  }
  const auto files = segment_files(folder.path());
  const auto file = sealed ? files.front() : files.back();
  const auto sums = std::filesystem::path{file}.replace_extension(".sum");
  REQUIRE(std::filesystem::exists(sums) == sealed);
  const auto first = *parse_segment_name(file.filename().string());
  const auto damaged = first + 3;
  // Entry n has message n - 1.
  const auto body = batch_bytes(one, offset{damaged.value - 1}, 50'000);
  {
    std::ifstream in{file, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{in}, {}};
    const auto at = content.find(body.text());
    REQUIRE(at != std::string::npos);
    std::fstream io{file, std::ios::binary | std::ios::in | std::ios::out};
    io.seekp(static_cast<std::streamoff>(at + 20'000));
    io.put(static_cast<char>(~content[at + 20'000]));
  }
  auto dir = must(data_dir::open(folder.path()));
  const auto report = must(verify(dir));
  REQUIRE(report.damage.size() == 1);
  CHECK(report.damage.front().file == file.string());
  CHECK(report.damage.front().index == damaged);
}
