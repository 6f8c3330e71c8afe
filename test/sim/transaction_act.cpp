#include "test/sim/transaction_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr const char* orders_group = "order-workers";
constexpr int rounds_max = 400;

frames::tx_batch half_of(const deal_part::message& first, std::uint32_t count) {
  const auto whole =
    produce_of(batch_name{first.name.producer, first.name.number, count}, first.queue, {});
  return {first.queue, first.name.number, count, whole.compression, whole.checksum, whole.batch};
}

} // namespace

// -- orders ---------------------------------------------------------------------------------------

transaction_act::transaction_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }, stage_.earliest),
    watcher_(*stage_.node, "watcher of deals",
             [this](const watcher::message& m) { told_.seen(m); }),
    orders_(*stage_.node, "sender of orders") {
  if (d.percent(15)) stage_.node->shard_settings.transactions_max = d.between(2, 6);
}

void transaction_act::begin(dice& d) {
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  const auto mode = modes[d.percent(65) ? 0 : d.between(1, 2)];
  frames::topic_create wish;
  wish.settings.mode = mode;
  wish.name = "deals";
  wish.queues = static_cast<std::uint32_t>(d.between(1, 4));
  world_.deals = stage_.ask<frames::topic_description>(wish);
  wish.name = "orders";
  wish.queues = static_cast<std::uint32_t>(d.between(1, 2));
  world_.orders = stage_.ask<frames::topic_description>(wish);
  frames::group_put group{orders_group, "shared", {"orders"}};
  group.delivery.lease_ms = d.between(1'000, 3'000);
  group.delivery.attempts_max = 1'000;
  group.delivery.backoff_ms = {0};
  stage_.ask<frames::group_description>(group);
  // Its first member decides where it begins; what is acknowledged before that is not known to it.
  browser first{*stage_.node, "first browser", told_};
  for (int i = 0; i < 4; ++i) {
    first.hurry();
    stage_.pass(std::chrono::milliseconds{50});
  }
  first.leave();
  for (const auto& queue : world_.deals.queues) watcher_.watch(queue.queue);
  for (std::uint64_t i = 1; i <= 2; ++i) dealers_.emplace_back(*stage_.node, i, told_, world_);
  answerers_.emplace_back(*stage_.node, told_, world_);
  browser_.emplace(*stage_.node, "browser", told_);
}

void transaction_act::step(dice& d) {
  const auto roll = d.below(100);
  if (roll < 55) return d.pick(dealers_).step(d);
  if (roll < 67) return answerers_.front().step(d);
  if (roll < 85) return watcher_.step(d);
  if (roll < 92) return send_order(d);
  browser_->step(d);
}

void transaction_act::send_order(dice& d) {
  if (orders_.idle()) {
    if (!order_queue_) {
      order_queue_ = world_.orders.queues[d.below(world_.orders.queues.size())];
      order_ = {producer_id{200'000 + ++order_lives_}, sequence{1}, 0};
    }
    const auto previous = sequence{order_.first.value + order_.count - 1};
    order_.first = previous + 1;
    order_.count = static_cast<std::uint32_t>(d.between(1, 4));
    orders_.offer(produce_of(order_, order_queue_->queue, previous));
  }
  if (d.percent(2)) orders_.cut();
  if (const auto receipt = orders_.step())
    for (std::uint32_t i = 0; i < receipt->count; ++i)
      world_.consumable.push_back({{receipt->queue, receipt->first + i}, order_queue_->shard});
}

// -- the node's ends ------------------------------------------------------------------------------

void transaction_act::node_died() {
  for (auto& each : dealers_) each.node_died();
  for (auto& each : answerers_) each.node_died();
  browser_->node_died();
  watcher_.node_died();
  orders_.node_died();
}

void transaction_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  told_.lost_end(shard);
  for (const auto& queue : world_.deals.queues) {
    if (queue.shard != shard) continue;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    watcher_.ends_at(queue.queue, end);
  }
  for (auto& each : dealers_) each.lost_end();
  std::erase_if(world_.consumable, [shard](const auto& each) { return each.second == shard; });
  if (!order_queue_ || order_queue_->shard != shard) return;
  orders_.give_up();
  order_queue_.reset();
}

void transaction_act::node_started() {
  world_.deals = stage_.topic("deals");
  world_.orders = stage_.topic("orders");
}

// -- the end --------------------------------------------------------------------------------------

void transaction_act::look() {
  watcher_.hurry();
  orders_.step();
  stage_.pass(std::chrono::milliseconds{50});
  for (auto& each : dealers_) each.finish();
  for (auto& each : answerers_) each.finish();
}

/// What nobody has ended somebody ends now, with whatever outcome.
void transaction_act::end_all() {
  rig::client admin{*stage_.node, "operator"};
  bool commit = false;
  for (int round = 0; round < rounds_max; ++round) {
    auto open = told_.open();
    const auto list = admin.ask<frames::txs>(frames::tx_list{});
    expect(list.ok(), "transactions cannot be listed");
    for (const auto& each : list->transactions)
      if (each.state != frames::tx_state::committed) open.push_back(each.transaction);
    if (open.empty() && list->total == 0) break;
    for (const auto& name : open) {
      commit = !commit;
      told_.ending(name, commit);
      const auto done = admin.ask<frames::ok>(
        frames::tx_end{name, commit ? frames::tx_outcome::commit : frames::tx_outcome::rollback});
      if (done)
        told_.ended(name, commit);
      else if (done.code() == errc::tx_ended)
        told_.ended_otherwise(name, commit);
      else if (done.code() == errc::tx_unknown) {
        told_.unknown(name);
        told_.ended(name, false);
      }
    }
    look();
  }
  expect(told_.open().empty(), "a transaction cannot be ended");
  admin.post_disconnect();
}

void transaction_act::finish(dice&) {
  for (int round = 0; round < 10; ++round) look();
  end_all();
  const auto unread = [this] {
    return std::ranges::any_of(stage_.topic("deals").queues, [this](const auto& queue) {
      return watcher_.next(queue.queue) < queue.end;
    });
  };
  for (int round = 0; round < rounds_max && unread(); ++round) look();
  expect(!unread(), "the queues of transactions cannot be read to their ends");
  const auto asked = told_.listing_now();
  const auto last = stage_.ask<frames::txs>(frames::tx_list{});
  told_.listed(asked, last);
  told_.check_finished(watcher_.missed(), last);
  check_lent();
}

/// Everything that no transaction has acknowledged is lent, and nothing else.
void transaction_act::check_lent() {
  browser_->leave();
  browser last{*stage_.node, "last browser", told_};
  const auto missing = [&]() -> const message_place* {
    for (const auto& [place, shard] : world_.consumable)
      if (told_.must_be_lent(place) == true && !last.has().contains(place)) return &place;
    return nullptr;
  };
  for (int round = 0; round < rounds_max && (round < 60 || missing() != nullptr); ++round) {
    last.hurry();
    stage_.pass(std::chrono::milliseconds{50});
  }
  last.hurry();
  const auto* lost = missing();
  expect(lost == nullptr, "offset " + std::to_string(lost ? lost->at.value : 0) + " of queue " +
                            std::to_string(lost ? lost->queue.value : 0) +
                            " was acknowledged by no transaction, and is not lent");
  for (const auto& place : last.has())
    expect(told_.must_be_lent(place) != false, "offset " + std::to_string(place.at.value) +
                                                 " of queue " + std::to_string(place.queue.value) +
                                                 " was acknowledged by a transaction, and is lent");
  last.leave();
}

// -- who deals ------------------------------------------------------------------------------------

void dealer::step(dice& d) {
  take();
  if (!link_.ready()) return;
  if (d.percent(2)) return link_.cut();
  if (left_) {
    left_ = false;
    name_.reset();
    open_.reset();
    producer_ = producer_id{0};
  }
  if (d.percent(6)) {
    asking_ = asking::list;
    listed_at_ = told_->listing_now();
    return link_.ask(frames::tx_list{});
  }
  if (!name_) return begin(d);
  if (open_) {
    asking_ = asking::prepare;
    return link_.ask(*open_);
  }
  if (parts_left_ > 0) return prepare(d);
  if (!abandons_) return end();
  name_.reset();
}

void dealer::begin(dice& d) {
  if (producer_ == producer_id{0}) {
    producer_ = producer_id{300'000 + number_ * 1'000 + ++lives_};
    counter_ = sequence{0};
  }
  // A shard of what it acknowledges, if there is any; often.
  const auto& queues = d.percent(50) ? world_->orders.queues : world_->deals.queues;
  name_ = transaction_name{queues[d.below(queues.size())].shard, {producer_, ++deals_}};
  parts_left_ = d.between(1, 3);
  commits_ = d.percent(70);
  abandons_ = d.percent(25);
  world_->wanted[*name_] = commits_;
}

void dealer::prepare(dice& d) {
  --parts_left_;
  deal_part part;
  frames::tx_prepare wish;
  wish.transaction = *name_;
  wish.group = "dealers";
  wish.check_first_ms = static_cast<std::uint32_t>(d.between(100, 2'000));
  wish.check_every_ms = static_cast<std::uint32_t>(d.between(100, 1'000));
  for (auto left = d.between(1, 2); left > 0; --left) {
    const auto& queue = world_->deals.queues[d.below(world_->deals.queues.size())];
    const auto count = static_cast<std::uint32_t>(d.between(1, 3));
    const auto first = part.messages.size();
    for (std::uint32_t i = 0; i < count; ++i) {
      counter_ = counter_ + 1;
      part.messages.push_back({{producer_, counter_}, queue.queue, queue.shard});
    }
    wish.batches.push_back(half_of(part.messages[first], count));
  }
  auto& all = world_->consumable;
  if (!all.empty() && d.percent(50)) {
    const auto chosen = all[all.size() - 1 - d.below(std::min<std::size_t>(all.size(), 10))];
    if (told_->may_take(*name_, chosen.first)) {
      part.consumed.push_back(chosen);
      wish.consumed.push_back({orders_group, chosen.first.queue, {{chosen.first.at, 1}}});
    }
  }
  told_->preparing(*name_, part);
  open_ = std::move(wish);
  asking_ = asking::prepare;
  link_.ask(*open_);
}

void dealer::end() {
  told_->ending(*name_, commits_);
  asking_ = asking::end;
  link_.ask(
    frames::tx_end{*name_, commits_ ? frames::tx_outcome::commit : frames::tx_outcome::rollback});
}

void dealer::take() {
  const auto news = link_.take();
  if (news.answer) answered(*news.answer);
  if (news.answer || news.lost) asking_ = asking::none;
}

void dealer::answered(const frames::body& answer) {
  if (asking_ == asking::list) {
    if (const auto* list = std::get_if<frames::txs>(&answer)) told_->listed(listed_at_, *list);
    return;
  }
  if (!name_) return;
  if (asking_ == asking::prepare) prepared(answer);
  if (asking_ == asking::end) ended(answer);
}

void dealer::prepared(const frames::body& answer) {
  if (const auto* done = std::get_if<frames::tx_prepared>(&answer)) {
    told_->prepared(*name_, done->messages);
    open_.reset();
    return;
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, to_string(*name_) + " was answered with another frame");
  if (may_refuse(error->why.code)) return; // Again.
  expect(error->why.code == errc::tx_ended,
         to_string(*name_) + " could not be prepared: " + error->why.message());
  told_->ended_while_prepared(*name_);
  name_.reset();
  open_.reset();
}

void dealer::ended(const frames::body& answer) {
  const auto* error = std::get_if<frames::error>(&answer);
  if (error != nullptr && may_refuse(error->why.code)) return; // Again.
  if (error == nullptr)
    told_->ended(*name_, commits_);
  else if (error->why.code == errc::tx_ended)
    told_->ended_otherwise(*name_, commits_);
  else if (error->why.code == errc::tx_unknown)
    told_->unknown(*name_);
  else
    expect(false, to_string(*name_) + " could not be ended: " + error->why.message());
  name_.reset();
}

// -- who answers ----------------------------------------------------------------------------------

void answerer::node_died() {
  link_.node_died();
  joined_ = joining_ = false;
  asked_.clear();
}

void answerer::take() {
  const auto news = link_.take();
  for (const auto& other : news.others)
    if (const auto* check = std::get_if<frames::tx_check>(&other)) {
      told_->checked(check->transaction);
      asked_.push_back(check->transaction);
    }
  if (news.answer && joining_) joined_ = std::holds_alternative<frames::ok>(*news.answer);
  if (news.answer && answering_) {
    const auto& name = answering_->transaction;
    const bool commit = answering_->outcome == frames::tx_outcome::commit;
    const auto* error = std::get_if<frames::error>(&*news.answer);
    if (error == nullptr)
      told_->ended(name, commit);
    else if (error->why.code == errc::tx_ended)
      told_->ended_otherwise(name, commit);
    else
      expect(may_refuse(error->why.code),
             to_string(name) + " could not be ended: " + error->why.message());
  }
  if (news.lost) joined_ = false;
  if (!news.answer && !news.lost) return;
  joining_ = false;
  answering_.reset();
}

void answerer::step(dice& d) {
  take();
  if (!link_.up()) joined_ = false;
  if (!link_.ready()) return;
  if (d.percent(2)) {
    link_.cut();
    joined_ = false;
    return;
  }
  if (!joined_) {
    joining_ = true;
    return link_.ask(frames::tx_join{"dealers", false});
  }
  if (asked_.empty()) return;
  const auto name = asked_.front();
  asked_.pop_front();
  if (d.percent(50)) {
    link_.ask(frames::tx_end{name, frames::tx_outcome::unknown});
    return;
  }
  // Sometimes it knows less than the dealer, who ends it in another way.
  const bool commit = d.percent(85) ? world_->wanted[name] : d.percent(50);
  told_->ending(name, commit);
  answering_ = {name, commit ? frames::tx_outcome::commit : frames::tx_outcome::rollback};
  link_.ask(*answering_);
}

// -- who looks at the orders ----------------------------------------------------------------------

void browser::lost() {
  joined_.reset();
  joining_ = false;
  owed_ = 0;
  fence_ = 0;
}

void browser::node_died() {
  link_.node_died();
  lost();
}

void browser::join(std::uint32_t credit) {
  frames::join wish;
  wish.group = orders_group;
  wish.topics = {"orders"};
  wish.mode = "shared";
  wish.member = "browser";
  wish.out_of_range = range_policy::earliest;
  wish.credit_bytes = credit;
  joining_ = true;
  asked_at_ = told_->now();
  link_.ask(wish);
}

void browser::take() {
  auto news = link_.take();
  if (news.lost) lost();
  if (news.answer) {
    if (joining_)
      if (const auto* joined = std::get_if<frames::joined>(&*news.answer)) joined_ = *joined;
    joining_ = false;
    const auto* error = std::get_if<frames::error>(&*news.answer);
    if (error != nullptr && error->why.code == errc::member_unknown) lost();
  }
  for (const auto& other : news.others) {
    if (std::holds_alternative<frames::subscription_ended>(other)) lost();
    const auto* leased = std::get_if<frames::leased>(&other);
    if (leased == nullptr) continue;
    owed_ += leased->batch.size();
    for (const auto& range : leased->ranges)
      for (auto at = range.first; at < range.end(); at = at + 1) {
        told_->lent({leased->queue, at}, fence_);
        has_.insert({leased->queue, at});
      }
  }
  // What came with an answer may have been sent before it.
  if (news.answer) fence_ = asked_at_;
}

void browser::step(dice& d) {
  take();
  if (!link_.up()) lost();
  if (!link_.ready()) return;
  if (d.percent(4)) return leave();
  if (!joined_) return join(static_cast<std::uint32_t>(d.between(500, 5'000)));
  frames::settle back;
  back.member = joined_->member;
  for (const auto& place : has_) back.returned.push_back({place.queue, {{place.at, 1}}});
  has_.clear();
  asked_at_ = told_->now();
  link_.ask(std::move(back));
}

void browser::hurry() {
  take();
  if (!link_.up()) lost();
  if (!link_.ready()) return;
  if (!joined_) return join(1u << 30);
  asked_at_ = told_->now();
  link_.ask(frames::renew{joined_->member, {}});
}

} // namespace carafe::sim
