#include "actors/core/kept_copies.hpp"

#include "actors/core/delivery_batches.hpp"

#include <map>
#include <utility>

namespace carafe::core {

namespace {

/// What it was when a producer sent it, also if this is a copy of a copy.
void remember_origin(const shard_state& state, const storage::stored_batch& source,
                     const held_message& held, waiting_record& row) {
  row.stored = source.time;
  row.producer = source.batch.producer;
  row.number = source.batch.first + (held.at.value - source.base.value);
  const auto* delivery = state.delivery(held.whose);
  if (delivery == nullptr) return;
  const auto before = delivery->waiting().find(held.message);
  if (before == delivery->waiting().end() || before->second.letter_queue.value == 0) return;
  row.stored = before->second.stored; // Still nothing, if it was redriven.
  row.producer = before->second.producer;
  row.number = before->second.number;
}

} // namespace

result<std::vector<effects::effect>> copy_held(const shard_state& state,
                                               const storage::stored_batch& source,
                                               std::span<const held_message> held, offset first,
                                               const batch_limits& limits) {
  auto reader = batch_reader::open(source.batch.bytes, source.batch.compression, limits);
  if (!reader) return reader.error();
  batch_builder builder{limits};
  std::map<progress_key, effects::kept> kept;
  std::optional<offset> copied;
  for (const auto& each : held) {
    if (each.at < source.base || each.at >= source.base + source.count) break;
    const auto message =
      reader->message(static_cast<std::uint32_t>(each.at.value - source.base.value));
    if (copied != each.at) { // Groups share a copy.
      if (!builder.add(message)) break;
      copied = each.at;
    }
    waiting_record row;
    row.at = each.message;
    row.key = hash_of_key(message.key);
    row.letter_queue = kept_messages;
    row.letter = first + (builder.count() - 1);
    remember_origin(state, source, each, row);
    auto& own = kept[each.whose];
    own.group = each.whose.group;
    own.queue = each.whose.queue;
    own.rows.push_back(std::move(row));
  }
  if (builder.count() == 0) return {errc::internal, "a stored message that fits into no batch"};
  auto encoded = builder.finish(source.batch.compression);
  if (!encoded) return encoded.error();
  std::vector<effects::effect> out;
  effects::batch copies;
  copies.queue = kept_messages;
  copies.count = encoded->count;
  copies.producer = no_producer;
  copies.compression = encoded->compression;
  copies.checksum = encoded->checksum;
  copies.bytes = std::move(encoded->bytes);
  out.emplace_back(std::move(copies));
  for (auto& [key, own] : kept) out.emplace_back(std::move(own));
  return out;
}

} // namespace carafe::core
