#include "actors/client/lane.hpp"

#include "actors/client/strip.hpp"

#include <algorithm>
#include <string>

namespace carafe::client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds back_off_min{10};
constexpr milliseconds back_off_max{1'000};

/// Whether an error says nothing about the copy it answers: it may be stored now or later.
bool leaves_open(errc code) {
  switch (code) {
  case errc::internal:
  case errc::timeout:
  case errc::outcome_unknown:
  case errc::disconnected:
  case errc::storage_failed:
    return true;
  default:
    return false;
  }
}

/// Whether an error follows from the batch's bytes alone: no copy of it was ever stored.
bool is_about_bytes(errc code) {
  switch (code) {
  case errc::batch_malformed:
  case errc::batch_too_large:
  case errc::message_too_large:
  case errc::codec_unknown:
    return true;
  default:
    return false;
  }
}

failure unknown(const failure& why) {
  auto detail = std::string{to_string(why.code)};
  if (!why.detail.empty()) detail += ": " + why.detail;
  return {errc::outcome_unknown, std::move(detail)};
}

} // namespace

lane::lane(queue_id queue, std::shared_ptr<identity> shared, std::function<producer_id()> fresh_id,
           named_part named, milliseconds quota_wait)
  : queue_(queue),
    named_(named),
    quota_wait_(quota_wait),
    identity_(std::move(shared)),
    fresh_id_(std::move(fresh_id)) {}

void lane::push(sealed_batch batch) {
  if (!batches_.empty()) batch.deadline = std::max(batch.deadline, batches_.back().batch.deadline);
  auto& e = batches_.emplace_back();
  e.batch = std::move(batch);
  e.id = next_key_++;
}

void lane::miss_one() {
  if (named_.name.value != 0 && !broken_from_) broken_from_ = next_key_;
}

bool lane::open() const noexcept {
  if (batches_.empty()) return true;
  return !stalled_ && batches_.size() == in_flight_ && chain_.size() == 1 && in_window(next_key_);
}

bool lane::in_window(key batch) const noexcept {
  // Counted from the oldest unanswered batch over all after it, answered or not: only so many are
  // remembered, and it must be among them when it is sent again.
  return batch - batches_.front().id < producer_window;
}

std::optional<lane::sending> lane::next(time_point now, std::vector<settled>& out) {
  drop_behind(out);
  if (stalled_) {
    if (in_flight_ > 0 || now < retry_at_) return {};
    stalled_ = false;
    refused_ = false;
  }
  if (in_flight_ == 0) resolve_front(now, out);
  if (stalled_ || in_flight_ >= batches_.size()) return {};
  // While the oldest batch's `previous` is a guess, nothing is sent behind it.
  if (in_flight_ > 0 && chain_.size() > 1) return {};
  auto& e = batches_[in_flight_];
  if (!in_window(e.id)) return {};
  if (e.first.value == 0) {
    e.producer = identity_->producer;
    e.first = sequence{identity_->next};
    identity_->next += e.batch.data.count;
  }
  e.guessed = in_flight_ == 0;
  // Batches behind the one before may be known as stored already.
  e.previous =
    e.guessed ? chain_[guess_] : std::max(chain_.front(), batches_[in_flight_ - 1].last());
  e.in_flight = true;
  e.gap = false;
  ++in_flight_;
  auto frame = frames::produce{};
  frame.queue = queue_;
  frame.producer = e.producer;
  frame.first = e.first;
  frame.previous = e.previous;
  frame.count = e.batch.data.count;
  frame.compression = e.batch.data.compression;
  frame.checksum = e.batch.data.checksum;
  frame.batch = e.batch.data.bytes;
  if (named_.name.value != 0)
    frame.named = {named_.name, named_.epoch, e.batch.named_first, e.batch.named_last,
                   named_.spread};
  return sending{e.id, std::move(frame)};
}

void lane::resolve_front(time_point now, std::vector<settled>& out) {
  while (!batches_.empty()) {
    auto& front = batches_.front();
    if (chain_.size() > 1 && !front.exposed) {
      take_fresh_identity();
      return;
    }
    if (!front.gap || front.previous != chain_[guess_]) return;
    front.gap = false;
    // Each guess gets a second chance: a late copy of a batch given up may change the answer.
    if (++guesses_refused_ < 2 * chain_.size() - 1) {
      guess_ = (guess_ + chain_.size() - 1) % chain_.size();
      if (guesses_refused_ >= chain_.size()) stall(now + back_off());
      return;
    }
    if (!front.exposed) {
      take_fresh_identity();
      stall(now + back_off());
      return;
    }
    give_up(front, errc::sequence_gap, out);
  }
}

void lane::take_fresh_identity() {
  identity_ = std::make_shared<identity>(identity{fresh_id_()});
  chain_.assign(1, sequence{});
  guess_ = 0;
  guesses_refused_ = 0;
  for (auto& e : batches_) {
    e.first = {};
    e.exposed = false;
    e.gap = false;
  }
}

void lane::stall(time_point until) {
  stalled_ = true;
  retry_at_ = std::max(retry_at_, until);
}

void lane::hold(time_point now, milliseconds time, const failure& why) {
  const auto from = std::max(now, held_until_);
  held_until_ = std::max(from, now + time);
  held_by_ = why;
  for (auto& e : batches_) {
    const auto grace = std::min(held_until_ - from, quota_wait_ - e.waited);
    e.batch.deadline += grace;
    e.waited += grace;
  }
}

failure lane::too_late(const entry& e, time_point now) const {
  if (held_until_ <= now) return e.refusal;
  auto why = held_by_;
  const auto left = std::chrono::ceil<std::chrono::seconds>(held_until_ - now).count();
  why.detail += "; it would take another " + std::to_string(left) + " s at least";
  return why;
}

std::chrono::milliseconds lane::back_off() {
  auto wait = back_off_min * (1u << std::min(refusals_, 10u));
  ++refusals_;
  return std::min<milliseconds>(wait, back_off_max);
}

void lane::on_receipt(key batch, const frames::receipt& receipt, std::vector<settled>& out) {
  auto e = find(batch);
  if (!e) return;
  chain_.assign(1, std::max(chain_.front(), e->last()));
  guess_ = 0;
  guesses_refused_ = 0;
  refusals_ = 0;
  settle(*e, receipt, out);
}

void lane::on_error(key batch, const frames::error& error, time_point now,
                    std::vector<settled>& out) {
  auto e = find(batch);
  if (!e) return;
  auto& why = error.why;
  e->in_flight = false;
  --in_flight_;
  if (leaves_open(why.code)) e->exposed = true;
  if (why.code == errc::sequence_gap || why.code == errc::producer_unknown) {
    e->gap = e->guessed;
    stall(retry_at_);
    return;
  }
  if (is_retriable(why.code)) {
    e->refusal = why;
    const auto asked = milliseconds{error.retry_after_ms};
    // All that was on its way is refused together: that is one refusal.
    stall(now + (std::exchange(refused_, true) ? asked : std::max(back_off(), asked)));
    if (why.code == errc::too_many_requests) hold(now, asked, why);
    return;
  }
  refused(*e, why, out);
}

void lane::refused(entry& e, const failure& why, std::vector<settled>& out) {
  if (why.code == errc::duplicate_too_old) e.exposed = true;
  auto maybe_stored = e.exposed && !is_about_bytes(why.code);
  if (!maybe_stored) {
    settle(e, why, out);
    return;
  }
  if (&e != &batches_.front()) {
    // What counts as `previous` behind it depends on the batches before: ask again after them.
    stall(retry_at_);
    return;
  }
  give_up(e, unknown(why), out);
}

void lane::give_up(entry& e, failure unsent, std::vector<settled>& out) {
  if (!e.exposed && !e.in_flight) {
    settle(e, std::move(unsent), out);
    return;
  }
  chain_.push_back(e.last());
  guess_ = chain_.size() - 1;
  guesses_refused_ = 0;
  settle(e, unsent.code == errc::outcome_unknown ? std::move(unsent) : unknown(unsent), out);
}

void lane::settle(entry& e, result<frames::receipt> outcome, std::vector<settled>& out) {
  const bool failed = !outcome;
  const auto id = e.id;
  settle_one(e, std::move(outcome), out);
  if (!failed || named_.name.value == 0) return;
  broken_from_ = std::min(broken_from_.value_or(id), id);
  drop_behind(out);
}

void lane::drop_behind(std::vector<settled>& out) {
  if (!broken_from_) return;
  for (;;) {
    const auto behind = std::find_if(batches_.begin(), batches_.end(),
                                     [this](const entry& e) { return e.id >= *broken_from_; });
    if (behind == batches_.end()) return;
    const auto why = failure{errc::disconnected, "a message before it failed"};
    settle_one(*behind, behind->exposed || behind->in_flight ? unknown(why) : why, out);
  }
}

void lane::on_duplicates(key batch, const frames::duplicates& told, std::vector<settled>& out) {
  auto e = find(batch);
  if (!e) return;
  e->in_flight = false;
  --in_flight_;
  auto places = std::vector<std::uint32_t>{};
  for (const auto& each : told.messages) places.push_back(each.index);
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  const auto count = e->batch.data.count;
  if (places.empty() || places.back() >= count || places.size() != told.messages.size()) {
    settle(*e, failure{errc::internal, "the node's answer names messages that there are not"}, out);
    return;
  }
  const bool all = places.size() == count;
  auto rest = all ? result<encoded_batch>{e->batch.data} : without(e->batch.data, places);
  if (!rest) {
    settle(*e, rest.error(), out);
    return;
  }
  auto& waiting = e->batch.completions;
  for (const auto& each : told.messages) {
    auto one = sealed_batch{};
    one.data.count = 1;
    one.epoch = e->batch.epoch;
    if (each.index < waiting.size()) one.completions.push_back(std::move(waiting[each.index]));
    auto there = frames::receipt{};
    there.queue = queue_;
    there.first = each.at;
    there.count = 1;
    there.duplicate = true;
    there.timed = each.timed;
    out.push_back({std::move(one), {}, there});
  }
  if (all) {
    out.back().batch.bytes = e->batch.bytes;
    erase(*e);
    return;
  }
  auto kept = std::vector<completion>{};
  for (std::uint32_t at = 0; at < waiting.size(); ++at)
    if (!std::binary_search(places.begin(), places.end(), at))
      kept.push_back(std::move(waiting[at]));
  waiting = std::move(kept);
  e->batch.data = std::move(*rest);
  stall(retry_at_);
}

void lane::settle_one(entry& e, result<frames::receipt> outcome, std::vector<settled>& out) {
  if (e.in_flight) --in_flight_;
  out.push_back({std::move(e.batch), message_id{e.producer, e.first}, std::move(outcome)});
  erase(e);
}

void lane::erase(const entry& e) {
  auto same = [id = e.id](const entry& other) { return other.id == id; };
  batches_.erase(std::find_if(batches_.begin(), batches_.end(), same));
}

void lane::on_lost() {
  for (auto& e : batches_) {
    if (!e.in_flight) continue;
    e.in_flight = false;
    e.exposed = true;
  }
  in_flight_ = 0;
  stalled_ = false;
  refused_ = false;
  retry_at_ = {};
}

void lane::expire(time_point now, std::vector<settled>& out) {
  drop_behind(out);
  while (!batches_.empty() && batches_.front().batch.deadline <= now)
    give_up(batches_.front(), too_late(batches_.front(), now), out);
}

void lane::abandon(failure why, std::vector<settled>& out) {
  while (!batches_.empty()) give_up(batches_.front(), why, out);
}

std::optional<time_point> lane::wake_at(bool may_send) const {
  if (batches_.empty()) return {};
  if (broken_from_ && batches_.back().id >= *broken_from_) return time_point{};
  auto at = batches_.front().batch.deadline;
  if (may_send && stalled_ && in_flight_ == 0) at = std::min(at, retry_at_);
  return at;
}

lane::entry* lane::find(key id) {
  for (auto& e : batches_) {
    if (e.id == id) return e.in_flight ? &e : nullptr;
    if (e.id > id) break;
  }
  return nullptr;
}

} // namespace carafe::client
