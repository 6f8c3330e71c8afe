#include "storage/file.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace carafe::storage {

failure io_failure(const char* doing, const std::filesystem::path& path, int error) {
  auto code = errc::storage_failed;
  switch (error) {
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    code = errc::storage_full;
    break;
  default:
    break;
  }
  return {code, "cannot " + std::string{doing} + " " + path.string() + ": " +
                  std::generic_category().message(error)};
}

file::file(file&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

file& file::operator=(file&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

file::~file() {
  if (fd_ >= 0) ::close(fd_);
}

result<file> file::open(const std::filesystem::path& path, int flags) {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) {
    auto why = io_failure("open", path, errno);
    if (errno == ENOENT) why.code = errc::not_found;
    return why;
  }
  return file{fd, path};
}

result<std::uint64_t> file::size() const {
  struct stat about {};
  if (::fstat(fd_, &about) != 0) return io_failure("inspect", path_, errno);
  return static_cast<std::uint64_t>(about.st_size);
}

result<std::size_t> file::read_some(std::span<std::byte> out, std::uint64_t at) const {
  std::size_t done = 0;
  while (done < out.size()) {
    auto n = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return io_failure("read", path_, errno);
    }
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

result<void> file::read(std::span<std::byte> out, std::uint64_t at) const {
  auto n = read_some(out, at);
  if (!n) return n.error();
  if (*n != out.size())
    return {errc::storage_corrupt, path_.string() + " ends at byte " + std::to_string(at + *n) +
                                     ", inside of what it should hold"};
  return {};
}

result<void> file::write(std::span<const std::byte> bytes, std::uint64_t at) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto n = ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(at + done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return io_failure("write", path_, errno);
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

namespace {
std::atomic<std::uint64_t> fsyncs{0};
}

std::uint64_t fsyncs_so_far() noexcept { return fsyncs.load(std::memory_order_relaxed); }
void count_fsync() noexcept { fsyncs.fetch_add(1, std::memory_order_relaxed); }

result<void> file::sync() const {
  count_fsync();
  if (::fdatasync(fd_) != 0) {
    auto why = io_failure("sync", path_, errno);
    // Also when the disk was full: what is on it is not known any more.
    why.code = errc::storage_failed;
    return why;
  }
  return {};
}

result<void> file::resize(std::uint64_t bytes) const {
  int rc = 0;
  do {
    rc = ::ftruncate(fd_, static_cast<off_t>(bytes));
  } while (rc != 0 && errno == EINTR);
  if (rc != 0) return io_failure("resize", path_, errno);
  return {};
}

result<void> file::reserve(std::uint64_t bytes) const { return allocate(0, bytes); }

result<void> file::reserve_behind(std::uint64_t bytes) const {
  return allocate(FALLOC_FL_KEEP_SIZE, bytes);
}

result<void> file::allocate(int mode, std::uint64_t bytes) const {
  int rc = 0;
  do {
    rc = ::fallocate(fd_, mode, 0, static_cast<off_t>(bytes));
  } while (rc != 0 && errno == EINTR);
  if (rc != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
    return io_failure("reserve space for", path_, errno);
  return {};
}

result<std::vector<std::string>> list_folder(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at{folder, error}, end; !error && at != end;
       at.increment(error))
    names.push_back(at->path().filename().string());
  if (error) {
    auto why = io_failure("list", folder, error.value());
    if (error == std::errc::no_such_file_or_directory) why.code = errc::not_found;
    return why;
  }
  std::ranges::sort(names);
  return names;
}

result<std::uint64_t> free_space(const std::filesystem::path& path) {
  struct statvfs about {};
  if (::statvfs(path.c_str(), &about) != 0)
    return io_failure("inspect the file system of", path, errno);
  return std::uint64_t{about.f_bavail} * about.f_frsize;
}

result<bool> is_there(const std::filesystem::path& path) {
  std::error_code error;
  auto there = std::filesystem::exists(path, error);
  if (error) return io_failure("inspect", path, error.value());
  return there;
}

result<void> sync_folder(const std::filesystem::path& folder) {
  auto opened = file::open(folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return opened.error();
  count_fsync();
  if (::fsync(opened->descriptor()) != 0) {
    auto why = io_failure("sync the folder", folder, errno);
    why.code = errc::storage_failed;
    return why;
  }
  return {};
}

result<void> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_failure("remove", path, errno);
  return {};
}

result<std::string> read_small_file(const std::filesystem::path& path, std::size_t bytes_max) {
  auto opened = file::open(path, O_RDONLY);
  if (!opened) return opened.error();
  auto size = opened->size();
  if (!size) return size.error();
  // Files of /proc have no size.
  std::string text(std::min<std::uint64_t>(std::max<std::uint64_t>(*size, 4096), bytes_max) + 1,
                   '\0');
  auto n = opened->read_some(std::as_writable_bytes(std::span{text}), 0);
  if (!n) return n.error();
  if (*n > bytes_max)
    return {errc::storage_corrupt,
            path.string() + " is larger than " + std::to_string(bytes_max) + " bytes"};
  text.resize(*n);
  return text;
}

result<void> replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  auto fresh = path;
  fresh += ".new";
  {
    auto opened = file::open(fresh, O_WRONLY | O_CREAT | O_TRUNC);
    if (!opened) return opened.error();
    if (auto done = opened->write(bytes, 0); !done) return done;
    if (auto done = opened->sync(); !done) return done;
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_failure("put in place", path, errno);
  return sync_folder(path.parent_path());
}

result<void> copy_bytes(const file& from, std::uint64_t bytes, const std::filesystem::path& to) {
  auto out = file::open(to, O_WRONLY | O_CREAT | O_EXCL);
  if (!out) return out.error();
  std::vector<std::byte> buffer(1u << 20);
  for (std::uint64_t at = 0; at < bytes;) {
    auto part = std::span{buffer}.first(
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), bytes - at)));
    if (auto done = from.read(part, at); !done) return done;
    if (auto done = out->write(part, at); !done) return done;
    at += part.size();
  }
  return out->sync();
}

} // namespace carafe::storage
