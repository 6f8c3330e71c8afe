#include "test/sim/copy_act.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carafe::sim {

namespace {

constexpr const char* group_name = "copiers";
constexpr int rounds_max = 600;

} // namespace

// -- the act --------------------------------------------------------------------------------------

copy_act::copy_act(stage s, dice&)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }),
    watcher_(*stage_.node, "watcher of copies",
             [this](const watcher::message& m) {
               told_.seen({m.producer, m.number}, m.place);
             }),
    sender_(*stage_.node, "sender of sources") {}

void copy_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = "sources";
  wish.queues = static_cast<std::uint32_t>(d.between(1, 3));
  world_.sources = stage_.ask<frames::topic_description>(wish);
  wish.name = "copies";
  wish.queues = static_cast<std::uint32_t>(d.between(1, 3));
  world_.copies = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : world_.copies.queues) watcher_.watch(queue.queue);
  for (std::uint64_t i = 1; i <= 2; ++i) copiers_.emplace_back(*stage_.node, i, told_, world_);
}

void copy_act::step(dice& d) {
  const auto roll = d.below(100);
  if (roll < 25) return send(d);
  if (roll < 85) return d.pick(copiers_).step(d);
  watcher_.step(d);
}

void copy_act::send(dice& d) {
  if (sender_.idle()) {
    if (!queue_ || d.percent(30)) {
      queue_ = world_.sources.queues[d.below(world_.sources.queues.size())].queue;
      last_ = {producer_id{700'000 + ++senders_}, sequence{1}, 0};
    }
    const auto previous = sequence{last_.first.value + last_.count - 1};
    last_.first = previous + 1;
    last_.count = static_cast<std::uint32_t>(d.between(1, 4));
    sender_.offer(produce_of(last_, *queue_, previous));
  }
  if (d.percent(2)) sender_.cut();
  look();
}

void copy_act::look() {
  if (const auto receipt = sender_.step())
    for (std::uint32_t i = 0; i < receipt->count; ++i)
      told_.stored({receipt->queue, receipt->first + i});
}

void copy_act::node_died() {
  for (auto& each : copiers_) each.node_died();
  watcher_.node_died();
  sender_.node_died();
}

void copy_act::node_started() {
  world_.sources = stage_.topic("sources");
  world_.copies = stage_.topic("copies");
}

/// What copiers have left open somebody ends, in one way or the other.
void copy_act::end_all() {
  rig::client admin{*stage_.node, "operator of copies"};
  const auto list = admin.ask<frames::txs>(frames::tx_list{});
  expect(list.ok(), "transactions cannot be listed");
  for (const auto& each : list->transactions) {
    const auto& name = each.transaction;
    if (each.group != group_name || each.state == frames::tx_state::committed) continue;
    const bool commit = name.id.number % 2 == 0;
    if (commit) told_.committing(name);
    const auto done = admin.ask<frames::ok>(
      frames::tx_end{name, commit ? frames::tx_outcome::commit : frames::tx_outcome::rollback});
    if (done && commit)
      told_.committed(name);
    else if (done || done.code() == errc::tx_ended)
      (done || commit) ? told_.rolled_back(name) : told_.committed(name);
  }
  admin.post_disconnect();
}

void copy_act::finish(dice&) {
  const auto left = [this] {
    const bool unread = std::ranges::any_of(stage_.topic("copies").queues, [this](const auto& q) {
      return watcher_.next(q.queue) < q.end;
    });
    return unread || !sender_.idle() || told_.missing(stage_.earliest) > 0;
  };
  for (int round = 0; round < rounds_max && (round < 10 || left()); ++round) {
    look();
    for (auto& each : copiers_) each.hurry();
    watcher_.hurry();
    stage_.pass(std::chrono::milliseconds{50});
    if (round % 20 == 19) end_all();
  }
  end_all();
  for (int round = 0; round < 10; ++round) {
    watcher_.hurry();
    stage_.pass(std::chrono::milliseconds{50});
  }
  told_.check_finished(stage_.earliest, watcher_.missed() > 0);
}

// -- who copies -----------------------------------------------------------------------------------

void copier::lost() {
  member_.reset();
  holds_.clear();
}

void copier::node_died() {
  link_.node_died();
  lost();
}

void copier::step(dice& d) {
  take();
  if (!link_.up()) lost();
  if (!link_.ready()) return;
  if (d.percent(2)) {
    link_.cut();
    return lost();
  }
  if (open_ && d.percent(3)) { // It is forgotten: somebody else copies these, or ends it.
    open_.reset();
    producer_ = producer_id{0};
    link_.cut();
    return lost();
  }
  if (member_ && d.percent(1)) {
    link_.tell(frames::leave{*member_});
    return lost();
  }
  if (d.percent(50)) release();
  if (open_ || !member_) return go_on();
  begin(d.between(1, 4));
}

void copier::hurry() {
  take();
  if (!link_.up()) lost();
  if (!link_.ready()) return;
  release();
  if (open_ || !member_) return go_on();
  begin(4);
}

/// The request that is its turn.
void copier::go_on() {
  if (open_) {
    asking_ = open_->prepared ? asking::end : asking::prepare;
    const auto& name = open_->what.transaction;
    if (!open_->prepared) return link_.ask(open_->what);
    told_->committing(name);
    return link_.ask(frames::tx_end{name, frames::tx_outcome::commit});
  }
  frames::join wish;
  wish.group = group_name;
  wish.topics = {"sources"};
  wish.member = "copier " + std::to_string(number_);
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = 1u << 20;
  asking_ = asking::join;
  link_.ask(wish);
}

void copier::release() {
  for (auto at = holds_.begin(); at != holds_.end();)
    if (at->second.revoked) {
      link_.tell(frames::release{*member_, at->first, at->second.how.owner});
      at = holds_.erase(at);
    } else {
      ++at;
    }
}

/// Copies the first messages that wait in one of its queues, in turn.
void copier::begin(std::uint64_t most) {
  if (holds_.empty()) return;
  const auto chosen =
    std::next(holds_.begin(), static_cast<std::ptrdiff_t>(++turn_ % holds_.size()));
  auto& [queue, h] = *chosen;
  if (h.waiting.empty() || h.revoked) return;
  if (producer_ == producer_id{0}) {
    producer_ = producer_id{800'000 + number_ * 1'000 + ++lives_};
    counter_ = sequence{0};
  }
  const auto where = std::ranges::find(world_->sources.queues, queue, &frames::topic_queue::queue);
  if (where == world_->sources.queues.end()) return;
  const auto& to = world_->copies.queues[queue.value % world_->copies.queues.size()];
  frames::tx_prepare wish;
  wish.transaction = {where->shard, {producer_, ++deals_}};
  wish.group = group_name;
  const auto first = counter_ + 1;
  const auto count = std::min<std::uint64_t>(most, h.waiting.size());
  std::vector<copied_message> copies;
  frames::tx_consumed sources{group_name, queue, {}};
  for (std::uint64_t i = 0; i < count; ++i) {
    counter_ = counter_ + 1;
    copies.push_back({{producer_, counter_}, {queue, h.waiting.front()}});
    sources.ranges.push_back({h.waiting.front(), 1});
    h.waiting.pop_front();
  }
  wish.consumed.push_back(std::move(sources));
  const auto whole =
    produce_of(batch_name{producer_, first, static_cast<std::uint32_t>(count)}, to.queue, {});
  wish.batches.push_back({to.queue, first, static_cast<std::uint32_t>(count), whole.compression,
                          whole.checksum, whole.batch});
  told_->preparing(wish.transaction, copies);
  open_ = deal{std::move(wish)};
  go_on();
}

// -- what it hears --------------------------------------------------------------------------------

void copier::take() {
  auto news = link_.take();
  const auto what = std::exchange(asking_, news.answer || news.lost ? asking::none : asking_);
  // The answer to `join` comes before what the member is assigned.
  if (news.answer && what == asking::join)
    if (const auto* joined = std::get_if<frames::joined>(&*news.answer)) member_ = joined->member;
  for (const auto& other : news.others) heard(other);
  if (news.answer && open_ && what == asking::prepare) prepared(*news.answer);
  if (news.answer && open_ && what == asking::end) ended(*news.answer);
  if (news.lost) lost();
}

void copier::heard(const frames::body& news) {
  if (const auto* deliver = std::get_if<frames::deliver>(&news)) {
    got(*deliver);
  } else if (const auto* assigned = std::get_if<frames::assigned>(&news)) {
    if (assigned->member != member_) return; // It has left meanwhile.
    holds_.insert_or_assign(assigned->queue, holding{*assigned, assigned->begin});
  } else if (const auto* revoked = std::get_if<frames::revoked>(&news)) {
    const auto h = holds_.find(revoked->queue);
    if (h == holds_.end() || h->second.how.owner != revoked->owner) return;
    if (revoked->deadline_ms == 0)
      holds_.erase(h);
    else
      h->second.revoked = true;
  } else if (const auto* end = std::get_if<frames::subscription_ended>(&news)) {
    const auto same = [end](const auto& h) {
      return h.second.how.subscription == end->subscription;
    };
    if (const auto h = std::ranges::find_if(holds_, same); h != holds_.end())
      h->second.revoked = true; // Given back, it is assigned anew.
  }
}

void copier::got(const frames::deliver& d) {
  const auto found = holds_.find(d.queue);
  if (found == holds_.end() || found->second.how.subscription != d.subscription) return;
  auto& h = found->second;
  for (auto at = std::max(d.base, h.next); at < d.base + d.count; at = at + 1)
    h.waiting.push_back(at);
  h.next = std::max(h.next, d.base + d.count);
  link_.tell(frames::credit{d.subscription, static_cast<std::uint32_t>(d.batch.size())});
}

void copier::prepared(const frames::body& answer) {
  if (std::holds_alternative<frames::tx_prepared>(answer)) {
    open_->prepared = true;
    return;
  }
  const auto* error = std::get_if<frames::error>(&answer);
  const auto& name = open_->what.transaction;
  expect(error != nullptr, to_string(name) + " was answered with another frame");
  if (may_refuse(error->why.code)) return; // Again.
  expect(error->why.code == errc::tx_ended,
         to_string(name) + " could not be prepared: " + error->why.message());
  open_.reset(); // Somebody else has ended it.
}

void copier::ended(const frames::body& answer) {
  const auto name = open_->what.transaction;
  const auto* error = std::get_if<frames::error>(&answer);
  if (error == nullptr) {
    told_->committed(name);
    open_.reset();
    return;
  }
  if (may_refuse(error->why.code)) return; // Again.
  expect(error->why.code == errc::tx_ended || error->why.code == errc::tx_unknown,
         to_string(name) + " could not be ended: " + error->why.message());
  told_->rolled_back(name);
  open_.reset();
  // Another owner was there before: where the group is now it learns by joining anew.
  link_.cut();
  lost();
}

} // namespace carafe::sim
