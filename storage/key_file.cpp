#include "storage/key_file.hpp"

#include "schema/batch.hpp"
#include "storage/bytes.hpp"
#include "storage/segment_layout.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <limits>

namespace carafe::storage {

namespace {

constexpr std::string_view key_magic = "carafeke";
constexpr std::size_t header_bytes = 48;
constexpr std::size_t run_bytes = 40;
/// Checksum and size at the end.
constexpr std::size_t end_bytes = 8;
/// Of a segment of 64 GiB full of compressed batches, by far.
constexpr std::size_t directory_bytes_max = std::size_t{16} << 20;
constexpr std::size_t key_header_bytes = 8;

/// No more than what a node can have let in: message-bytes-max is 64 MiB at most.
constexpr batch_limits any_batch{std::numeric_limits<std::uint32_t>::max(),
                                 std::numeric_limits<std::uint32_t>::max(), 256u << 20};

std::uint64_t pages_of(std::uint64_t rows) { return (rows + key_page_rows - 1) / key_page_rows; }

} // namespace

std::uint32_t hash_of_key(queue_id queue, std::string_view key) noexcept {
  const auto mixed = digest_of(key).high ^ queue.value * 0x9E3779B97F4A7C15ull;
  return static_cast<std::uint32_t>(mixed >> 32);
}

void visit_keys(const effects::batch& batch,
                const std::function<void(std::uint32_t, std::string_view)>& take) {
  const auto reader = batch_reader::open(batch.bytes, batch.compression, any_batch);
  if (!reader) return;
  const auto count = std::min(reader->count(), batch.count);
  for (std::uint32_t i = 0; i < count; ++i)
    if (const auto key = reader->key(i); !key.empty()) take(i, key);
}

std::filesystem::path key_file_path(std::filesystem::path segment) {
  return segment.replace_extension(".keys");
}

// -- reading
// ---------------------------------------------------------------------------------------

failure key_file::damaged(std::string_view what) const {
  return {errc::storage_corrupt, file_.path().string() + ": " + std::string{what}};
}

result<std::shared_ptr<const key_file>> key_file::open(const std::filesystem::path& segment,
                                                       const key_source& source) {
  auto opened = file::open(key_file_path(segment), O_RDONLY);
  if (!opened) return opened.error();
  std::shared_ptr<key_file> made{new key_file{std::move(*opened), source}};
  if (auto done = made->read_directory(); !done) return done.error();
  return std::shared_ptr<const key_file>{std::move(made)};
}

result<void> key_file::read_directory() {
  auto size = file_.size();
  if (!size) return size.error();
  std::array<std::byte, 4> last{};
  if (*size < header_bytes + end_bytes) return damaged("is too short");
  if (auto done = file_.read(last, *size - last.size()); !done) return done;
  const auto bytes = get<std::uint32_t>(last, 0);
  if (bytes < header_bytes + end_bytes ||
      bytes > std::min<std::uint64_t>(*size, directory_bytes_max))
    return damaged("has no directory");
  std::vector<std::byte> all(bytes);
  if (auto done = file_.read(all, *size - bytes); !done) return done;
  const auto from = std::span<const std::byte>{all};
  if (as_text(from.first(8)) != key_magic)
    return {errc::format_foreign, file_.path().string() + " does not hold keys"};
  if (auto known = check_format(get<std::uint32_t>(from, 8), file_.path().string()); !known)
    return known;
  if (get<std::uint32_t>(from, bytes - end_bytes) != crc32c(from.first(bytes - end_bytes)))
    return damaged("its directory is damaged");
  const key_source built{shard_id{static_cast<std::uint16_t>(get<std::uint32_t>(from, 12))},
                         entry_index{get<std::uint64_t>(from, 16)},
                         entry_index{get<std::uint64_t>(from, 24)}, get<std::uint32_t>(from, 32)};
  if (built != source_) return damaged("was built from another segment");
  const auto count = get<std::uint32_t>(from, 36);
  run_rows_max_ = get<std::uint64_t>(from, 40);
  if (bytes != header_bytes + std::size_t{count} * run_bytes + end_bytes)
    return damaged("its directory has a wrong size");
  std::uint64_t page = 0;
  for (std::size_t at = header_bytes; at + end_bytes < bytes; at += run_bytes) {
    const key_run run{get<std::uint64_t>(from, at), get<std::uint64_t>(from, at + 8),
                      get<std::uint64_t>(from, at + 16),
                      entry_index{get<std::uint64_t>(from, at + 24)},
                      entry_index{get<std::uint64_t>(from, at + 32)}};
    if (run.first_page != page || run.rows == 0 || run.pages != pages_of(run.rows) ||
        run.first < source_.first || run.last > source_.last || run.first > run.last)
      return damaged("its directory names an impossible run");
    page += run.pages;
    runs_.push_back(run);
  }
  if (page * key_page_bytes + bytes != *size) return damaged("has a wrong size");
  return {};
}

std::uint64_t key_file::rows() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& run : runs_) sum += run.rows;
  return sum;
}

result<void> key_file::read_page(std::uint64_t page, std::vector<key_row>& rows) const {
  std::array<std::byte, key_page_bytes> bytes{};
  if (auto done = file_.read(bytes, page * key_page_bytes); !done) return done;
  const auto from = std::span<const std::byte>{bytes};
  const auto count = get<std::uint32_t>(from, 4);
  if (get<std::uint32_t>(from, 0) != crc32c(from.subspan(4)) || count == 0 || count > key_page_rows)
    return damaged("page " + std::to_string(page) + " is damaged");
  rows.resize(count);
  for (std::uint32_t i = 0; i < count; ++i)
    rows[i] = get<key_row>(from, key_header_bytes + i * sizeof(key_row));
  return {};
}

/// Adds the entries of the run's rows between `from` and `to`.
result<void> key_file::find_in(const key_run& run, key_row from, key_row to, std::size_t count_max,
                               std::vector<entry_index>& found) const {
  std::vector<key_row> rows;
  // The last page that begins below `from`, or else the first one.
  auto low = run.first_page, high = run.first_page + run.pages;
  while (high - low > 1) {
    const auto middle = low + (high - low) / 2;
    if (auto done = read_page(middle, rows); !done) return done;
    (rows.front() < from ? low : high) = middle;
  }
  for (auto page = low; page < run.first_page + run.pages; ++page) {
    if (auto done = read_page(page, rows); !done) return done;
    for (auto at = std::ranges::lower_bound(rows, from); at != rows.end(); ++at) {
      if (*at > to || found.size() >= count_max) return {};
      found.push_back(source_.first + (*at & std::numeric_limits<std::uint32_t>::max()));
    }
  }
  return {};
}

result<std::vector<entry_index>> key_file::candidates(std::uint32_t hash, entry_index first,
                                                      entry_index last,
                                                      std::size_t count_max) const {
  first = std::max(first, source_.first);
  last = std::min(last, source_.last);
  std::vector<entry_index> found;
  if (first > last) return found;
  const auto row_of = [&](entry_index at) {
    return std::uint64_t{hash} << 32 | (at.value - source_.first.value);
  };
  for (const auto& run : runs_) {
    if (run.last < first || run.first > last) continue;
    if (found.size() >= count_max) break;
    if (auto done = find_in(run, row_of(first), row_of(last), count_max, found); !done)
      return done.error();
  }
  return found;
}

result<std::vector<key_row>> key_file::read_run(const key_run& run) const {
  std::vector<key_row> all, rows;
  all.reserve(run.rows);
  for (auto page = run.first_page; page < run.first_page + run.pages; ++page) {
    if (auto done = read_page(page, rows); !done) return done.error();
    all.insert(all.end(), rows.begin(), rows.end());
  }
  if (all.size() != run.rows) return damaged("a run has another number of rows than it says");
  return all;
}

// -- writing
// ---------------------------------------------------------------------------------------

std::filesystem::path key_file_writer::unfinished_path(const std::filesystem::path& segment) {
  auto path = key_file_path(segment);
  path += ".new";
  return path;
}

result<key_file_writer> key_file_writer::begin(const std::filesystem::path& segment) {
  auto opened = file::open(unfinished_path(segment), O_WRONLY | O_CREAT | O_TRUNC);
  if (!opened) return opened.error();
  return key_file_writer{std::move(*opened), segment};
}

result<void> key_file_writer::add(const std::vector<key_row>& rows, entry_index first,
                                  entry_index last) {
  constexpr std::size_t pages_at_once = 256;
  std::vector<std::byte> bytes;
  const auto begin = pages_;
  for (std::size_t at = 0; at < rows.size();) {
    bytes.assign(pages_at_once * key_page_bytes, std::byte{0});
    std::size_t pages = 0;
    for (; pages < pages_at_once && at < rows.size(); ++pages) {
      const auto page = std::span{bytes}.subspan(pages * key_page_bytes, key_page_bytes);
      const auto count = std::min(key_page_rows, rows.size() - at);
      put(page, 4, static_cast<std::uint32_t>(count));
      for (std::size_t i = 0; i < count; ++i)
        put(page, key_header_bytes + i * sizeof(key_row), rows[at + i]);
      put(page, 0, crc32c(page.subspan(4)));
      at += count;
    }
    const auto part = std::span{bytes}.first(pages * key_page_bytes);
    if (auto done = file_.write(part, pages_ * key_page_bytes); !done) return done;
    pages_ += pages;
  }
  runs_.push_back({begin, pages_ - begin, rows.size(), first, last});
  return {};
}

result<void> key_file_writer::finish(const key_source& source, std::uint64_t run_rows_max) {
  std::vector<std::byte> bytes;
  std::ranges::copy(as_bytes(key_magic), std::back_inserter(bytes));
  append(bytes, storage_format);
  append(bytes, std::uint32_t{source.shard.value});
  append(bytes, source.first.value);
  append(bytes, source.last.value);
  append(bytes, source.checksum);
  append(bytes, static_cast<std::uint32_t>(runs_.size()));
  append(bytes, run_rows_max);
  for (const auto& run : runs_)
    for (const auto part : {run.first_page, run.pages, run.rows, run.first.value, run.last.value})
      append(bytes, part);
  append(bytes, crc32c(bytes));
  append(bytes, static_cast<std::uint32_t>(bytes.size() + sizeof(std::uint32_t)));
  if (bytes.size() > directory_bytes_max)
    return {errc::storage_failed, segment_.string() + " has too many keys for an index"};
  if (auto done = file_.write(bytes, pages_ * key_page_bytes); !done) return done;
  const auto path = key_file_path(segment_);
  if (std::rename(unfinished_path(segment_).c_str(), path.c_str()) != 0)
    return io_failure("put in place", path, errno);
  return {};
}

} // namespace carafe::storage
