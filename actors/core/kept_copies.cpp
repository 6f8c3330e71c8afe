#include "actors/core/kept_copies.hpp"

#include "actors/core/delivery_batches.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace carafe::core {

bool is_open_letter(const shard_state& state, const held_message& held) {
  if (held.at != held.message) return false; // A row's letter or copy.
  const auto* delivery = state.delivery(held.whose);
  return delivery != nullptr && delivery->of_letters();
}

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

effects::batch batch_for(queue_id queue, encoded_batch&& encoded) {
  effects::batch out;
  out.queue = queue;
  out.count = encoded.count;
  out.producer = no_producer;
  out.compression = encoded.compression;
  out.checksum = encoded.checksum;
  out.bytes = std::move(encoded.bytes);
  return out;
}

/// What a property says last; nothing if it does not say anything.
std::optional<std::string_view> property_of(const message_view& message, std::string_view name) {
  std::optional<std::string_view> out;
  for (const auto& property : message.properties)
    if (property.first == name) out = property.second;
  return out;
}

/// Whether the node wrote it as a dead letter, and it died at `keep_after` or later.
bool is_kept_letter(const storage::stored_batch& source, const message_view& message,
                    unix_ms keep_after) {
  if (source.batch.producer != no_producer) return false;
  if (!property_of(message, "carafe-dead-topic") || !property_of(message, "carafe-dead-offset"))
    return false;
  std::int64_t died = 0;
  if (const auto text = property_of(message, "carafe-dead-last-failed-ms"))
    std::from_chars(text->data(), text->data() + text->size(), died);
  return died >= keep_after.value;
}

/// The letter, with where it was first in a property: whoever reads the topic knows it by that.
result<void> add_letter(batch_builder& builder, message_view letter, offset was) {
  if (property_of(letter, moved_letter_property)) return builder.add(letter);
  const auto first = std::to_string(was.value);
  std::vector<std::pair<std::string_view, std::string_view>> properties{letter.properties.begin(),
                                                                        letter.properties.end()};
  const auto without = properties.size();
  properties.emplace_back(moved_letter_property, first);
  letter.properties = properties;
  auto added = builder.add(letter);
  if (added || builder.count() > 0) return added;
  // It would be too large with it.
  letter.properties = std::span{properties}.first(without);
  return builder.add(letter);
}

void append(std::vector<offset_range>& to, offset at) {
  if (!to.empty() && to.back().end() == at)
    ++to.back().count;
  else
    to.push_back({at, 1});
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
    if (is_open_letter(state, each)) continue;
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
  out.emplace_back(batch_for(kept_messages, std::move(*encoded)));
  for (auto& [key, own] : kept) out.emplace_back(std::move(own));
  return out;
}

bool moves_letters(std::span<const effects::effect> entry) {
  return std::ranges::any_of(entry, [](const effects::effect& each) {
    const auto* settled = std::get_if<effects::settled>(&each);
    return settled != nullptr && settled->why == effects::settled::reason::moved;
  });
}

result<std::vector<effects::effect>> move_letters(const shard_state& state,
                                                  std::span<const storage::stored_batch> sources,
                                                  std::span<const held_message> held,
                                                  unix_ms keep_after, const batch_limits& limits) {
  using reason = effects::settled::reason;
  const auto whose = held.front().whose;
  effects::settled moved{whose.group, whose.queue, {}, reason::moved};
  effects::settled ended{whose.group, whose.queue, {}, reason::gone};
  batch_builder builder{limits};
  std::optional<batch_reader> reader;
  auto source = sources.begin();
  for (const auto& each : held) {
    if (each.whose != whose || !is_open_letter(state, each)) continue;
    while (source != sources.end() && source->base + source->count <= each.at) {
      ++source;
      reader.reset();
    }
    if (source == sources.end() || each.at < source->base) break;
    if (!reader) {
      auto opened = batch_reader::open(source->batch.bytes, source->batch.compression, limits);
      if (!opened) return opened.error();
      reader.emplace(std::move(*opened));
    }
    const auto message =
      reader->message(static_cast<std::uint32_t>(each.at.value - source->base.value));
    if (!is_kept_letter(*source, message, keep_after)) {
      append(ended.ranges, each.at);
      continue;
    }
    if (auto added = add_letter(builder, message, each.at); !added) {
      if (moved.ranges.empty() && ended.ranges.empty()) return added.error();
      break; // The rest is for the next entry.
    }
    append(moved.ranges, each.at);
  }
  std::vector<effects::effect> out;
  if (builder.count() > 0) {
    auto encoded = builder.finish(sources.front().batch.compression);
    if (!encoded) return encoded.error();
    out.emplace_back(batch_for(whose.queue, std::move(*encoded)));
    out.emplace_back(std::move(moved));
  }
  if (!ended.ranges.empty()) out.emplace_back(std::move(ended));
  return out;
}

} // namespace carafe::core
