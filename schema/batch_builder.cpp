#include "schema/batch.hpp"

#include "schema/batch.capnp.h"
#include "schema/compression.hpp"
#include "schema/flat_message.hpp"
#include "schema/utf8.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>

namespace carafe {
namespace {

constexpr std::size_t table_bytes = word_bytes;
constexpr std::size_t names_max = std::numeric_limits<std::uint16_t>::max();
constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t id_bytes_max = 255;

struct text_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

/// Blobs one after another and where each of them ends.
struct blob_column {
  std::vector<char> bytes;
  std::vector<std::uint32_t> ends;

  void add(std::string_view blob) {
    bytes.insert(bytes.end(), blob.begin(), blob.end());
    ends.push_back(static_cast<std::uint32_t>(bytes.size()));
  }
  void clear() {
    bytes.clear();
    ends.clear();
  }
};

/// One value a message, kept only once a message has another than the usual.
template <class Value>
struct rare_column {
  Value usual{};
  std::vector<Value> rows = {};

  [[nodiscard]] bool begins(Value value) const { return rows.empty() && value != usual; }
  void add(Value value, std::size_t before) {
    if (rows.empty() && value == usual) return;
    rows.resize(before, usual);
    rows.push_back(value);
  }
};

template <class Int>
std::size_t list_words(const std::vector<Int>& list) {
  return words_of(list.size() * sizeof(Int));
}

template <class Int, class List>
void fill_list(const std::vector<Int>& from, List to) {
  for (std::size_t i = 0; i < from.size(); ++i) to.set(static_cast<unsigned>(i), from[i]);
}

unsigned size_of(std::size_t size) { return static_cast<unsigned>(size); }

capnp::Data::Reader data_of(const std::vector<char>& bytes) {
  return kj::ArrayPtr<const char>{bytes.data(), bytes.size()}.asBytes();
}

std::size_t payload_of(const message_view& message) {
  auto sum = message.body.size() + message.key.size() + message.tag.size();
  for (auto& [name, value] : message.properties) sum += name.size() + value.size();
  return sum;
}

result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > name_bytes_max)
    return {errc::invalid_argument, "a tag or property name must have 1 to 255 bytes"};
  if (!is_wire_text(name))
    return {errc::invalid_argument, "a tag or property name must be UTF-8 without NUL"};
  return {};
}

result<void> check_rare(const message_view& message) {
  if (message.priority > priority_max) return {errc::invalid_argument, "a priority is from 0 to 9"};
  if (message.ttl_ms > static_cast<std::uint64_t>(message_time_max))
    return {errc::invalid_argument, "the time to live goes past the year 9999"};
  if (message.deliver_at > message_time_max || message.deliver_at < -message_time_max)
    return {errc::invalid_argument, "the time of delivery is past the year 9999"};
  if (message.dedup_id.size() > id_bytes_max)
    return {errc::invalid_argument, "a dedup id has at most 255 bytes"};
  return {};
}

} // namespace

struct batch_builder::columns {
  explicit columns(batch_limits l) : limits(l) {}

  batch_limits limits;
  blob_column bodies;
  blob_column keys;
  std::vector<std::int64_t> borns;
  std::int64_t born_min = std::numeric_limits<std::int64_t>::max();
  std::int64_t born_max = std::numeric_limits<std::int64_t>::min();
  std::vector<std::string> names;
  std::unordered_map<std::string, std::uint16_t, text_hash, std::equal_to<>> name_index;
  std::size_t name_words = 0;
  std::vector<std::uint16_t> tags;
  std::vector<std::uint32_t> property_ends;
  std::vector<std::uint16_t> property_names;
  blob_column property_values;
  rare_column<std::uint8_t> priorities{priority_default};
  rare_column<std::uint64_t> ttls;
  rare_column<std::int64_t> times;
  blob_column ids;
  std::vector<std::byte> plain;
  std::vector<std::byte> compressed;

  result<void> check(const message_view& message) const;
  [[nodiscard]] bool has_rare() const {
    return !priorities.rows.empty() || !ttls.rows.empty() || !times.rows.empty() ||
           !ids.bytes.empty();
  }
  /// Size of the segment with what is added so far, words.
  [[nodiscard]] std::size_t segment_words() const;
  /// Most that one more message can add, words.
  [[nodiscard]] std::size_t words_of_next(const message_view& message, std::size_t payload) const;
  std::uint16_t intern(std::string_view name);
  void append(const message_view& message);
  void fill_rare(wire::Batch::Rare::Builder rare) const;
  void fill(wire::Batch::Builder batch) const;
  void encode(std::span<std::byte> out) const;
  void clear();
};

result<void> batch_builder::columns::check(const message_view& message) const {
  if (auto good = check_rare(message); !good) return good;
  if (!bodies.ends.empty() && times.rows.empty() != (message.deliver_at == 0))
    return {errc::invalid_argument, "messages for later do not go with others in one batch"};
  auto payload = payload_of(message);
  if (payload > limits.message_bytes_max)
    return {errc::message_too_large,
            std::to_string(payload) + " bytes of " + std::to_string(limits.message_bytes_max)};
  if (!message.tag.empty()) {
    if (auto named = check_name(message.tag); !named) return named;
  }
  for (auto& property : message.properties) {
    if (auto named = check_name(property.first); !named) return named;
  }
  auto low = std::min(born_min, message.born.value);
  auto high = std::max(born_max, message.born.value);
  auto spread = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  auto bytes = table_bytes + (segment_words() + words_of_next(message, payload)) * word_bytes;
  auto full = bodies.ends.size() >= limits.batch_count_max || bytes > limits.batch_bytes_max ||
              spread > std::numeric_limits<std::uint32_t>::max() ||
              names.size() + 1 + message.properties.size() > names_max;
  if (!full) return {};
  // Alone in a batch it would not fit either: to tell the caller to begin another would be a trap.
  if (bodies.ends.empty()) return {errc::message_too_large, "does not fit in a batch of its own"};
  return errc::batch_too_large;
}

std::size_t batch_builder::columns::segment_words() const {
  constexpr std::size_t root_words = 1;
  auto count = bodies.ends.size();
  auto words = root_words + capnp::sizeInWords<wire::Batch>();
  words += words_of(bodies.bytes.size()) + list_words(bodies.ends);
  if (!keys.bytes.empty()) words += words_of(keys.bytes.size()) + list_words(keys.ends);
  if (born_min < born_max) words += words_of(count * sizeof(std::uint32_t));
  words += name_words + list_words(tags);
  if (!property_names.empty()) {
    words += list_words(property_ends) + list_words(property_names) +
             list_words(property_values.ends) + words_of(property_values.bytes.size());
  }
  if (has_rare())
    words += capnp::sizeInWords<wire::Batch::Rare>() + list_words(priorities.rows) +
             list_words(ttls.rows) + list_words(times.rows) +
             (ids.bytes.empty() ? 0 : words_of(ids.bytes.size()) + list_words(ids.ends));
  return words;
}

std::size_t batch_builder::columns::words_of_next(const message_view& message,
                                                  std::size_t payload) const {
  constexpr std::size_t columns_max = 11;
  constexpr std::size_t rare_words = capnp::sizeInWords<wire::Batch::Rare>() + 5;
  constexpr std::size_t row_bytes = 4 * sizeof(std::uint32_t) + sizeof(std::uint16_t);
  constexpr std::size_t rare_row_bytes =
    sizeof(std::uint8_t) + 2 * sizeof(std::uint64_t) + sizeof(std::uint32_t);
  constexpr std::size_t property_bytes = sizeof(std::uint16_t) + sizeof(std::uint32_t);
  constexpr std::size_t name_bytes = 2 * word_bytes; // Pointer, NUL and padding.
  // A column that this message begins gets a row for each message before it.
  auto begun = std::size_t{0};
  if (keys.bytes.empty() && !message.key.empty()) begun += sizeof(std::uint32_t);
  if (tags.empty() && !message.tag.empty()) begun += sizeof(std::uint16_t);
  if (property_names.empty() && !message.properties.empty()) begun += sizeof(std::uint32_t);
  if (born_min >= born_max && message.born.value != born_min) begun += sizeof(std::uint32_t);
  if (priorities.begins(message.priority)) begun += sizeof(std::uint8_t);
  if (ttls.begins(message.ttl_ms)) begun += sizeof(std::uint64_t);
  if (times.begins(message.deliver_at)) begun += sizeof(std::int64_t);
  if (ids.bytes.empty() && !message.dedup_id.empty()) begun += sizeof(std::uint32_t);
  auto rare = has_rare() || message.priority != priorities.usual || message.ttl_ms != ttls.usual ||
              message.deliver_at != times.usual || !message.dedup_id.empty();
  auto properties = message.properties.size();
  return words_of(payload + message.dedup_id.size() + row_bytes + (rare ? rare_row_bytes : 0) +
                  begun * bodies.ends.size() + properties * property_bytes +
                  (properties + 1) * name_bytes) +
         columns_max + (rare ? rare_words : 0);
}

std::uint16_t batch_builder::columns::intern(std::string_view name) {
  if (auto known = name_index.find(name); known != name_index.end()) return known->second;
  auto index = static_cast<std::uint16_t>(names.size());
  names.emplace_back(name);
  name_index.emplace(name, index);
  name_words += 1 + words_of(name.size() + 1);
  return index;
}

void batch_builder::columns::append(const message_view& message) {
  auto before = bodies.ends.size();
  bodies.add(message.body);
  keys.add(message.key);
  borns.push_back(message.born.value);
  born_min = std::min(born_min, message.born.value);
  born_max = std::max(born_max, message.born.value);
  if (!message.tag.empty() || !tags.empty()) {
    tags.resize(before);
    auto tag = message.tag.empty() ? 0 : intern(message.tag) + 1;
    tags.push_back(static_cast<std::uint16_t>(tag));
  }
  for (auto& [name, value] : message.properties) {
    property_names.push_back(intern(name));
    property_values.add(value);
  }
  property_ends.push_back(static_cast<std::uint32_t>(property_names.size()));
  priorities.add(message.priority, before);
  ttls.add(message.ttl_ms, before);
  times.add(message.deliver_at, before);
  ids.add(message.dedup_id);
}

void batch_builder::columns::fill_rare(wire::Batch::Rare::Builder rare) const {
  auto count = size_of(bodies.ends.size());
  if (!priorities.rows.empty()) fill_list(priorities.rows, rare.initPriorities(count));
  if (!ttls.rows.empty()) fill_list(ttls.rows, rare.initTtlsMs(count));
  if (!times.rows.empty()) fill_list(times.rows, rare.initDeliverAtMs(count));
  if (!ids.bytes.empty()) {
    rare.setDedupIds(data_of(ids.bytes));
    fill_list(ids.ends, rare.initDedupIdEnds(count));
  }
}

void batch_builder::columns::fill(wire::Batch::Builder batch) const {
  auto count = size_of(bodies.ends.size());
  batch.setCount(count);
  batch.setBodies(data_of(bodies.bytes));
  fill_list(bodies.ends, batch.initBodyEnds(count));
  if (!keys.bytes.empty()) {
    batch.setKeys(data_of(keys.bytes));
    fill_list(keys.ends, batch.initKeyEnds(count));
  }
  batch.setBornBaseMs(born_min);
  if (born_min < born_max) {
    auto deltas = batch.initBornDeltas(count);
    for (unsigned i = 0; i < count; ++i) {
      auto delta = static_cast<std::uint64_t>(borns[i]) - static_cast<std::uint64_t>(born_min);
      deltas.set(i, static_cast<std::uint32_t>(delta));
    }
  }
  if (!names.empty()) {
    auto list = batch.initNames(size_of(names.size()));
    for (unsigned i = 0; i < names.size(); ++i) list.set(i, names[i].c_str());
  }
  if (!tags.empty()) fill_list(tags, batch.initTags(count));
  if (has_rare()) fill_rare(batch.initRare());
  if (property_names.empty()) return;
  fill_list(property_ends, batch.initPropertyEnds(count));
  fill_list(property_names, batch.initPropertyNames(size_of(property_names.size())));
  fill_list(property_values.ends,
            batch.initPropertyValueEnds(size_of(property_values.ends.size())));
  batch.setPropertyValues(data_of(property_values.bytes));
}

/// @pre out is aligned, of the exact size
void batch_builder::columns::encode(std::span<std::byte> out) const {
  std::memset(out.data(), 0, out.size());
  auto words = static_cast<std::uint32_t>(out.size() / word_bytes - 1);
  // Segment table: count - 1 (that is 0), then the segment's size; little-endian.
  for (unsigned i = 0; i < 4; ++i) out[4 + i] = static_cast<std::byte>(words >> (8 * i));
  auto segment = static_cast<void*>(out.data() + table_bytes);
  auto builder = segment_builder{{static_cast<capnp::word*>(segment), words}};
  fill(builder.initRoot<wire::Batch>());
  CARAFE_ASSERT(builder.getSegmentsForOutput()[0].size() == words);
}

void batch_builder::columns::clear() {
  bodies.clear();
  keys.clear();
  borns.clear();
  born_min = std::numeric_limits<std::int64_t>::max();
  born_max = std::numeric_limits<std::int64_t>::min();
  names.clear();
  name_index.clear();
  name_words = 0;
  tags.clear();
  property_ends.clear();
  property_names.clear();
  property_values.clear();
  priorities.rows.clear();
  ttls.rows.clear();
  times.rows.clear();
  ids.clear();
}

batch_builder::batch_builder(batch_limits limits) : columns_(std::make_unique<columns>(limits)) {}
batch_builder::~batch_builder() = default;
batch_builder::batch_builder(batch_builder&&) noexcept = default;
batch_builder& batch_builder::operator=(batch_builder&&) noexcept = default;

result<void> batch_builder::add(const message_view& message) {
  if (auto fits = columns_->check(message); !fits) return fits;
  columns_->append(message);
  return {};
}

std::uint32_t batch_builder::count() const noexcept {
  return size_of(columns_->bodies.ends.size());
}

std::size_t batch_builder::bytes() const noexcept {
  return table_bytes + columns_->segment_words() * word_bytes;
}

result<encoded_batch> batch_builder::finish(codec compression) {
  auto& from = *columns_;
  CARAFE_ASSERT(count() > 0);
  auto batch = encoded_batch{};
  batch.count = count();
  auto size = bytes();
  if (compression == codec::none) {
    auto owner = std::shared_ptr<std::byte[]>(new std::byte[size]);
    from.encode({owner.get(), size});
    batch.bytes = {owner, {owner.get(), size}};
  } else {
    from.plain.resize(size);
    from.encode(from.plain);
    auto smaller = compress(compression, from.plain, from.compressed);
    if (!smaller) return smaller.error();
    auto shrunk = smaller->size() < size;
    batch.bytes = shared_bytes::copy_of(shrunk ? *smaller : std::span<const std::byte>{from.plain});
    batch.compression = shrunk ? compression : codec::none;
  }
  batch.checksum = crc32c(batch.bytes.span());
  batch.ranked = !from.priorities.rows.empty() || !from.ttls.rows.empty();
  from.clear();
  return batch;
}

} // namespace carafe
