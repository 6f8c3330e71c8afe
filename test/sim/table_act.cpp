#include "test/sim/table_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr const char* topic_name = "table";
constexpr std::size_t clerks = 2;
constexpr int rounds_max = 400;

std::string some_key(dice& d, std::uint64_t keys) { return "row " + std::to_string(d.below(keys)); }

frames::produce produce_of(const std::vector<table_message>& messages, sequence previous,
                           codec how) {
  batch_builder builder;
  for (const auto& each : messages) {
    const auto body = each.ends ? std::string{} : body_of(each.name);
    const auto tag = tag_of(each.name);
    message_view m;
    m.body = body;
    m.key = each.key;
    m.tag = tag;
    expect(builder.add(m).ok(), "a batch cannot be made");
  }
  const auto batch = builder.finish(how);
  expect(batch.ok(), "a batch cannot be made");
  const auto& first = messages.front();
  return {first.queue,        first.name.producer, first.name.number, previous, batch->count,
          batch->compression, batch->checksum,     batch->bytes,      {}};
}

} // namespace

// -- a clerk --------------------------------------------------------------------------------------

void table_clerk::lost_end(shard_id shard) {
  if (!queue_ || queue_->shard != shard) return;
  sender_.give_up();
  queue_.reset();
}

void table_clerk::make_batch(dice& d, const frames::topic_description& topic) {
  if (!queue_) {
    queue_ = topic.queues[d.below(topic.queues.size())];
    producer_ = producer_id{400'000 + number_ * 1'000 + ++lives_};
    last_ = sequence{0};
  }
  std::vector<table_message> messages;
  const auto previous = last_;
  for (auto left = d.between(1, 3); left > 0; --left) {
    last_ = last_ + 1;
    messages.push_back(
      {{producer_, last_}, queue_->queue, queue_->shard, some_key(d, keys_), d.percent(20)});
    told_->sent(messages.back());
  }
  sender_.offer(produce_of(messages, previous, d.percent(30) ? codec::lz4 : codec::none));
}

void table_clerk::take() {
  const auto receipt = sender_.step();
  if (!receipt) return;
  const auto first = last_.value + 1 - receipt->count;
  for (std::uint32_t i = 0; i < receipt->count; ++i)
    told_->stored({producer_, sequence{first + i}}, {receipt->queue, receipt->first + i},
                  receipt->broker_time);
}

void table_clerk::step(dice& d, const frames::topic_description& topic) {
  if (sender_.idle()) make_batch(d, topic);
  if (d.percent(2)) sender_.cut();
  take();
}

bool table_clerk::finish() {
  take();
  return sender_.idle();
}

// -- the act --------------------------------------------------------------------------------------

table_act::table_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }),
    keys_(d.between(1, 6)),
    searcher_(*stage_.node, "searcher") {
  stage_.node->timers_folder = folder_.path();
  if (d.percent(70)) stage_.node->shard_settings.retention_bytes = d.between(1'000, 6'000);
}

void table_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 3));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.percent(60) ? 0 : d.between(1, 2)];
  wish.settings.compacted = true;
  if (d.percent(60)) wish.settings.retention_ms = d.between(200, 3'000);
  topic_ = stage_.ask<frames::topic_description>(wish);
  for (std::uint64_t i = 1; i <= clerks; ++i) clerks_.emplace_back(*stage_.node, i, keys_, told_);
  for (std::size_t i = 0; i < topic_.queues.size() + 1; ++i)
    readers_.emplace_back(*stage_.node, "reader of tables " + std::to_string(i),
                          topic_.queues[i % topic_.queues.size()].queue, told_);
}

void table_act::step(dice& d) {
  const auto roll = d.below(100);
  if (roll < 50) return d.pick(clerks_).step(d, topic_);
  if (roll < 92) return d.pick(readers_).step(d);
  search(d);
}

void table_act::take_search() {
  const auto news = searcher_.take();
  if (news.answer && searching_)
    if (const auto* found = std::get_if<frames::key_found>(&*news.answer))
      told_.found(*searching_, found->offsets, found->next);
  if (news.answer || news.lost) searching_.reset();
}

void table_act::search(dice& d) {
  take_search();
  if (!searcher_.ready()) return;
  const auto& queue = d.pick(topic_.queues);
  frames::key_find wish;
  wish.topic = topic_name;
  wish.number = queue.number;
  wish.key = some_key(d, keys_);
  wish.from = offset{d.percent(60) ? 0 : d.below(40)};
  if (d.percent(20)) wish.limit = static_cast<std::uint32_t>(d.between(1, 3));
  searching_ = told_.searching(queue.queue, wish.key, wish.from);
  searcher_.ask(std::move(wish));
}

// -- the node's ends ------------------------------------------------------------------------------

void table_act::node_died() {
  for (auto& each : clerks_) each.node_died();
  for (auto& each : readers_) each.node_died();
  searcher_.node_died();
  searching_.reset();
}

void table_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  for (const auto& queue : topic_.queues) {
    if (queue.shard != shard) continue;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    for (auto& each : readers_)
      if (each.queue() == queue.queue) each.ends_at(end);
  }
  for (auto& each : clerks_) each.lost_end(shard);
}

void table_act::node_started() {
  topic_ = stage_.topic(topic_name);
  for (const auto& queue : topic_.queues)
    expect(queue.earliest == offset{0}, "queue " + std::to_string(queue.queue.value) +
                                          " of a table begins at offset " +
                                          std::to_string(queue.earliest.value));
}

// -- the end --------------------------------------------------------------------------------------

/// At one time: while somebody reads, retention may take the end of a key that he has read of.
void table_act::check_whole(const frames::topic_queue& queue) {
  table_reader last{*stage_.node, "last reader of tables", queue.queue, told_};
  stage_.node->settle();
  for (int i = 0; i < 3; ++i) {
    last.hurry();
    stage_.node->settle();
  }
  last.hurry();
  // What it was not sent it is told a little later.
  for (int round = 0; round < rounds_max && last.next() < queue.end; ++round) {
    stage_.pass(std::chrono::milliseconds{50});
    last.hurry();
  }
  expect(last.next() == queue.end,
         "queue " + std::to_string(queue.queue.value) + " of a table is read up to offset " +
           std::to_string(last.next().value) + ", and ends at " + std::to_string(queue.end.value));
  told_.check_whole(queue.queue, last.has());
  last.leave();
}

void table_act::finish(dice&) {
  const auto open = [this] {
    bool any = false;
    for (auto& each : clerks_) any = !each.finish() || any;
    return any;
  };
  for (int round = 0; round < rounds_max && open(); ++round)
    stage_.pass(std::chrono::milliseconds{50});
  expect(!open(), "a clerk of tables gets no answer");
  take_search();
  for (int round = 0; round < 2; ++round) {
    for (const auto& queue : stage_.topic(topic_name).queues) check_whole(queue);
    for (int i = 0; i < 40; ++i) stage_.pass(std::chrono::milliseconds{50});
  }
  told_.check_finished();
}

} // namespace carafe::sim
