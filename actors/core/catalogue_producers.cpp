#include "actors/core/catalogue_core.hpp"

#include <algorithm>
#include <limits>

namespace carafe::core {

namespace {

result<void> check_producer_name(std::string_view name) {
  if (check_group_name(name)) return {};
  return {errc::invalid_argument, "a producer's name is 1 to 127 letters, digits, '.', '_' or '-', "
                                  "the first no '.' or '-'; not '" +
                                    std::string{name.substr(0, 200)} + "'"};
}

/// Every shard is told, before anybody is told that it is done.
void tell_all(catalogue_core::decision& out, const std::vector<shard_id>& shards,
              const effects::producer_put& effect) {
  out.entry.emplace_back(effect);
  for (const auto shard : shards)
    if (shard != shard_id{0}) out.follow_ups[shard].emplace_back(effect);
}

} // namespace

void catalogue_core::put(const named_producer_record& producer) {
  producer_names_[producer.name] = producer.id;
  producers_[producer.id] = producer;
}

result<catalogue_core::decision> catalogue_core::open_producer(const std::string& name,
                                                               const std::vector<shard_id>& shards,
                                                               unix_ms now) const {
  if (auto good = check_producer_name(name); !good) return good.error();
  named_producer_record record;
  if (const auto* there = producer(name)) {
    record = *there;
    if (record.epoch == std::numeric_limits<std::uint32_t>::max())
      return {errc::invalid_argument, "producer " + name +
                                        " was opened as often as can be counted; forget it, and it "
                                        "begins anew"};
  } else {
    if (producers_.size() >= limits_.producer_names_max)
      return {errc::too_many_names, "a node has at most " +
                                      std::to_string(limits_.producer_names_max) +
                                      " names of producers"};
    record.id = producer_name_id{next_id_};
    record.name = name;
    record.created = now;
  }
  ++record.epoch;
  record.opened = now;
  decision out;
  out.producer = record;
  tell_all(out, shards, {record});
  return out;
}

result<catalogue_core::decision>
catalogue_core::forget_producer(const std::string& name,
                                const std::vector<shard_id>& shards) const {
  const auto* there = producer(name);
  if (there == nullptr) return {errc::not_found, "no producer has the name " + name.substr(0, 200)};
  decision out;
  out.producer = *there;
  tell_all(out, shards, {*there, true});
  return out;
}

std::vector<effects::effect> catalogue_core::known_producers() const {
  std::vector<effects::effect> out;
  for (const auto& [id, record] : producers_) out.emplace_back(effects::producer_put{record});
  return out;
}

void catalogue_core::repair_producers(const inventory& there,
                                      std::vector<effects::effect>& out) const {
  for (const auto& [id, epoch] : there.producers)
    if (!producers_.contains(id)) {
      named_producer_record gone;
      gone.id = id;
      out.emplace_back(effects::producer_put{gone, true});
    }
  for (const auto& [id, record] : producers_) {
    const auto known = there.producers.find(id);
    if (known == there.producers.end() || known->second < record.epoch)
      out.emplace_back(effects::producer_put{record});
  }
}

const named_producer_record* catalogue_core::producer(std::string_view name) const {
  const auto at = producer_names_.find(name);
  return at == producer_names_.end() ? nullptr : &producers_.at(at->second);
}

const named_producer_record* catalogue_core::producer(producer_name_id id) const {
  const auto at = producers_.find(id);
  return at == producers_.end() ? nullptr : &at->second;
}

void catalogue_core::apply(const effects::producer_put& effect) {
  if (!effect.forgotten) {
    put(effect.producer);
    next_id_ = std::max(next_id_, effect.producer.id.value + 1);
    return;
  }
  producer_names_.erase(effect.producer.name);
  producers_.erase(effect.producer.id);
}

} // namespace carafe::core
