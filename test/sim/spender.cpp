#include "test/sim/spender.hpp"

#include "test/sim/content.hpp"

#include <utility>

namespace carafe::sim {

namespace {

bool is_of_a_quota(const failure& why) {
  return why.code == errc::too_many_requests && why.detail.find("quota") != std::string::npos;
}

} // namespace

void spender::node_died() {
  link_.node_died();
  lose();
  // Buckets begin full.
  wait_until_ms_ = 0;
}

/// There is no answer to what was sent.
void spender::lose() {
  if (!copy_) return;
  told_->lost(open_->name, *copy_);
  open_->only_refused = false;
  if (!open_->unanswered) open_->unanswered = copy_;
  copy_.reset();
}

void spender::begin_producer() {
  lose();
  open_.reset();
  producer_ = producer_id{0};
}

void spender::step(dice& d) {
  take();
  if (!link_.ready()) {
    if (d.percent(2)) link_.cut();
    return;
  }
  if (d.percent(1)) return link_.cut();
  if (obeys_ && now_ms() < wait_until_ms_) return;
  if (open_ && open_->only_refused && refused_ms_ && d.percent(10)) open_.reset();
  if (!open_) make(d);
  send();
}

std::optional<std::uint64_t> spender::send_now(dice& d) {
  for (int tries = 0; tries < 2 && !link_.ready(); ++tries) {
    rig_->settle();
    take();
  }
  if (!link_.ready()) return std::nullopt;
  if (!open_) make(d);
  send();
  rig_->settle();
  take();
  return refused_ms_;
}

bool spender::finish() {
  take();
  if (link_.ready() && open_ && now_ms() >= wait_until_ms_) send();
  return !open_ && !link_.busy();
}

void spender::make(dice& d) {
  if (producer_.value == 0) {
    producer_ = producer_id{600'000 + ++world_->producers};
    counter_ = sequence{0};
    linked_.clear();
  }
  const auto queue = d.pick(world_->topic.queues).queue;
  batch b;
  b.name = {producer_, counter_ + 1, static_cast<std::uint32_t>(d.between(1, 4))};
  b.frame = produce_of(b.name, queue, linked_[queue]);
  counter_ = counter_ + b.name.count;
  told_->made(b.name, queue);
  open_ = std::move(b);
}

void spender::send() {
  refused_ms_.reset();
  copy_ = told_->sending(open_->name, open_->frame.batch.size(), now_ms());
  link_.ask(open_->frame);
}

void spender::take() {
  const auto news = link_.take();
  if (news.lost) lose();
  // Whose producer was given up meanwhile, nobody waits for.
  if (news.answer && copy_) answered(*news.answer);
}

void spender::answered(const frames::body& answer) {
  const auto copy = *std::exchange(copy_, std::nullopt);
  const auto which = to_string(open_->name);
  if (const auto* receipt = std::get_if<frames::receipt>(&answer)) {
    expect(receipt->queue == open_->frame.queue && receipt->count == open_->name.count,
           which + " got another one's receipt");
    told_->accepted(open_->name, copy, *receipt, open_->unanswered, now_ms());
    linked_[receipt->queue] = open_->name.first + (open_->name.count - 1);
    open_.reset();
    return;
  }
  const auto* error = std::get_if<frames::error>(&answer);
  expect(error != nullptr, which + " was answered with another frame");
  if (is_of_a_quota(error->why)) {
    refused_ms_ = error->retry_after_ms;
    wait_until_ms_ = now_ms() + error->retry_after_ms;
    return told_->refused(open_->name, copy, error->retry_after_ms);
  }
  const auto code = error->why.code;
  expect(code == errc::too_many_requests || code == errc::storage_full ||
           code == errc::shutting_down || code == errc::shard_unavailable ||
           code == errc::outcome_unknown,
         which + " was answered with " + error->why.message());
  open_->only_refused = false;
  if (!open_->unanswered) open_->unanswered = copy;
  told_->failed(open_->name, copy, now_ms());
}

} // namespace carafe::sim
