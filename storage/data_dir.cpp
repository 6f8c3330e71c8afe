#include "storage/data_dir.hpp"

#include "storage/data_format.hpp"
#include "storage/file.hpp"
#include "storage/lmdb_state_store.hpp"
#include "storage/log_recovery.hpp"
#include "storage/state_layout.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <map>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace carafe::storage {

namespace {

constexpr std::string_view lock_name = "lock";
constexpr std::string_view shard_prefix = "shard-";
constexpr std::string_view new_suffix = ".new";

constexpr std::uint64_t segment_bytes_min = std::uint64_t{1} << 20;

result<std::filesystem::path> full_path(const std::filesystem::path& path) {
  std::error_code error;
  auto full = std::filesystem::absolute(path, error);
  if (error) return io_failure("find", path, error.value());
  full = full.lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

result<void> make_folder(const std::filesystem::path& path) {
  if (auto there = is_there(path); !there || *there) return there ? result<void>{} : there.error();
  // Each new folder's name is in the folder above, which is to be synced too.
  const auto above = path.parent_path();
  if (above != path && !above.empty())
    if (auto done = make_folder(above); !done) return done;
  std::error_code error;
  std::filesystem::create_directory(path, error);
  if (error) return io_failure("make the folder", path, error.value());
  return above.empty() ? result<void>{} : sync_folder(above);
}

result<file> take_lock(const std::filesystem::path& folder) {
  auto path = folder / lock_name;
  auto opened = file::open(path, O_RDWR | O_CREAT);
  if (!opened) return opened.error();
  int rc = 0;
  do {
    rc = ::flock(opened->descriptor(), LOCK_EX | LOCK_NB);
  } while (rc != 0 && errno == EINTR);
  if (rc != 0 && errno != EWOULDBLOCK) return io_failure("lock", path, errno);
  if (rc != 0) {
    auto holder = read_small_file(path, 64);
    auto pid = holder ? holder->substr(0, holder->find('\n')) : std::string{};
    return {errc::storage_locked, folder.string() + " is in use by process " +
                                    (pid.empty() ? std::string{"(unknown)"} : pid)};
  }
  // The pid only informs: failing to write it, on a full disk, is no reason not to start.
  auto pid = std::to_string(::getpid()) + "\n";
  if (opened->resize(0)) static_cast<void>(opened->write(as_bytes(pid), 0));
  return opened;
}

/// A folder without a format file must hold nothing but what making one may have left.
result<void> check_unused(const std::filesystem::path& folder) {
  auto names = list_folder(folder);
  if (!names) return names.error();
  for (const auto& name : *names)
    if (name != lock_name && name != std::string{format_name} + ".new")
      return {errc::format_foreign, folder.string() + " has no " + std::string{format_name} +
                                      ", but other files (" + name +
                                      "); name an empty folder or a data directory"};
  return {};
}

result<active_settings> to_settings(const log_options& options) {
  if (options.segment_bytes < segment_bytes_min || options.segment_bytes % page_bytes != 0)
    return {errc::invalid_argument, "a segment of " + std::to_string(options.segment_bytes) +
                                      " bytes: it must be a multiple of 4096 and at least 1 MiB"};
  active_settings settings;
  settings.unsynced = options.mode != durability::fsync;
  settings.keep_meta_file = options.testing.keep_meta_file;
  settings.fail_sync = options.testing.fail_sync;
  settings.boot_id = options.testing.boot_id;
  if (settings.boot_id.empty()) {
    auto id = current_boot_id();
    if (!id) return id.error();
    settings.boot_id = std::move(*id);
  }
  return settings;
}

} // namespace

struct data_dir::held {
  std::filesystem::path path;
  file lock;
  data_format format;
  /// Set by a shard's log when one of its syncs failed.
  std::map<shard_id, std::shared_ptr<std::atomic<bool>>> sync_failed;
};

data_dir::data_dir(std::unique_ptr<held> h) : held_(std::move(h)) {}
data_dir::data_dir(data_dir&&) noexcept = default;
data_dir& data_dir::operator=(data_dir&&) noexcept = default;
data_dir::~data_dir() = default;

result<data_dir> data_dir::open(const std::filesystem::path& path) {
  auto folder = full_path(path);
  if (!folder) return folder.error();
  if (auto done = make_folder(*folder); !done) return done.error();
  auto there = is_there(*folder / format_name);
  if (!there) return there.error();
  if (!*there) {
    if (auto done = check_unused(*folder); !done) return done.error();
    auto lock = take_lock(*folder);
    if (!lock) return lock.error();
    // Another process may have been quicker.
    there = is_there(*folder / format_name);
    if (!there) return there.error();
    if (!*there) {
      if (auto done = make_format(*folder); !done) return done.error();
    }
  }
  return open_existing(*folder);
}

result<data_dir> data_dir::open_existing(const std::filesystem::path& path) {
  auto folder = full_path(path);
  if (!folder) return folder.error();
  auto held = std::make_unique<data_dir::held>();
  held->path = std::move(*folder);
  auto format = read_format(held->path);
  if (!format) return format.error();
  held->format = *format;
  auto lock = take_lock(held->path);
  if (!lock) return lock.error();
  held->lock = std::move(*lock);
  return data_dir{std::move(held)};
}

const std::filesystem::path& data_dir::path() const noexcept { return held_->path; }

std::uint64_t data_dir::node_id() const noexcept { return held_->format.node_id; }

std::string data_dir::shard_folder(shard_id shard) {
  return std::string{shard_prefix} + std::to_string(shard.value);
}

std::vector<shard_id> data_dir::shards() const {
  std::vector<shard_id> found;
  auto names = list_folder(held_->path);
  if (!names) return found;
  for (const auto& name : *names) {
    shard_id shard;
    if (!name.starts_with(shard_prefix)) continue;
    auto digits = std::string_view{name}.substr(shard_prefix.size());
    std::from_chars(digits.data(), digits.data() + digits.size(), shard.value);
    if (name == shard_folder(shard)) found.push_back(shard);
  }
  std::ranges::sort(found);
  return found;
}

/// Makes a shard's files under another name and puts them in place when all are there: a disk that
/// is full must not leave half a shard, which could not be opened.
result<void> data_dir::make_shard(shard_id shard, const log_options& options) const {
  auto active = to_settings(options);
  if (!active) return active.error();
  active->sync_failed = std::make_shared<std::atomic<bool>>(false);
  auto folder = held_->path / shard_folder(shard);
  auto unfinished = folder;
  unfinished += new_suffix;
  std::error_code error;
  const auto remove = [&] { std::filesystem::remove_all(unfinished, error); };
  remove(); // Left by a process that was killed.
  const auto make = [&]() -> result<void> {
    if (auto done = make_folder(unfinished); !done) return done;
    auto state = lmdb_state_store::open(unfinished, shard, true);
    if (!state) return state.error();
    auto log = open_log({unfinished, shard, options.segment_bytes, std::move(*active),
                         options.reserve_bytes, options.entry_bytes_max},
                        entry_index{0});
    if (!log) return log.error();
    for (auto which : {log_note::start, log_note::newest})
      if (auto done = write_log_note(unfinished, which, entry_index{1}); !done) return done;
    return {};
  };
  if (auto done = make(); !done) {
    remove();
    return done;
  }
  std::filesystem::rename(unfinished, folder, error);
  if (error) return io_failure("rename", unfinished, error.value());
  return sync_folder(held_->path);
}

/// A shard is made once. That it is missing later must not be taken for a new one.
result<void> data_dir::check_never_made(shard_id shard) const {
  auto made = read_made_shards(held_->path);
  if (!made) return made.error();
  if (!made->contains(shard)) return {};
  return {errc::storage_corrupt,
          (held_->path / shard_folder(shard)).string() +
            " is missing, which had messages; put it back, or begin anew in another folder"};
}

/// Without room for the note (it is tried at each start) only the check above is weaker.
void data_dir::note_made(shard_id shard) const {
  auto made = read_made_shards(held_->path);
  if (made && made->insert(shard).second) static_cast<void>(write_made_shards(held_->path, *made));
}

result<opened_shard> data_dir::open_shard(shard_id shard, const log_options& options) {
  auto active = to_settings(options);
  if (!active) return active.error();
  auto& failed = held_->sync_failed[shard];
  if (!failed) failed = std::make_shared<std::atomic<bool>>(false);
  if (failed->load())
    return {errc::storage_failed, "an earlier sync of shard " + std::to_string(shard.value) +
                                    " failed; restart the node"};
  auto folder = held_->path / shard_folder(shard);
  auto there = is_there(folder);
  if (!there) return there.error();
  if (!*there) {
    if (auto ok = check_never_made(shard); !ok) return ok.error();
    if (auto made = make_shard(shard, options); !made) return made.error();
  }
  note_made(shard);
  auto segments = list_segments(folder);
  if (!segments) return segments.error();
  // A shard's folder comes to be with both in it.
  if (segments->empty())
    return {errc::storage_corrupt, folder.string() + " holds no segment of the log; put the files "
                                                     "back (is its disk mounted?)"};
  auto state = lmdb_state_store::open(folder, shard, false);
  if (state.code() == errc::not_found)
    return {errc::storage_corrupt,
            (folder / state_name).string() + " is missing, but the shard has a log; put it back"};
  if (!state) return state.error();
  auto mark = (*state)->load_mark();
  if (!mark) return mark.error();
  auto checkpoint = *mark ? (*mark)->index : entry_index{0};
  active->sync_failed = failed;
  auto log = open_log({folder, shard, options.segment_bytes, std::move(*active),
                       options.reserve_bytes, options.entry_bytes_max},
                      checkpoint);
  if (!log) return log.error();
  return opened_shard{std::move(log->log), std::move(*state), std::move(log->notes)};
}

result<void> data_dir::begin_copy(const std::filesystem::path& to) const {
  std::error_code error;
  const auto inside = std::filesystem::weakly_canonical(to, error);
  const auto own = std::filesystem::weakly_canonical(held_->path, error);
  if (std::mismatch(own.begin(), own.end(), inside.begin(), inside.end()).first == own.end())
    return {errc::invalid_argument, to.string() + " is in the node's own data folder"};
  auto names = list_folder(to);
  if (!names && names.code() != errc::not_found) return names.error();
  if (names && !names->empty()) return {errc::already_exists, to.string() + " is not empty"};
  const auto begin = [&]() -> result<void> {
    if (auto done = make_folder(to); !done) return done;
    for (auto shard : shards())
      if (auto done = make_folder(to / shard_folder(shard)); !done) return done;
    auto made = read_made_shards(held_->path);
    if (!made) return made.error();
    if (auto done = write_made_shards(to, *made); !done) return done;
    return write_format(to, held_->format);
  };
  auto done = begin();
  if (!done) abandon_copy(to);
  return done;
}

void data_dir::abandon_copy(const std::filesystem::path& to) const {
  std::error_code ignored;
  const auto names = list_folder(to);
  if (!names) return;
  for (const auto& name : *names)
    if (name.starts_with(shard_prefix) || name.starts_with("carafe."))
      std::filesystem::remove_all(to / name, ignored);
}

result<std::uint64_t> data_dir::free_bytes() const { return free_space(held_->path); }

} // namespace carafe::storage
