#include "actors/core/shard_state.hpp"

#include "actors/core/row_key.hpp"
#include "schema/batch.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

shard_state::shard_state(std::uint64_t producer_expiry_ms)
  : producer_expiry_ms_(producer_expiry_ms) {}

void shard_state::apply(unix_ms time, const std::vector<effects::effect>& effects) {
  time_ = std::max(time_, time);
  for (const auto& effect : effects) std::visit([this](const auto& e) { on(e); }, effect);
  expire_producers();
  expire_ids();
}

namespace {

/// Of one number, spread over all bits; their sum tells sets of numbers apart.
std::uint64_t mixed(std::uint64_t number) {
  auto x = number + 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

} // namespace

void shard_state::on(const effects::batch& e) {
  auto at = queues_.find(e.queue);
  if (at == queues_.end()) return; // Closed by an earlier entry: the batch is gone with it.
  auto& queue = at->second;
  if (e.timed) {
    CARAFE_ASSERT(e.base.value == queue.timers_next);
    for (std::uint32_t i = 0; i < e.count; ++i) queue.timers_sum += mixed(e.base.value + i);
    queue.timers_next += e.count;
    queue.timers_pending += e.count;
    timers_pending_ += e.count;
    timer_news_.push_back({time_, e});
  } else {
    CARAFE_ASSERT(e.base == queue.next);
    queue.next = e.base + e.count;
    queue.last_time = time_;
  }
  dirty_.insert(row_key::of(e.queue));
  if (e.named.name.value != 0) note_named(e);
  if (!e.ids.empty()) note_ids(e);
  if (!e.guarded()) return;

  const auto key = producer_key{e.producer, e.queue};
  auto [row, fresh] = producers_.try_emplace(key);
  auto& record = row->second.record;
  if (fresh) {
    row->second.turn = turns_.insert(turns_.end(), key);
    producers_of_[e.queue].insert(e.producer);
  } else {
    turns_.splice(turns_.end(), turns_, row->second.turn);
  }
  record.last_time = time_;
  record.last = sequence{e.first.value + e.count - 1};
  if (record.recent.size() == producer_window) record.recent.erase(record.recent.begin());
  record.recent.push_back({e.first, e.count, e.base, time_});
  dirty_.insert(row_key::of(key));
}

void shard_state::on(const effects::commit& e) {
  if (!queues_.contains(e.queue)) return;
  const auto key = progress_key{e.group, e.queue};
  // Somebody was faster: a transaction that acknowledges messages, say.
  if (e.why == effects::commit::reason::began && progress_.contains(key)) return;
  progress_[key] = progress_record{e.next, time_};
  groups_of_[e.queue].insert(e.group);
  dirty_.insert(row_key::of(key));
  forget_delivery(key); // It begins there anew.
}

void shard_state::on(const effects::timers_ended& e) {
  const auto at = queues_.find(e.queue);
  if (at == queues_.end()) return;
  auto& queue = at->second;
  CARAFE_ASSERT(queue.timers_pending >= e.which.size());
  for (const auto& each : e.which) queue.timers_sum -= mixed(each.number);
  queue.timers_pending -= e.which.size();
  timers_pending_ -= e.which.size();
  timer_news_.push_back({time_, e});
  dirty_.insert(row_key::of(e.queue));
}

void shard_state::on(const effects::timer_moved& e) {
  if (queues_.contains(e.row.at.queue)) timer_news_.push_back({time_, e});
}

void shard_state::on(const effects::queue_opened& e) {
  auto [at, fresh] = queues_.try_emplace(e.queue);
  // Idempotent: the catalogue repeats it until it knows.
  if (!fresh && at->second.dedup_window_ms == e.dedup_window_ms &&
      at->second.compacted == e.compacted)
    return;
  if (at->second.compacted != e.compacted) {
    at->second.compacted = e.compacted;
    at->second.kept_from = e.compacted ? at->second.start : offset{0};
  }
  at->second.topic = e.topic;
  at->second.dedup_window_ms = e.dedup_window_ms;
  dirty_.insert(row_key::of(e.queue));
}

void shard_state::on(const effects::queue_closed& e) {
  const auto closed = queues_.find(e.queue);
  if (closed == queues_.end()) return;
  timers_pending_ -= closed->second.timers_pending;
  queues_.erase(closed);
  dirty_.insert(row_key::of(e.queue));
  if (auto at = producers_of_.find(e.queue); at != producers_of_.end())
    for (const auto producer : std::set{at->second}) forget_producer({producer, e.queue});
  if (auto at = groups_of_.find(e.queue); at != groups_of_.end())
    for (const auto group : std::set{at->second}) forget_progress({group, e.queue});
  forget_rows_of(e.queue);
}

namespace {

template <class Index, class Id>
void remove_from(Index& index, queue_id queue, Id id) {
  auto at = index.find(queue);
  CARAFE_ASSERT(at != index.end());
  at->second.erase(id);
  if (at->second.empty()) index.erase(at);
}

} // namespace

void shard_state::forget_producer(const producer_key& key) {
  auto row = producers_.find(key);
  turns_.erase(row->second.turn);
  producers_.erase(row);
  remove_from(producers_of_, key.queue, key.producer);
  dirty_.insert(row_key::of(key));
}

void shard_state::forget_progress(const progress_key& key) {
  forget_delivery(key);
  progress_.erase(key);
  remove_from(groups_of_, key.queue, key.group);
  dirty_.insert(row_key::of(key));
}

void shard_state::on(const effects::topic_put& e) {
  use_id(e.topic.topic.value);
  for (const auto& place : e.topic.queues) use_id(place.queue.value);
  topics_[e.topic.topic] = e.topic;
  dirty_.insert(row_key::of(e.topic.topic));
}

void shard_state::on(const effects::topic_deleted& e) {
  if (topics_.erase(e.topic) != 0) dirty_.insert(row_key::of(e.topic));
}

void shard_state::on(const effects::group_put& e) {
  use_id(e.group.group.value);
  groups_[e.group.group] = e.group;
  dirty_.insert(row_key::of(e.group.group));
}

void shard_state::on(const effects::group_deleted& e) {
  if (groups_.erase(e.group) != 0) dirty_.insert(row_key::of(e.group));
}

void shard_state::on(const effects::progress_dropped& e) {
  for (;;) {
    const auto row = progress_.lower_bound(progress_key{e.group, queue_id{0}});
    if (row == progress_.end() || row->first.group != e.group) return;
    forget_progress(progress_key{row->first});
  }
}

void shard_state::on(const effects::schedule_put& e) {
  schedules_[e.schedule.id] = e.schedule;
  dirty_.insert(row_key::of(e.schedule.id));
}

void shard_state::on(const effects::schedule_deleted& e) {
  if (schedules_.erase(e.schedule) != 0) dirty_.insert(row_key::of(e.schedule));
  if (fired_.erase(e.schedule) != 0) dirty_.insert(row_key::fired(e.schedule));
}

void shard_state::on(const effects::schedule_fired& e) {
  auto& known = fired_[e.schedule];
  if (e.progress.step < known.step) return;
  known = e.progress;
  dirty_.insert(row_key::fired(e.schedule));
}

void shard_state::expire_producers() {
  while (!turns_.empty()) {
    const auto key = turns_.front();
    const auto& record = producers_.at(key).record;
    const auto idle = time_.value - record.last_time.value;
    if (idle < 0 || static_cast<std::uint64_t>(idle) <= producer_expiry_ms_) return;
    forget_producer(key);
  }
}

void shard_state::use_id(std::uint64_t id) {
  if (id < catalogue_.next_id) return;
  catalogue_.next_id = id + 1;
  dirty_.insert(row_key::catalogue());
}

progress_record shard_state::whole_progress(const progress_key& key) const {
  auto out = progress_.at(key);
  if (const auto* rows = delivery(key)) {
    out.done = rows->done().to_ranges();
    out.lent = rows->lent().to_ranges();
    out.read = rows->read();
  }
  return out;
}

std::optional<std::string> shard_state::row_value(const std::string& key) const {
  const auto parsed = row_key::parse(key);
  CARAFE_ASSERT(parsed.has_value());
  const auto find = [](const auto& table, const auto& id) -> std::optional<std::string> {
    auto at = table.find(id);
    if (at == table.end()) return std::nullopt;
    return encode_record(at->second);
  };
  switch (parsed->kind) {
  case row_kind::queue:
    return find(queues_, queue_id{parsed->first});
  case row_kind::producer: {
    auto at = producers_.find(producer_key{producer_id{parsed->first}, queue_id{parsed->second}});
    if (at == producers_.end()) return std::nullopt;
    return encode_record(at->second.record);
  }
  case row_kind::progress: {
    const auto id = progress_key{group_id{parsed->first}, queue_id{parsed->second}};
    return progress_.contains(id) ? std::optional{encode_record(whole_progress(id))} : std::nullopt;
  }
  case row_kind::waiting: {
    const auto* rows = delivery({group_id{parsed->first}, queue_id{parsed->second}});
    if (rows == nullptr) return std::nullopt;
    return find(rows->waiting(), offset{parsed->third});
  }
  case row_kind::topic:
    return find(topics_, topic_id{parsed->first});
  case row_kind::group:
    return find(groups_, group_id{parsed->first});
  case row_kind::catalogue:
    return encode_record(catalogue_);
  case row_kind::transaction_counts:
  case row_kind::applied:
  case row_kind::half:
  case row_kind::transaction: // The table knows its own.
    break;
  case row_kind::schedule:
    return find(schedules_, schedule_id{parsed->first});
  case row_kind::fired:
    return find(fired_, schedule_id{parsed->first});
  case row_kind::name:
    return find(names_, producer_name_id{parsed->first});
  case row_kind::named:
    return find(named_, named_key{producer_name_id{parsed->first}, queue_id{parsed->second}});
  case row_kind::ids:
    return find(ids_.rows(), id_table::row_key{queue_id{parsed->first}, parsed->second});
  }
  return std::nullopt;
}

std::vector<storage::state_delta> shard_state::take_deltas() {
  std::vector<storage::state_delta> deltas;
  deltas.reserve(dirty_.size());
  for (const auto& key : dirty_) deltas.push_back({key, row_value(key)});
  dirty_.clear();
  for (auto& delta : transactions_.take_deltas()) deltas.push_back(std::move(delta));
  return deltas;
}

std::vector<timer_news> shard_state::take_timer_news() { return std::exchange(timer_news_, {}); }

namespace {

template <class Record, class Store>
result<void> load_row(std::string_view value, Store&& store) {
  auto record = decode_record<Record>(value);
  if (!record) return record.error();
  store(std::move(*record));
  return {};
}

} // namespace

result<void> shard_state::load(std::string_view key, std::string_view value) {
  const auto parsed = row_key::parse(key);
  if (!parsed) return {errc::format_newer, "a checkpoint row of unknown kind"};
  switch (parsed->kind) {
  case row_kind::queue:
    return load_row<queue_record>(value,
                                  [&](queue_record r) { queues_[queue_id{parsed->first}] = r; });
  case row_kind::producer:
    return load_row<producer_record>(value, [&](producer_record r) {
      const auto id = producer_key{producer_id{parsed->first}, queue_id{parsed->second}};
      producers_[id].record = std::move(r);
    });
  case row_kind::progress:
    return load_row<progress_record>(value, [&](progress_record r) {
      const auto id = progress_key{group_id{parsed->first}, queue_id{parsed->second}};
      progress_[id] = progress_record{r.next, r.time};
      groups_of_[id.queue].insert(id.group);
      if (!r.done.empty() || !r.lent.empty() || r.read > r.next) deliveries_.try_emplace(id, r);
    });
  case row_kind::waiting: // Behind its progress row, by the letters' order.
    return load_row<waiting_record>(value, [&](const waiting_record& r) {
      const auto id = progress_key{group_id{parsed->first}, queue_id{parsed->second}};
      deliveries_.try_emplace(id, progress_[id].next).first->second.restore(r);
      if (r.letter_queue.value != 0) with_letters_.insert(id);
    });
  case row_kind::topic:
    return load_row<topic_record>(
      value, [&](topic_record r) { topics_[topic_id{parsed->first}] = std::move(r); });
  case row_kind::group:
    return load_row<group_record>(
      value, [&](group_record r) { groups_[group_id{parsed->first}] = std::move(r); });
  case row_kind::catalogue:
    return load_row<catalogue_record>(value, [&](catalogue_record r) { catalogue_ = r; });
  case row_kind::transaction_counts:
  case row_kind::applied:
  case row_kind::half:
  case row_kind::transaction:
    if (auto taken = transactions_.load(key, value); !taken) return taken.error();
    return {};
  case row_kind::schedule:
    return load_row<schedule_record>(
      value, [&](schedule_record r) { schedules_[schedule_id{parsed->first}] = std::move(r); });
  case row_kind::fired:
    return load_row<schedule_progress>(
      value, [&](schedule_progress r) { fired_[schedule_id{parsed->first}] = std::move(r); });
  case row_kind::name:
    return load_row<named_producer_record>(value, [&](named_producer_record r) {
      names_[producer_name_id{parsed->first}] = std::move(r);
    });
  case row_kind::named:
    return load_row<named_progress_record>(value, [&](named_progress_record r) {
      const auto id = named_key{producer_name_id{parsed->first}, queue_id{parsed->second}};
      named_[id] = r;
      names_of_[id.queue].insert(id.name);
    });
  case row_kind::ids:
    return load_row<stored_ids_record>(value, [&](stored_ids_record r) {
      ids_.add({queue_id{parsed->first}, parsed->second}, std::move(r));
    });
  }
  return {errc::format_newer, "a checkpoint row of unknown kind"};
}

void shard_state::loaded(unix_ms time) {
  time_ = time;
  transactions_.loaded();
  for (const auto& [id, queue] : queues_) timers_pending_ += queue.timers_pending;
  std::vector<std::pair<unix_ms, producer_key>> order;
  order.reserve(producers_.size());
  for (const auto& [key, row] : producers_) order.emplace_back(row.record.last_time, key);
  std::sort(order.begin(), order.end());
  turns_.clear();
  for (const auto& [last, key] : order) {
    auto& row = producers_.at(key);
    row.turn = turns_.insert(turns_.end(), key);
    producers_of_[key.queue].insert(key.producer);
  }
}

std::uint64_t shard_state::hash() const {
  // A sum over rows does not depend on the order of hash tables.
  std::uint64_t sum = static_cast<std::uint64_t>(time_.value);
  const auto add = [&sum](const std::string& key, const std::string& value) {
    const auto k = crc32c(as_bytes(key));
    const auto v = crc32c(as_bytes(value), k);
    const auto mixed = (std::uint64_t{k} << 32 | v) * 0x9e3779b97f4a7c15ull;
    sum += mixed ^ (mixed >> 29);
  };
  for (const auto& [id, r] : queues_) add(row_key::of(id), encode_record(r));
  for (const auto& [id, r] : producers_) add(row_key::of(id), encode_record(r.record));
  for (const auto& [id, r] : progress_) add(row_key::of(id), encode_record(whole_progress(id)));
  for (const auto& [id, rows] : deliveries_)
    for (const auto& [at, r] : rows.waiting()) add(row_key::of(id, at), encode_record(r));
  for (const auto& [id, r] : topics_) add(row_key::of(id), encode_record(r));
  for (const auto& [id, r] : groups_) add(row_key::of(id), encode_record(r));
  for (const auto& [id, r] : schedules_) add(row_key::of(id), encode_record(r));
  for (const auto& [id, r] : fired_) add(row_key::fired(id), encode_record(r));
  add(row_key::catalogue(), encode_record(catalogue_));
  for (const auto& [key, value] : transactions_.rows()) add(key, value);
  for (const auto& [id, r] : names_) add(row_key::of(id), encode_record(r));
  for (const auto& [id, r] : named_) add(row_key::of(id), encode_record(r));
  for (const auto& [id, r] : ids_.rows()) add(row_key::of(id), encode_record(r));
  return sum;
}

const queue_record* shard_state::queue(queue_id id) const {
  auto at = queues_.find(id);
  return at == queues_.end() ? nullptr : &at->second;
}

const producer_record* shard_state::producer(const producer_key& key) const {
  auto at = producers_.find(key);
  return at == producers_.end() ? nullptr : &at->second.record;
}

const delivery_progress* shard_state::delivery(const progress_key& key) const {
  auto at = deliveries_.find(key);
  return at == deliveries_.end() ? nullptr : &at->second;
}

const progress_record* shard_state::progress(const progress_key& key) const {
  auto at = progress_.find(key);
  return at == progress_.end() ? nullptr : &at->second;
}

} // namespace carafe::core
