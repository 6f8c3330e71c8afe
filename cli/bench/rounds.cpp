#include "cli/bench/rounds.hpp"

#include "cli/bench/ceiling.hpp"
#include "cli/bench/waiting.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace carafe::bench {

namespace {

/// What the disk itself does with what it was given goes on a little longer.
constexpr std::chrono::milliseconds settle_pause{250};

/// Frames on their way to the node, of a producer that does not wait for answers.
constexpr std::uint64_t tcp_window = 64;

/// What LMDB and TCP alone are to move, as the broker last did.
struct pattern {
  log_shape log;
  /// Rounding loses a part of the bytes: their time is made up for.
  double scale = 1;
};

result<pattern> pattern_of(const figures& broker, durability mode) {
  if (broker.groups == 0 || broker.entries == 0 || broker.bytes == 0)
    return {errc::invalid_argument, "nothing was stored; ask for more messages"};
  pattern out;
  out.log.mode = mode;
  out.log.groups = groups_of(broker.group_sizes, broker.entries);
  const auto entries = std::max<std::uint64_t>(1, out.log.entries());
  // What an entry holds besides bodies is the broker's own doing: the ceiling has the bodies only.
  out.log.entry_bytes = std::max<std::uint64_t>(1, broker.bytes / entries);
  out.scale =
    static_cast<double>(broker.bytes) / static_cast<double>(entries * out.log.entry_bytes);
  return out;
}

class rounds_run {
public:
  rounds_run(shell::node_api& node, const load& what, const std::filesystem::path& folder,
             shell::interruption& stop)
    : node_(node), what_(what), folder_(folder), stop_(stop) {}

  result<void> measure(part p, round& out) {
    if (auto ok = settle(folder_, stop_); !ok) return ok;
    switch (p) {
    case part::broker:
      return broker(out);
    case part::lmdb:
      return lmdb(out);
    case part::tcp:
      return tcp(out);
    case part::commits:
      return commits(out);
    }
    return {errc::internal, "no such part"};
  }

private:
  result<void> broker(round& out) {
    auto done = produce(node_, what_, stop_);
    if (!done) return done.error();
    auto as = pattern_of(*done, what_.mode);
    if (!as) return as.error();
    pattern_ = std::move(*as);
    out.broker = std::move(*done);
    return {};
  }

  result<void> lmdb(round& out) {
    auto seconds = append_to_lmdb(folder_, pattern_.log, stop_);
    if (!seconds) return seconds.error();
    out.lmdb_seconds = *seconds * pattern_.scale;
    return {};
  }

  result<void> tcp(round& out) {
    auto seconds =
      move_over_tcp(pattern_.log.entries(), pattern_.log.entry_bytes, tcp_window, stop_);
    if (!seconds) return seconds.error();
    out.tcp_seconds = *seconds * pattern_.scale;
    return {};
  }

  result<void> commits(round& out) {
    auto done = commit_in_groups(folder_, what_.rate, what_.messages,
                                 std::max<std::uint64_t>(1, what_.body_bytes), stop_);
    if (!done) return done.error();
    out.commits = std::move(*done);
    return {};
  }

  shell::node_api& node_;
  const load& what_;
  const std::filesystem::path& folder_;
  shell::interruption& stop_;
  pattern pattern_;
};

} // namespace

std::vector<part> order_of(std::uint32_t round_number, bool paced) {
  auto order = paced ? std::vector{part::broker, part::commits}
                     : std::vector{part::broker, part::tcp, part::lmdb};
  if (round_number % 2 == 1) std::reverse(order.begin(), order.end());
  return order;
}

double median(std::vector<double> numbers) {
  CARAFE_ASSERT(!numbers.empty());
  std::sort(numbers.begin(), numbers.end());
  const auto half = numbers.size() / 2;
  return numbers.size() % 2 == 1 ? numbers[half] : (numbers[half - 1] + numbers[half]) / 2;
}

result<void> settle(const std::filesystem::path& folder, shell::interruption& stop) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::syncfs(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!synced)
    return {errc::storage_failed, "syncing " + folder.string() + ": " + std::strerror(error)};
  if (!wait_until(std::chrono::steady_clock::now() + settle_pause, stop)) return interrupted();
  return {};
}

result<std::vector<round>> measure_rounds(shell::node_api& node, const load& what,
                                          const std::filesystem::path& folder, std::uint32_t rounds,
                                          shell::interruption& stop) {
  rounds_run run{node, what, folder, stop};
  std::vector<round> out(rounds);
  for (std::uint32_t i = 0; i < rounds; ++i)
    for (const auto p : order_of(i, what.rate > 0))
      if (auto ok = run.measure(p, out[i]); !ok) return ok.error();
  return out;
}

} // namespace carafe::bench
