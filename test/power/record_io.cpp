/// Preloaded into a node: records what it does to the files below CARAFE_IO_ROOT, and what it sends
/// to clients, in CARAFE_IO_TRACE; and shows it the file CARAFE_BOOT_ID in place of the kernel's
/// boot id.
///
/// One lock orders the records as the calls took effect. Syncs run outside of it: what is written
/// meanwhile is not covered by them. SIGUSR2 kills the process between two calls: kill -9 might hit
/// it between a call and its record, and the next life would build on what the trace lacks.

#include "test/power/io_trace.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

using namespace carafe::power;

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

#define REAL(name) (real<decltype(&::name)>(#name))

constexpr int descriptors_max = 4'096;
constexpr const char* kernel_boot_id = "/proc/sys/kernel/random/boot_id";

/// Ready before anything else is, and until the very end.
constinit std::mutex lock;
int trace = -1;
std::string* root = nullptr;
std::uint64_t syncs = 0;
std::atomic<bool> dying = false;

/// What a descriptor stands for.
struct descriptor {
  std::uint64_t inode = 0;
  bool tracked = false;
  bool syncs = false;
  bool client = false;
};
descriptor known[descriptors_max];

void put(io what, std::uint64_t file, std::uint64_t offset, std::uint64_t other,
         const void* payload = nullptr, std::size_t bytes = 0) {
  const int kept = errno;
  io_record record{what, static_cast<std::uint32_t>(bytes), file, offset, other};
  iovec parts[2] = {{&record, sizeof record}, {const_cast<void*>(payload), bytes}};
  const auto all = static_cast<ssize_t>(sizeof record + bytes);
  if (REAL(writev)(trace, parts, bytes > 0 ? 2 : 1) != all) ::abort();
  if (dying) ::kill(::getpid(), SIGKILL);
  errno = kept;
}

[[gnu::constructor]] void begin() {
  const char* path = std::getenv("CARAFE_IO_TRACE");
  const char* folder = std::getenv("CARAFE_IO_ROOT");
  if (path == nullptr || folder == nullptr) return;
  root = new std::string{folder};
  trace = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (trace < 0) ::abort();
  std::signal(SIGUSR2, [](int) { dying = true; });
  put(io::process, 0, 0, 0);
}

std::string full(const char* path) {
  if (*path == '/') return path;
  char here[4'096];
  return ::getcwd(here, sizeof here) != nullptr ? std::string{here} + "/" + path : path;
}

bool below_root(const std::string& path) {
  return trace >= 0 && path.size() > root->size() && path.starts_with(*root) &&
         path[root->size()] == '/';
}

/// LMDB's table of readers is no data.
bool is_data(const std::string& path) { return below_root(path) && !path.ends_with("-lock"); }

std::uint64_t inode_of(const std::string& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 ? about.st_ino : 0;
}
std::uint64_t inode_of(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 ? about.st_ino : 0;
}

std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }
std::string name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void put_name(io what, const std::string& path, std::uint64_t inode) {
  const auto own = name(path);
  put(what, inode_of(parent(path)), 0, inode, own.data(), own.size());
}

descriptor* tracked(int fd) {
  if (trace < 0 || fd < 0 || fd >= descriptors_max || !known[fd].tracked) return nullptr;
  return &known[fd];
}

int open_file(const char* path, int flags, mode_t mode) {
  const auto whole = full(path);
  if (whole == kernel_boot_id)
    if (const char* other = std::getenv("CARAFE_BOOT_ID"); other != nullptr)
      return REAL(open)(other, flags, mode);
  // The folder itself, too: its names are synced.
  if (trace < 0 || !(is_data(whole) || whole == *root)) return REAL(open)(path, flags, mode);
  const std::lock_guard guard{lock};
  const bool is_new = inode_of(whole) == 0;
  const int fd = REAL(open)(path, flags, mode);
  if (fd < 0 || fd >= descriptors_max) return fd;
  known[fd] = {inode_of(fd), true, (flags & O_DSYNC) != 0, false};
  if (is_new)
    put_name(io::made_file, whole, known[fd].inode);
  else if ((flags & O_TRUNC) != 0)
    put(io::resized, known[fd].inode, 0, 0);
  return fd;
}

mode_t mode_of(int flags, va_list more) {
  return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0;
}

ssize_t wrote(int fd, ssize_t count, const void* bytes, off_t at) {
  if (auto* d = tracked(fd); d != nullptr && count > 0)
    put(io::written, d->inode, static_cast<std::uint64_t>(at), d->syncs, bytes,
        static_cast<std::size_t>(count));
  return count;
}

template <class Sync>
int sync(int fd, Sync&& call) {
  std::uint64_t inode = 0, number = 0;
  {
    const std::lock_guard guard{lock};
    if (auto* d = tracked(fd); d != nullptr) {
      inode = d->inode;
      put(io::sync_begins, inode, 0, number = ++syncs);
    }
  }
  const int rc = call();
  if (inode != 0 && rc == 0) {
    const std::lock_guard guard{lock};
    put(io::sync_ended, inode, 0, number);
  }
  return rc;
}

int remove_name(const std::string& path, const char* as_given, int (*call)(const char*)) {
  if (!is_data(path)) return call(as_given);
  const std::lock_guard guard{lock};
  const int rc = call(as_given);
  if (rc == 0) put_name(io::removed, path, 0);
  return rc;
}

} // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_file(path, flags, mode);
}
int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const auto mode = mode_of(flags, more);
  va_end(more);
  return open_file(path, flags, mode);
}

int close(int fd) {
  const std::lock_guard guard{lock};
  if (fd >= 0 && fd < descriptors_max) known[fd] = {};
  return REAL(close)(fd);
}

ssize_t write(int fd, const void* bytes, std::size_t count) {
  if (tracked(fd) == nullptr) return REAL(write)(fd, bytes, count);
  const std::lock_guard guard{lock};
  const auto at = ::lseek(fd, 0, SEEK_CUR);
  return wrote(fd, REAL(write)(fd, bytes, count), bytes, at);
}
ssize_t pwrite(int fd, const void* bytes, std::size_t count, off_t at) {
  if (tracked(fd) == nullptr) return REAL(pwrite)(fd, bytes, count, at);
  const std::lock_guard guard{lock};
  return wrote(fd, REAL(pwrite)(fd, bytes, count, at), bytes, at);
}
ssize_t pwrite64(int fd, const void* bytes, std::size_t count, off64_t at) {
  return pwrite(fd, bytes, count, at);
}
ssize_t writev(int fd, const iovec* parts, int count) {
  if (tracked(fd) == nullptr) return REAL(writev)(fd, parts, count);
  const std::lock_guard guard{lock};
  auto at = ::lseek(fd, 0, SEEK_CUR);
  const auto all = REAL(writev)(fd, parts, count);
  auto left = all;
  for (int i = 0; i < count && left > 0; ++i) {
    const auto size = std::min(left, static_cast<ssize_t>(parts[i].iov_len));
    wrote(fd, size, parts[i].iov_base, at);
    at += size;
    left -= size;
  }
  return all;
}

int ftruncate(int fd, off_t size) {
  if (tracked(fd) == nullptr) return REAL(ftruncate)(fd, size);
  const std::lock_guard guard{lock};
  const int rc = REAL(ftruncate)(fd, size);
  if (rc == 0) put(io::resized, known[fd].inode, static_cast<std::uint64_t>(size), 0);
  return rc;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t at, off_t size) {
  if (tracked(fd) == nullptr) return REAL(fallocate)(fd, mode, at, size);
  const std::lock_guard guard{lock};
  const int rc = REAL(fallocate)(fd, mode, at, size);
  if (rc == 0 && mode == 0)
    put(io::resized, known[fd].inode, static_cast<std::uint64_t>(at + size), 1);
  return rc;
}
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  return fallocate(fd, mode, at, size);
}

int fsync(int fd) {
  return sync(fd, [fd] { return REAL(fsync)(fd); });
}
int fdatasync(int fd) {
  return sync(fd, [fd] { return REAL(fdatasync)(fd); });
}

int rename(const char* from, const char* to) {
  const auto old_path = full(from), new_path = full(to);
  if (!is_data(old_path)) return REAL(rename)(from, to);
  const std::lock_guard guard{lock};
  const int rc = REAL(rename)(from, to);
  if (rc != 0) return rc;
  const auto names = name(old_path) + '\0' + name(new_path);
  put(io::renamed, inode_of(parent(old_path)), 0, inode_of(parent(new_path)), names.data(),
      names.size());
  return rc;
}

int unlink(const char* path) { return remove_name(full(path), path, REAL(unlink)); }
int remove(const char* path) { return remove_name(full(path), path, REAL(remove)); }
int rmdir(const char* path) { return remove_name(full(path), path, REAL(rmdir)); }

int mkdir(const char* path, mode_t mode) {
  const auto whole = full(path);
  if (!below_root(whole)) return REAL(mkdir)(path, mode);
  const std::lock_guard guard{lock};
  const int rc = REAL(mkdir)(path, mode);
  if (rc == 0) put_name(io::made_folder, whole, inode_of(whole));
  return rc;
}

int accept(int fd, sockaddr* address, socklen_t* size) {
  const int client = REAL(accept)(fd, address, size);
  const std::lock_guard guard{lock};
  if (trace >= 0 && client >= 0 && client < descriptors_max) {
    known[client] = {0, false, false, true};
    put(io::accepted, static_cast<std::uint64_t>(client), 0, 0);
  }
  return client;
}

ssize_t send(int fd, const void* bytes, std::size_t count, int flags) {
  if (trace < 0 || fd < 0 || fd >= descriptors_max || !known[fd].client)
    return REAL(send)(fd, bytes, count, flags);
  // Before it can be received: what is told is recorded first.
  const std::lock_guard guard{lock};
  const auto sent = REAL(send)(fd, bytes, count, flags);
  if (sent > 0)
    put(io::sent, static_cast<std::uint64_t>(fd), 0, 0, bytes, static_cast<std::size_t>(sent));
  return sent;
}
}
