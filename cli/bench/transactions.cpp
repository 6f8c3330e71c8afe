#include "cli/bench/transactions.hpp"

#include "cli/bench/node_watch.hpp"
#include "cli/bench/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace carafe::bench {

namespace {

using clock = std::chrono::steady_clock;

/// So many are under way at a time; each has a thread, as a commit waits for its answer.
constexpr std::uint64_t open_at_once = 16;

/// What the threads share.
struct work {
  client::transaction_producer& producer;
  const load& what;
  std::uint64_t size;
  shell::interruption& stop;
  std::atomic<std::uint64_t> next{0};
  std::mutex lock{};
  core::histogram latency{};    // Under lock.
  std::optional<failure> why{}; // Under lock.
  std::atomic<bool> failed{false};
};

result<void> commit_one(work& w, std::uint64_t first, const std::string& body) {
  const auto begun = clock::now();
  auto transaction = w.producer.begin();
  const queue_number queue{static_cast<std::uint32_t>(first / w.size % w.what.queues)};
  const auto count = std::min(w.size, w.what.messages - first);
  for (std::uint64_t n = 0; n < count; ++n) {
    client::message m;
    m.body = body;
    if (auto ok = transaction->send(w.what.topic, std::move(m), queue); !ok) return ok;
  }
  if (auto ok = transaction->commit(); !ok) return ok;
  const auto us =
    std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun).count();
  const std::lock_guard guard{w.lock};
  w.latency.add(static_cast<std::uint64_t>(us));
  return {};
}

void commit_many(work& w) {
  const std::string body(w.what.body_bytes, 'b');
  while (!w.failed && !w.stop.requested()) {
    const auto first = w.next.fetch_add(w.size);
    if (first >= w.what.messages) return;
    if (auto ok = commit_one(w, first, body); !ok) {
      const std::lock_guard guard{w.lock};
      if (!w.why) w.why = ok.error();
      w.failed = true;
    }
  }
}

} // namespace

result<figures> commit_transactions(shell::node_api& node, const load& what, std::uint64_t size,
                                    shell::interruption& stop) {
  auto producer = node.make_transaction_producer({.group = "bench"});
  if (!producer) return producer.error();
  auto watch = node_watch::begin(node);
  if (!watch) return watch.error();
  work shared{**producer, what, size, stop};
  const auto begun = clock::now();
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < open_at_once; ++i)
    threads.emplace_back([&] { commit_many(shared); });
  for (auto& thread : threads) thread.join();
  figures out{.workload = "transactions of " + std::to_string(size)};
  out.seconds = std::chrono::duration<double>(clock::now() - begun).count();
  if (shared.why) return *shared.why;
  if (stop.requested()) return interrupted();
  out.messages = what.messages;
  out.bytes = what.messages * what.body_bytes;
  out.latency = shared.latency;
  if (auto ok = (*watch)->end(out); !ok) return ok.error();
  return out;
}

} // namespace carafe::bench
