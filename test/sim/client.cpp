#include "test/sim/client.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::uint32_t credit_bytes = 4'000;

std::string at(queue_id queue, offset where) {
  return "queue " + std::to_string(queue.value) + ", offset " + std::to_string(where.value);
}

} // namespace

// -- connection -----------------------------------------------------------------------------------

void connection::cut() {
  if (client_) client_->post_disconnect();
  client_.reset();
}

std::uint64_t connection::post(frames::body body) {
  const auto request = ++client_->requests;
  client_->post(request, std::move(body));
  return request;
}

std::vector<frames::frame> connection::take() {
  std::vector<frames::frame> out;
  if (!client_) return out;
  auto& frames = client_->in->frames;
  out.assign(std::make_move_iterator(frames.begin()), std::make_move_iterator(frames.end()));
  frames.clear();
  return out;
}

// -- producer -------------------------------------------------------------------------------------

std::size_t producer::next_open() const {
  std::size_t at = 0;
  while (at < batches_.size() && batches_[at].answered) ++at;
  return at;
}

void producer::node_died() {
  link_.forget();
  requests_.clear();
  pausing_ = false;
  for (auto& b : batches_) b.under_way = false;
}

void producer::step(dice& d, oracle& o) {
  take(o);
  if (retired_) return;
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (d.percent(2)) {
    link_.cut();
    return;
  }
  if (pausing_ && !requests_.empty()) return;
  pausing_ = false;
  // Again, for no reason: an answer may have been late.
  if (!batches_.empty() && d.percent(10)) {
    send(batches_[batches_.size() - 1 - d.below(std::min<std::size_t>(batches_.size(), 8))]);
    return;
  }
  for (auto& b : batches_)
    if (!b.answered && !b.under_way) {
      send(b);
      return;
    }
  if (batches_.size() - next_open() < producer_window) make_batch(d, o);
}

void producer::make_batch(dice& d, oracle& o) {
  batch b;
  b.name = {id_, counter_ + 1, static_cast<std::uint32_t>(d.between(1, 4))};
  b.previous = batches_.empty() ? sequence{0} : counter_;
  counter_ = counter_ + b.name.count;
  o.sent(b.name, queue_);
  batches_.push_back(b);
  if (batches_.size() > 2 * producer_window && batches_.front().answered) batches_.pop_front();
  send(batches_.back());
}

void producer::send(batch& b) {
  requests_[link_.post(produce_of(b.name, queue_, b.previous))] = b.name.first;
  b.under_way = true;
}

void producer::take(oracle& o) {
  for (const auto& frame : link_.take()) {
    const auto request = requests_.find(frame.request);
    if (request == requests_.end()) continue;
    const auto first = request->second;
    requests_.erase(request);
    const auto b = std::find_if(batches_.begin(), batches_.end(),
                                [first](const batch& x) { return x.name.first == first; });
    if (b != batches_.end()) answered(*b, frame.body, o);
  }
}

void producer::answered(batch& b, const frames::body& what, oracle& o) {
  b.under_way = false;
  if (const auto* receipt = std::get_if<frames::receipt>(&what)) {
    expect(receipt->count == b.name.count, to_string(b.name) + " got a receipt for another count");
    const batch_place place{receipt->queue, receipt->first, receipt->broker_time};
    if (b.place)
      expect(*b.place == place, to_string(b.name) + " got two receipts that differ");
    else
      o.acknowledged(b.name, place);
    b.place = place;
    b.answered = true;
    return;
  }
  const auto* error = std::get_if<frames::error>(&what);
  expect(error != nullptr, to_string(b.name) + " was answered with another frame");
  switch (error->why.code) {
  case errc::duplicate_too_old:
    o.stored_somewhere(b.name);
    b.answered = true;
    return;
  case errc::queue_unknown:
  case errc::too_many_producers:
    retire();
    return;
  case errc::producer_unknown:
  case errc::sequence_gap: {
    // Right only while an earlier batch is missing.
    const auto& oldest = batches_[std::min(next_open(), batches_.size() - 1)];
    expect(!b.answered && oldest.name.first < b.name.first, to_string(b.name) + " was refused (" +
                                                              error->why.message() +
                                                              "), but none before it "
                                                              "is missing");
    pausing_ = true;
    return;
  }
  case errc::too_many_requests:
  case errc::storage_full:
  case errc::shutting_down:
  case errc::shard_unavailable:
  case errc::outcome_unknown:
    pausing_ = true;
    return;
  default:
    expect(false, to_string(b.name) + " was answered with " + error->why.message());
  }
}

// -- reader ---------------------------------------------------------------------------------------

void reader::node_died() {
  link_.forget();
  subscribed_ = false;
  asked_ = 0;
}

void reader::step(dice& d, oracle& o) {
  take(o);
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (d.percent(2)) {
    link_.cut();
    node_died();
    return;
  }
  if (asked_ != 0) return;
  if (!subscribed_ || d.percent(4)) {
    subscribe(d);
    return;
  }
  if (owed_ == 0) return;
  link_.post(frames::credit{current_, static_cast<std::uint32_t>(std::exchange(owed_, 0))});
}

void reader::subscribe(dice& d) {
  frames::subscribe wish;
  if (!subscribed_ || d.percent(50)) current_ = subscription_id{++subscriptions_};
  wish.subscription = current_;
  wish.queue = queue_;
  wanted_ = d.percent(90) ? std::optional{next_} : std::nullopt;
  if (wanted_) wish.start = {start_position::kind::at_offset, *wanted_, {}};
  wish.credit_bytes = static_cast<std::uint32_t>(d.between(1, credit_bytes));
  owed_ = 0;
  subscribed_ = false;
  asked_ = link_.post(wish);
}

void reader::take(oracle& o) {
  for (const auto& frame : link_.take()) {
    if (frame.request != 0 && frame.request == asked_) {
      asked_ = 0;
      if (const auto* yes = std::get_if<frames::subscribed>(&frame.body)) {
        if (wanted_)
          expect(yes->begin == *wanted_,
                 at(queue_, *wanted_) + ": reading begins at " + std::to_string(yes->begin.value));
        expect(yes->begin >= yes->earliest && yes->begin <= yes->end,
               at(queue_, yes->begin) + ": reading begins outside the queue");
        next_ = yes->begin;
        subscribed_ = true;
        continue;
      }
      const auto* no = std::get_if<frames::error>(&frame.body);
      if (no == nullptr) continue;
      // Retention has passed where it was.
      if (no->why.code == errc::offset_out_of_range) next_ = offset{0}, wanted_.reset();
      continue;
    }
    if (const auto* d = std::get_if<frames::deliver>(&frame.body)) got(*d, o);
    if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body))
      if (end->subscription == current_) {
        const auto code = end->why.code;
        expect(code == errc::offset_out_of_range || code == errc::storage_corrupt ||
                 code == errc::storage_failed || code == errc::shard_unavailable ||
                 code == errc::shutting_down || code == errc::queue_unknown,
               "a subscription ended with " + end->why.message());
        subscribed_ = false;
      }
  }
}

void reader::got(const frames::deliver& d, oracle& o) {
  // From before it subscribed anew.
  if (!subscribed_ || d.subscription != current_) return;
  const auto name = read_batch(d);
  o.delivered(name, {d.queue, d.base, d.broker_time});
  expect(d.base <= next_ && d.base + d.count > next_,
         at(queue_, d.base) + " was delivered where offset " + std::to_string(next_.value) +
           " was its turn");
  next_ = d.base + d.count;
  owed_ += d.batch.size();
}

// -- member ---------------------------------------------------------------------------------------

void member::lost() {
  member_.reset();
  joining_ = 0;
  holds_.clear();
  commits_.clear();
}

void member::node_died() {
  link_.forget();
  lost();
}

void member::step(dice& d, oracle& o, group_oracle& g) {
  take(o, g);
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (d.percent(3)) {
    link_.cut();
    lost();
    return;
  }
  if (!member_) {
    if (joining_ != 0) return;
    frames::join wish;
    wish.group = group_;
    wish.topics = {topic_};
    wish.member = link_.name();
    wish.out_of_range = range_policy::earliest;
    wish.credit_bytes = credit_bytes;
    joining_ = link_.post(wish);
    return;
  }
  if (d.percent(2)) {
    link_.post(frames::leave{*member_});
    lost();
    return;
  }
  if (holds_.empty()) return;
  auto& h = d.pick(holds_).second;
  if (h.revoked) {
    // Late, sometimes too late.
    if (d.percent(50)) return;
    const auto queue = h.how.queue;
    link_.post(frames::release{*member_, queue, h.how.owner});
    holds_.erase(queue);
    return;
  }
  if (!h.committing && h.next > h.committed) commit(h, g);
}

void member::commit(holding& h, group_oracle& g) {
  frames::commit wish;
  wish.member = *member_;
  wish.positions = {{h.how.queue, h.how.owner, h.next}};
  g.committing(h.how.queue, h.how.owner, h.next);
  h.committing = h.next;
  commits_[link_.post(wish)] = {h.how.queue, h.how.owner, h.next};
}

void member::take(oracle& o, group_oracle& g) {
  for (const auto& frame : link_.take()) {
    if (const auto* deliver = std::get_if<frames::deliver>(&frame.body)) {
      got(*deliver, o);
    } else if (const auto* joined = std::get_if<frames::joined>(&frame.body)) {
      if (frame.request == joining_) member_ = joined->member;
    } else if (const auto* assigned = std::get_if<frames::assigned>(&frame.body)) {
      if (assigned->member != member_) continue; // It has left meanwhile.
      g.assigned(assigned->member, assigned->queue, assigned->owner, assigned->begin);
      holds_.insert_or_assign(assigned->queue,
                              holding{*assigned, assigned->begin, assigned->begin});
    } else if (const auto* revoked = std::get_if<frames::revoked>(&frame.body)) {
      const auto h = holds_.find(revoked->queue);
      if (h == holds_.end() || h->second.how.owner != revoked->owner) continue;
      if (revoked->deadline_ms == 0)
        holds_.erase(h);
      else
        h->second.revoked = true;
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      std::erase_if(
        holds_, [end](const auto& h) { return h.second.how.subscription == end->subscription; });
    } else if (frame.request != 0 && frame.request == joining_) {
      joining_ = 0; // Refused: again later.
    } else if (const auto commit = commits_.find(frame.request); commit != commits_.end()) {
      const auto what = commit->second;
      commits_.erase(commit);
      commit_answered(what, std::get_if<frames::error>(&frame.body), g);
    }
  }
}

void member::commit_answered(const commit_wish& what, const frames::error* refusal,
                             group_oracle& g) {
  const auto h = holds_.find(what.queue);
  if (h != holds_.end() && h->second.how.owner == what.owner) {
    h->second.committing.reset();
    if (refusal == nullptr) h->second.committed = what.next;
  }
  if (refusal == nullptr)
    g.committed(what.queue, what.owner, what.next);
  else if (refusal->why.code != errc::shard_unavailable &&
           refusal->why.code != errc::outcome_unknown)
    g.refused(what.queue, what.owner, what.next);
}

void member::got(const frames::deliver& d, oracle& o) {
  const auto h = holds_.find(d.queue);
  if (h == holds_.end() || h->second.how.subscription != d.subscription) return;
  const auto name = read_batch(d);
  o.delivered(name, {d.queue, d.base, d.broker_time});
  auto& next = h->second.next;
  expect(d.base <= next && d.base + d.count > next, at(d.queue, d.base) +
                                                      " was delivered to the group where offset " +
                                                      std::to_string(next.value) + " was its turn");
  next = d.base + d.count;
  link_.post(frames::credit{d.subscription, static_cast<std::uint32_t>(d.batch.size())});
}

} // namespace carafe::sim
