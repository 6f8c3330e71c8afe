#include "test/sim/worker.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

std::vector<frames::queue_ranges> ranges_of(const std::vector<message_place>& places) {
  std::map<queue_id, std::set<offset>> by_queue;
  for (const auto& place : places) by_queue[place.queue].insert(place.at);
  std::vector<frames::queue_ranges> out;
  for (const auto& [queue, offsets] : by_queue) {
    auto& ranges = out.emplace_back(frames::queue_ranges{queue, {}}).ranges;
    for (const auto at : offsets) {
      if (!ranges.empty() && ranges.back().end() == at)
        ++ranges.back().count;
      else
        ranges.push_back({at, 1});
    }
  }
  return out;
}

} // namespace

// -- its connection -------------------------------------------------------------------------------

/// What it has it keeps.
void worker::lost() {
  requests_.clear();
  if (joined_) before_ = joined_->subscription;
  joined_.reset();
  joining_ = leaving_ = renewing_ = false;
  must_present_ = !holds_.empty();
  owed_ = 0;
  self_ = {};
}

void worker::node_died() {
  link_.forget();
  if (self_.number != 0) before_death_ = self_;
  lost();
  before_ = {};
  for (auto& [place, h] : holds_) h.old = true;
}

void worker::lost_power(queue_id queue) {
  std::erase_if(holds_, [queue](const auto& each) { return each.first.queue == queue; });
  std::erase_if(again_, [queue](const auto& place) { return place.queue == queue; });
}

void worker::cut(bool dies) {
  group_->told.left(self_, true);
  link_.cut();
  if (dies) {
    holds_.clear();
    again_.clear();
  }
  lost();
  before_ = {};
  before_death_ = {};
}

void worker::join(dice* d) {
  frames::join wish;
  wish.group = group_->name;
  wish.mode = group_->mode;
  // Who was in the group before need not know which topics and filter it has by now.
  const auto filters = group_->filters.size();
  wish.filter = group_->filters[mismatches_ % filters];
  wish.topics = mismatches_ / filters % 2 == 0 ? group_->topics : group_->first_topic();
  if (d == nullptr || d->percent(80)) wish.rejoins = group_was_;
  wish.member = link_.name();
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = d == nullptr ? 1u << 20 : static_cast<std::uint32_t>(d->between(100, 6'000));
  if (d != nullptr && d->percent(50))
    wish.in_flight_max = static_cast<std::uint32_t>(d->between(1, 6));
  self_ = group_->told.joining(wish.in_flight_max, std::exchange(before_death_, {}));
  fence_ = group_->told.now();
  joining_ = true;
  requests_[link_.post(wish)] = {request::kind::join, fence_};
}

void worker::leave() {
  leaving_ = true;
  group_->told.left(self_, false);
  holds_.clear();
  requests_[link_.post(frames::leave{joined_->member})] = {request::kind::leave,
                                                           group_->told.now()};
}

/// @returns Whether it is a member.
bool worker::connected(oracle& o) {
  take(o);
  if (link_.up()) return true;
  lost();
  link_.connect();
  return false;
}

// -- what it does ---------------------------------------------------------------------------------

void worker::step(dice& d, oracle& o) {
  if (rig_->clocks->now_ms < hangs_until_ms_) return;
  if (!connected(o)) return;
  if (d.percent(1)) return cut(d.percent(50));
  if (!joined_) {
    if (!joining_ && !leaving_) join(&d);
    return;
  }
  if (leaving_) return;
  if (must_present_) {
    if (!renewing_) renew(true);
    return;
  }
  const auto roll = d.below(100);
  if (roll < 2) return leave();
  if (roll < 4) {
    hangs_until_ms_ = rig_->clocks->now_ms + d.between(100, 4'000);
    return;
  }
  if (roll < 30) {
    if (!renewing_) renew(d.percent(50));
    return;
  }
  if (roll < 45) return pay();
  if (!again_.empty() && d.percent(50)) {
    const std::vector<message_place> places{again_.begin(), again_.end()};
    again_.clear();
    return settle(places, {}, {});
  }
  settle_some(d);
}

void worker::finish(oracle& o) {
  hangs_until_ms_ = 0;
  if (!connected(o)) return;
  if (!joined_) {
    if (!joining_ && !leaving_) join(nullptr);
    return;
  }
  if (leaving_) return;
  if (must_present_) {
    if (!renewing_) renew(true);
    return;
  }
  pay();
  std::set<message_place> places = std::exchange(again_, {});
  for (const auto& [place, h] : holds_) places.insert(place);
  holds_.clear();
  if (!places.empty()) settle({places.begin(), places.end()}, {}, {});
}

void worker::pay() {
  if (owed_ > 0)
    link_.post(
      frames::credit{joined_->subscription, static_cast<std::uint32_t>(std::exchange(owed_, 0))});
}

void worker::renew(bool present) {
  request what{request::kind::renew, group_->told.now()};
  if (present)
    for (const auto& [place, h] : holds_) what.places.push_back(place);
  renewing_ = true;
  const auto number = link_.post(frames::renew{joined_->member, ranges_of(what.places)});
  requests_[number] = std::move(what);
}

void worker::settle_some(dice& d) {
  std::vector<message_place> done, returned;
  std::vector<failure_told> failed;
  for (auto at = holds_.begin(); at != holds_.end();) {
    if (d.percent(60)) {
      ++at;
      continue;
    }
    const auto& [place, h] = *at;
    const auto roll = d.below(100);
    if (roll < 60)
      done.push_back(place);
    else if (roll < 75)
      failed.push_back({place, h, std::nullopt});
    else if (roll < 85)
      failed.push_back({place, h, d.between(0, 3'000)});
    else if (roll < 90)
      failed.push_back({place, h, std::nullopt, true});
    else
      returned.push_back(place);
    at = holds_.erase(at);
  }
  settle(done, failed, returned);
}

void worker::settle(const std::vector<message_place>& done, const std::vector<failure_told>& failed,
                    const std::vector<message_place>& returned) {
  if (done.empty() && failed.empty() && returned.empty()) return;
  auto& told = group_->told;
  request what{request::kind::settle, told.now(), done, failed};
  frames::settle wish{joined_->member, ranges_of(done), {}, ranges_of(returned)};
  for (const auto& place : done) told.settling(place);
  for (const auto& each : failed) {
    if (each.dead)
      told.rejecting(self_, each.place);
    else
      told.failing(self_, each.place);
    wish.failed.push_back(
      {each.place.queue, each.place.at, each.dead, each.delay_ms, "it went wrong"});
  }
  for (const auto& place : returned) told.returning(self_, place);
  requests_[link_.post(std::move(wish))] = std::move(what);
}

// -- what it is told ------------------------------------------------------------------------------

void worker::take(oracle& o) {
  for (const auto& frame : link_.take()) {
    if (const auto* leased = std::get_if<frames::leased>(&frame.body)) {
      if (!leaving_) got(*leased, o);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      if (!joined_ || end->subscription != joined_->subscription) continue;
      expect(end->why.code == errc::member_unknown || end->why.code == errc::shutting_down ||
               end->why.code == errc::shard_unavailable,
             "a member's subscription ended with " + end->why.message());
      group_->told.left(self_, true);
      lost();
    } else if (const auto at = requests_.find(frame.request); at != requests_.end()) {
      const auto what = std::move(at->second);
      requests_.erase(at);
      if (what.asked.number > fence_.number) fence_ = what.asked;
      answered(what, frame.body);
    }
  }
}

void worker::got(const frames::leased& what, oracle& o) {
  if (what.subscription == before_ || (!joining_ && !joined_)) return;
  owed_ += what.batch.size();
  expect(crc32c(what.batch.span()) == what.checksum, "a leased batch has a wrong checksum");
  const auto batch = batch_reader::open(what.batch, what.compression, {});
  std::uint64_t count = 0;
  for (const auto& range : what.ranges) count += range.count;
  const bool with_others = what.batch_count > 0;
  expect(batch.ok() && batch->count() == (with_others ? what.batch_count : count),
         "a leased batch does not have its messages");
  if (what.producer != no_producer) {
    // Copies come one by one; others in the batch that they were sent in.
    const auto sent = o.batch_with({what.producer, what.first});
    const auto before = what.first.value - sent.first.value;
    expect(what.base.value >= before, to_string(sent) + " begins before its queue");
    o.delivered(sent, {what.queue, offset{what.base.value - before}, what.broker_time});
  }
  std::uint32_t next = 0;
  for (const auto& range : what.ranges)
    for (auto at = range.first; at < range.end(); at = at + 1) {
      const message_place place{what.queue, at};
      const auto name = o.message_at(what.queue, at);
      expect(name.has_value(), "queue " + std::to_string(what.queue.value) + ", offset " +
                                 std::to_string(at.value) + " was lent, and nobody sent it");
      const auto place_in = static_cast<std::uint32_t>(at.value - what.base.value);
      check_message(*batch, with_others ? place_in : next++, *name);
      group_->told.delivered(self_, {place, *name, what.attempt, fence_});
      holds_[place] = {what.attempt};
    }
}

void worker::answered(const request& what, const frames::body& answer) {
  const auto* error = std::get_if<frames::error>(&answer);
  switch (what.what) {
  case request::kind::join:
    joining_ = false;
    if (const auto* joined = std::get_if<frames::joined>(&answer)) {
      joined_ = *joined;
      group_was_ = joined->group;
    } else if (error != nullptr && error->why.code == errc::subscription_mismatch) {
      ++mismatches_;
    }
    return;
  case request::kind::leave:
    lost();
    return;
  case request::kind::renew:
    renewing_ = false;
    if (const auto* told = std::get_if<frames::renewed>(&answer)) renewed(what, *told);
    break;
  case request::kind::settle:
    settle_answered(what, answer);
    break;
  }
  if (error == nullptr || error->why.code != errc::member_unknown || !joined_) return;
  group_->told.left(self_, true);
  lost();
}

void worker::renewed(const request& what, const frames::renewed& answer) {
  must_present_ = false;
  if (what.places.empty()) {
    expect(answer.lost.empty(), "a renewal of all says that messages are lost");
    group_->told.renewed(self_, what.asked);
    return;
  }
  std::set<message_place> lost;
  for (const auto& each : answer.lost)
    for (const auto& range : each.ranges)
      for (auto at = range.first; at < range.end(); at = at + 1) lost.insert({each.queue, at});
  group_->told.renewed(self_, what.asked);
  for (const auto& place : what.places) {
    if (!holds_.contains(place)) continue; // It was settled meanwhile.
    if (!lost.contains(place)) {
      group_->told.presented(self_, place, what.asked);
      continue;
    }
    if (group_->told.lost(self_, place, what.asked)) holds_.erase(place);
  }
}

void worker::settle_answered(const request& what, const frames::body& answer) {
  auto& told = group_->told;
  const auto* error = std::get_if<frames::error>(&answer);
  if (error == nullptr) {
    for (const auto& place : what.places) told.settled(place, what.asked);
    for (const auto& each : what.failed)
      if (!each.dead)
        told.failed(each.place, each.what.old ? 0 : each.what.attempt, each.delay_ms, what.asked);
    return;
  }
  const auto code = error->why.code;
  expect(code == errc::not_owner || code == errc::member_unknown || code == errc::storage_full ||
           code == errc::storage_failed || code == errc::shard_unavailable ||
           code == errc::outcome_unknown || code == errc::shutting_down ||
           code == errc::too_many_requests ||
           (code == errc::queue_unknown && group_->topics.size() > 1), // The group has left it.
         "a settle was answered with " + error->why.message());
  again_.insert(what.places.begin(), what.places.end());
}

} // namespace carafe::sim
