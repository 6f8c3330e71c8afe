#include "storage/index_file.hpp"

#include "storage/file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>

namespace carafe::storage {

namespace {

/// Address space only.
constexpr std::uint64_t map_bytes_min = std::uint64_t{256} << 30;
constexpr std::uint64_t map_growth = 4;
/// Pages of branches, roots and free lists that any change may need, and of small tables that lie
/// together.
constexpr std::uint64_t commit_pages = 512;
/// Leaves that one change touches, in three tables; twice, as they may be split.
constexpr std::uint64_t pages_per_change = 6;

result<void> make(const std::filesystem::path& path, std::span<const lmdb::table_spec> tables) {
  auto fresh = path;
  fresh += ".new";
  if (auto ok = remove_file(fresh); !ok) return ok;
  {
    auto env = lmdb::env::open(
      fresh, {.map_bytes = map_bytes_min, .tables = tables, .unsynced = false, .create = true});
    if (!env) return env.error();
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return io_failure("put in place", path, errno);
  return sync_folder(path.parent_path());
}

} // namespace

result<std::unique_ptr<lmdb::env>> open_index(const std::filesystem::path& path,
                                              std::span<const lmdb::table_spec> tables,
                                              std::span<const table_rule> rules) {
  auto there = is_there(path);
  if (!there) return there.error();
  if (!*there)
    if (auto ok = make(path, tables); !ok) return ok.error();
  std::uint64_t size = 0;
  {
    auto from = page_file::open(path);
    if (!from) return from.error();
    if (auto sound = check_pages(*from, rules); !sound) return sound.error();
    auto raw = file::open(path, O_RDWR);
    if (!raw) return raw.error();
    auto bytes = raw->size();
    if (!bytes) return bytes.error();
    size = *bytes;
  }
  return lmdb::env::open(
    path, {.map_bytes = std::max(map_bytes_min, map_growth * (size / page_bytes) * page_bytes),
           .tables = tables,
           .unsynced = false,
           .create = false});
}

result<void> reserve_for(const lmdb::env& index, std::size_t changes, std::uint64_t value_bytes) {
  auto raw = file::open(index.path(), O_RDWR);
  if (!raw) return raw.error();
  const auto bytes = (commit_pages + changes * pages_per_change) * page_bytes + value_bytes;
  return raw->reserve((index.used().last_page + 1) * page_bytes + bytes);
}

result<void> index_written(const result<lmdb::put_outcome>& outcome,
                           const std::filesystem::path& path) {
  if (!outcome) return outcome.error();
  if (*outcome == lmdb::put_outcome::no_room)
    return {errc::storage_full, path.string() + " has outgrown its map; restart the node"};
  return {};
}

} // namespace carafe::storage
