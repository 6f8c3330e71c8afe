#include "cli/bench/ceiling.hpp"

#include "cli/bench/waiting.hpp"
#include "storage/lmdb.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <numeric>
#include <random>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace carafe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::duration;

double seconds_since(clock::time_point begun) {
  return duration<double>(clock::now() - begun).count();
}

failure system_failure(const char* what) {
  return {errc::storage_failed, std::string{what} + ": " + std::strerror(errno)};
}

/// A file of its own that is gone afterwards.
class scratch_file {
public:
  scratch_file(const std::filesystem::path& folder, std::uint64_t bytes)
    : path_(folder / ("carafe-bench-" + std::to_string(::getpid()) + ".mdb")), bytes_(bytes) {}
  ~scratch_file() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  scratch_file(const scratch_file&) = delete;
  scratch_file& operator=(const scratch_file&) = delete;

  /// Space is taken beforehand, as the node does.
  result<std::unique_ptr<storage::lmdb::env>> open(durability mode) const {
    static constexpr storage::lmdb::table_spec tables[] = {{"log", true}};
    const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return system_failure(path_.c_str());
    // An empty file is a new one to LMDB, so it must not grow before that has written to it.
    ::close(fd);
    auto env = storage::lmdb::env::open(path_, {.map_bytes = bytes_,
                                                .tables = tables,
                                                .unsynced = mode != durability::fsync,
                                                .create = true});
    if (!env) return env.error();
    if (const int error = ::posix_fallocate((*env)->descriptor(), 0, static_cast<off_t>(bytes_))) {
      errno = error;
      return system_failure("taking space for the measurement");
    }
    return env;
  }

private:
  std::filesystem::path path_;
  std::uint64_t bytes_;
};

std::uint64_t map_bytes(std::uint64_t payload) {
  constexpr std::uint64_t page = 4'096;
  const auto wanted = payload + payload / 4 + (64u << 20);
  return wanted / page * page;
}

/// One transaction with `count` values of `value`.
result<void> append_group(const storage::lmdb::env& env, std::uint64_t& next, std::uint64_t count,
                          const std::string& value) {
  auto txn = env.begin_write();
  if (!txn) return txn.error();
  {
    auto at = txn->open_cursor(env.table_at(0));
    if (!at) return at.error();
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto key = next++;
      std::span<std::byte> room;
      auto put = at->append(std::as_bytes(std::span{&key, 1}), value.size(), room);
      if (!put) return put.error();
      if (*put == storage::lmdb::put_outcome::no_room)
        return {errc::storage_full, "the measurement's file is full"};
      std::memcpy(room.data(), value.data(), value.size());
    }
  }
  auto done = txn->commit();
  if (!done) return done.error();
  if (*done == storage::lmdb::put_outcome::no_room)
    return {errc::storage_full, "the measurement's file is full"};
  return {};
}

} // namespace

std::uint64_t log_shape::entries() const {
  return std::accumulate(groups.begin(), groups.end(), std::uint64_t{0});
}

std::vector<std::uint64_t> groups_of(const std::vector<client::group_size>& sizes,
                                     std::uint64_t entries) {
  double bytes = 0;
  for (const auto& size : sizes)
    bytes += static_cast<double>(size.bytes) * static_cast<double>(size.count);
  std::vector<std::uint64_t> groups;
  if (bytes <= 0) return groups;
  // What rounding leaves of one goes to the next.
  double owed = 0;
  for (const auto& size : sizes) {
    for (std::uint64_t i = 0; i < size.count; ++i) {
      owed += static_cast<double>(size.bytes) / bytes * static_cast<double>(entries);
      const auto now = std::max(1.0, std::floor(owed));
      owed -= now;
      groups.push_back(static_cast<std::uint64_t>(now));
    }
  }
  std::shuffle(groups.begin(), groups.end(), std::mt19937_64{1});
  return groups;
}

result<double> append_to_lmdb(const std::filesystem::path& folder, const log_shape& shape,
                              shell::interruption& stop) {
  const auto payload = shape.entries() * shape.entry_bytes;
  const scratch_file file{folder, map_bytes(payload + shape.groups.size() * 16'384)};
  auto env = file.open(shape.mode);
  if (!env) return env.error();
  const std::string value(shape.entry_bytes, 'v');
  std::uint64_t next = 1;
  const auto begun = clock::now();
  for (const auto entries : shape.groups) {
    if (stop.requested()) return interrupted();
    if (auto ok = append_group(**env, next, entries, value); !ok) return ok.error();
  }
  return seconds_since(begun);
}

result<core::histogram> commit_in_groups(const std::filesystem::path& folder, double rate,
                                         std::uint64_t messages, std::uint64_t message_bytes,
                                         shell::interruption& stop) {
  const scratch_file file{folder, map_bytes(messages * (message_bytes + 20'480))};
  auto env = file.open(durability::fsync);
  if (!env) return env.error();
  const std::string value(message_bytes, 'v');
  core::histogram latency;
  std::uint64_t next = 1;
  const auto begun = clock::now();
  const auto arrival = [&](std::uint64_t n) { return due_at(begun, n, rate); };
  for (std::uint64_t stored = 0; stored < messages;) {
    if (!wait_until(arrival(stored), stop)) return interrupted();
    const auto now = clock::now();
    auto due = stored + 1; // What the wait was for has come, up to its slack.
    while (due < messages && arrival(due) <= now) ++due;
    if (auto ok = append_group(**env, next, due - stored, value); !ok) return ok.error();
    const auto done = clock::now();
    for (; stored < due; ++stored) {
      const auto us = std::chrono::duration_cast<std::chrono::microseconds>(done - arrival(stored));
      latency.add(static_cast<std::uint64_t>(std::max<std::int64_t>(us.count(), 0)));
    }
  }
  return latency;
}

namespace {

class descriptor {
public:
  explicit descriptor(int fd) : fd_(fd) {}
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  operator int() const noexcept { return fd_; }

private:
  int fd_;
};

constexpr std::size_t answer_bytes = 64;

/// Reads frames and answers each, until the other side closes.
void answer_frames(int fd, std::uint64_t frame_bytes) {
  std::vector<char> in(256 * 1'024);
  const std::vector<char> answer(answer_bytes, 'a');
  std::uint64_t partly = 0;
  for (;;) {
    const auto got = ::recv(fd, in.data(), in.size(), 0);
    if (got <= 0) return;
    partly += static_cast<std::uint64_t>(got);
    std::vector<char> out;
    for (; partly >= frame_bytes; partly -= frame_bytes)
      out.insert(out.end(), answer.begin(), answer.end());
    for (std::size_t at = 0; at < out.size();) {
      const auto sent = ::send(fd, out.data() + at, out.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<std::size_t>(sent);
    }
  }
}

result<void> send_frames(int fd, std::uint64_t frames, std::uint64_t frame_bytes,
                         std::uint64_t window, shell::interruption& stop) {
  const std::vector<char> frame(frame_bytes, 'f');
  std::vector<char> in(answer_bytes * 1'024);
  std::uint64_t answered_bytes = 0;
  for (std::uint64_t sent = 0; answered_bytes / answer_bytes < frames;) {
    if (stop.requested()) return interrupted();
    if (sent < frames && sent - answered_bytes / answer_bytes < window) {
      for (std::size_t at = 0; at < frame.size();) {
        const auto put = ::send(fd, frame.data() + at, frame.size() - at, MSG_NOSIGNAL);
        if (put <= 0) return system_failure("sending");
        at += static_cast<std::size_t>(put);
      }
      ++sent;
      continue;
    }
    const auto got = ::recv(fd, in.data(), in.size(), 0);
    if (got <= 0) return system_failure("receiving");
    answered_bytes += static_cast<std::uint64_t>(got);
  }
  return {};
}

} // namespace

result<double> move_over_tcp(std::uint64_t frames, std::uint64_t frame_bytes, std::uint64_t window,
                             shell::interruption& stop) {
  const descriptor listening{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (listening < 0 || ::bind(listening, raw, size) != 0 || ::listen(listening, 1) != 0 ||
      ::getsockname(listening, raw, &size) != 0)
    return system_failure("listening on the loopback device");
  const descriptor near{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  if (near < 0 || ::connect(near, raw, size) != 0) return system_failure("connecting");
  const descriptor far{::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC)};
  if (far < 0) return system_failure("accepting");
  const int on = 1;
  ::setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::thread answering{[&] { answer_frames(far, frame_bytes); }};
  const auto begun = clock::now();
  const auto done = send_frames(near, frames, frame_bytes, window, stop);
  const auto took = seconds_since(begun);
  ::shutdown(near, SHUT_RDWR);
  answering.join();
  if (!done) return done.error();
  return took;
}

} // namespace carafe::bench
