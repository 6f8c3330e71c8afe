#include "test/e2e/traffic.hpp"

#include "test/e2e/waiting.hpp"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <stdexcept>

namespace carafe::test {

namespace {

/// Lets a number of messages be under way.
class window {
public:
  explicit window(std::uint32_t size) : free_(size) {}
  void enter() {
    std::unique_lock guard{lock_};
    room_.wait(guard, [this] { return free_ > 0; });
    --free_;
  }
  void leave() {
    const std::lock_guard guard{lock_};
    ++free_;
    room_.notify_one();
  }

private:
  std::mutex lock_;
  std::condition_variable room_;
  std::uint32_t free_;
};

/// Whether the error promises that nothing was stored.
bool is_refusal(errc code) { return code != errc::outcome_unknown && code != errc::internal; }

/// Polls until every queue of the topic was read up to its present end.
template <class Take>
std::uint64_t read_to_end(const client::client& c, const std::string& topic,
                          std::vector<queue_number> only, Take take) {
  const auto info = must(c.describe_topic(topic));
  std::map<queue_number, offset> ends;
  for (const auto& q : info.queues)
    if (q.end > q.earliest &&
        (only.empty() || std::find(only.begin(), only.end(), q.number) != only.end()))
      ends.emplace(q.number, q.end);
  client::consumer_options options;
  options.topics = {topic};
  options.queues = std::move(only);
  auto consumer = must(c.make_consumer(options));
  std::uint64_t messages = 0;
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!ends.empty()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error{"queue " + std::to_string(ends.begin()->first.value) + " of " +
                               topic + " does not come up to offset " +
                               std::to_string(ends.begin()->second.value)};
    for (const auto& d : must(consumer->poll(4'096, 100ms))) {
      take(d);
      ++messages;
      if (auto at = ends.find(d.number); at != ends.end() && d.offset + 1 >= at->second)
        ends.erase(at);
    }
  }
  return messages;
}

} // namespace

client::client connect_to(const std::string& address) {
  std::optional<client::client> connected;
  failure last;
  eventually([&] {
    auto c = client::connect({.node = address, .backoff_max = 200ms});
    if (c)
      connected.emplace(std::move(c).value());
    else
      last = c.error();
    return connected.has_value();
  });
  if (!connected) throw std::runtime_error{last.message()};
  return std::move(*connected);
}

// -- load -----------------------------------------------------------------------------------------

load::load(load_options options, recorder& to) : options_(std::move(options)), recorder_(to) {
  for (std::uint32_t p = 1; p <= options_.producers; ++p)
    threads_.emplace_back([this, p] { produce(p); });
}

load::~load() { stop(); }

void load::stop() {
  stopping_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void load::answered(message_name name, const result<client::receipt>& answer) {
  if (answer) {
    recorder_.add(events::acknowledged{name, answer->number, answer->offset});
    if (answer->duplicate) ++duplicates_;
    ++acknowledged_;
    return;
  }
  if (is_refusal(answer.code())) recorder_.add(events::refused{name});
  ++failed_;
}

void load::produce(std::uint32_t producer) {
  window room{options_.in_flight};
  auto c = connect_to(options_.address);
  auto p = must(c.make_producer({}));
  const auto begun = std::chrono::steady_clock::now();
  for (std::uint64_t n = 1; !stopping_; ++n) {
    room.enter();
    const message_name name{producer, n};
    const queue_number to{static_cast<std::uint32_t>((n + producer) % options_.queues)};
    recorder_.add(events::sent{name, to});
    const auto given = p->send_async(
      options_.topic, {.body = body_of(name, options_.body_bytes)},
      [this, name, &room](const result<client::receipt>& answer) {
        answered(name, answer);
        room.leave();
      },
      to);
    if (!given) {
      answered(name, given.error());
      room.leave();
    }
    if (options_.rate > 0)
      std::this_thread::sleep_until(begun +
                                    std::chrono::microseconds{1'000'000 * n / options_.rate});
  }
  // Whatever is still under way is answered before `room` goes away.
  (void)p->flush();
  p.reset();
}

// -- group members --------------------------------------------------------------------------------

group_member::group_member(options wanted, recorder& to)
  : recorder_(to), as_(wanted.as), client_(connect_to(wanted.address)) {
  client::consumer_options with;
  with.topics = {wanted.topic};
  with.group = wanted.group;
  with.member = wanted.member;
  with.out_of_range = wanted.out_of_range;
  with.mode = wanted.mode;
  with.durable_name = wanted.durable_name;
  with.commit_interval = 20ms;
  consumer_ = must(client_.make_consumer(with));
  thread_ = std::thread{[this] { consume(); }};
}

group_member::~group_member() { stop(); }

void group_member::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

std::string group_member::failure() const {
  const std::lock_guard guard{lock_};
  return failure_;
}

void group_member::consume() {
  const auto fail = [this](const std::string& why) {
    const std::lock_guard guard{lock_};
    failure_ = why;
  };
  try {
    while (!stopping_) {
      const auto messages = must(consumer_->poll(256, 20ms));
      for (const auto& d : messages) {
        recorder_.add(d, as_);
        const auto acked = consumer_->ack(d);
        // It has moved on to another member, who gets the message too.
        if (!acked && acked.code() != errc::not_owner) must(acked);
      }
      received_ += messages.size();
    }
    must(consumer_->close());
  } catch (const std::exception& e) {
    fail(e.what());
  }
}

bool is_up_to_date(const client::client& c, const std::string& group) {
  const auto info = must(c.describe_group(group));
  return std::all_of(info.queues.begin(), info.queues.end(),
                     [](const auto& q) { return q.committed == std::optional{q.end}; });
}

// -- reading --------------------------------------------------------------------------------------

std::uint64_t read_everything(const std::string& address, const std::string& topic, recorder& to,
                              reader as) {
  return read_to_end(connect_to(address), topic, {},
                     [&](const client::delivery& d) { to.add(d, as); });
}

std::vector<std::string> bodies_in(const std::string& address, const std::string& topic,
                                   queue_number number) {
  std::vector<std::string> bodies;
  read_to_end(connect_to(address), topic, {number},
              [&](const client::delivery& d) { bodies.push_back(d.body); });
  return bodies;
}

} // namespace carafe::test
