#include "actors/core/row_key.hpp"
#include "actors/core/shard_state.hpp"

namespace carafe::core {

void shard_state::on(const effects::producer_put& e) {
  const auto id = e.producer.id;
  use_id(id.value);
  dirty_.insert(row_key::of(id));
  if (!e.forgotten) {
    names_[id] = e.producer;
    return;
  }
  names_.erase(id);
  for (;;) {
    const auto row = named_.lower_bound({id, queue_id{0}});
    if (row == named_.end() || row->first.name != id) return;
    forget_named(named_key{row->first});
  }
}

void shard_state::note_named(const effects::batch& e) {
  if (!names_.contains(e.named.name)) return;
  const auto key = named_key{e.named.name, e.queue};
  named_[key] = {e.named.last, e.named.spread};
  names_of_[e.queue].insert(key.name);
  dirty_.insert(row_key::of(key));
}

void shard_state::forget_named(const named_key& key) {
  named_.erase(key);
  const auto of_queue = names_of_.find(key.queue);
  CARAFE_ASSERT(of_queue != names_of_.end());
  of_queue->second.erase(key.name);
  if (of_queue->second.empty()) names_of_.erase(of_queue);
  dirty_.insert(row_key::of(key));
}

void shard_state::note_ids(const effects::batch& e) {
  const auto until = unix_ms{time_.value + static_cast<std::int64_t>(e.id_window_ms)};
  const auto key = id_table::key_of(e.queue, e.base, e.timed);
  ids_.add(key, {until, e.ids});
  dirty_.insert(row_key::of(key));
}

void shard_state::forget_rows_of(queue_id queue) {
  if (const auto at = names_of_.find(queue); at != names_of_.end())
    for (const auto name : std::set{at->second}) forget_named({name, queue});
  for (const auto& key : ids_.forget(queue)) dirty_.insert(row_key::of(key));
}

void shard_state::expire_ids() {
  for (const auto& key : ids_.expire(time_)) dirty_.insert(row_key::of(key));
}

const named_producer_record* shard_state::name(producer_name_id id) const {
  const auto at = names_.find(id);
  return at == names_.end() ? nullptr : &at->second;
}

const named_progress_record* shard_state::named(const named_key& key) const {
  const auto at = named_.find(key);
  return at == named_.end() ? nullptr : &at->second;
}

} // namespace carafe::core
