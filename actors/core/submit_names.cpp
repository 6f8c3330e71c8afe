#include "actors/core/submit_window.hpp"

#include <algorithm>
#include <string>

namespace carafe::core {

namespace {

constexpr std::uint32_t spread_max = 65'536;

failure fenced(const char* why) { return {errc::producer_fenced, why}; }

} // namespace

result<void> submit_window::check_holder(const named_part& named, std::uint32_t count) const {
  if (named.name.value == 0) return {};
  if (named.first.value == 0 || named.last < named.first ||
      named.last.value - named.first.value < std::uint64_t{count} - 1)
    return {errc::invalid_argument, "the numbers of a name's messages rise, from 1 on"};
  if (named.spread == 0 || named.spread > spread_max)
    return {errc::invalid_argument,
            "a name's messages are spread over 1 to " + std::to_string(spread_max) + " queues"};
  // What is in flight comes before this batch in the log.
  const auto flight = holders_.find(named.name);
  const auto* known = committed_->name(named.name);
  std::optional<std::uint32_t> epoch;
  if (flight != holders_.end())
    epoch = flight->second.epoch;
  else if (known != nullptr)
    epoch = known->epoch;
  if (!epoch) return fenced("the name was forgotten");
  if (*epoch != named.epoch) return fenced("the name was opened again since");
  return {};
}

result<void> submit_window::check_named(const batch_request& request) const {
  const auto& named = request.named;
  if (named.name.value == 0) return {};
  const auto key = named_key{named.name, request.queue};
  const auto flight = named_.find(key);
  const auto* known = committed_->named(key);
  if (known != nullptr && known->spread != named.spread)
    return {errc::invalid_argument, "the name's messages are spread over " +
                                      std::to_string(known->spread) + " queues of this topic"};
  if (flight == named_.end() && known == nullptr) {
    if (committed_->named_rows() + named_.size() >= producers_max_)
      return {errc::too_many_producers,
              "producers-max is " + std::to_string(producers_max_) + ", of names too"};
    return {};
  }
  const auto stored = known != nullptr ? known->last : sequence{0};
  const auto last = flight != named_.end() ? flight->second.last : stored;
  if (named.first > last) return {};
  if (named.last <= stored)
    return {errc::duplicate_too_old, "the name's messages up to number " +
                                       std::to_string(stored.value) + " are stored in this queue"};
  // Those that are in flight may still be lost.
  if (named.first > stored)
    return {errc::too_many_requests, "the name's messages up to number " +
                                       std::to_string(last.value) +
                                       " are being stored in this queue; wait for them"};
  return {errc::invalid_argument, "number " + std::to_string(named.first.value) + " is not above " +
                                    std::to_string(stored.value) +
                                    ", the last one that is stored in this queue"};
}

stamp_repeated submit_window::repeated(const batch_request& request, unix_ms now) const {
  stamp_repeated out;
  const auto flights = ids_.find(request.queue);
  for (std::uint32_t i = 0; i < request.ids.size(); ++i) {
    const auto& id = request.ids[i];
    if (id == id_digest{}) continue;
    if (const auto known = committed_->ids().find(request.queue, id, now)) {
      out.messages.push_back({i, known->at, known->timed});
      continue;
    }
    if (flights == ids_.end()) continue;
    const auto at = flights->second.find(id);
    if (at == flights->second.end()) continue;
    out.messages.push_back({i, at->second.at, at->second.timed});
    out.after = std::max(out.after, at->second.index);
  }
  return out;
}

result<void> submit_window::check_ids(const batch_request& request) const {
  if (request.ids.size() != request.count) return {errc::invalid_argument, "not one id a message"};
  auto sorted = request.ids;
  std::erase(sorted, id_digest{});
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    return {errc::invalid_argument,
            "two messages of the batch have the same id; send the second in a later batch"};
  if (committed_->ids().size() + ids_in_flight_ + sorted.size() > ids_max_)
    return {errc::too_many_ids, "a shard remembers at most " + std::to_string(ids_max_)};
  return {};
}

void submit_window::submitted(const effects::producer_put& effect) {
  auto& flight = holders_[effect.producer.id];
  flight.epoch.reset();
  if (!effect.forgotten) flight.epoch = effect.producer.epoch;
  ++flight.entries;
}

void submit_window::applied(const effects::producer_put& effect) {
  const auto flight = holders_.find(effect.producer.id);
  if (flight == holders_.end()) return; // Not submitted here.
  if (--flight->second.entries == 0) holders_.erase(flight);
}

void submit_window::submitted_parts(const effects::batch& effect, entry_index index) {
  if (effect.named.name.value != 0) {
    auto& flight = named_[{effect.named.name, effect.queue}];
    flight.last = effect.named.last;
    ++flight.entries;
  }
  for (std::uint32_t i = 0; i < effect.ids.size(); ++i) {
    if (effect.ids[i] == id_digest{}) continue;
    ids_[effect.queue][effect.ids[i]] = {index, effect.base + i, effect.timed};
    ++ids_in_flight_;
  }
}

void submit_window::applied_parts(const effects::batch& effect) {
  if (effect.named.name.value != 0) {
    const auto flight = named_.find({effect.named.name, effect.queue});
    CARAFE_ASSERT(flight != named_.end());
    if (--flight->second.entries == 0) named_.erase(flight);
  }
  const auto flights = ids_.find(effect.queue);
  if (flights == ids_.end()) return;
  for (const auto& id : effect.ids) ids_in_flight_ -= flights->second.erase(id);
  if (flights->second.empty()) ids_.erase(flights);
}

} // namespace carafe::core
