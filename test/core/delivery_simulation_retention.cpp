#include "test/core/delivery_simulation.hpp"

#include <algorithm>

namespace carafe::test {

namespace {

/// What is read of letters and copies.
constexpr producer_id of_copies{77};
const std::vector<std::byte> nothing(10);

} // namespace

core::delivery_batch_ptr delivery_simulation::copy_of(queue_id id, offset at) const {
  auto batch = std::make_shared<core::delivery_batch>();
  batch->what.queue = id;
  batch->what.producer = of_copies;
  batch->what.base = at;
  batch->what.count = 1;
  batch->what.bytes = shared_bytes{nullptr, std::span{nothing}};
  const auto& m = queues_.at(id).messages[at.value];
  if (m.expires != core::delivery_batch::never) {
    batch->expires = {m.expires};
    batch->expires_first = m.expires;
  }
  return batch;
}

/// A message that was brought back is delivered as its letter says, and a copy of what nobody had
/// read is looked at first.
void delivery_simulation::check_source(const core::delivery_core::lend& e, offset at) const {
  const auto* const row = core_->queues().at(e.queue).progress.row(at);
  if (row == nullptr || row->letter_queue.value == 0) return;
  if (row->stored.value == 0 || row->attempts == 0) REQUIRE(e.batch->what.producer == of_copies);
}

/// What the group waits for is copied, some of it at least; then the start rises as far as it may,
/// and now and then the disk forgets what is below.
void delivery_simulation::retain() {
  auto& [id, queue] = dice_->pick(queues_);
  auto& progress = folded_.at(id);
  const auto size = queue.messages.size();
  if (size <= queue.start.value) return;
  auto start = offset{dice_->between(queue.start.value + 1, size)};
  // In their order, as far as there is time.
  auto copying = dice_->percent(80) ? size : dice_->below(10);
  for (const auto& range : progress.held(start))
    for (auto at = range.first; at < range.end(); at = at + 1) {
      if (copying == 0) break;
      --copying;
      waiting_record row;
      row.at = at;
      row.key = options_.keyed ? queue.messages[at.value].key : 0;
      row.letter_queue = kept_messages;
      row.letter = offset{++copies_};
      row.stored = unix_ms{1};
      REQUIRE(progress.holds(at));
      REQUIRE(progress.keep(row));
      log_entry({effects::kept{options_.group, id, {}, {row}}});
    }
  if (const auto left = progress.held(start); !left.empty()) start = left.front().first;
  for (auto at = queue.start; at < start; at = at + 1)
    if (!progress.finished(at) && !progress.holds(at)) queue.messages[at.value].gone = true;
  progress.start_at(start);
  log_entry({effects::queue_start{id, start, true}});
  queue.start = std::max(queue.start, start);
  if (dice_->percent(50) && progress.held(queue.start).empty()) queue.on_disk = queue.start;
}

void delivery_simulation::learn_copies(queue_id id) {
  for (const auto& [at, row] : folded_.at(id).waiting())
    if (row.letter_queue == kept_messages) core_->kept(id, row);
}

/// The reader was overtaken by retention.
void delivery_simulation::open_anew(queue_id id) {
  auto& queue = queues_.at(id);
  queue.demand = 0;
  queue.told = false;
  queue.reader = queue.start.value;
  learn_copies(id);
  carry_out(core_->raise_start(id, queue.start, now()));
  carry_out(core_->reopened(id));
}

void delivery_simulation::answer_look(queue_id id) {
  auto& looks = queues_.at(id).looks;
  if (looks.empty()) return;
  const auto at = looks.back();
  looks.pop_back();
  const auto has_letter = [&] {
    const auto& rows = core_->queues().at(id).progress.waiting();
    const auto row = rows.find(at);
    return row != rows.end() && row->second.letter_queue.value != 0;
  };
  const bool taken = at < queues_.at(id).on_disk;
  if (taken && !has_letter()) learn_copies(id);
  if (has_letter()) return carry_out(core_->looked(id, at, copy_of(id, at), now()));
  if (!taken) return carry_out(core_->looked(id, at, batch_at(id, at), now()));
  const auto& m = queues_.at(id).messages[at.value];
  REQUIRE((m.gone || m.settling || m.settled || m.dead));
  carry_out(core_->looked(id, at, nullptr, now()));
}

} // namespace carafe::test
