#include "log_fixture.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>

namespace carafe::test {

temporary_folder::temporary_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "carafe-storage-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) FAIL("no temporary folder");
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

shared_bytes batch_bytes(queue_id queue, offset base, std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  auto state = queue.value * 0x9E3779B97F4A7C15ull + base.value;
  for (auto& b : out) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    b = static_cast<std::byte>(state >> 56);
  }
  return shared_bytes::copy_of(out);
}

storage::log_write log_writer::make(const std::vector<batch_plan>& batches) {
  storage::log_write write;
  entry_header header{entry_kind::command, next_, term{1}, time_of(next_)};
  std::vector<effects::effect> all;
  for (const auto& plan : batches) {
    effects::batch batch;
    batch.queue = plan.queue;
    batch.base = end_of(plan.queue);
    batch.count = plan.count;
    batch.producer = producer_id{7};
    batch.first = sequence{batch.base.value + 1};
    batch.bytes = batch_bytes(plan.queue, batch.base, plan.bytes);
    batch.checksum = crc32c(batch.bytes.span());
    storage::index_row row{plan.queue, batch.base, plan.count, header.time, next_};
    write.rows.push_back(row);
    made_[plan.queue].push_back({row, plan.bytes});
    all.emplace_back(std::move(batch));
  }
  write.entry = std::make_shared<encoded_entry>(encode_entry(header, all));
  next_ = next_ + 1;
  return write;
}

void log_writer::append(storage::commit_log& log, std::size_t entries, const batch_plan& batch) {
  std::vector<storage::log_write> group;
  for (std::size_t i = 0; i < entries; ++i) group.push_back(make({batch}));
  must(log.append(group));
}

void log_writer::truncate_after(entry_index last) {
  for (auto& [queue, batches] : made_)
    std::erase_if(batches, [&](const made_batch& b) { return b.row.entry > last; });
  next_ = last + 1;
}

offset log_writer::end_of(queue_id queue) const {
  auto at = made_.find(queue);
  if (at == made_.end() || at->second.empty()) return offset{0};
  return at->second.back().row.base + at->second.back().row.count;
}

void log_writer::check(const storage::commit_log& log, entry_index first) const {
  auto bounds = log.bounds();
  REQUIRE(bounds.last.value + 1 == next_.value);
  REQUIRE(bounds.first <= first);
  constexpr auto no_limit = std::numeric_limits<std::uint64_t>::max();
  for (auto at = first; at <= bounds.last;) {
    auto entries = must(log.read_entries(at, bounds.last, 1u << 20));
    REQUIRE(!entries.empty());
    for (const auto& entry : entries) {
      auto decoded = must(decode_entry(entry));
      REQUIRE(decoded.header.index == at);
      at = at + 1;
    }
  }
  for (const auto& [queue, batches] : made_) {
    auto kept = std::ranges::find_if(batches, [&](const auto& b) { return b.row.entry >= first; });
    if (kept == batches.end()) continue;
    storage::read_hint hint;
    auto from = kept->row.base;
    while (kept != batches.end()) {
      auto read = must(log.read_queue(queue, from, entry_index{no_limit}, 200'000, hint));
      REQUIRE(!read.empty());
      for (const auto& batch : read) {
        REQUIRE(kept != batches.end());
        REQUIRE(batch.base == kept->row.base);
        REQUIRE(batch.count == kept->row.count);
        REQUIRE(batch.time == kept->row.time);
        REQUIRE(batch.batch.bytes.text() == batch_bytes(queue, batch.base, kept->bytes).text());
        from = batch.base + batch.count;
        ++kept;
      }
    }
    REQUIRE(must(log.read_queue(queue, from, entry_index{no_limit}, 1, hint)).empty());
  }
}

storage::log_options small_log(durability mode) {
  storage::log_options how;
  how.mode = mode;
  how.segment_bytes = small_segment;
  how.testing.boot_id = "first boot";
  return how;
}

open_log open_at(const std::filesystem::path& path, const storage::log_options& how) {
  open_log out;
  out.dir = std::make_unique<storage::data_dir>(must(storage::data_dir::open(path)));
  out.shard = must(out.dir->open_shard(shard_id{0}, how));
  return out;
}

failure fail_to_open(const std::filesystem::path& path, const storage::log_options& how) {
  auto dir = storage::data_dir::open(path);
  if (!dir) return dir.error();
  auto shard = dir->open_shard(shard_id{0}, how);
  REQUIRE(!shard.ok());
  return shard.error();
}

std::vector<std::filesystem::path> segment_files(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator{path / "shard-0"})
    if (entry.path().extension() == ".mdb" && entry.path().filename() != "state.mdb")
      found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

namespace {

using file_states =
  std::map<std::filesystem::path, std::pair<std::uintmax_t, std::filesystem::file_time_type>>;

file_states states_in(const std::filesystem::path& folder) {
  file_states found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder})
    if (entry.is_regular_file()) found[entry.path()] = {entry.file_size(), entry.last_write_time()};
  return found;
}

} // namespace

/// The log's own thread may be syncing: the copy is made again until nothing changed meanwhile.
void copy_as_killed(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (int tries = 0;; ++tries) {
    try {
      const auto before = states_in(from);
      std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
      if (states_in(from) == before) return;
    } catch (const std::filesystem::filesystem_error&) {
      if (tries == 1'000) throw;
    }
    if (tries == 1'000) throw std::runtime_error{"the log is never at rest"};
    std::filesystem::remove_all(to);
  }
}

} // namespace carafe::test
