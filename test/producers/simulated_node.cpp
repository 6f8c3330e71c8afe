#include "test/producers/simulated_node.hpp"

#include <utility>

namespace carafe::test {

namespace {

constexpr std::uint64_t expiry_ms = 300;
constexpr std::size_t producers_max = 1'000;

} // namespace

simulated_shard::simulated_shard(dice& d) : dice_(&d) { recover(); }

void simulated_shard::apply(const entry& e) { state_->apply(e.time, e.effects); }

void simulated_shard::recover() {
  state_ = std::make_unique<core::shard_state>(expiry_ms);
  for (const auto& [key, value] : rows_) REQUIRE(state_->load(key, value));
  state_->loaded(checkpoint_time_);
  for (auto at = checkpointed_; at < log_.size(); ++at) apply(log_[at]);
  window_ = std::make_unique<core::submit_window>(*state_, producers_max);
  core::shard_state whole{expiry_ms};
  for (const auto& e : log_) whole.apply(e.time, e.effects);
  REQUIRE(state_->hash() == whole.hash());
}

std::uint64_t simulated_shard::submit(std::vector<effects::effect> effects) {
  const auto index = log_.size() + flight_.size() + 1;
  for (const auto& effect : effects) {
    if (const auto* batch = std::get_if<effects::batch>(&effect))
      window_->submitted(*batch, entry_index{index});
    if (const auto* put = std::get_if<effects::producer_put>(&effect)) window_->submitted(*put);
  }
  flight_.push_back(std::move(effects));
  return index;
}

void simulated_shard::produce(const frames::produce& frame, unix_ms now, told answer) {
  core::batch_request request;
  request.queue = frame.queue;
  request.producer = frame.producer;
  request.first = frame.first;
  request.previous = frame.previous;
  request.count = frame.count;
  request.checksum = frame.checksum;
  request.named = frame.named;
  auto stamped = window_->check(request, now);
  if (!stamped) return answer(stamped.error());
  if (const auto* known = std::get_if<core::stamp_committed>(&*stamped)) {
    frames::receipt receipt;
    receipt.first = known->base;
    receipt.count = known->count;
    receipt.duplicate = true;
    return answer(receipt);
  }
  if (const auto* joins = std::get_if<core::stamp_joins>(&*stamped)) {
    waiting_[joins->index.value].push_back(std::move(answer));
    return;
  }
  waiting_[submit({std::get<core::stamp_fresh>(*stamped).effect})].push_back(std::move(answer));
}

void simulated_shard::commit(unix_ms now) {
  if (flight_.empty()) return;
  log_.push_back({now, std::move(flight_.front())});
  flight_.pop_front();
  apply(log_.back());
  frames::receipt receipt;
  for (const auto& effect : log_.back().effects) {
    if (const auto* put = std::get_if<effects::producer_put>(&effect)) window_->applied(*put);
    const auto* batch = std::get_if<effects::batch>(&effect);
    if (batch == nullptr) continue;
    window_->applied(*batch);
    receipt.first = batch->base;
    receipt.count = batch->count;
  }
  auto waiters = waiting_.extract(log_.size());
  if (waiters.empty()) return;
  for (const auto& answer : waiters.mapped()) answer(receipt);
}

void simulated_shard::checkpoint() {
  for (auto& [key, value] : state_->take_deltas()) {
    if (value)
      rows_[key] = *value;
    else
      rows_.erase(key);
  }
  checkpointed_ = log_.size();
  checkpoint_time_ = state_->time();
}

void simulated_shard::crash(unix_ms now) {
  for (auto kept = dice_->below(flight_.size() + 1); kept > 0; --kept) {
    log_.push_back({now, std::move(flight_.front())});
    flight_.pop_front();
  }
  flight_.clear();
  waiting_.clear();
  recover();
}

std::vector<std::uint32_t> simulated_shard::stored(queue_id queue) const {
  std::vector<std::uint32_t> out;
  for (const auto& e : log_)
    for (const auto& effect : e.effects)
      if (const auto* batch = std::get_if<effects::batch>(&effect); batch && batch->queue == queue)
        out.push_back(batch->checksum);
  return out;
}

simulated_node::simulated_node(dice& d) : dice_(&d) {
  for (std::uint16_t i = 0; i < shards_count; ++i)
    shards_.push_back(std::make_unique<simulated_shard>(d));
  load();
  frames::topic_create wish;
  wish.name = "t";
  wish.queues = queues_count;
  const auto made = catalogue_->create_topic(wish, unix_ms{now_});
  REQUIRE(made);
  catalogue_->apply(*made);
  shards_[0]->submit(made->entry);
  for (const auto& [shard, effects] : made->follow_ups) shards_[shard.value]->submit(effects);
  for (auto& shard : shards_) shard->commit(unix_ms{now_});
}

void simulated_node::load() {
  const auto& state = shards_[0]->state();
  std::vector<topic_record> topics;
  for (const auto& [id, record] : state.topics()) topics.push_back(record);
  std::vector<named_producer_record> producers;
  for (const auto& [id, record] : state.names()) producers.push_back(record);
  catalogue_ = std::make_unique<core::catalogue_core>(
    core::catalogue_limits{10, 10, 10, shards_count, 10, 10}, topics, std::vector<group_record>{},
    state.catalogue().next_id, producers);
  for (std::uint16_t i = 0; i < shards_count; ++i) {
    core::catalogue_core::inventory there;
    for (const auto& [id, record] : shards_[i]->state().queues()) there.queues.push_back(id);
    for (const auto& [id, record] : shards_[i]->state().names())
      there.producers.emplace(id, record.epoch);
    const auto repairs = catalogue_->repairs(shard_id{i}, there);
    if (!repairs.empty()) shards_[i]->submit(repairs);
  }
}

simulated_shard& simulated_node::shard_of(queue_id queue) {
  for (const auto& place : topic().queues)
    if (place.queue == queue) return *shards_[place.shard.value];
  FAIL("no such queue");
  return *shards_[0];
}

std::vector<std::uint32_t> simulated_node::stored(queue_id queue) const {
  std::vector<std::uint32_t> out;
  for (const auto& shard : shards_)
    if (auto part = shard->stored(queue); !part.empty()) out = std::move(part);
  return out;
}

void simulated_node::open(std::function<void(frames::producer_opened)> answer) {
  changes_.push_back({{}, std::move(answer), {}, false});
}

void simulated_node::produce(const frames::produce& frame, simulated_shard::told answer) {
  shard_of(frame.queue).produce(frame, unix_ms{now_}, std::move(answer));
}

std::vector<frames::producer_place> simulated_node::progress(producer_name_id name) const {
  std::vector<frames::producer_place> out;
  for (const auto& place : topic().queues)
    if (const auto* row = shards_[place.shard.value]->state().named({name, place.queue}))
      out.push_back({place.queue, row->last});
  return out;
}

/// Carries out one change at a time, as the catalogue does.
void simulated_node::go_on() {
  if (changes_.empty()) return;
  auto& now = changes_.front();
  if (now.waits.empty()) {
    std::vector<shard_id> all;
    for (std::uint16_t i = 0; i < shards_count; ++i) all.push_back(shard_id{i});
    auto decided = catalogue_->open_producer("importer", all, unix_ms{now_});
    REQUIRE(decided);
    now.what = std::move(*decided);
    now.waits[0] = shards_[0]->submit(now.what.entry);
    return;
  }
  for (const auto& [shard, index] : now.waits)
    if (shards_[shard]->applied() < index) return;
  if (!now.told_others) {
    now.told_others = true;
    catalogue_->apply(now.what);
    for (const auto& [shard, effects] : now.what.follow_ups)
      now.waits[shard.value] = shards_[shard.value]->submit(effects);
    return;
  }
  now.answer({now.what.producer->id, now.what.producer->epoch});
  changes_.pop_front();
}

void simulated_node::step() {
  now_ += static_cast<std::int64_t>(dice_->below(8));
  if (dice_->percent(1)) now_ += expiry_ms;
  go_on();
  for (auto& shard : shards_) {
    if (dice_->percent(70)) shard->commit(unix_ms{now_});
    if (dice_->percent(2)) shard->checkpoint();
  }
}

void simulated_node::crash() {
  changes_.clear();
  for (auto& shard : shards_) shard->crash(unix_ms{now_});
  load();
}

bool simulated_node::idle() const {
  for (const auto& shard : shards_)
    if (!shard->idle()) return false;
  return changes_.empty();
}

} // namespace carafe::test
