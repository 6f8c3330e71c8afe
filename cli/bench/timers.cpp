#include "cli/bench/timers.hpp"

#include "cli/bench/node_watch.hpp"
#include "cli/bench/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <random>
#include <string>

namespace carafe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds poll_wait{50};
constexpr std::chrono::seconds longest_silence{10};
constexpr milliseconds stalls_at_most{300'000};
/// Between the last message's storing and the first one's time.
constexpr milliseconds lead{1'000};
constexpr double default_rate = 10'000;
/// Storing is taken to go at least so fast.
constexpr double stored_per_second_min = 20'000;

std::int64_t wall_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

/// The first failure among the answers.
struct outcome {
  std::mutex lock;
  std::optional<failure> why;
  std::atomic<bool> failed = false;

  void take(const result<client::receipt>& answer) {
    if (answer) return;
    const std::lock_guard guard{lock};
    if (!why) why = answer.error();
    failed = true;
  }
};

/// Sends every message with the time that `due` gives it.
template <class Due>
result<void> send_all(shell::node_api& node, const load& what, shell::interruption& stop, Due due) {
  outcome got;
  auto options = what.producer;
  // A disk that stalls is to show in the rate.
  options.delivery_timeout = std::max(options.delivery_timeout, stalls_at_most);
  auto producer = node.make_producer(options);
  if (!producer) return producer.error();
  const std::string body(what.body_bytes, 'b');
  for (std::uint64_t n = 0; n < what.messages && !got.failed; ++n) {
    if (n % 1'024 == 0 && stop.requested()) return interrupted();
    client::message m;
    m.body = body;
    m.deliver_at = due(n);
    auto given = (*producer)->send_async(
      what.topic, m, [&got](const result<client::receipt>& answer) { got.take(answer); });
    if (!given) got.take(given.error());
  }
  const auto flushed = (*producer)->flush();
  (*producer).reset(); // No answer comes after this.
  if (got.why) return *got.why;
  return flushed;
}

} // namespace

result<figures> store_for_later(shell::node_api& node, const load& what, milliseconds ahead,
                                shell::interruption& stop) {
  auto watch = node_watch::begin(node);
  if (!watch) return watch.error();
  std::mt19937_64 random{1};
  const auto now = wall_us() / 1'000;
  std::uniform_int_distribution<std::int64_t> spread{1, std::max<std::int64_t>(ahead.count(), 1)};
  const auto begun = clock::now();
  auto sent =
    send_all(node, what, stop, [&](std::uint64_t) { return unix_ms{now + spread(random)}; });
  if (!sent) return sent.error();
  figures out{.workload = "store for later"};
  out.seconds = std::chrono::duration<double>(clock::now() - begun).count();
  out.messages = what.messages;
  out.bytes = what.messages * what.body_bytes;
  if (auto ok = (*watch)->end(out); !ok) return ok.error();
  return out;
}

result<figures> deliver_at_their_times(shell::node_api& node, const load& what,
                                       shell::interruption& stop) {
  client::consumer_options options;
  options.topics = {what.topic};
  options.start = start_position{start_position::kind::latest, {}};
  auto consumer = node.make_consumer(options);
  if (!consumer) return consumer.error();
  const auto rate = what.rate > 0 ? what.rate : default_rate;
  const auto storing_ms =
    static_cast<std::int64_t>(static_cast<double>(what.messages) / stored_per_second_min * 1e3);
  const auto first = wall_us() / 1'000 + storing_ms + lead.count();
  auto sent = send_all(node, what, stop, [&](std::uint64_t n) {
    return unix_ms{first + static_cast<std::int64_t>(static_cast<double>(n) * 1e3 / rate)};
  });
  if (!sent) return sent.error();
  if (wall_us() / 1'000 > first)
    return {errc::timeout, "storing was slower than the times came; ask for fewer messages"};
  auto watch = node_watch::begin(node);
  if (!watch) return watch.error();
  figures out{.workload = "deliver at its time"};
  auto last_came = clock::now() + milliseconds{first - wall_us() / 1'000};
  const auto begun = last_came;
  while (out.messages < what.messages) {
    if (stop.requested()) return interrupted();
    auto some = (*consumer)->poll(4'096, poll_wait);
    if (!some) return some.error();
    if (!some->empty()) last_came = clock::now();
    if (clock::now() - last_came > longest_silence)
      return {errc::timeout, "only " + std::to_string(out.messages) + " messages came"};
    const auto now = wall_us();
    for (const auto& d : *some) {
      ++out.messages;
      out.bytes += d.body.size();
      for (const auto& [name, value] : d.properties)
        if (name == "carafe-timer-due-ms")
          out.latency.add(
            static_cast<std::uint64_t>(std::max<std::int64_t>(now - std::stoll(value) * 1'000, 0)));
    }
  }
  out.seconds = std::chrono::duration<double>(clock::now() - begun).count();
  if (auto ok = (*consumer)->close(); !ok) return ok.error();
  if (auto ok = (*watch)->end(out); !ok) return ok.error();
  return out;
}

} // namespace carafe::bench
