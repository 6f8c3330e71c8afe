#include "test/sim/quota_oracle.hpp"

#include "test/sim/content.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

/// A reader is passed its demand in portions of so much, more than any batch here has; it may have
/// one and a half unused.
constexpr std::uint64_t portion_bytes = 1'024;
/// Who has to wait does so until a tenth of a second's worth is there.
constexpr std::uint64_t refill_ms = 100;

std::string text(queue_id queue, offset at) {
  return "offset " + std::to_string(at.value) + " of queue " + std::to_string(queue.value);
}

} // namespace

// -- quotas ---------------------------------------------------------------------------------------

void quota_oracle::unsure(const rates& perhaps) {
  granted_ = granted_ || rates_.consume == 0 || perhaps.consume == 0;
  rates_ = {};
  produced_.begin(0);
  consumed_.begin(0);
}

void quota_oracle::sure(const rates& now) {
  note_("quotas are " + std::to_string(now.produce) + " and " + std::to_string(now.consume) +
        " bytes a second");
  rates_ = now;
  produced_.begin(now.produce);
  // What was granted is sent at once, and paid for later.
  consumed_.begin(now.consume, readers_ * (3 * portion_bytes + (granted_ ? credit_ : 0)));
  granted_ = now.consume == 0;
}

void quota_oracle::node_died() {
  unsure({1, 1});
  granted_ = false;
}

// -- producing ------------------------------------------------------------------------------------

void quota_oracle::made(const batch_name& batch, queue_id queue) {
  life known;
  known.name = batch;
  known.queue = queue;
  lives_.emplace(message_name{batch.producer, batch.first}, known);
}

quota_oracle::life& quota_oracle::find(const message_name& message, const char* what) {
  auto at = lives_.upper_bound(message);
  const bool any = at != lives_.begin();
  if (any) --at;
  const auto which = to_string(message) + " was " + what + ", and never sent";
  expect(any && at->first.producer == message.producer, which);
  auto& known = at->second;
  expect(message.number < known.name.first + known.name.count, which);
  return known;
}

quota_oracle::copy quota_oracle::sending(const batch_name& batch, std::uint64_t bytes,
                                         std::uint64_t now_ms) {
  ++find(batch).under_way;
  return produced_.try_to_pass(bytes, now_ms);
}

void quota_oracle::refused(const batch_name& batch, const copy& which,
                           std::uint64_t retry_after_ms) {
  ++refusals_;
  auto& known = find(batch);
  --known.under_way;
  produced_.refused(which);
  note_(to_string(batch) + " is refused for " + std::to_string(retry_after_ms) + " ms");
  expect(!known.seen || known.acknowledged || known.unclear || known.under_way > 0,
         to_string(batch) + " was refused for a quota and is there");
  expect(retry_after_ms > 0,
         to_string(batch) + " was refused for a quota, and not told until when");
  if (rates_.produce == 0) return;
  const auto most = 1'000 * produced_.largest() / rates_.produce + refill_ms + 1;
  expect(retry_after_ms <= most, to_string(batch) + " is to wait for " +
                                   std::to_string(retry_after_ms) + " ms; " + std::to_string(most) +
                                   " would do");
}

void quota_oracle::failed(const batch_name& batch, const copy& which, std::uint64_t now_ms) {
  auto& known = find(batch);
  --known.under_way;
  known.unclear = true;
  produced_.returned(which, now_ms);
}

void quota_oracle::lost(const batch_name& batch, const copy& which) {
  auto& known = find(batch);
  --known.under_way;
  known.unclear = true;
  produced_.lost(which);
}

void quota_oracle::accepted(const batch_name& batch, const copy& which, const frames::receipt& how,
                            const std::optional<copy>& earlier, std::uint64_t now_ms) {
  auto& known = find(batch);
  --known.under_way;
  known.acknowledged = true;
  note_(to_string(batch) + " is accepted at " + text(known.queue, how.first));
  place(known, how.first);
  if (!how.duplicate) return produced_.passed(which, now_ms);
  produced_.returned(which, now_ms);
  expect(known.unclear, to_string(batch) + " is told to be stored before, and never was");
  if (earlier) produced_.passed(*earlier, now_ms);
}

void quota_oracle::place(life& known, offset base) {
  expect(!known.place || *known.place == base,
         to_string(known.name) + " is at " + text(known.queue, base) + ", and at offset " +
           std::to_string(known.place ? known.place->value : 0));
  known.place = base;
  auto& order = order_[{known.queue, known.name.producer}];
  const auto [at, fresh] = order.emplace(base, known.name.first);
  if (!fresh) return;
  const auto which = to_string(known.name) + " is at " + text(known.queue, base) + ", ";
  if (at != order.begin())
    expect(std::prev(at)->second < at->second, which + "after a later one of its producer");
  if (std::next(at) != order.end())
    expect(std::next(at)->second > at->second, which + "before an earlier one of its producer");
}

// -- consuming ------------------------------------------------------------------------------------

void quota_oracle::weighed(std::uint64_t bytes, std::uint64_t least_ms, std::uint64_t now_ms) {
  consumed_.passed(consumed_.try_to_pass(bytes, least_ms), now_ms);
}

void quota_oracle::delivered(const watcher::message& what) {
  const message_name name{what.producer, what.number};
  auto& known = find(name, "delivered");
  ++deliveries_;
  expect(name_in(what.view.body) == name && what.view.body == body_of(name) &&
           what.view.key == key_of(name) && what.view.tag == tag_of(name) &&
           what.place.queue == known.queue,
         to_string(name) + " is not what was sent");
  expect(known.acknowledged || known.unclear || known.under_way > 0,
         to_string(known.name) + " was refused for a quota and is there");
  const auto [at, fresh] = places_.emplace(what.place, name);
  expect(fresh || at->second == name, text(what.place.queue, what.place.at) + " is " +
                                        to_string(name) + ", and was " + to_string(at->second));
  known.seen = true;
  place(known, offset{what.place.at.value - (name.number.value - known.name.first.value)});
}

// -- the end --------------------------------------------------------------------------------------

void quota_oracle::ends_at(queue_id queue, offset end) {
  std::erase_if(places_, [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  });
  for (auto& [of, order] : order_)
    if (of.first == queue) order.erase(order.lower_bound(end), order.end());
  for (auto& [name, known] : lives_) {
    if (known.queue != queue || (known.place && *known.place < end)) continue;
    known.place.reset();
    known.acknowledged = known.seen = false;
    known.unclear = true;
  }
}

void quota_oracle::check_finished(const std::function<offset(queue_id)>& missed_below) const {
  for (const auto& [name, known] : lives_)
    expect(!known.acknowledged || known.seen || *known.place < missed_below(known.queue),
           to_string(known.name) + " was accepted and is lost");
}

} // namespace carafe::sim
