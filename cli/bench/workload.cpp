#include "cli/bench/workload.hpp"

#include "cli/bench/node_watch.hpp"
#include "cli/bench/waiting.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

namespace carafe::bench {

namespace {

using clock = std::chrono::steady_clock;

/// How soon Ctrl-C is noticed while no message comes, and how long none may come.
constexpr std::chrono::milliseconds poll_wait{50};
constexpr std::chrono::seconds longest_silence{5};

/// Looking at the clock for each message would be a good part of what is measured.
constexpr std::uint64_t sampled_of = 64;

double seconds_since(clock::time_point begun) {
  return std::chrono::duration<double>(clock::now() - begun).count();
}

/// 0 also of a moment that is a little ahead: a paced message may leave as early as that.
std::uint64_t us_since(clock::time_point begun) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - begun);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(us.count(), 0));
}

/// What comes back for the messages under way.
struct answers {
  std::mutex lock;
  core::histogram latency;
  std::optional<failure> first_failure;
  std::atomic<bool> failed = false;

  void fail(const failure& why) {
    const std::lock_guard guard{lock};
    if (!first_failure) first_failure = why;
    failed = true;
  }
  void add(clock::time_point due) {
    const auto us = us_since(due);
    const std::lock_guard guard{lock};
    latency.add(us);
  }
};

std::string key_of(std::uint64_t number, const load& what) {
  auto key = std::to_string(number % what.keys);
  key.resize(what.key_bytes, '.');
  return key;
}

client::message message_of(const load& what, std::uint64_t number, const std::string& body) {
  client::message m;
  m.body = body;
  if (what.key_bytes > 0) m.key = key_of(number, what);
  return m;
}

} // namespace

result<figures> produce(shell::node_api& node, const load& what, shell::interruption& stop) {
  // Outlives the producer, whose messages under way are answered when it goes.
  answers got;
  auto producer = node.make_producer(what.producer);
  if (!producer) return producer.error();
  auto watch = node_watch::begin(node);
  if (!watch) return watch.error();
  const std::string body(what.body_bytes, 'b');
  const auto on_answer = [&got](const result<client::receipt>& answer) {
    if (!answer) got.fail(answer.error());
  };
  const auto begun = clock::now();
  const bool paced = what.rate > 0;
  for (std::uint64_t n = 0; n < what.messages && !got.failed; ++n) {
    if (n % 1'024 == 0 && stop.requested()) return interrupted();
    auto due = clock::time_point{};
    const bool timed = paced || n % sampled_of == 0;
    if (paced) {
      due = due_at(begun, n, what.rate);
      if (!wait_until(due, stop)) return interrupted();
    } else if (timed) {
      due = clock::now();
    }
    auto given = timed
                   ? (*producer)->send_async(what.topic, message_of(what, n, body),
                                             [&got, due](const result<client::receipt>& answer) {
                                               if (answer)
                                                 got.add(due);
                                               else
                                                 got.fail(answer.error());
                                             })
                   : (*producer)->send_async(what.topic, message_of(what, n, body), on_answer);
    if (!given) got.fail(given.error());
  }
  const auto flushed = (*producer)->flush();
  figures out;
  out.seconds = seconds_since(begun);
  (*producer).reset(); // No answer comes after this.
  if (got.first_failure) return *got.first_failure;
  if (!flushed) return flushed.error();
  out.workload = paced ? "produce at a rate" : "produce";
  out.messages = what.messages;
  out.bytes = what.messages * what.body_bytes;
  out.latency = got.latency;
  if (auto ok = (*watch)->end(out); !ok) return ok.error();
  return out;
}

result<figures> produce_one_by_one(shell::node_api& node, const load& what,
                                   shell::interruption& stop) {
  auto producer = node.make_producer(what.producer);
  if (!producer) return producer.error();
  const std::string body(what.body_bytes, 'b');
  // The first one introduces the producer to the shard.
  if (auto first = (*producer)->send(what.topic, message_of(what, 0, body)); !first)
    return first.error();
  auto watch = node_watch::begin(node);
  if (!watch) return watch.error();
  figures out{.workload = "one by one"};
  const auto begun = clock::now();
  for (std::uint64_t n = 0; n < what.messages; ++n) {
    if (stop.requested()) return interrupted();
    const auto due = clock::now();
    if (auto stored = (*producer)->send(what.topic, message_of(what, n, body)); !stored)
      return stored.error();
    out.latency.add(us_since(due));
  }
  out.seconds = seconds_since(begun);
  out.messages = what.messages;
  out.bytes = what.messages * what.body_bytes;
  if (auto ok = (*watch)->end(out); !ok) return ok.error();
  return out;
}

namespace {

/// How far the consumer is, summed over its queues.
std::uint64_t places_of(const client::consumer& of) {
  std::uint64_t sum = 0;
  for (const auto& queue : of.queues()) sum += queue.next.value;
  return sum;
}

} // namespace

result<figures> consume(shell::node_api& node, const load& what, shell::interruption& stop) {
  client::consumer_options options;
  options.topics = {what.topic};
  options.filter = what.filter;
  const bool filtered = what.filter.how != client::message_filter::kind::none;
  // The consumer may get on before it is looked at.
  auto topic = node.describe_topic(what.topic);
  if (!topic) return topic.error();
  std::uint64_t first_place = 0;
  for (const auto& queue : topic->queues) first_place += queue.earliest.value;
  auto watch = node_watch::begin(node);
  if (!watch) return watch.error();
  auto consumer = node.make_consumer(options);
  if (!consumer) return consumer.error();
  figures out{.workload = filtered ? "consume filtered" : "consume"};
  const auto begun = clock::now();
  auto last_came = begun;
  while (out.messages < what.messages) {
    if (stop.requested()) return interrupted();
    auto some = (*consumer)->poll(4'096, poll_wait);
    if (!some) return some.error();
    const auto before = out.messages;
    out.messages = filtered ? places_of(**consumer) - first_place : before + some->size();
    if (out.messages > before) last_came = clock::now();
    if (clock::now() - last_came > longest_silence)
      return {errc::timeout, what.topic + " has only " + std::to_string(out.messages) +
                               " messages; produce more, or ask for fewer"};
    for (const auto& d : *some) out.bytes += d.body.size();
  }
  out.seconds = seconds_since(begun);
  if (auto ok = (*consumer)->close(); !ok) return ok.error();
  if (auto ok = (*watch)->end(out); !ok) return ok.error();
  return out;
}

} // namespace carafe::bench
