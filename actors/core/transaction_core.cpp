#include "actors/core/transaction_core.hpp"

#include <algorithm>

namespace carafe::core {

std::optional<unix_ms> transaction_core::next_check(const transaction_record& record) {
  if (record.state != transaction_state::open || record.checks >= transaction_checks_max)
    return std::nullopt;
  if (record.checks == 0) return unix_ms{record.opened.value + record.check_first_ms};
  return unix_ms{record.checked.value + record.check_every_ms};
}

void transaction_core::set_time(const transaction_name& name, std::optional<unix_ms> at) {
  if (const auto known = time_of_.find(name); known != time_of_.end()) {
    times_.erase({known->second, name});
    time_of_.erase(known);
  }
  if (!at) return;
  times_.emplace(*at, name);
  time_of_.emplace(name, *at);
}

void transaction_core::learn(shard_id shard, const transaction_record& record) {
  const auto name = transaction_name{shard, record.id};
  const auto before = pending_.find(name);
  if (before != pending_.end()) owe_nothing(before->second, name);
  const bool open = record.state == transaction_state::open;
  if (!open && record.owes.empty()) return forget(name);
  // More of a transaction does not answer the question that is under way.
  if (!open || before == pending_.end() || before->second.checks != record.checks)
    asking_.erase(name);
  for (const auto to : record.owes) owed_[{shard, to}].insert(name);
  if (!asking_.contains(name)) set_time(name, next_check(record));
  pending_.insert_or_assign(name, record);
}

void transaction_core::forget(const transaction_name& name) {
  set_time(name, std::nullopt);
  asking_.erase(name);
  const auto at = pending_.find(name);
  if (at == pending_.end()) return;
  owe_nothing(at->second, name);
  pending_.erase(at);
}

void transaction_core::owe_nothing(const transaction_record& record, const transaction_name& name) {
  for (const auto to : record.owes) {
    const auto at = owed_.find({name.shard, to});
    if (at == owed_.end()) continue;
    at->second.erase(name);
    if (at->second.empty()) owed_.erase(at);
  }
}

void transaction_core::join(const std::string& group, member who) {
  groups_[group].insert(who);
  groups_of_[who].insert(group);
}

void transaction_core::leave(const std::string& group, member who) {
  if (auto at = groups_.find(group); at != groups_.end()) {
    at->second.erase(who);
    if (at->second.empty()) {
      groups_.erase(at);
      asked_last_.erase(group);
    }
  }
  if (auto at = groups_of_.find(who); at != groups_of_.end()) {
    at->second.erase(group);
    if (at->second.empty()) groups_of_.erase(at);
  }
}

void transaction_core::leave(member who) {
  const auto at = groups_of_.find(who);
  if (at == groups_of_.end()) return;
  for (const auto& group : std::set{at->second}) leave(group, who);
}

bool transaction_core::has(const std::string& group, member who) const {
  const auto at = groups_.find(group);
  return at != groups_.end() && at->second.contains(who);
}

std::vector<transaction_core::check> transaction_core::due(unix_ms now, std::size_t max) {
  std::vector<check> out;
  while (!times_.empty() && times_.begin()->first <= now && out.size() < max) {
    const auto name = times_.begin()->second;
    set_time(name, std::nullopt);
    asking_.insert(name);
    const auto& record = pending_.at(name);
    auto& each = out.emplace_back(check{name, record.group, std::nullopt, record.checks + 1});
    const auto members = groups_.find(record.group);
    if (members == groups_.end()) continue;
    auto whom = members->second.upper_bound(asked_last_[record.group]);
    if (whom == members->second.end()) whom = members->second.begin();
    each.whom = asked_last_[record.group] = *whom;
  }
  return out;
}

void transaction_core::not_asked(const transaction_name& name, unix_ms again) {
  if (asking_.erase(name) != 0) set_time(name, again);
}

std::optional<unix_ms> transaction_core::next() const {
  if (times_.empty()) return std::nullopt;
  return times_.begin()->first;
}

std::vector<transaction_core::move> transaction_core::begin_moves() {
  std::vector<move> out;
  for (const auto& [what, names] : owed_)
    if (moving_.insert(what).second) out.push_back(what);
  return out;
}

} // namespace carafe::core
