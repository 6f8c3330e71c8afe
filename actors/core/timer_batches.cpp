#include "actors/core/timer_batches.hpp"

#include <cinttypes>
#include <cstdio>
#include <string>
#include <utility>

namespace carafe::core {

namespace {

using property_list = std::vector<std::pair<std::string_view, std::string_view>>;

/// As `client::to_string(message_id)`.
std::string id_text(const timer_record& row) {
  char text[48];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-%" PRIu64, row.producer.value,
                row.sequence.value);
  return text;
}

/// A message within its limit stays so in a batch of its own, whatever the node adds to it.
batch_limits alone(batch_limits limits) {
  constexpr std::uint32_t room_for_properties = 4'096;
  limits.message_bytes_max += room_for_properties;
  limits.batch_bytes_max += room_for_properties;
  return limits;
}

result<batch_reader> open(const timer_record& row, const batch_limits& limits) {
  auto reader =
    batch_reader::open(shared_bytes::copy_of(as_bytes(row.batch)), codec::none, alone(limits));
  if (!reader) return {errc::storage_corrupt, "a waiting message: " + reader.error().detail};
  return reader;
}

/// Tells when and by which id it was to be delivered, if the message has room for that.
result<void> add(batch_builder& to, const timer_record& row, const batch_limits& limits) {
  auto reader = open(row, limits);
  if (!reader) return reader.error();
  auto message = reader->message(0);
  const auto id = id_text(row);
  const auto due = std::to_string(row.at.due.value);
  property_list properties{message.properties.begin(), message.properties.end()};
  const auto own = properties.size();
  properties.emplace_back(timer_id_property, id);
  properties.emplace_back(timer_due_property, due);
  message.properties = properties;
  auto added = to.add(message);
  if (added.code() != errc::message_too_large) return added;
  message.properties = std::span{properties}.first(own);
  return to.add(message);
}

} // namespace

result<std::vector<timer_ptr>> split_timers(const effects::batch& batch, unix_ms stored,
                                            const batch_limits& limits) {
  auto reader = batch_reader::open(batch.bytes, batch.compression, limits);
  if (!reader) return reader.error();
  std::vector<timer_ptr> out;
  out.reserve(reader->count());
  batch_builder builder{alone(limits)};
  for (std::uint32_t i = 0; i < reader->count(); ++i) {
    auto message = reader->message(i);
    const auto at = std::exchange(message.deliver_at, 0);
    auto row = std::make_shared<timer_record>();
    row->at = {unix_ms{at > 0 ? at : stored.value - at}, batch.queue, batch.base.value + i};
    row->producer = batch.producer;
    row->sequence = sequence{batch.first.value + i};
    row->armed = stored;
    for (const auto& [name, value] : message.properties)
      if (name == timer_name_property) row->name = value;
    if (auto ok = builder.add(message); !ok) return ok.error();
    auto single = builder.finish(codec::none);
    if (!single) return single.error();
    row->batch = single->bytes.text();
    out.push_back(std::move(row));
  }
  return out;
}

result<joined_timers> join_timers(std::span<const timer_ptr> rows, const batch_limits& limits) {
  batch_builder builder{limits};
  joined_timers out;
  for (const auto& row : rows) {
    auto added = add(builder, *row, limits);
    if (!added && out.taken == 0) return added.error();
    if (!added) break; // It comes with the next batch, or is told then.
    ++out.taken;
  }
  auto batch = builder.finish(codec::none);
  if (!batch) return batch.error();
  out.batch = std::move(*batch);
  return out;
}

} // namespace carafe::core
