#include "actors/client/outbox.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {

outbox::outbox(queue_name name, const producer_options& options, batch_limits limits,
               std::shared_ptr<identity> shared, std::function<producer_id()> fresh_id,
               named_part named)
  : name_(std::move(name)),
    options_(options),
    count_max_(std::clamp(options.batch_count, 1u, limits.batch_count_max)),
    lane_(name_.queue, std::move(shared), std::move(fresh_id), named, options.quota_wait),
    builder_(limits) {}

result<void> outbox::add(const message_view& message, completion& done, std::uint64_t bytes,
                         time_point given, std::uint64_t epoch, sequence number) {
  const bool timed = message.deliver_at != 0;
  const auto id = message.dedup_id.empty() ? id_digest{} : digest_of(message.dedup_id);
  if (building() &&
      (epoch != epoch_ || timed != timed_ || builder_.bytes() + bytes > options_.batch_bytes ||
       given - first_given_ > spread_max() || (id != id_digest{} && ids_.contains(id))))
    seal();
  auto added = builder_.add(message);
  if (added.code() == errc::batch_too_large) {
    seal();
    added = builder_.add(message);
  }
  if (!added) return added;
  if (builder_.count() == 1) {
    begin(given, epoch);
    named_first_ = number;
  }
  named_last_ = number;
  if (id != id_digest{}) ids_.insert(id);
  timed_ = timed;
  note(done);
  bytes_ += bytes;
  if (builder_.count() >= count_max_ || builder_.bytes() >= options_.batch_bytes) seal();
  return {};
}

std::chrono::milliseconds outbox::spread_max() const {
  // A batch times out by its first message; the last must not lose much of its own time by that.
  constexpr auto parts = 16;
  return std::max(options_.linger, options_.delivery_timeout / parts);
}

void outbox::begin(time_point given, std::uint64_t epoch) {
  first_given_ = given;
  epoch_ = epoch;
}

void outbox::note(completion& done) {
  auto waited_for = !std::holds_alternative<std::monostate>(done);
  if (!waited_for && completions_.empty()) return;
  if (completions_.empty()) completions_.reserve(std::max<std::size_t>(expected_, 8));
  // Messages before it may have nobody who waits.
  completions_.resize(builder_.count() - 1);
  completions_.push_back(std::move(done));
}

void outbox::seal() {
  if (!building()) return;
  auto batch = sealed_batch{};
  auto count = builder_.count();
  expected_ = count;
  ++sealed_;
  batch.completions = std::exchange(completions_, {});
  batch.deadline = first_given_ + options_.delivery_timeout;
  batch.bytes = std::exchange(bytes_, 0);
  batch.epoch = epoch_;
  batch.named_first = named_first_;
  batch.named_last = named_last_;
  ids_.clear();
  auto data = builder_.finish(options_.compression);
  if (data) {
    batch.data = std::move(*data);
    lane_.push(std::move(batch));
  } else {
    batch.data.count = count;
    failed_.push_back({std::move(batch), {}, data.error()});
    lane_.miss_one();
  }
}

void outbox::seal_if_due(time_point now, bool at_once) {
  if (!building() || !lane_.open()) return;
  auto waited =
    options_.linger.count() == 0 ? lane_.empty() : first_given_ + options_.linger <= now;
  if (waited || at_once) seal();
}

void outbox::expire(time_point now, std::vector<lane::settled>& out) {
  if (building() && first_given_ + options_.delivery_timeout <= now) seal();
  for (auto& each : std::exchange(failed_, {})) out.push_back(std::move(each));
  lane_.expire(now, out);
}

void outbox::abandon(const failure& why, std::vector<lane::settled>& out) {
  seal();
  for (auto& each : std::exchange(failed_, {})) out.push_back(std::move(each));
  lane_.abandon(why, out);
}

std::optional<time_point> outbox::wake_at(bool may_send) const {
  if (!failed_.empty()) return time_point{};
  auto at = lane_.wake_at(may_send);
  if (!building()) return at;
  auto building_at = first_given_ + options_.delivery_timeout;
  if (may_send && options_.linger.count() > 0 && lane_.open())
    building_at = std::min(building_at, first_given_ + options_.linger);
  return at ? std::min(*at, building_at) : building_at;
}

} // namespace carafe::client
