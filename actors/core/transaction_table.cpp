#include "actors/core/transaction_table.hpp"

#include "actors/core/row_key.hpp"
#include "schema/offset_set.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

namespace {

/// One row a group and queue, its ranges apart.
void add_consumed(std::vector<consumed_messages>& to, const consumed_messages& more) {
  const auto at = std::ranges::find_if(
    to, [&more](const auto& each) { return each.group == more.group && each.queue == more.queue; });
  auto& mine = at == to.end() ? to.emplace_back(more) : *at;
  offset_set all{mine.ranges};
  for (const auto& range : more.ranges) all.add(range);
  mine.ranges = all.to_ranges();
}

} // namespace

void transaction_table::touch(const transaction_id& id) {
  dirty_.insert(row_key::of(id));
  touched_.insert(id);
}

void transaction_table::take_in(stored& to, const effects::tx_prepared& e) {
  auto& record = to.record;
  for (const auto& half : e.halves) {
    if (half.first <= record.last) continue; // It is a repetition.
    const auto number = record.halves++;
    auto& kept = to.halves.emplace(number, half).first->second;
    // A view of the entry would keep all of that.
    kept.bytes = shared_bytes::copy_of(half.bytes.span());
    record.last = sequence{half.first.value + half.count - 1};
    record.messages += half.count;
    record.bytes += half.bytes.size();
    bytes_ += half.bytes.size();
    counts_.prepared += half.count;
    dirty_.insert(row_key::of(record.id, number));
  }
  for (const auto& each : e.consumed) add_consumed(record.consumed, each);
}

void transaction_table::on(const effects::tx_prepared& e, unix_ms time) {
  auto at = rows_.find(e.id);
  if (e.checks != 0) {
    if (at == rows_.end() || at->second.record.state != transaction_state::open) return;
    at->second.record.checks = e.checks;
    at->second.record.checked = time;
    touch(e.id);
    return;
  }
  if (at == rows_.end()) {
    at = rows_.try_emplace(e.id).first;
    auto& record = at->second.record;
    record.id = e.id;
    record.group = e.group;
    record.opened = time;
    record.check_first_ms = e.check_first_ms;
    record.check_every_ms = e.check_every_ms;
    ++open_;
  }
  if (at->second.record.state != transaction_state::open) return;
  take_in(at->second, e);
  touch(e.id);
  dirty_.insert(row_key::transaction_counts());
}

void transaction_table::drop_halves(stored& from, bool only, shard_id of) {
  const auto& owes = from.record.owes;
  for (auto at = from.halves.begin(); at != from.halves.end();) {
    const auto shard = at->second.shard;
    const bool goes = only ? shard == of : !std::ranges::binary_search(owes, shard);
    if (!goes) {
      ++at;
      continue;
    }
    bytes_ -= at->second.bytes.size();
    dirty_.insert(row_key::of(from.record.id, at->first));
    at = from.halves.erase(at);
  }
  std::erase_if(from.record.consumed, [&](const auto& each) {
    return only ? each.shard == of : !std::ranges::binary_search(owes, each.shard);
  });
}

void transaction_table::finish(const stored& row) {
  ended_.emplace(row.record.ended, row.record.id);
  if (ended_.size() <= remembered_max) return;
  const auto oldest = ended_.begin();
  touch(oldest->second);
  rows_.erase(oldest->second);
  ended_.erase(oldest);
}

void transaction_table::on(const effects::tx_ended& e) {
  const auto at = rows_.find(e.id);
  if (at == rows_.end() || at->second.record.state != transaction_state::open) return;
  auto& record = at->second.record;
  --open_;
  record.state = e.committed ? transaction_state::committed : transaction_state::rolled_back;
  (e.committed ? counts_.committed : counts_.rolled_back) += record.messages;
  record.ended = ++counts_.ended;
  if (e.committed) record.owes = e.owes;
  std::ranges::sort(record.owes);
  drop_halves(at->second, false, {});
  touch(e.id);
  dirty_.insert(row_key::transaction_counts());
  if (record.owes.empty()) return finish(at->second);
  record.serial = ++counts_.serial;
  outgoing_.emplace(record.serial, e.id);
}

void transaction_table::on(const effects::tx_applied& e) {
  if (!e.confirmed) {
    auto& known = applied_[e.from];
    known.serial = std::max(known.serial, e.serial);
    dirty_.insert(row_key::of(e.from));
    return;
  }
  for (auto at = outgoing_.begin(); at != outgoing_.end() && at->first <= e.serial;) {
    auto& row = rows_.at(at->second);
    auto& owes = row.record.owes;
    const auto mine = std::ranges::find(owes, e.to);
    if (mine == owes.end()) {
      ++at;
      continue;
    }
    owes.erase(mine);
    drop_halves(row, true, e.to);
    touch(at->second);
    if (!owes.empty()) {
      ++at;
      continue;
    }
    at = outgoing_.erase(at);
    finish(row);
  }
}

// -- checkpoint rows ------------------------------------------------------------------------------

std::optional<std::string> transaction_table::value_of(const std::string& key) const {
  const auto parsed = row_key::parse(key);
  CARAFE_ASSERT(parsed.has_value());
  if (parsed->kind == row_kind::transaction_counts) return encode_record(counts_);
  if (parsed->kind == row_kind::applied)
    return encode_record(applied_.at(shard_id{static_cast<std::uint16_t>(parsed->first)}));
  const auto at = rows_.find({producer_id{parsed->first}, parsed->second});
  if (at == rows_.end()) return std::nullopt;
  if (parsed->kind == row_kind::transaction) return encode_record(at->second.record);
  const auto half = at->second.halves.find(static_cast<std::uint32_t>(parsed->third));
  if (half == at->second.halves.end()) return std::nullopt;
  return encode_record(half->second);
}

std::vector<storage::state_delta> transaction_table::take_deltas() {
  std::vector<storage::state_delta> deltas;
  deltas.reserve(dirty_.size());
  for (const auto& key : dirty_) deltas.push_back({key, value_of(key)});
  dirty_.clear();
  return deltas;
}

namespace {

template <class Record, class Store>
result<bool> load_row(std::string_view value, Store&& store) {
  auto record = decode_record<Record>(value);
  if (!record) return record.error();
  store(std::move(*record));
  return true;
}

} // namespace

result<bool> transaction_table::load(std::string_view key, std::string_view value) {
  const auto parsed = row_key::parse(key);
  if (!parsed) return false;
  const auto id = transaction_id{producer_id{parsed->first}, parsed->second};
  switch (parsed->kind) {
  case row_kind::transaction:
    return load_row<transaction_record>(
      value, [&](transaction_record r) { rows_[id].record = std::move(r); });
  case row_kind::half:
    return load_row<half_batch>(value, [&](half_batch r) {
      rows_[id].halves[static_cast<std::uint32_t>(parsed->third)] = std::move(r);
    });
  case row_kind::applied:
    return load_row<transactions_applied>(value, [&](transactions_applied r) {
      applied_[shard_id{static_cast<std::uint16_t>(parsed->first)}] = r;
    });
  case row_kind::transaction_counts:
    return load_row<transaction_counts>(value, [&](transaction_counts r) { counts_ = r; });
  default:
    return false;
  }
}

void transaction_table::loaded() {
  for (const auto& [id, row] : rows_) {
    for (const auto& [number, half] : row.halves) bytes_ += half.bytes.size();
    const auto& record = row.record;
    if (record.state == transaction_state::open)
      ++open_;
    else if (record.owes.empty())
      ended_.emplace(record.ended, id);
    else
      outgoing_.emplace(record.serial, id);
  }
}

std::vector<std::pair<std::string, std::string>> transaction_table::rows() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& [id, row] : rows_) {
    out.emplace_back(row_key::of(id), encode_record(row.record));
    for (const auto& [number, half] : row.halves)
      out.emplace_back(row_key::of(id, number), encode_record(half));
  }
  for (const auto& [from, how_far] : applied_)
    out.emplace_back(row_key::of(from), encode_record(how_far));
  if (counts_ != transaction_counts{})
    out.emplace_back(row_key::transaction_counts(), encode_record(counts_));
  return out;
}

// -- reading --------------------------------------------------------------------------------------

const transaction_table::stored* transaction_table::find(const transaction_id& id) const {
  const auto at = rows_.find(id);
  return at == rows_.end() ? nullptr : &at->second;
}

std::uint64_t transaction_table::applied(shard_id from) const {
  const auto at = applied_.find(from);
  return at == applied_.end() ? 0 : at->second.serial;
}

std::vector<transaction_part> transaction_table::parts_for(shard_id to, std::size_t parts_max,
                                                           std::uint64_t bytes_max) const {
  std::vector<transaction_part> out;
  std::uint64_t bytes = 0;
  for (const auto& [serial, id] : outgoing_) {
    const auto& row = rows_.at(id);
    if (!std::ranges::binary_search(row.record.owes, to)) continue;
    transaction_part part{serial, id, {}, {}};
    for (const auto& [number, half] : row.halves)
      if (half.shard == to) part.halves.push_back(half);
    for (const auto& each : row.record.consumed)
      if (each.shard == to) part.consumed.push_back(each);
    std::uint64_t more = 0;
    for (const auto& half : part.halves) more += half.bytes.size();
    if (!out.empty() && (out.size() >= parts_max || bytes + more > bytes_max)) break;
    bytes += more;
    out.push_back(std::move(part));
  }
  return out;
}

} // namespace carafe::core
