#include "test/sim/broadcast_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr int rounds_max = 600;
constexpr std::size_t queues_max = 4;

} // namespace

broadcast_act::broadcast_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }, stage_.earliest),
    editor_(*stage_.node, "editor of news"),
    sender_(*stage_.node, "sender of news") {
  std::uint64_t holder = 0;
  for (const auto* name : {"desk", "hall", "", ""})
    hearers_.emplace_back(stage_, name, ++holder, d.percent(50), told_);
}

void broadcast_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = news_topic;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 3));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(60) ? 0 : d.between(1, 2)];
  if (d.percent(20)) wish.settings.retention_ms = d.between(1'000, 8'000);
  topic_ = stage_.ask<frames::topic_description>(wish);
}

void broadcast_act::step(dice& d) {
  const auto roll = d.below(100);
  if (roll < 25) return send(d);
  if (roll < 26) return add_queue();
  if (roll < 30) return change_group();
  d.pick(hearers_).step(d, topic_);
}

// -- who sends ------------------------------------------------------------------------------------

void broadcast_act::send(dice& d) {
  if (sender_.idle()) {
    queue_ = topic_.queues[d.below(topic_.queues.size())].queue;
    least_ = told_.sending(queue_);
    const batch_name name{producer_, counter_ + 1, static_cast<std::uint32_t>(d.between(1, 4))};
    batch_.clear();
    for (std::uint32_t i = 0; i < name.count; ++i) batch_.push_back({producer_, name.first + i});
    counter_ = counter_ + name.count;
    sender_.offer(produce_of(name, queue_, std::exchange(last_[queue_], counter_)));
  }
  if (d.percent(2)) sender_.cut();
  take_receipt();
}

void broadcast_act::take_receipt() {
  const auto receipt = sender_.step();
  if (!receipt) return;
  for (std::size_t i = 0; i < batch_.size(); ++i)
    told_.stored({queue_, receipt->first + i}, batch_[i], least_);
}

/// The node may refuse it, or not answer.
void broadcast_act::add_queue() {
  if (topic_.queues.size() >= queues_max) return;
  for (auto& each : hearers_) each.queue_comes();
  frames::topic_alter wish;
  wish.name = news_topic;
  wish.queues = static_cast<std::uint32_t>(topic_.queues.size()) + 1;
  stage_.note("a queue is added to " + wish.name);
  rig::client admin{*stage_.node, "admin of news"};
  const auto done = admin.ask<frames::topic_description>(wish);
  admin.post_disconnect();
  if (done) topic_ = *done;
  if (!done)
    for (auto& each : hearers_) each.queue_may_come();
}

/// It waits for consumers to give back their queues; whether it comes to pass is not told here.
void broadcast_act::change_group() {
  take_change();
  if (!editor_.up()) {
    looking_ = changing_ = 0;
    editor_.connect();
  } else if (looking_ == 0 && changing_ == 0) {
    looking_ = editor_.post(frames::group_describe{hearer_group});
  }
}

void broadcast_act::take_change() {
  for (const auto& frame : editor_.take()) {
    if (frame.request != 0 && frame.request == changing_) changing_ = 0;
    if (frame.request == 0 || frame.request != looking_) continue;
    looking_ = 0;
    const auto* now = std::get_if<frames::group_description>(&frame.body);
    if (now == nullptr) continue; // Nobody has joined yet.
    const bool by_tags = now->filter.how == message_filter::kind::none;
    stage_.note("the group of hearers is to get another filter");
    changing_ = editor_.post(frames::group_put{hearer_group, now->mode, now->topics, now->delivery,
                                               now->version, false, all_news(by_tags)});
  }
}

// -- what breaks ----------------------------------------------------------------------------------

void broadcast_act::node_died() {
  for (auto& each : hearers_) each.node_died();
  editor_.forget();
  looking_ = changing_ = 0;
  sender_.node_died();
}

void broadcast_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  for (const auto& queue : topic_.queues) {
    if (queue.shard != shard) continue;
    told_.lost_end(queue.queue, end_in_log(*stage_.node, queue.queue));
    for (auto& each : hearers_) each.lost_end(queue.queue);
  }
  // What its producer had sent may be forgotten.
  sender_.give_up();
  producer_ = producer_id{producer_.value + 1};
  counter_ = sequence{0};
  last_.clear();
}

void broadcast_act::node_started() { topic_ = stage_.topic(news_topic); }

// -- the end --------------------------------------------------------------------------------------

/// Everybody reads, and commits, what is there.
void broadcast_act::read_all() {
  const auto missing = [this]() -> std::string {
    topic_ = stage_.topic(news_topic);
    for (const auto& each : hearers_)
      if (auto what = each.missing(topic_); !what.empty()) return what;
    return {};
  };
  std::string what = missing();
  for (int round = 1; round <= rounds_max && !what.empty(); ++round) {
    for (auto& each : hearers_) each.finish(topic_);
    stage_.pass(std::chrono::milliseconds{50});
    if (round % 4 == 0) what = missing();
  }
  expect(what.empty(), what);
}

void broadcast_act::check_described() {
  const auto told = stage_.ask<frames::group_description>(frames::group_describe{hearer_group});
  for (const auto& each : hearers_) {
    if (each.name().empty()) continue;
    const auto named =
      std::ranges::find(told.consumers, each.name(), &frames::named_consumer::name);
    expect(named != told.consumers.end(), each.name() + " is not among the group's names");
    for (const auto& queue : topic_.queues) {
      const auto place =
        std::ranges::find(named->places, queue.queue, &frames::consumer_place::queue);
      told_.check_committed(each.name(), queue.queue,
                            place == named->places.end() ? std::nullopt : place->committed);
    }
  }
}

void broadcast_act::finish(dice&) {
  for (int round = 0; round < rounds_max && !sender_.idle(); ++round) {
    take_receipt();
    stage_.pass(std::chrono::milliseconds{50});
  }
  expect(sender_.idle(), "a sender of news gets no answer");
  read_all();
  check_described();
  // Once more: nobody with a name gets anything again, everybody else as ever.
  for (auto& each : hearers_) each.cut();
  read_all();
  check_described();
}

} // namespace carafe::sim
