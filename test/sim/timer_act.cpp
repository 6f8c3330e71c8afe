#include "test/sim/timer_act.hpp"

#include "actors/core/placement.hpp"
#include "actors/core/timer_batches.hpp"
#include "test/sim/content.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::size_t clerks = 3;
constexpr const char* topic_name = "later";
/// The longest time between two looks of the node at its clock, and more.
constexpr int rounds_max = 400;

std::int64_t some_delay(dice& d) {
  const auto roll = d.below(100);
  if (roll < 10) return static_cast<std::int64_t>(d.between(1, 3));
  if (roll < 70) return static_cast<std::int64_t>(d.between(1, 1'500));
  if (roll < 97) return static_cast<std::int64_t>(d.between(500, 8'000));
  return static_cast<std::int64_t>(d.between(8'000, 90'000));
}

frames::produce produce_of(const std::vector<later_message>& messages, sequence previous) {
  batch_builder builder;
  for (const auto& each : messages) {
    const auto body = body_of(each.name), key = key_of(each.name), tag = tag_of(each.name);
    const std::array<std::pair<std::string_view, std::string_view>, 1> named{
      {{core::timer_name_property, each.timer}}};
    message_view m;
    m.body = body;
    m.key = key;
    m.tag = tag;
    m.deliver_at = each.deliver_at;
    if (!each.timer.empty()) m.properties = named;
    expect(builder.add(m).ok(), "a batch cannot be made");
  }
  const auto batch = builder.finish(codec::none);
  expect(batch.ok(), "a batch cannot be made");
  const auto& first = messages.front();
  return {first.queue,        first.name.producer, first.name.number, previous, batch->count,
          batch->compression, batch->checksum,     batch->bytes,      {}};
}

} // namespace

// -- a clerk --------------------------------------------------------------------------------------

void timer_clerk::lost_end(shard_id shard) {
  if (!queue_ || queue_->shard != shard) return;
  queue_.reset();
  open_.reset();
}

void timer_clerk::step(dice& d, const frames::topic_description& topic) {
  take();
  if (!link_.ready()) return;
  if (d.percent(2)) return link_.cut();
  if (open_ && d.percent(60)) return send();
  const auto roll = d.below(100);
  if (roll < 50) {
    if (!open_) make_batch(d, topic);
    return send();
  }
  if (roll < 90) return change(d, topic.name);
  asking_ = asking::list;
  listing_ = told_->listing_now();
  link_.ask(frames::timer_list{topic.name, unix_ms{0}, 0});
}

bool timer_clerk::finish() {
  take();
  if (link_.ready() && open_) send();
  return !open_ && !link_.busy();
}

void timer_clerk::make_batch(dice& d, const frames::topic_description& topic) {
  if (!queue_) {
    queue_ = topic.queues[d.below(topic.queues.size())];
    producer_ = producer_id{number_ * 1'000 + ++lives_};
    last_ = counter_ = sequence{0};
  }
  batch b;
  b.previous = last_;
  for (auto left = d.between(1, 3); left > 0; --left) {
    later_message m;
    counter_ = counter_ + 1;
    m.name = {producer_, counter_};
    m.queue = queue_->queue;
    m.shard = queue_->shard;
    const auto delay = some_delay(d);
    m.deliver_at = d.percent(50) ? -delay : rig_->clocks->wall().value + delay;
    if (d.percent(40)) m.timer = told_->timer_name(d.below(2));
    told_->sent(m);
    b.messages.push_back(std::move(m));
  }
  open_ = std::move(b);
}

void timer_clerk::send() {
  asking_ = asking::send;
  link_.ask(produce_of(open_->messages, open_->previous));
}

void timer_clerk::change(dice& d, const std::string& topic) {
  const auto unseen = told_->unseen();
  if (unseen.empty()) return;
  // Mostly of the newest: of the others nobody knows what became of them, or few do.
  const auto name = unseen[unseen.size() - 1 - d.below(std::min<std::size_t>(unseen.size(), 12))];
  const auto timer = told_->timer_of(name);
  frames::timer_which which{topic, frames::timer_which::message_id{name.producer, name.number}};
  std::vector<message_name> meant{name};
  std::string by_name;
  if (!timer.empty() && d.percent(40)) {
    which.by = by_name = timer;
    meant = told_->named(timer);
  }
  std::optional<std::int64_t> to;
  if (d.percent(50)) to = rig_->clocks->wall().value + some_delay(d);
  asking_ = asking::change;
  wish_ = told_->asking(std::move(meant), std::move(by_name), to);
  if (to)
    link_.ask(frames::timer_move{which, *to});
  else
    link_.ask(frames::timer_end{which});
}

void timer_clerk::take() {
  const auto news = link_.take();
  if (news.answer) {
    answered(*news.answer);
    asking_ = asking::none;
  } else if (news.lost) {
    if (asking_ == asking::change) told_->unclear(wish_);
    asking_ = asking::none;
  }
}

void timer_clerk::answered(const frames::body& answer) {
  switch (asking_) {
  case asking::send:
    return sent(answer);
  case asking::change:
    return changed(answer);
  case asking::list:
    if (const auto* list = std::get_if<frames::timers>(&answer)) told_->listed(listing_, *list);
    return;
  case asking::none:
    return;
  }
}

void timer_clerk::sent(const frames::body& answer) {
  if (!open_) return;
  const auto& messages = open_->messages;
  const auto which = to_string(messages.front().name) + " for later";
  if (const auto* receipt = std::get_if<frames::receipt>(&answer)) {
    expect(receipt->timed && receipt->count == messages.size() &&
             receipt->queue == messages.front().queue,
           which + " got another one's receipt");
    for (std::size_t i = 0; i < messages.size(); ++i)
      told_->stored(messages[i].name, receipt->broker_time.value, receipt->first.value + i);
    last_ = messages.back().name.number;
    open_.reset();
    return;
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, which + " was answered with another frame");
  switch (error->why.code) {
  case errc::too_many_timers:
    for (const auto& each : messages) told_->refused(each.name);
    open_.reset();
    return;
  case errc::too_many_requests:
  case errc::storage_full:
  case errc::shutting_down:
  case errc::shard_unavailable:
  case errc::outcome_unknown:
    return; // Again.
  default:
    expect(false, which + " was answered with " + error->why.message());
  }
}

void timer_clerk::changed(const frames::body& answer) {
  if (const auto* changed = std::get_if<frames::timers_changed>(&answer))
    return told_->answered(wish_, changed->count);
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, "a change of messages for later was answered with another frame");
  if (error->why.code == errc::timer_unknown) return told_->too_late(wish_);
  const auto code = error->why.code;
  expect(code == errc::too_many_requests || code == errc::storage_full ||
           code == errc::shutting_down || code == errc::shard_unavailable ||
           code == errc::outcome_unknown || code == errc::storage_failed,
         "a change of messages for later was answered with " + error->why.message());
  told_->unclear(wish_);
}

// -- the act --------------------------------------------------------------------------------------

timer_act::timer_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }),
    watcher_(*stage_.node, "watcher of " + std::string{topic_name},
             [this](const watcher::message& m) {
               told_.wall_is(stage_.wall_ms());
               told_.delivered(m);
             }) {
  stage_.node->timers_folder = folder_.path();
  auto& runs = stage_.node->shard_settings.timers.runs;
  runs.rows_max = d.between(1, 20);
  runs.runs_max = d.between(1, 20);
  if (d.percent(20)) stage_.node->replica_settings.timers_max = d.between(4, 20);
}

void timer_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 3));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(60) ? 0 : d.between(1, 2)];
  if (d.percent(20)) wish.settings.retention_ms = d.between(1'000, 8'000);
  topic_ = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : topic_.queues) watcher_.watch(queue.queue);
  for (std::uint64_t i = 1; i <= clerks; ++i) clerks_.emplace_back(*stage_.node, 100 + i, told_);
}

void timer_act::step(dice& d) {
  told_.wall_is(stage_.wall_ms());
  if (d.percent(35)) return watcher_.step(d);
  d.pick(clerks_).step(d, topic_);
}

void timer_act::node_died() {
  told_.wall_is(stage_.wall_ms());
  for (auto& c : clerks_) c.node_died();
  watcher_.node_died();
}

void timer_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  told_.lost_end(shard);
  for (const auto& queue : topic_.queues) {
    if (queue.shard != shard) continue;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    watcher_.ends_at(queue.queue, end);
  }
  for (auto& c : clerks_) c.lost_end(shard);
}

void timer_act::node_started() { topic_ = stage_.topic(topic_name); }

void timer_act::finish(dice&) {
  const auto open = [this] {
    bool any = false;
    for (auto& c : clerks_) any = !c.finish() || any;
    return any;
  };
  const auto look = [this] {
    told_.wall_is(stage_.wall_ms());
    watcher_.hurry();
    stage_.pass(std::chrono::milliseconds{50});
  };
  for (int round = 0; round < rounds_max && open(); ++round) look();
  expect(!open(), "a sender of messages for later gets no answer");
  const auto left = [this] {
    return stage_.ask<frames::timers>(frames::timer_list{topic_name, unix_ms{0}, 1}).total;
  };
  auto waiting = left();
  for (int round = 0; round < rounds_max && waiting > 0; ++round) {
    stage_.skip(std::chrono::milliseconds{500});
    look();
    waiting = left();
  }
  expect(waiting == 0, std::to_string(waiting) + " messages for later still wait for their time");
  const auto unread = [this] {
    return std::ranges::any_of(stage_.topic(topic_name).queues, [this](const auto& queue) {
      return watcher_.next(queue.queue) < queue.end;
    });
  };
  for (int round = 0; round < rounds_max && unread(); ++round) look();
  expect(!unread(), "the queues of messages for later cannot be read to their ends");
  told_.check_finished(watcher_.missed());
}

} // namespace carafe::sim
