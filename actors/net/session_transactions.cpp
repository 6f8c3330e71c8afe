#include "actors/core/catalogue_core.hpp"
#include "actors/core/placement.hpp"
#include "actors/net/session.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe {

namespace {

/// A producer is asked at the soonest after this, and at the latest.
constexpr std::uint32_t check_ms_min = 10;
constexpr std::uint32_t check_ms_max = 7u * 24 * 60 * 60 * 1'000;
constexpr std::uint32_t check_first_ms = 6'000;
constexpr std::uint32_t check_every_ms = 30'000;
/// Ranges of messages in one frame.
constexpr std::size_t ranges_max = 65'536;

result<std::uint32_t> pause_of(std::uint32_t wanted, std::uint32_t usual) {
  if (wanted == 0) return usual;
  if (wanted < check_ms_min || wanted > check_ms_max)
    return {errc::invalid_argument, "producers are asked after " + std::to_string(check_ms_min) +
                                      " to " + std::to_string(check_ms_max) + " ms"};
  return wanted;
}

result<void> check_name(const transaction_name& name) {
  if (name.id.producer.value == 0 || name.id.number == 0)
    return {errc::invalid_argument, "a transaction's producer and number must not be 0"};
  return {};
}

/// Its batches, checked, but for where their queues are.
result<std::vector<half_batch>> halves_of(session_pointer self, const frames::tx_prepare& what,
                                          std::set<queue_id>& keyless) {
  const auto& limits = self->state.context->options.limits;
  std::vector<half_batch> out;
  std::uint64_t last = 0;
  for (const auto& each : what.batches) {
    if (each.first.value <= last || each.first.value > ~std::uint64_t{0} - each.count)
      return {errc::invalid_argument, "sequences must rise from batch to batch, from 1 on"};
    auto valid =
      validate_batch(each.batch.span(), each.compression, each.count, each.checksum, limits);
    if (!valid) return valid.error();
    if (valid->timed)
      return {errc::unsupported, "a message of a transaction cannot have a time of delivery"};
    if (!valid->ids.empty())
      return {errc::unsupported, "a message of a transaction cannot have a dedup id"};
    if (valid->keyless) keyless.insert(each.queue);
    last = each.first.value + each.count - 1;
    out.push_back({each.queue,
                   {},
                   each.first,
                   each.count,
                   each.compression,
                   each.checksum,
                   valid->ranked,
                   each.batch});
  }
  return out;
}

result<tx_wish> wish_of(session_pointer self, const frames::tx_prepare& what) {
  if (auto ok = check_name(what.transaction); !ok) return ok.error();
  if (auto ok = core::check_group_name(what.group); !ok) return ok.error();
  if (what.batches.empty() && what.consumed.empty())
    return {errc::invalid_argument, "it has neither messages nor acknowledgements"};
  std::size_t ranges = 0;
  for (const auto& each : what.consumed) {
    ranges += each.ranges.size();
    if (each.ranges.empty() || ranges > ranges_max)
      return {errc::invalid_argument,
              "a frame acknowledges 1 to " + std::to_string(ranges_max) + " ranges of messages"};
  }
  tx_wish wish;
  wish.id = what.transaction.id;
  wish.group = what.group;
  auto first = pause_of(what.check_first_ms, check_first_ms);
  if (!first) return first.error();
  auto every = pause_of(what.check_every_ms, check_every_ms);
  if (!every) return every.error();
  wish.check_first_ms = *first;
  wish.check_every_ms = *every;
  auto halves = halves_of(self, what, wish.keyless);
  if (!halves) return halves.error();
  wish.halves = std::move(*halves);
  return wish;
}

/// A coordinator that forgets more easily than a shard with a part could leave half of it.
result<void> check_durability(shard_id coordinator, const tx_places& places) {
  for (const auto& [queue, shard] : places.queues)
    if (core::durability_of(shard) < core::durability_of(coordinator))
      return {errc::invalid_argument, "shard " + std::to_string(coordinator.value) +
                                        " is less durable than the one of queue " +
                                        std::to_string(queue.value) +
                                        "; choose that one as coordinator"};
  return {};
}

result<void> put_places(tx_wish& wish, const frames::tx_prepare& what, const tx_places& places) {
  if (auto ok = check_durability(what.transaction.shard, places); !ok) return ok;
  for (auto& half : wish.halves) {
    half.shard = places.queues.at(half.queue);
    if (places.compacted.contains(half.queue) && wish.keyless.contains(half.queue))
      return {errc::key_required, "a message without a key in a compacted topic"};
  }
  for (const auto& each : what.consumed) {
    const auto& [group, ordered] = places.groups.at(each.group);
    wish.consumed.push_back(
      {group, ordered, each.queue, places.queues.at(each.queue), each.ranges});
  }
  return {};
}

void give_back(const std::vector<quota_use>& used) {
  for (const auto& each : used) each.give_back();
}

/// Half messages count when they are prepared: all of a frame, or it is refused.
/// @returns Nothing: `request` was answered with an error.
std::optional<std::vector<quota_use>> take_quotas(session_pointer self, std::uint64_t request,
                                                  const frames::tx_prepare& what) {
  std::vector<quota_use> out;
  const auto& board = self->state.context->quotas;
  if (board->version() == 0 && !self->state.quotas) return out;
  std::map<std::shared_ptr<quota_pair>, std::uint64_t> bytes;
  for (const auto& each : what.batches) bytes[board->of(each.queue)] += each.batch.size();
  for (const auto& [topic, sum] : bytes) {
    auto used = take_quotas(self, request, topic, sum);
    if (!used) {
      give_back(out);
      return std::nullopt;
    }
    out.push_back(std::move(*used));
  }
  return out;
}

void on_prepare(session_pointer self, std::uint64_t request, const frames::tx_prepare& what) {
  auto wish = wish_of(self, what);
  if (!wish) return reply_error(self, request, wish.error());
  auto used = take_quotas(self, request, what);
  if (!used) return;
  tx_question question;
  question.coordinator = what.transaction.shard;
  for (const auto& each : what.batches) question.queues.push_back(each.queue);
  for (const auto& each : what.consumed) {
    question.queues.push_back(each.queue);
    question.groups.push_back(each.group);
  }
  begin_request(self);
  const auto failed = [self, request, used = std::move(*used)](const failure& why) {
    give_back(used);
    reply_error(self, request, why);
    end_request(self);
    flush(self);
  };
  self->request(self->state.context->catalogue, caf::infinite, resolve_atom_v, std::move(question))
    .then(
      [self, request, what, wish = std::move(*wish), failed](const tx_places& places) mutable {
        if (auto ok = put_places(wish, what, places); !ok) return failed(ok.error());
        self->request(places.coordinator, caf::infinite, prepare_atom_v, std::move(wish))
          .then(
            [self, request](const frames::tx_prepared& done) {
              reply(self, request, done);
              end_request(self);
              flush(self);
            },
            [failed](const caf::error& why) { failed(from_caf(why)); });
      },
      [failed](const caf::error& why) { failed(from_caf(why)); });
}

void on_end(session_pointer self, std::uint64_t request, const frames::tx_end& what) {
  if (auto ok = check_name(what.transaction); !ok) return reply_error(self, request, ok.error());
  ask<caf::ok_atom>(
    self, request, self->state.context->transactions,
    [](caf::ok_atom) -> frames::body { return frames::ok{}; }, finish_atom_v, what);
}

void on_tx_join(session_pointer self, std::uint64_t request, const frames::tx_join& what) {
  if (auto ok = core::check_group_name(what.group); !ok)
    return reply_error(self, request, ok.error());
  ask<caf::ok_atom>(
    self, request, self->state.context->transactions,
    [](caf::ok_atom) -> frames::body { return frames::ok{}; }, join_atom_v, what,
    session_actor{self});
}

} // namespace

bool on_transaction(session_pointer self, const frames::frame& f) {
  if (const auto* prepare = std::get_if<frames::tx_prepare>(&f.body))
    on_prepare(self, f.request, *prepare);
  else if (const auto* end = std::get_if<frames::tx_end>(&f.body))
    on_end(self, f.request, *end);
  else if (const auto* join = std::get_if<frames::tx_join>(&f.body))
    on_tx_join(self, f.request, *join);
  else if (const auto* list = std::get_if<frames::tx_list>(&f.body))
    ask<frames::txs>(
      self, f.request, self->state.context->transactions,
      [](const frames::txs& found) -> frames::body { return found; }, list_atom_v, *list);
  else
    return false;
  return true;
}

} // namespace carafe
