#include "actors/core/delivery_batches.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace carafe::core {

namespace {

result<batch_reader> open(const delivery_batch& batch, const batch_limits& limits) {
  return batch_reader::open(batch.what.bytes, batch.what.compression, limits);
}

} // namespace

/// Never 0, which stands for no key.
std::uint64_t hash_of_key(std::string_view key) {
  if (key.empty()) return 0;
  // FNV-1a, 64 bits: the same in every run, since rows of the log carry it.
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash == 0 ? 1 : hash;
}

result<std::optional<filter>> parse_filter(const message_filter& what) {
  using wanted = std::optional<filter>;
  if (what.how == message_filter::kind::none) return wanted{};
  const auto kind = what.how == message_filter::kind::tags ? filter_kind::tags : filter_kind::sql;
  auto parsed = filter::parse(kind, what.text);
  if (!parsed) return parsed.error();
  return wanted{std::move(*parsed)};
}

namespace {

void set_expiry(delivery_batch& batch, std::uint64_t ttl_ms) {
  if (ttl_ms == 0) return;
  batch.expires_first = unix_ms{batch.time.value + static_cast<std::int64_t>(ttl_ms)};
  batch.expires.assign(batch.what.count, batch.expires_first);
}

/// What the messages say of themselves goes before what the topic says.
void set_ranks(delivery_batch& batch, const batch_reader& reader, bool keyed,
               std::uint64_t ttl_ms) {
  if (!keyed && reader.has_priorities())
    for (std::uint32_t i = 0; i < reader.count(); ++i)
      batch.priorities.push_back(reader.priority(i));
  if (!reader.has_ttls()) return;
  batch.expires.clear();
  batch.expires_first = delivery_batch::never;
  for (std::uint32_t i = 0; i < reader.count(); ++i) {
    const auto ttl = reader.ttl_ms(i) != 0 ? reader.ttl_ms(i) : ttl_ms;
    const auto ends =
      ttl == 0 ? delivery_batch::never : unix_ms{batch.time.value + static_cast<std::int64_t>(ttl)};
    batch.expires.push_back(ends);
    batch.expires_first = std::min(batch.expires_first, ends);
  }
}

} // namespace

result<delivery_batch_ptr> make_delivery_batch(effects::batch stored, unix_ms time, bool keyed,
                                               const std::optional<filter>& wanted,
                                               std::uint64_t ttl_ms, const batch_limits& limits) {
  auto out = std::make_shared<delivery_batch>();
  out->what = std::move(stored);
  out->time = time;
  set_expiry(*out, ttl_ms);
  if (!keyed && !wanted && !out->what.ranked) return delivery_batch_ptr{std::move(out)};
  auto reader = open(*out, limits);
  if (!reader) return reader.error();
  if (out->what.ranked) set_ranks(*out, *reader, keyed, ttl_ms);
  if (wanted) {
    std::vector<message_run> runs;
    wanted->select(*reader, runs);
    out->passes.emplace();
    for (const auto& run : runs) out->passes->push_back({out->what.base + run.first, run.count});
  }
  if (keyed) {
    bool any = false;
    out->keys.reserve(reader->count());
    for (std::uint32_t i = 0; i < reader->count(); ++i) {
      out->keys.push_back(hash_of_key(reader->key(i)));
      any |= out->keys.back() != 0;
    }
    if (!any) out->keys.clear();
  }
  return delivery_batch_ptr{std::move(out)};
}

namespace {

/// The message at `at`, and the reader that it points into.
result<std::pair<batch_reader, std::uint32_t>> find(const delivery_batch& batch, offset at,
                                                    const batch_limits& limits) {
  if (at < batch.what.base || at >= batch.end())
    return {errc::not_found, "message " + std::to_string(at.value) + " is not in its batch"};
  auto reader = open(batch, limits);
  if (!reader) return reader.error();
  return std::pair{std::move(*reader),
                   static_cast<std::uint32_t>(at.value - batch.what.base.value)};
}

} // namespace

result<delivery_batch_ptr> revive_letter(const delivery_batch& batch, const waiting_record& row,
                                         std::uint64_t ttl_ms, const batch_limits& limits) {
  auto found = find(batch, row.letter, limits);
  if (!found) return found.error();
  batch_builder builder{limits};
  if (auto ok = builder.add(found->first.message(found->second)); !ok) return ok.error();
  auto encoded = builder.finish(batch.what.compression);
  if (!encoded) return encoded.error();
  auto out = std::make_shared<delivery_batch>();
  out->what = batch.what;
  out->what.base = row.at;
  out->what.count = 1;
  out->what.compression = encoded->compression;
  out->what.checksum = encoded->checksum;
  out->what.bytes = encoded->bytes;
  out->time = batch.time;
  if (row.stored.value != 0) {
    out->time = row.stored;
    out->what.producer = row.producer;
    out->what.first = row.number;
    const auto own = found->first.ttl_ms(found->second);
    set_expiry(*out, own != 0 ? own : ttl_ms);
  }
  return delivery_batch_ptr{std::move(out)};
}

result<bool> first_passes(const delivery_batch& batch, const std::optional<filter>& wanted,
                          const batch_limits& limits) {
  if (!wanted) return true;
  auto reader = open(batch, limits);
  if (!reader) return reader.error();
  return wanted->matches(reader->message(0));
}

namespace {

/// What of its message a letter does not have, because it had no room for it.
constexpr std::string_view cut_property = "carafe-dead-cut";

} // namespace

result<letter_story> read_letter(const delivery_batch& batch, offset letter,
                                 const batch_limits& limits) {
  auto found = find(batch, letter, limits);
  if (!found) return found.error();
  letter_story out;
  bool has_offset = false;
  const auto number = [](std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  const auto message = found->first.message(found->second);
  for (const auto& [name, value] : message.properties) {
    if (name == "carafe-dead-topic") out.topic = value;
    if (name == "carafe-dead-queue") out.number = static_cast<std::uint32_t>(number(value));
    if (name == cut_property) out.cut = true;
    if (name == "carafe-dead-queue-id") out.queue = queue_id{number(value)};
    if (name == "carafe-dead-offset") {
      out.at = offset{number(value)};
      has_offset = true;
    }
  }
  if (out.topic.empty() || !has_offset)
    return {errc::invalid_argument,
            "message " + std::to_string(letter.value) + " does not say which message it was"};
  return out;
}

result<std::uint64_t> key_at(const delivery_batch& batch, offset at, const batch_limits& limits) {
  auto found = find(batch, at, limits);
  if (!found) return found.error();
  return hash_of_key(found->first.key(found->second));
}

result<sent_batch> cut_batch(const delivery_batch& batch, const std::vector<offset_range>& ranges,
                             bool others, const batch_limits& limits) {
  const auto& what = batch.what;
  std::uint64_t count = 0;
  for (const auto& range : ranges) count += range.count;
  if (count == what.count || (others && count * 4 >= std::uint64_t{what.count} * 3))
    return sent_batch{{what.bytes, what.count, what.compression, what.checksum},
                      count < what.count};
  auto reader = open(batch, limits);
  if (!reader) return reader.error();
  batch_builder builder{limits};
  auto encoded = copy_messages(builder, *reader, what.base, ranges, what.compression);
  if (!encoded) return encoded.error();
  return sent_batch{std::move(*encoded)};
}

result<encoded_batch> copy_messages(batch_builder& builder, const batch_reader& from, offset base,
                                    const std::vector<offset_range>& ranges, codec compression) {
  for (const auto& range : ranges)
    for (auto at = range.first; at < range.end(); at = at + 1)
      if (auto ok = builder.add(from.message(static_cast<std::uint32_t>(at.value - base.value)));
          !ok)
        return ok.error();
  return builder.finish(compression);
}

namespace {

constexpr std::string_view story_prefix = "carafe-dead-";
constexpr std::string_view earlier_property = "carafe-dead-earlier";
constexpr std::size_t earlier_bytes_max = 1'024;
constexpr std::string_view stored_property = "carafe-dead-stored-ms";
constexpr std::string_view first_failed_property = "carafe-dead-first-failed-ms";

/// What a letter says of how its message died, a line for each time, oldest first; the oldest are
/// left out where that is more than `bytes_max`.
/// @param letter Its properties.
std::string told_deaths(const std::map<std::string_view, std::string_view>& letter,
                        std::size_t bytes_max) {
  const auto said = [&letter](std::string_view name) {
    const auto at = letter.find(name);
    return std::string{at == letter.end() ? std::string_view{} : at->second};
  };
  auto out = said(earlier_property);
  out += (out.empty() ? "" : "\n") + said("carafe-dead-last-failed-ms") + " ms, attempt " +
         said("carafe-dead-attempts") + ": ";
  auto error = said("carafe-dead-error");
  std::ranges::replace(error, '\n', ' ');
  out += error;
  while (out.size() > bytes_max) {
    const auto line = out.find('\n');
    if (line == std::string::npos) {
      out.resize(bytes_max);
      break;
    }
    out.erase(0, line + 1);
  }
  return out;
}

} // namespace

result<encoded_batch> make_dead_letter(const delivery_batch& batch, const waiting_record& row,
                                       const dead_letter_origin& origin,
                                       const batch_limits& limits) {
  auto reader = open(batch, limits);
  if (!reader) return reader.error();
  auto message = reader->message(static_cast<std::uint32_t>(row.at.value - batch.what.base.value));
  // Where messages are small, so is the story.
  const auto error = row.error.substr(0, limits.message_bytes_max / 4);
  // One that was brought back has the story of its last death.
  const bool again = row.letter_queue.value != 0 && row.stored.value == 0;
  std::map<std::string_view, std::string_view> before;
  std::vector<std::pair<std::string_view, std::string_view>> properties;
  for (const auto& property : message.properties) {
    if (again && property.first.starts_with(story_prefix))
      before.insert_or_assign(property.first, property.second);
    else if (property.first != moved_letter_property && property.first != cut_property &&
             property.first != earlier_property)
      properties.push_back(property);
  }
  const auto own = properties.size();
  const auto since_before = [&before](std::string_view name, unix_ms now) {
    const auto at = before.find(name);
    return at == before.end() ? std::to_string(now.value) : std::string{at->second};
  };
  std::vector<std::pair<std::string, std::string>> story = {
    {"carafe-dead-group", origin.group},
    {"carafe-dead-topic", origin.topic},
    {"carafe-dead-queue", std::to_string(origin.number.value)},
    {"carafe-dead-queue-id", std::to_string(origin.queue.value)},
    {"carafe-dead-offset", std::to_string(row.at.value)},
    {"carafe-dead-attempts", std::to_string(row.attempts)},
    {"carafe-dead-error", error},
    {std::string{first_failed_property}, since_before(first_failed_property, row.first_failed)},
    {"carafe-dead-last-failed-ms", std::to_string(row.last_failed.value)},
    {std::string{stored_property}, since_before(stored_property, batch.time)},
  };
  if (!before.empty())
    story.emplace_back(
      earlier_property,
      told_deaths(before, std::min<std::size_t>(limits.message_bytes_max / 8, earlier_bytes_max)));
  for (const auto& [name, value] : story) properties.emplace_back(name, value);
  message.properties = properties;
  batch_builder builder{limits};
  auto ok = builder.add(message);
  // Whoever reads a letter that has not all of its message is told so, and it is not redriven.
  if (!ok) {
    properties.emplace_back(cut_property, "properties");
    message.properties = std::span{properties}.subspan(own);
    ok = builder.add(message);
  }
  if (!ok) {
    properties.back().second = "properties, body";
    constexpr std::size_t room_for_story = 4'096;
    const auto taken = message.key.size() + message.tag.size() + room_for_story;
    message.body = message.body.substr(
      0, limits.message_bytes_max > taken ? limits.message_bytes_max - taken : 0);
    ok = builder.add(message);
  }
  if (!ok) { // They alone leave no room for what became of it.
    properties.back().second = "properties, body, key, tag";
    message.key = message.tag = {};
    ok = builder.add(message);
  }
  if (!ok) return ok.error();
  return builder.finish(batch.what.compression);
}

} // namespace carafe::core
