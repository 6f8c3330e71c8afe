#include "test/sim/id_act.hpp"

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/log_ends.hpp"

#include <algorithm>
#include <chrono>

namespace carafe::sim {

namespace {

constexpr const char* topic_name = "calls";
constexpr std::size_t callers = 4;
constexpr int rounds_max = 400;

std::uint64_t some_window(dice& d) {
  return d.percent(60) ? d.between(50, 1'500) : d.between(1'500, 20'000);
}

} // namespace

// -- a caller -------------------------------------------------------------------------------------

void caller::node_died() {
  link_.node_died();
  lose();
}

/// There is no answer to what was sent.
void caller::lose() {
  if (!open_) return;
  open_->unanswered = true;
  for (const auto& each : open_->calls) told_->unanswered(each.name);
}

void caller::begin_producer() {
  open_.reset();
  producer_ = producer_id{0};
}

void caller::lost_end() { begin_producer(); }

void caller::step(dice& d) {
  take();
  if (!link_.ready()) {
    if (d.percent(3)) link_.cut();
    return;
  }
  if (d.percent(2)) return link_.cut();
  // Whoever called it calls somebody else then.
  if (open_ && d.percent(4)) begin_producer();
  if (!open_) make(d);
  if (open_) send();
}

bool caller::finish() {
  take();
  if (link_.ready() && open_) send();
  return !open_ && !link_.busy();
}

void caller::make(dice& d) {
  if (producer_.value == 0) {
    producer_ = producer_id{400'000 + ++world_->producers};
    counter_ = sequence{0};
    linked_.clear();
  }
  const auto& queues = world_->topic.queues;
  batch b;
  const auto at = d.below(queues.size());
  b.queue = queues[at];
  b.first = counter_ + 1;
  b.previous = linked_[b.queue.queue];
  for (auto left = d.between(1, 4); left > 0; --left) {
    call c;
    // An id has one queue.
    const auto id = d.below(world_->ids) * queues.size() + at;
    if (d.percent(85)) c.id = "id " + std::to_string(id);
    const auto same = [&c](const call& other) { return other.id == c.id; };
    if (!c.id.empty() && std::ranges::any_of(b.calls, same)) continue;
    c.name = {producer_, sequence{++world_->calls}};
    c.queue = b.queue.queue;
    told_->sent(c);
    b.calls.push_back(std::move(c));
  }
  counter_ = counter_ + b.calls.size();
  open_ = std::move(b);
}

void caller::send() {
  batch_builder builder;
  for (const auto& each : open_->calls) {
    const auto body = body_of(each.name), key = key_of(each.name), tag = tag_of(each.name);
    message_view m;
    m.body = body;
    m.key = key;
    m.tag = tag;
    m.dedup_id = each.id;
    expect(builder.add(m).ok(), "a batch cannot be made");
  }
  const auto made = builder.finish(codec::none);
  expect(made.ok(), "a batch cannot be made");
  sent_ms_ = rig_->clocks->wall().value;
  sent_moves_ = world_->clock_moves;
  when_sent_ = told_->known_now();
  link_.ask(frames::produce{open_->queue.queue,
                            producer_,
                            open_->first,
                            open_->previous,
                            made->count,
                            made->compression,
                            made->checksum,
                            made->bytes,
                            {}});
}

void caller::take() {
  const auto news = link_.take();
  if (news.lost) lose();
  if (news.answer && open_) answered(*news.answer);
}

void caller::stored(const frames::receipt& receipt) {
  const auto& calls = open_->calls;
  expect(receipt.count == calls.size() && receipt.queue == open_->queue.queue,
         to_string(calls.front().name) + " got another one's receipt");
  for (std::size_t i = 0; i < calls.size(); ++i)
    told_->stored(calls[i].name, receipt.first + i, receipt.broker_time);
  linked_[open_->queue.queue] = open_->first + (calls.size() - 1);
  open_.reset();
}

void caller::repeated(const frames::duplicates& what) {
  auto& calls = open_->calls;
  std::set<std::uint32_t> out;
  const auto least = sent_moves_ == world_->clock_moves ? std::optional{sent_ms_} : std::nullopt;
  for (const auto& each : what.messages) {
    expect(each.index < calls.size() && out.insert(each.index).second && !each.timed,
           "a duplicate is told of a message that is not in the batch, or twice, or for later");
    told_->repeated(calls[each.index].name, each.at, when_sent_, least);
  }
  expect(!out.empty(), "a batch is told to have duplicates, and none is named");
  for (auto at = out.rbegin(); at != out.rend(); ++at)
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(*at));
  open_->smaller = true;
  if (!calls.empty()) return;
  // A copy that nobody answered may still be stored: what is linked to is not known.
  if (open_->unanswered) return begin_producer();
  open_.reset();
}

void caller::answered(const frames::body& answer) {
  const auto which = to_string(open_->calls.front().name) + " with an id";
  if (const auto* receipt = std::get_if<frames::receipt>(&answer)) return stored(*receipt);
  if (const auto* said = std::get_if<frames::producer_answer>(&answer)) {
    const auto* what = std::get_if<frames::duplicates>(&said->what);
    expect(what != nullptr, which + " was answered with another frame");
    return repeated(*what);
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, which + " was answered with another frame");
  switch (error->why.code) {
  case errc::duplicate_too_old:
    // A copy from before the duplicates were taken out.
    expect(open_->smaller && open_->unanswered,
           which + " was answered with " + error->why.message());
    for (const auto& each : open_->calls) told_->stored_somewhere(each.name);
    return begin_producer();
  case errc::too_many_requests:
  case errc::storage_full:
  case errc::shutting_down:
  case errc::shard_unavailable:
    return; // Again.
  case errc::outcome_unknown:
    return lose();
  default:
    expect(false, which + " was answered with " + error->why.message());
  }
}

// -- the act --------------------------------------------------------------------------------------

id_act::id_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }),
    watcher_(*stage_.node, "watcher of calls",
             [this](const watcher::message& m) { told_.delivered(m); }),
    alters_(d.percent(25)) {
  world_.ids = d.between(1, 8);
}

void id_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = topic_name;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 3));
  const durability modes[] = {durability::fsync, durability::interval, durability::memory};
  wish.settings.mode = modes[d.below(3)];
  wish.settings.dedup_window_ms = some_window(d);
  if (d.percent(15)) wish.settings.retention_ms = d.between(500, 8'000);
  told_.window(wish.settings.dedup_window_ms);
  world_.topic = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : world_.topic.queues) watcher_.watch(queue.queue);
  for (std::uint64_t i = 1; i <= callers; ++i)
    callers_.emplace_back(*stage_.node, i, world_, told_);
}

void id_act::step(dice& d) {
  if (d.percent(20)) return watcher_.step(d);
  if (alters_ && d.percent(2)) return alter(d);
  d.pick(callers_).step(d);
}

void id_act::alter(dice& d) {
  rig::client admin{*stage_.node, "admin"};
  frames::topic_alter wish;
  wish.name = topic_name;
  wish.dedup_window_ms = some_window(d);
  told_.window(*wish.dedup_window_ms);
  stage_.note("the window is to be " + std::to_string(*wish.dedup_window_ms) + " ms");
  (void)admin.ask<frames::topic_description>(wish);
  admin.post_disconnect();
}

void id_act::node_died() {
  for (auto& each : callers_) each.node_died();
  watcher_.node_died();
}

void id_act::lost_end(shard_id shard) {
  if (core::durability_of(shard) == durability::fsync) return; // Nobody was told of it.
  bool any = false;
  for (const auto& queue : world_.topic.queues) {
    if (queue.shard != shard) continue;
    any = true;
    const auto end = end_in_log(*stage_.node, queue.queue);
    told_.ends_at(queue.queue, end);
    watcher_.ends_at(queue.queue, end);
  }
  if (any)
    for (auto& each : callers_) each.lost_end();
}

void id_act::finish(dice&) {
  const auto open = [this] {
    bool any = false;
    for (auto& each : callers_) any = !each.finish() || any;
    return any;
  };
  for (int round = 0; round < rounds_max && open(); ++round)
    stage_.pass(std::chrono::milliseconds{50});
  expect(!open(), "a caller gets no answer");
  const auto unread = [this] {
    return std::ranges::any_of(stage_.topic(topic_name).queues, [this](const auto& queue) {
      return watcher_.next(queue.queue) < queue.end;
    });
  };
  for (int round = 0; round < rounds_max && unread(); ++round) {
    watcher_.hurry();
    stage_.pass(std::chrono::milliseconds{50});
  }
  expect(!unread(), "the queues of calls cannot be read to their ends");
  told_.check_finished([this](queue_id queue) { return watcher_.missed_below(queue); });
}

} // namespace carafe::sim
