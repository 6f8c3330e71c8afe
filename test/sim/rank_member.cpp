#include "test/sim/rank_member.hpp"

#include "test/sim/content.hpp"
#include "test/sim/rank_act.hpp"

#include <utility>

namespace carafe::sim {

namespace {

std::vector<frames::queue_ranges> ranges_of(const std::vector<message_place>& places) {
  std::vector<frames::queue_ranges> out;
  for (const auto& place : places) out.push_back({place.queue, {{place.at, 1}}});
  return out;
}

} // namespace

// -- its connection -------------------------------------------------------------------------------

/// What it has may come again; what it has done it tells again.
void rank_member::lost() {
  joined_.reset();
  joining_ = false;
  fence_ = {};
  has_.clear();
  again_.insert(again_.end(), settling_.begin(), settling_.end());
  settling_.clear();
  owed_ = 0;
}

void rank_member::cut() {
  link_.cut();
  take();
  lost();
}

void rank_member::node_died() {
  link_.node_died();
  lost();
}

void rank_member::ask(frames::body what) {
  asked_ = told_->now(stage_.wall_ms());
  link_.ask(std::move(what));
}

void rank_member::ask_credit() {
  link_.tell(
    frames::credit{joined_->subscription, static_cast<std::uint32_t>(std::exchange(owed_, 0))});
}

void rank_member::join(std::uint32_t credit, std::uint32_t in_flight_max) {
  told_->joins(in_flight_max);
  frames::join wish;
  wish.group = rank_group;
  wish.topics = {rank_topic};
  wish.mode = "shared";
  wish.member = "ranker";
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = credit;
  wish.in_flight_max = in_flight_max;
  joining_ = true;
  ask(std::move(wish));
}

// -- what it is told ------------------------------------------------------------------------------

void rank_member::take() {
  auto news = link_.take();
  // What came with an answer may have been sent before it.
  for (const auto& other : news.others) {
    if (const auto* leased = std::get_if<frames::leased>(&other)) got(*leased);
    if (std::holds_alternative<frames::subscription_ended>(other)) lost();
  }
  if (news.answer) answered(*news.answer);
  if (news.lost || !link_.up()) lost();
}

void rank_member::answered(const frames::body& answer) {
  const auto* error = std::get_if<frames::error>(&answer);
  if (std::exchange(joining_, false)) {
    if (const auto* joined = std::get_if<frames::joined>(&answer)) joined_ = *joined;
  } else if (error == nullptr) {
    for (const auto& place : settling_) told_->settled(place, asked_);
  } else {
    const auto code = error->why.code;
    expect(code == errc::not_owner || code == errc::member_unknown || code == errc::storage_full ||
             code == errc::storage_failed || code == errc::shard_unavailable ||
             code == errc::outcome_unknown || code == errc::shutting_down ||
             code == errc::too_many_requests,
           "the member of " + std::string{rank_group} + " was answered with " +
             error->why.message());
    again_.insert(again_.end(), settling_.begin(), settling_.end());
  }
  settling_.clear();
  fence_ = asked_;
  if (error != nullptr && error->why.code == errc::member_unknown) lost();
}

void rank_member::got(const frames::leased& what) {
  if (!joining_ && !joined_) return;
  owed_ += what.batch.size();
  expect(crc32c(what.batch.span()) == what.checksum, "a leased batch has a wrong checksum");
  const auto batch = batch_reader::open(what.batch, what.compression, {});
  expect(batch.ok(), "a leased batch cannot be read");
  std::uint32_t next = 0;
  for (const auto& range : what.ranges)
    for (auto at = range.first; at < range.end(); at = at + 1) {
      if (what.batch_count > 0) next = static_cast<std::uint32_t>(at.value - what.base.value);
      expect(next < batch->count(), "a leased batch does not have its messages");
      const message_place place{what.queue, at};
      const auto message = batch->message(next++);
      const auto name = name_in(message.body);
      expect(message.body == body_of(name), "a leased message is not what was sent");
      told_->lent(place, name, what.attempt, what.broker_time.value, fence_);
      has_.insert(place);
    }
}

// -- what it does ---------------------------------------------------------------------------------

void rank_member::settle(const std::vector<message_place>& done,
                         const std::vector<message_place>& failed,
                         const std::vector<message_place>& dead,
                         const std::vector<message_place>& back) {
  frames::settle wish{joined_->member, ranges_of(done), {}, ranges_of(back)};
  for (const auto& place : done) told_->settling(place);
  for (const auto& place : failed)
    wish.failed.push_back({place.queue, place.at, false, std::nullopt, "it went wrong"});
  for (const auto& place : dead) {
    told_->rejecting(place);
    wish.failed.push_back({place.queue, place.at, true, std::nullopt, "it is no good"});
  }
  settling_ = done;
  ask(std::move(wish));
}

void rank_member::step(dice& d) {
  take();
  if (!link_.ready()) return;
  if (d.percent(2)) return cut();
  if (!joined_)
    return join(static_cast<std::uint32_t>(d.between(300, 5'000)),
                static_cast<std::uint32_t>(d.between(1, in_flight_max_)));
  if (d.percent(20)) return ask(frames::renew{joined_->member, {}});
  if (owed_ > 0) return ask_credit();
  std::vector<message_place> done = std::exchange(again_, {}), failed, dead, back;
  for (auto at = has_.begin(); at != has_.end();) {
    const auto roll = d.below(100);
    if (roll < 40) {
      ++at;
      continue;
    }
    (roll < 75 ? done : roll < 88 ? failed : roll < 92 ? dead : back).push_back(*at);
    at = has_.erase(at);
  }
  if (!done.empty() || !failed.empty() || !dead.empty() || !back.empty())
    settle(done, failed, dead, back);
}

void rank_member::finish() {
  take();
  if (!link_.ready()) return;
  if (!joined_) return join(1u << 20, in_flight_max_);
  if (owed_ > 0) ask_credit();
  std::vector<message_place> done = std::exchange(again_, {});
  done.insert(done.end(), has_.begin(), has_.end());
  has_.clear();
  if (!done.empty()) settle(done, {}, {}, {});
}

} // namespace carafe::sim
