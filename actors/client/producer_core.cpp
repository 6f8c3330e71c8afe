#include "actors/client/producer_core.hpp"

#include <algorithm>

#include <sys/random.h>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// What a message holds of `in_flight_bytes_max` besides its own bytes.
constexpr std::uint64_t message_overhead_bytes = 64;
/// Topics are looked up again so often, to find queues that were added.
constexpr std::chrono::seconds known_for{60};
/// Beyond the last message's own time-out, for its outcome to be told.
constexpr milliseconds flush_grace{500};
constexpr milliseconds quota_wait_max = std::chrono::hours{24 * 366};

producer_id random_producer_id() {
  auto id = std::uint64_t{};
  while (id == 0) CARAFE_ASSERT(::getrandom(&id, sizeof id, 0) == sizeof id);
  return producer_id{id};
}

std::uint64_t payload_of(const message& m) {
  auto sum = m.body.size() + m.key.size() + m.tag.size();
  for (auto& [name, value] : m.properties) sum += name.size() + value.size();
  return sum;
}

result<void> check(const message& m) {
  if (m.ttl.count() < 0) return {errc::invalid_argument, "ttl is below 0"};
  if (m.delay.count() < 0) return {errc::invalid_argument, "delay is below 0"};
  if (m.deliver_at.value < 0) return {errc::invalid_argument, "deliver_at is before 1970"};
  if (m.delay.count() > 0 && m.deliver_at.value > 0)
    return {errc::invalid_argument, "give delay or deliver_at, not both"};
  return {};
}

} // namespace

result<void> check(const producer_options& options) {
  auto zero = milliseconds{0};
  if (options.batch_bytes == 0) return {errc::invalid_argument, "batch_bytes is 0"};
  if (options.batch_count == 0) return {errc::invalid_argument, "batch_count is 0"};
  if (options.room_timeout < zero) return {errc::invalid_argument, "room_timeout is below 0"};
  if (options.delivery_timeout <= zero)
    return {errc::invalid_argument, "delivery_timeout is not above 0"};
  if (options.quota_wait < zero || options.quota_wait > quota_wait_max)
    return {errc::invalid_argument, "quota_wait is not from 0 to a year"};
  if (options.linger < zero || options.linger >= options.delivery_timeout)
    return {errc::invalid_argument, "linger is not from 0 to below delivery_timeout"};
  return {};
}

unix_ms wall_clock::at(time_point now) {
  if (now - steady_ > std::chrono::seconds{1}) {
    auto wall = std::chrono::system_clock::now().time_since_epoch();
    wall_ = unix_ms{std::chrono::duration_cast<milliseconds>(wall).count()};
    steady_ = now;
  }
  return unix_ms{wall_.value + std::chrono::duration_cast<milliseconds>(now - steady_).count()};
}

producer_core::lane_state::lane_state(queue_name name, producer_core& core, std::uint32_t spread)
  : box(std::move(name), core.options_, core.link_.limits(), core.identity_, random_producer_id,
        named_part{core.holder_.name, core.holder_.epoch, {}, {}, spread}) {}

producer_core::producer_core(link& wire, producer_options options, frames::producer_opened holder)
  : link_(wire),
    options_(std::move(options)),
    identity_(std::make_shared<identity>(identity{random_producer_id()})),
    holder_(holder) {}

result<void> producer_core::check_number(const topic_state& topic, const message& m) const {
  if (holder_.name.value == 0) {
    if (m.sequence.value == 0) return {};
    return {errc::invalid_argument, "only a producer with a name sends messages with a sequence"};
  }
  if (m.sequence.value == 0)
    return {errc::invalid_argument, "a named producer's messages have a sequence, from 1 on"};
  if (m.sequence <= topic.given)
    return {errc::invalid_argument, "sequence " + std::to_string(m.sequence.value) +
                                      " is not above " + std::to_string(topic.given.value) +
                                      ", the one before it"};
  return {};
}

result<void> producer_core::add(const std::string& topic, message&& m, completion& done,
                                std::optional<queue_number> to) {
  if (auto good = check(m); !good) return good;
  auto payload = payload_of(m);
  auto bytes = payload + message_overhead_bytes;
  auto guard = std::unique_lock{mutex_};
  if (auto room = wait_for_room(guard, bytes); !room) return room;
  if (stopped_) return stop_reason_;
  auto now = steady_clock::now();
  if (m.born.value == 0) m.born = clock_.at(now);
  auto& t = topic_of(topic);
  if (auto good = check_number(t, m); !good) return good;
  const auto number = m.sequence;
  if (t.queues.empty()) {
    if (auto max = link_.limits().message_bytes_max; payload > max)
      return {errc::message_too_large,
              std::to_string(payload) + " bytes of " + std::to_string(max)};
    t.waiting.push_back({std::move(m), std::move(done), to, bytes, now, epoch_});
    look_up(t);
  } else if (auto added = append(t, m, done, to, bytes, now, epoch_); !added) {
    return added;
  }
  t.given = number;
  took(bytes, epoch_);
  return {};
}

template <class Condition>
bool producer_core::wait_until_changed(std::unique_lock<std::mutex>& guard, milliseconds patience,
                                       milliseconds quota_wait, Condition condition) {
  auto until = steady_clock::now() + patience;
  const auto last = until + quota_wait;
  while (!changed_.wait_until(guard, until, condition)) {
    const auto further = std::min<time_point>(held_until_ + patience, last);
    if (further <= until) return false;
    until = further;
  }
  return true;
}

result<void> producer_core::wait_for_room(std::unique_lock<std::mutex>& guard,
                                          std::uint64_t bytes) {
  auto max = options_.in_flight_bytes_max;
  if (bytes_ == 0 || bytes_ + bytes <= max) return {};
  auto full = failure{errc::timeout, "in_flight_bytes_max are unacknowledged"};
  if (link_.loop().on_thread()) return full; // Waiting here, nobody would make room.
  ++pressed_;
  link_.loop().post([self = shared_from_this()] { self->serve_all(); });
  // Some slack, so that a sender is not woken for every batch.
  auto low = max - max / 4;
  const bool limited = options_.room_timeout.count() > 0;
  auto patience = limited ? options_.room_timeout : options_.delivery_timeout;
  auto quota_wait = limited ? milliseconds{0} : options_.quota_wait;
  auto room = wait_until_changed(guard, patience, quota_wait,
                                 [&] { return stopped_ || bytes_ == 0 || bytes_ + bytes <= low; });
  --pressed_;
  if (!room) return full;
  return {};
}

producer_core::topic_state& producer_core::topic_of(const std::string& name) {
  if (last_topic_ && last_topic_->name == name) return *last_topic_;
  auto& t = topics_[name];
  if (!t) {
    t = std::make_unique<topic_state>();
    t->name = name;
  }
  last_topic_ = t.get();
  return *t;
}

result<producer_core::lane_state*> producer_core::choose(topic_state& topic, const message& m,
                                                         std::optional<queue_number> to) {
  auto count = topic.queues.size();
  if (to) {
    if (to->value < count) return topic.queues[to->value];
    look_up(topic);
    return {errc::queue_unknown,
            "queue " + std::to_string(to->value) + " of " + std::to_string(count)};
  }
  const bool named = holder_.name.value != 0;
  const auto spread = named ? topic.spread : static_cast<std::uint32_t>(count);
  // Who sends a message again finds the queue that it went to.
  const auto& key = m.key.empty() ? m.dedup_id : m.key;
  if (!key.empty()) return topic.queues[queue_of_key(key, spread).value];
  if (named) return topic.queues[m.sequence.value % spread];
  topic.turn %= count;
  if (topic.queues[topic.turn]->box.sealed() != topic.turn_began) {
    topic.turn = (topic.turn + 1) % count;
    topic.turn_began = topic.queues[topic.turn]->box.sealed();
  }
  return topic.queues[topic.turn];
}

result<void> producer_core::append(topic_state& topic, message& m, completion& done,
                                   std::optional<queue_number> to, std::uint64_t bytes,
                                   time_point given, std::uint64_t epoch) {
  auto chosen = choose(topic, m, to);
  if (!chosen) return chosen.error();
  auto& lane = **chosen;
  auto& box = lane.box;
  if (m.sequence.value != 0 && m.sequence <= lane.stored) {
    skip(lane, std::move(done), bytes, epoch);
    return {};
  }
  auto view = message_view{m.key, m.body, m.tag, {}, m.born, m.priority};
  view.ttl_ms = static_cast<std::uint64_t>(m.ttl.count());
  view.deliver_at = m.delay.count() > 0 ? -m.delay.count() : m.deliver_at.value;
  view.dedup_id = m.dedup_id;
  auto properties = std::vector<std::pair<std::string_view, std::string_view>>{};
  if (!m.properties.empty()) {
    properties.assign(m.properties.begin(), m.properties.end());
    view.properties = properties;
  }
  auto building = box.building();
  auto sealed = box.sealed();
  if (auto added = box.add(view, done, bytes, given, epoch, m.sequence); !added) return added;
  auto sendable = box.sealed() != sealed && box.way().in_flight() < producer_window;
  auto begun = !building && (box.way().empty() || options_.linger.count() > 0);
  if (sendable || begun) request_service(lane);
  if (begun && given - topic.known_at > known_for) look_up(topic);
  return {};
}

void producer_core::skip(lane_state& lane, completion&& done, std::uint64_t bytes,
                         std::uint64_t epoch) {
  auto one = sealed_batch{};
  one.data.count = 1;
  one.bytes = bytes;
  one.epoch = epoch;
  one.completions.push_back(std::move(done));
  auto there = frames::receipt{};
  there.queue = lane.box.name().queue;
  there.duplicate = true;
  skipped_.push_back({lane::settled{std::move(one), {}, there}, &lane.box.name()});
  if (skipped_.size() > 1) return;
  link_.loop().post([self = shared_from_this()] {
    auto out = outcomes{};
    {
      auto inner = std::lock_guard{self->mutex_};
      out = std::exchange(self->skipped_, {});
    }
    self->tell(std::move(out));
  });
}

void producer_core::took(std::uint64_t bytes, std::uint64_t epoch) {
  bytes_ += bytes;
  if (unanswered_.empty() || unanswered_.rbegin()->first != epoch)
    unanswered_[epoch] = 1;
  else
    ++unanswered_.rbegin()->second;
}

void producer_core::request_service(lane_state& lane) {
  if (std::exchange(lane.listed, true)) return;
  to_serve_.push_back(&lane);
  if (std::exchange(service_posted_, true)) return;
  link_.loop().post([self = shared_from_this()] { self->serve_listed(); });
}

void producer_core::look_up(topic_state& topic) {
  if (std::exchange(topic.asked, true)) return;
  link_.loop().post([self = shared_from_this(), name = topic.name] { self->ask(name); });
}

result<void> producer_core::flush() {
  if (link_.loop().on_thread()) return {errc::invalid_argument, "flush was called from a callback"};
  auto guard = std::unique_lock{mutex_};
  auto last = epoch_++;
  for (auto& [queue, lane] : lanes_) {
    if (!lane->box.building()) continue;
    lane->box.seal();
    request_service(*lane);
  }
  ++flushing_;
  auto patience = options_.delivery_timeout + flush_grace;
  auto done = wait_until_changed(guard, patience, options_.quota_wait, [&] {
    return unanswered_.empty() || unanswered_.begin()->first > last;
  });
  --flushing_;
  if (!done) return {errc::timeout, "not everything is answered"};
  return {};
}

} // namespace carafe::client
