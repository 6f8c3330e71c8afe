#include "test/raft/simulated_shard.hpp"

#include "actors/core/placement.hpp"
#include "schema/batch.hpp"

#include <algorithm>
#include <set>

namespace carafe::test {

namespace {

constexpr std::uint64_t expiry_ms = 5'000;
constexpr std::size_t producers_at_once = 6;
constexpr std::size_t entries_kept = 40;

raft::replica_options options_of(shard_id shard) {
  raft::replica_options options;
  options.shard = shard;
  options.node = 1;
  options.address = "here";
  options.seed = 3;
  options.producer_expiry_ms = expiry_ms;
  options.producers_max = 12;
  options.in_flight_entries_max = 24;
  options.in_flight_bytes_max = 8'000;
  return options;
}

/// CRC of what an entry says, wherever it lies.
std::uint32_t sum_of(const encoded_entry& entry) {
  std::vector<std::uint64_t> aligned((entry.bytes() + 7) / 8);
  const auto out = std::as_writable_bytes(std::span{aligned}).first(entry.bytes());
  write_entry(entry, out);
  return crc32c(out);
}

} // namespace

simulated_shard::simulated_shard(dice& d, shard_id shard)
  : dice_(&d), shard_(shard), mode_(core::durability_of(shard)), log_(mode_) {
  start();
}

void simulated_shard::step() {
  now_.value += dice_->below(20);
  wall_.value += static_cast<std::int64_t>(dice_->below(20)) - (dice_->percent(3) ? 200 : 0);
  const auto roll = dice_->below(100);
  if (roll < 35) return send();
  if (roll < 45) return submit_effects();
  if (roll < 58) return hand_out();
  if (roll < 74) return write();
  if (roll < 86) return tell_persisted();
  if (roll < 89) return begin_checkpoint();
  if (roll < 93) return save_checkpoint();
  if (roll < 95) return drop_entries();
  if (roll < 96) return forget_idle_producers();
  if (roll < 97) return append_fails();
  if (roll < 98) return crash();
  REQUIRE(log_.sync().ok());
  REQUIRE(replica_->tick(now_).ok());
}

void simulated_shard::settle() {
  while (replica_->in_flight() != 0) {
    hand_out();
    write();
    tell_persisted();
  }
  check_against_log();
}

// -- starting and dying ---------------------------------------------------------------------------

void simulated_shard::start() {
  now_ = mono_ms{dice_->below(1'000)}; // A monotonic clock begins anywhere after a reboot.
  auto replica = raft::replica::recover(options_of(shard_), log_, disk_, now_);
  REQUIRE(replica.ok());
  replica_ = std::move(*replica);
  REQUIRE(replica_->is_leader());
  REQUIRE(replica_->current_term() > term_);
  REQUIRE(replica_->applied() == log_.bounds().last);
  term_ = replica_->current_term();
  check_against_log();
  check_acknowledged();
}

void simulated_shard::crash() {
  // The group being written is there whole or not at all.
  if (dice_->percent(30)) write();
  to_write_.clear();
  written_.clear();
  unsaved_.reset();
  if (dice_->percent(50)) {
    const auto before = log_.bounds().last;
    log_.crash(dice_->below(5));
    const auto after = log_.bounds().last;
    acknowledged_.erase(acknowledged_.upper_bound(after), acknowledged_.end());
    if (mode_ == durability::fsync) REQUIRE(after == before);
    // Their receipts may be void now; clients are told so by a gap and begin anew.
    if (after != before)
      for (auto& producer : producers_) producer.retire();
  }
  for (auto& producer : producers_) producer.disconnected();
  start();
}

void simulated_shard::append_fails() {
  if (to_write_.empty()) hand_out();
  if (to_write_.empty()) return;
  log_.append_fails = errc::storage_failed;
  REQUIRE(log_.append(to_write_.front().writes).code() == errc::storage_failed);
  log_.append_fails = errc::none;
  crash();
}

// -- what clients do ------------------------------------------------------------------------------

void simulated_shard::send() {
  std::erase_if(producers_, [](const auto& producer) { return producer.retired(); });
  if (queues_made_ == 0) return submit_effects();
  while (producers_.size() < producers_at_once)
    producers_.emplace_back(producer_id{++producers_made_},
                            queue_id{dice_->between(1, queues_made_)});
  dice_->pick(producers_).send(*replica_, *dice_, wall_, now_);
}

void simulated_shard::submit_effects() {
  std::vector<effects::effect> out;
  const auto count = dice_->between(1, 3);
  const auto queue = queue_id{dice_->below(queues_made_ + 1)};
  const auto group = group_id{dice_->between(1, 3)};
  for (std::uint64_t i = 0; i < count; ++i) {
    switch (queues_made_ == 0 ? 0 : dice_->below(7)) {
    case 0:
      out.emplace_back(effects::queue_opened{queue_id{++queues_made_}, topic_id{1}});
      break;
    case 1:
      if (dice_->percent(25)) out.emplace_back(effects::queue_closed{queue});
      break;
    case 2:
      out.emplace_back(effects::queue_start{queue, offset{dice_->below(90)}});
      break;
    case 3:
      out.emplace_back(effects::progress_dropped{group});
      break;
    case 4:
      out.emplace_back(effects::group_put{{group, "g", "ordered", {"t"}, wall_}});
      break;
    default:
      out.emplace_back(effects::commit{group, queue, offset{dice_->below(90)}});
      break;
    }
  }
  const auto index = replica_->submit_effects(std::move(out), wall_, now_);
  if (!index) REQUIRE(index.code() == errc::too_many_requests);
}

/// Clients give up what is unanswered, and nothing happens for longer than the expiry.
void simulated_shard::forget_idle_producers() {
  for (auto& producer : producers_) producer.retire();
  wall_.value += static_cast<std::int64_t>(expiry_ms) + 500;
}

// -- what the shard's actor does ------------------------------------------------------------------

void simulated_shard::hand_out() {
  if (auto group = replica_->next_write(dice_->between(1, 2'000)))
    to_write_.push_back(std::move(*group));
}

void simulated_shard::write() {
  if (to_write_.empty()) return;
  const auto& group = to_write_.front();
  note_written(group);
  REQUIRE(log_.append(group.writes).ok());
  written_.push_back(group.last);
  to_write_.pop_front();
}

void simulated_shard::tell_persisted() {
  if (written_.empty()) return;
  const auto last = written_.front();
  written_.pop_front();
  const auto before = replica_->applied();
  const auto applied = replica_->persisted(last, now_);
  REQUIRE(applied.ok());
  REQUIRE(replica_->applied() == last);
  REQUIRE(applied->size() == last.value - before.value);
  acknowledge(*applied);
}

void simulated_shard::acknowledge(const std::vector<raft::applied_entry>& applied) {
  for (const auto& entry : applied) {
    acknowledged_[entry.index] = crc32c(log_.history().at(entry.index.value - 1).span());
    bool open = true;
    for (const auto& effect : entry.effects)
      if (const auto* batch = std::get_if<effects::batch>(&effect))
        open = replica_->state().queue(batch->queue) != nullptr;
    for (auto& producer : producers_) producer.applied(entry, open);
  }
}

void simulated_shard::begin_checkpoint() {
  if (unsaved_ || replica_->applied() == replica_->checkpoint_index()) return;
  unsaved_ = replica_->take_checkpoint();
  const auto& mark = unsaved_->mark;
  REQUIRE(mark.index == replica_->applied());
  const auto entry = read_entry_header(log_.history().at(mark.index.value - 1).span());
  REQUIRE(entry.ok());
  REQUIRE(mark.term == entry->term);
}

void simulated_shard::save_checkpoint() {
  if (!unsaved_) return;
  REQUIRE(log_.sync().ok());
  if (dice_->percent(10)) {
    disk_.save_fails = errc::storage_full;
    REQUIRE_FALSE(disk_.save_checkpoint(unsaved_->mark, unsaved_->deltas).ok());
    disk_.save_fails = errc::none;
    return; // Kept, and tried again.
  }
  REQUIRE(disk_.save_checkpoint(unsaved_->mark, unsaved_->deltas).ok());
  const auto index = std::exchange(unsaved_, std::nullopt)->mark.index;
  if (dice_->percent(20)) return crash(); // Saved, and nobody heard of it.
  const auto first = std::min(log_.bounds().first, index + 1);
  REQUIRE(replica_->checkpointed(index, first, now_).ok());
}

void simulated_shard::drop_entries() {
  const auto checkpoint = replica_->checkpoint_index().value;
  if (checkpoint < entries_kept) return;
  REQUIRE(
    log_.drop_before(entry_index{dice_->between(checkpoint - entries_kept / 2, checkpoint)}).ok());
}

// -- the oracle -----------------------------------------------------------------------------------

/// No index is written twice in one term with different contents.
void simulated_shard::note_written(const raft::write_group& group) {
  for (const auto& write : group.writes) {
    const auto& header = write.entry->header;
    const auto sum = sum_of(*write.entry);
    const auto [at, fresh] = ever_written_.try_emplace({header.index, header.term}, sum);
    if (!fresh) REQUIRE(at->second == sum);
  }
}

void simulated_shard::check_against_log() const {
  core::shard_state whole{expiry_ms};
  std::map<queue_id, offset> ends;
  std::set<std::pair<producer_id, sequence>> stored;
  const auto& history = log_.history();
  for (std::uint64_t index = 1; index <= replica_->applied().value; ++index) {
    const auto entry = decode_entry(history.at(index - 1));
    REQUIRE(entry.ok());
    REQUIRE(entry->header.index == entry_index{index});
    whole.apply(entry->header.time, entry->effects);
    for (const auto& effect : entry->effects) {
      const auto* batch = std::get_if<effects::batch>(&effect);
      if (batch == nullptr || whole.queue(batch->queue) == nullptr) continue;
      REQUIRE(batch->base == ends[batch->queue]);
      ends[batch->queue] = batch->base + batch->count;
      REQUIRE(stored.insert({batch->producer, batch->first}).second);
    }
  }
  REQUIRE(replica_->state().hash() == whole.hash());
}

void simulated_shard::check_acknowledged() const {
  const auto& history = log_.history();
  for (const auto& [index, sum] : acknowledged_) {
    REQUIRE(index.value <= history.size());
    REQUIRE(crc32c(history[index.value - 1].span()) == sum);
  }
}

} // namespace carafe::test
