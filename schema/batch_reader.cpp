#include "schema/batch.hpp"

#include "schema/batch.capnp.h"
#include "schema/compression.hpp"
#include "schema/flat_message.hpp"
#include "schema/utf8.hpp"

#include <capnp/serialize.h>

#include <limits>
#include <string>

namespace carafe {
namespace {

constexpr std::size_t names_max = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t id_bytes_max = 255;

failure malformed(std::string_view column) { return {errc::batch_malformed, std::string{column}}; }

std::string_view text_of(capnp::Data::Reader data) {
  auto chars = data.asChars();
  return {chars.begin(), chars.size()};
}

/// Blobs one after another and where each of them ends.
struct blob_column {
  std::string_view bytes;
  capnp::List<std::uint32_t>::Reader ends;

  /// Whether there are `count` ends that never fall and the last is the blobs' length.
  [[nodiscard]] bool fits(std::size_t count) const {
    if (ends.size() != count) return false;
    std::uint32_t last = 0;
    auto rising = true;
    for (unsigned i = 0; i < count; ++i) {
      auto end = ends[i];
      rising &= end >= last;
      last = end;
    }
    return rising && last == bytes.size();
  }
  [[nodiscard]] std::uint32_t begin_of(unsigned at) const { return at == 0 ? 0 : ends[at - 1]; }
  [[nodiscard]] std::uint32_t bytes_of(unsigned at) const { return ends[at] - begin_of(at); }
  [[nodiscard]] std::string_view operator[](unsigned at) const {
    auto begin = begin_of(at);
    return {bytes.data() + begin, ends[at] - begin};
  }
};

/// A batch's columns as they lie in the message.
struct columns {
  std::uint32_t count = 0;
  blob_column bodies;
  blob_column keys;
  std::int64_t born_base = 0;
  capnp::List<std::uint32_t>::Reader born_deltas;
  std::vector<std::string_view> names;
  capnp::List<std::uint16_t>::Reader tags;
  capnp::List<std::uint32_t>::Reader property_ends;
  capnp::List<std::uint16_t>::Reader property_names;
  blob_column property_values;
  capnp::List<std::uint8_t>::Reader priorities;
  capnp::List<std::uint64_t>::Reader ttls;
  capnp::List<std::int64_t>::Reader times;
  blob_column ids;

  result<void> take(wire::Batch::Reader from, const batch_limits& limits);
  /// @returns Sum of all body, key, tag and property bytes.
  [[nodiscard]] result<std::uint64_t> check(const batch_limits& limits) const;

  [[nodiscard]] std::string_view tag(unsigned at) const {
    if (tags.size() == 0 || tags[at] == 0) return {};
    return names[tags[at] - 1u];
  }
  [[nodiscard]] unsigned properties_begin(unsigned at) const {
    return at == 0 ? 0 : property_ends[at - 1];
  }

private:
  result<void> take_names(wire::Batch::Reader from);
  [[nodiscard]] result<void> check_columns() const;
  [[nodiscard]] result<void> check_born() const;
  [[nodiscard]] result<void> check_tags() const;
  [[nodiscard]] result<void> check_properties() const;
  [[nodiscard]] result<void> check_rare() const;
  [[nodiscard]] result<void> check_ids() const;
};

result<void> columns::take(wire::Batch::Reader from, const batch_limits& limits) {
  count = from.getCount();
  if (count == 0) return malformed("count is 0");
  if (count > limits.batch_count_max)
    return {errc::batch_too_large,
            std::to_string(count) + " messages of " + std::to_string(limits.batch_count_max)};
  bodies = {text_of(from.getBodies()), from.getBodyEnds()};
  keys = {text_of(from.getKeys()), from.getKeyEnds()};
  born_base = from.getBornBaseMs();
  born_deltas = from.getBornDeltas();
  tags = from.getTags();
  property_ends = from.getPropertyEnds();
  property_names = from.getPropertyNames();
  property_values = {text_of(from.getPropertyValues()), from.getPropertyValueEnds()};
  if (from.hasRare()) {
    auto rare = from.getRare();
    priorities = rare.getPriorities();
    ttls = rare.getTtlsMs();
    times = rare.getDeliverAtMs();
    ids = {text_of(rare.getDedupIds()), rare.getDedupIdEnds()};
  }
  return take_names(from);
}

result<void> columns::take_names(wire::Batch::Reader from) {
  auto list = from.getNames();
  if (list.size() > names_max) return malformed("names: more than 65535");
  names.reserve(list.size());
  for (auto name : list) {
    auto text = std::string_view{name.begin(), name.size()};
    if (text.empty() || text.size() > name_bytes_max)
      return malformed("names: one has no or more than 255 bytes");
    if (!is_wire_text(text)) return malformed("names: one is not UTF-8");
    names.push_back(text);
  }
  return {};
}

result<void> columns::check_born() const {
  if (born_deltas.size() == 0) return {};
  if (born_deltas.size() != count) return malformed("bornDeltas: not one a message");
  std::uint32_t latest = 0;
  for (auto delta : born_deltas) latest = std::max(latest, delta);
  if (born_base > std::numeric_limits<std::int64_t>::max() - std::int64_t{latest})
    return malformed("bornDeltas: past the end of time");
  return {};
}

result<void> columns::check_tags() const {
  if (tags.size() == 0) return {};
  if (tags.size() != count) return malformed("tags: not one a message");
  for (auto tag : tags) {
    if (tag > names.size()) return malformed("tags: no such name");
  }
  return {};
}

result<void> columns::check_properties() const {
  auto total = property_names.size();
  if (property_ends.size() == 0) {
    if (total != 0 || property_values.ends.size() != 0 || !property_values.bytes.empty())
      return malformed("propertyEnds: empty, but there are properties");
    return {};
  }
  if (property_ends.size() != count) return malformed("propertyEnds: not one a message");
  std::uint32_t last = 0;
  for (auto end : property_ends) {
    if (end < last) return malformed("propertyEnds: falling");
    last = end;
  }
  if (last != total) return malformed("propertyEnds: last is not the number of properties");
  for (auto name : property_names) {
    if (name >= names.size()) return malformed("propertyNames: no such name");
  }
  if (!property_values.fits(total)) return malformed("propertyValueEnds");
  return {};
}

result<void> columns::check_rare() const {
  const auto fits = [this](const auto& list) { return list.size() == 0 || list.size() == count; };
  if (!fits(priorities)) return malformed("priorities: not one a message");
  if (!fits(ttls)) return malformed("ttlsMs: not one a message");
  if (!fits(times)) return malformed("deliverAtMs: not one a message");
  for (auto priority : priorities)
    if (priority > priority_max) return malformed("priorities: one is above 9");
  for (auto ttl : ttls)
    if (ttl > static_cast<std::uint64_t>(message_time_max))
      return malformed("ttlsMs: past the year 9999");
  for (auto time : times)
    if (time == 0 || time > message_time_max || time < -message_time_max)
      return malformed("deliverAtMs: past the year 9999, or only of some messages");
  return {};
}

result<void> columns::check_ids() const {
  if (ids.ends.size() == 0 && ids.bytes.empty()) return {};
  if (!ids.fits(count)) return malformed("dedupIdEnds");
  for (unsigned i = 0; i < count; ++i)
    if (ids.bytes_of(i) > id_bytes_max) return malformed("dedupIds: one has more than 255 bytes");
  return {};
}

result<void> columns::check_columns() const {
  if (!bodies.fits(count)) return malformed("bodyEnds");
  if (keys.ends.size() != 0 || !keys.bytes.empty()) {
    if (!keys.fits(count)) return malformed("keyEnds");
  }
  if (auto good = check_born(); !good) return good;
  if (auto good = check_tags(); !good) return good;
  if (auto good = check_rare(); !good) return good;
  if (auto good = check_ids(); !good) return good;
  return check_properties();
}

result<std::uint64_t> columns::check(const batch_limits& limits) const {
  if (auto good = check_columns(); !good) return good.error();
  auto keyed = keys.ends.size() != 0;
  auto tagged = tags.size() != 0;
  auto with_properties = property_ends.size() != 0;
  std::uint64_t total = 0;
  for (unsigned i = 0; i < count; ++i) {
    std::uint64_t bytes = bodies.bytes_of(i);
    if (keyed) bytes += keys.bytes_of(i);
    if (tagged) bytes += tag(i).size();
    if (with_properties) {
      for (auto p = properties_begin(i); p < property_ends[i]; ++p)
        bytes += names[property_names[p]].size() + property_values.bytes_of(p);
    }
    if (bytes > limits.message_bytes_max)
      return {errc::message_too_large, "message " + std::to_string(i) + ": " +
                                         std::to_string(bytes) + " bytes of " +
                                         std::to_string(limits.message_bytes_max)};
    total += bytes;
  }
  return total;
}

/// A checked batch and the message that its columns point into.
struct opened {
  explicit opened(shared_bytes plain)
    : bytes(std::move(plain)), message(as_words(bytes.span()), reader_options(bytes.size())) {}

  shared_bytes bytes;
  capnp::FlatArrayMessageReader message;
  columns at;
  std::uint64_t payload_bytes = 0;

  result<void> open(const batch_limits& limits) {
    auto end = reinterpret_cast<const std::byte*>(message.getEnd());
    if (end != bytes.data() + bytes.size()) return malformed("bytes behind the message");
    if (auto taken = at.take(message.getRoot<wire::Batch>(), limits); !taken) return taken;
    auto checked = at.check(limits);
    if (!checked) return checked.error();
    payload_bytes = *checked;
    return {};
  }
};

/// Decompressed if need be, aligned, and no larger than allowed.
result<shared_bytes> plain_bytes(shared_bytes bytes, codec compression,
                                 const batch_limits& limits) {
  if (bytes.size() > limits.batch_bytes_max)
    return {errc::batch_too_large,
            std::to_string(bytes.size()) + " bytes of " + std::to_string(limits.batch_bytes_max)};
  if (compression != codec::none)
    return decompress(compression, bytes.span(), limits.batch_bytes_max);
  return aligned(std::move(bytes));
}

result<shared_bytes> checked_plain(shared_bytes bytes, codec compression,
                                   const batch_limits& limits) {
  auto plain = plain_bytes(std::move(bytes), compression, limits);
  if (plain && (plain->size() % word_bytes != 0 || plain->size() <= word_bytes))
    return malformed("no whole Cap'n Proto message");
  return plain;
}

} // namespace

struct batch_reader::view : opened {
  using opened::opened;
  std::vector<std::pair<std::string_view, std::string_view>> properties;
};

result<batch_reader> batch_reader::open(shared_bytes bytes, codec compression,
                                        batch_limits limits) {
  auto plain = checked_plain(std::move(bytes), compression, limits);
  if (!plain) return plain.error();
  return reading<result<batch_reader>>(errc::batch_malformed, [&]() -> result<batch_reader> {
    auto fresh = std::make_unique<view>(std::move(*plain));
    if (auto good = fresh->open(limits); !good) return good.error();
    return batch_reader{std::move(fresh)};
  });
}

batch_reader::batch_reader(std::unique_ptr<view> v) : view_(std::move(v)) {}
batch_reader::batch_reader(batch_reader&&) noexcept = default;
batch_reader& batch_reader::operator=(batch_reader&&) noexcept = default;
batch_reader::~batch_reader() = default;

std::uint32_t batch_reader::count() const noexcept { return view_->at.count; }

std::uint64_t batch_reader::payload_bytes() const noexcept { return view_->payload_bytes; }

message_view batch_reader::message(std::uint32_t at) const {
  auto& from = view_->at;
  CARAFE_ASSERT(at < from.count);
  auto message = message_view{};
  message.body = from.bodies[at];
  message.key = key(at);
  message.tag = from.tag(at);
  auto delta = from.born_deltas.size() == 0 ? 0 : from.born_deltas[at];
  message.born = unix_ms{from.born_base + std::int64_t{delta}};
  auto& list = view_->properties;
  list.clear();
  const auto range = properties(at);
  for (auto p = range.first; p < range.end; ++p)
    list.emplace_back(from.names[from.property_names[p]], from.property_values[p]);
  message.properties = list;
  message.priority = priority(at);
  message.ttl_ms = ttl_ms(at);
  message.deliver_at = deliver_at(at);
  message.dedup_id = dedup_id(at);
  return message;
}

bool batch_reader::has_priorities() const noexcept { return view_->at.priorities.size() != 0; }

bool batch_reader::has_ttls() const noexcept { return view_->at.ttls.size() != 0; }

bool batch_reader::timed() const noexcept { return view_->at.times.size() != 0; }

std::uint8_t batch_reader::priority(std::uint32_t at) const {
  return has_priorities() ? view_->at.priorities[at] : priority_default;
}

std::uint64_t batch_reader::ttl_ms(std::uint32_t at) const {
  return has_ttls() ? view_->at.ttls[at] : 0;
}

std::int64_t batch_reader::deliver_at(std::uint32_t at) const {
  return timed() ? view_->at.times[at] : 0;
}

std::string_view batch_reader::dedup_id(std::uint32_t at) const {
  auto& ids = view_->at.ids;
  return ids.ends.size() == 0 ? std::string_view{} : ids[at];
}

std::span<const std::string_view> batch_reader::names() const noexcept { return view_->at.names; }

std::string_view batch_reader::key(std::uint32_t at) const {
  auto& keys = view_->at.keys;
  return keys.ends.size() == 0 ? std::string_view{} : keys[at];
}

std::string_view batch_reader::tag(std::uint32_t at) const { return view_->at.tag(at); }

property_range batch_reader::properties(std::uint32_t at) const {
  auto& from = view_->at;
  if (from.property_ends.size() == 0) return {};
  return {from.properties_begin(at), from.property_ends[at]};
}

std::uint16_t batch_reader::property_name(std::uint32_t place) const {
  return view_->at.property_names[place];
}

std::string_view batch_reader::property_value(std::uint32_t place) const {
  return view_->at.property_values[place];
}

namespace {

/// Of each message, if any has an id.
id_digests digests_of(const columns& at) {
  auto out = id_digests{};
  if (at.ids.bytes.empty()) return out;
  out.reserve(at.count);
  for (unsigned i = 0; i < at.count; ++i)
    out.push_back(at.ids.bytes_of(i) == 0 ? id_digest{} : digest_of(at.ids[i]));
  return out;
}

bool any_keyless(const columns& at) {
  if (at.keys.bytes.empty()) return true;
  for (unsigned i = 0; i < at.count; ++i)
    if (at.keys.bytes_of(i) == 0) return true;
  return false;
}

} // namespace

result<validated_batch> validate_batch(std::span<const std::byte> bytes, codec compression,
                                       std::uint32_t count, std::uint32_t checksum,
                                       const batch_limits& limits) {
  if (crc32c(bytes) != checksum) return errc::checksum_mismatch;
  auto plain = checked_plain(shared_bytes{nullptr, bytes}, compression, limits);
  if (!plain) return plain.error();
  return reading<result<validated_batch>>(errc::batch_malformed, [&]() -> result<validated_batch> {
    auto batch = opened{std::move(*plain)};
    if (auto good = batch.open(limits); !good) return good.error();
    if (batch.at.count != count) return malformed("count is not the announced one");
    const auto& at = batch.at;
    return validated_batch{batch.payload_bytes, at.times.size() != 0,
                           at.priorities.size() != 0 || at.ttls.size() != 0, digests_of(at),
                           any_keyless(at)};
  });
}

} // namespace carafe
