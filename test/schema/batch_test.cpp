#include "schema/batch.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace carafe;
using namespace carafe::test;

namespace {

const auto codecs = {codec::none, codec::lz4, codec::zstd};

result<validated_batch> validate(const encoded_batch& batch, const batch_limits& limits = {}) {
  return validate_batch(batch.bytes.span(), batch.compression, batch.count, batch.checksum, limits);
}

message_view body_of(std::string_view body) {
  auto message = message_view{};
  message.body = body;
  return message;
}

} // namespace

TEST_CASE("a batch gives back the messages that went in") {
  auto compression = GENERATE(values(codecs));
  auto messages = sample_messages();
  auto batch = encode_messages(messages, compression);
  CHECK(batch.count == messages.size());
  CHECK(batch.compression == compression);
  CHECK(batch.checksum == crc32c(batch.bytes.span()));
  auto opened = batch_reader::open(batch.bytes, batch.compression, {});
  REQUIRE(opened);
  CHECK(holds(*opened, messages));

  std::uint64_t payload = 0;
  for (auto& message : messages) {
    payload += message.key.size() + message.body.size() + message.tag.size();
    for (auto& [name, value] : message.properties) payload += name.size() + value.size();
  }
  CHECK(opened->payload_bytes() == payload);
  auto validated = validate(batch);
  REQUIRE(validated);
  CHECK(validated->payload_bytes == payload);
  CHECK_FALSE(validated->timed);
}

TEST_CASE("priorities, times to live and times of delivery come back") {
  const auto later = GENERATE(false, true);
  std::vector<message_view> messages(5);
  messages[2].priority = 9;
  messages[3].ttl_ms = 60'000;
  messages[4].priority = 0;
  if (later)
    for (std::size_t i = 0; i < messages.size(); ++i)
      messages[i].deliver_at = i % 2 == 0 ? 1'900'000'000'000 : -5'000;
  batch_builder builder;
  for (const auto& message : messages) REQUIRE(builder.add(message));
  const auto estimate = builder.bytes();
  const auto batch = builder.finish(codec::none);
  REQUIRE(batch);
  CHECK(batch->bytes.size() <= estimate);
  const auto opened = batch_reader::open(batch->bytes, batch->compression, {});
  REQUIRE(opened);
  CHECK(opened->has_priorities());
  CHECK(opened->has_ttls());
  CHECK(opened->timed() == later);
  for (std::uint32_t at = 0; at < opened->count(); ++at) {
    const auto message = opened->message(at);
    CHECK(message.priority == messages[at].priority);
    CHECK(message.ttl_ms == messages[at].ttl_ms);
    CHECK(message.deliver_at == messages[at].deliver_at);
  }
  CHECK(validate(*batch)->timed == later);
}

TEST_CASE("messages out of range, or for later beside others, are refused") {
  batch_builder builder;
  REQUIRE(builder.add(body_of("now")));
  auto wrong = body_of("wrong");
  wrong.deliver_at = 1'900'000'000'000;
  CHECK(builder.add(wrong).code() == errc::invalid_argument);
  wrong.deliver_at = 0;
  wrong.priority = 10;
  CHECK(builder.add(wrong).code() == errc::invalid_argument);
  wrong.priority = priority_default;
  wrong.ttl_ms = static_cast<std::uint64_t>(message_time_max) + 1;
  CHECK(builder.add(wrong).code() == errc::invalid_argument);
  CHECK(builder.count() == 1);
}

TEST_CASE("a batch's columns are those of its messages") {
  auto batch = encode_messages(sample_messages());
  auto opened = batch_reader::open(batch.bytes, batch.compression, {});
  REQUIRE(opened);
  for (std::uint32_t at = 0; at < opened->count(); ++at) {
    const auto message = opened->message(at);
    CHECK(opened->key(at) == message.key);
    CHECK(opened->tag(at) == message.tag);
    const auto range = opened->properties(at);
    REQUIRE(range.end - range.first == message.properties.size());
    for (auto place = range.first; place < range.end; ++place) {
      const auto& [name, value] = message.properties[place - range.first];
      CHECK(opened->names()[opened->property_name(place)] == name);
      CHECK(opened->property_value(place) == value);
    }
  }
}

TEST_CASE("a batch without keys, tags and properties has empty columns") {
  auto batch = encode_messages({{"", "body", "", {}, 0}});
  auto opened = batch_reader::open(batch.bytes, batch.compression, {});
  REQUIRE(opened);
  CHECK(opened->names().empty());
  CHECK(opened->key(0).empty());
  CHECK(opened->tag(0).empty());
  CHECK(opened->properties(0).first == opened->properties(0).end);
}

TEST_CASE("a builder is empty again after finish and can be moved") {
  auto builder = batch_builder{};
  CHECK(builder.count() == 0);
  REQUIRE(builder.add(body_of("first")));
  auto moved = std::move(builder);
  CHECK(moved.count() == 1);
  auto first = moved.finish(codec::none);
  REQUIRE(first);
  CHECK(moved.count() == 0);
  REQUIRE(moved.add(body_of("second")));
  auto second = moved.finish(codec::none);
  REQUIRE(second);
  auto opened = batch_reader::open(second->bytes, codec::none, {});
  REQUIRE(opened);
  REQUIRE(opened->count() == 1);
  CHECK(opened->message(0).body == "second");
}

TEST_CASE("a batch of 500 messages costs at most 24 bytes a message beside body and key") {
  auto messages = std::vector<owned_message>{};
  for (int i = 0; i < 500; ++i)
    messages.push_back({"key-" + std::to_string(100'000'000'000 + i),
                        std::string(100, 'x'),
                        "",
                        {},
                        1'700'000'000'000});
  REQUIRE(messages[0].key.size() == 16);
  auto plain = encode_messages(messages);
  CHECK(plain.bytes.size() <= 500 * (100 + 16 + 24));
  // With all equal times it is two numbers a message; with times of their own it is three.
  CHECK(plain.bytes.size() <= 500 * (100 + 16 + 8) + 200);
  messages[0].born += 1;
  CHECK(encode_messages(messages).bytes.size() <= 500 * (100 + 16 + 12) + 200);
}

TEST_CASE("columns that no message uses are left out") {
  auto bare = [](std::size_t count) {
    return encode_messages(std::vector<owned_message>(count)).bytes.size();
  };
  CHECK(bare(1002) - bare(2) == 1000 * sizeof(std::uint32_t));
}

TEST_CASE("a builder's estimate is the plain size") {
  auto builder = batch_builder{};
  for (auto& message : sample_messages()) {
    REQUIRE(builder.add({message.key, message.body, {}, {}, unix_ms{message.born}}));
    auto again = batch_builder{};
    CHECK(builder.bytes() > again.bytes());
  }
  auto estimate = builder.bytes();
  CHECK(builder.finish(codec::none)->bytes.size() == estimate);
}

TEST_CASE("a batch that compression would not shrink is stored plain") {
  auto compression = GENERATE(codec::lz4, codec::zstd);
  auto builder = batch_builder{};
  REQUIRE(builder.add(body_of("x")));
  auto batch = builder.finish(compression);
  REQUIRE(batch);
  if (batch->bytes.size() % 8 == 0 && batch->compression == codec::none) {
    CHECK(validate(*batch));
  } else {
    CHECK(batch->compression == compression);
  }
  auto noise = std::string{};
  for (std::uint32_t i = 0, state = 1; i < 20'000; ++i) {
    state = state * 1'664'525 + 1'013'904'223;
    noise += static_cast<char>(state >> 24);
  }
  REQUIRE(builder.add(body_of(noise)));
  batch = builder.finish(compression);
  REQUIRE(batch);
  CHECK(batch->compression == codec::none);
  CHECK(validate(*batch));
}

TEST_CASE("a message over the limit is refused and nothing is added") {
  auto limits = batch_limits{};
  limits.message_bytes_max = 10;
  auto builder = batch_builder{limits};
  CHECK(builder.add({"12345", "12345", "", {}, {}}));
  CHECK(builder.add({"12345", "123456", "", {}, {}}).code() == errc::message_too_large);
  CHECK(builder.add({"12345", "12345", "t", {}, {}}).code() == errc::message_too_large);
  std::pair<std::string_view, std::string_view> properties[] = {{"a", "b"}};
  CHECK(builder.add({"1234", "12345", "", properties, {}}).code() == errc::message_too_large);
  CHECK(builder.count() == 1);
  auto batch = builder.finish(codec::none);
  CHECK(validate(*batch, limits));
  limits.message_bytes_max = 9;
  CHECK(validate(*batch, limits).code() == errc::message_too_large);
}

TEST_CASE("a full batch says so and takes no more") {
  auto limits = batch_limits{};
  limits.batch_count_max = 3;
  auto builder = batch_builder{limits};
  for (int i = 0; i < 3; ++i) REQUIRE(builder.add(body_of("x")));
  CHECK(builder.add(body_of("x")).code() == errc::batch_too_large);
  CHECK(builder.count() == 3);
  auto batch = builder.finish(codec::none);
  CHECK(validate(*batch, limits));
  limits.batch_count_max = 2;
  CHECK(validate(*batch, limits).code() == errc::batch_too_large);
}

TEST_CASE("what the builder takes fits the byte limit") {
  auto limits = batch_limits{};
  limits.batch_bytes_max = GENERATE(288u, 1000u, 4096u, 100'000u);
  auto builder = batch_builder{limits};
  auto count = 0u;
  auto add = [&] {
    return builder.add({"key" + std::to_string(count), "body", "tag", {}, unix_ms{count}});
  };
  while (add()) ++count;
  REQUIRE(count > 0);
  CHECK(add().code() == errc::batch_too_large);
  auto batch = builder.finish(codec::none);
  CHECK(batch->bytes.size() <= limits.batch_bytes_max);
  CHECK(validate(*batch, limits));
  limits.batch_bytes_max = static_cast<std::uint32_t>(batch->bytes.size() - 1);
  CHECK(validate(*batch, limits).code() == errc::batch_too_large);
}

TEST_CASE("a message that fits no batch at all is too large by itself") {
  auto limits = batch_limits{};
  limits.batch_bytes_max = 1000;
  auto builder = batch_builder{limits};
  CHECK(builder.add(body_of(std::string(2000, 'x'))).code() == errc::message_too_large);
  limits.batch_count_max = 0;
  CHECK(batch_builder{limits}.add(body_of("x")).code() == errc::message_too_large);
}

TEST_CASE("names are UTF-8 of 1 to 255 bytes") {
  using namespace std::string_literals;
  for (auto& bad : {""s, std::string(256, 'n'), "\xff"s, "a\0b"s}) {
    auto builder = batch_builder{};
    std::pair<std::string_view, std::string_view> properties[] = {{bad, "value"}};
    CHECK(builder.add({"", "", "", properties, {}}).code() == errc::invalid_argument);
    if (!bad.empty()) {
      CHECK(builder.add({"", "", bad, {}, {}}).code() == errc::invalid_argument);
    }
    CHECK(builder.count() == 0);
  }
  auto builder = batch_builder{};
  CHECK(builder.add({"", "", std::string(255, 'n'), {}, {}}));
  CHECK(validate(*builder.finish(codec::none)));
}

TEST_CASE("times 49 days apart go in batches of their own") {
  constexpr std::int64_t spread = std::numeric_limits<std::uint32_t>::max();
  auto builder = batch_builder{};
  REQUIRE(builder.add({"", "", "", {}, unix_ms{0}}));
  CHECK(builder.add({"", "", "", {}, unix_ms{spread + 1}}).code() == errc::batch_too_large);
  CHECK(builder.add({"", "", "", {}, unix_ms{-1}}));
  CHECK(builder.add({"", "", "", {}, unix_ms{spread}}).code() == errc::batch_too_large);
  CHECK(builder.add({"", "", "", {}, unix_ms{spread - 1}}));
  for (auto extreme :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()})
    CHECK(builder.add({"", "", "", {}, unix_ms{extreme}}).code() == errc::batch_too_large);
  CHECK(validate(*builder.finish(codec::none)));
  for (auto extreme :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    REQUIRE(builder.add({"", "", "", {}, unix_ms{extreme}}));
    auto batch = builder.finish(codec::none);
    CHECK(batch_reader::open(batch->bytes, codec::none, {})->message(0).born.value == extreme);
  }
}

TEST_CASE("a batch holds 65535 names and no more") {
  auto builder = batch_builder{};
  for (int i = 0; i < 0xffff; ++i) REQUIRE(builder.add({"", "", std::to_string(i), {}, {}}));
  CHECK(builder.add({"", "", "one more", {}, {}}).code() == errc::batch_too_large);
  auto batch = builder.finish(codec::none);
  auto opened = batch_reader::open(batch->bytes, codec::none, {});
  REQUIRE(opened);
  CHECK(opened->message(0xfffe).tag == "65534");
}

TEST_CASE("an unaligned batch reads as an aligned one") {
  auto messages = sample_messages();
  auto batch = encode_messages(messages);
  auto shift = GENERATE(1u, 2u, 4u, 7u);
  auto shifted = std::string(shift, 'x') + std::string{batch.bytes.text()};
  auto copy = shared_bytes::copy_of(as_bytes(std::string_view{shifted}));
  auto bytes = copy.slice(shift, batch.bytes.size());
  auto opened = batch_reader::open(bytes, codec::none, {});
  REQUIRE(opened);
  CHECK(holds(*opened, messages));
  CHECK(validate_batch(bytes.span(), codec::none, batch.count, batch.checksum, {}));
}

TEST_CASE("messages of an aligned plain batch are views into it") {
  auto batch = encode_messages(sample_messages());
  auto opened = batch_reader::open(batch.bytes, codec::none, {});
  auto body = opened->message(0).body;
  CHECK(body.data() > batch.bytes.text().data());
  CHECK(body.data() + body.size() < batch.bytes.text().data() + batch.bytes.size());
}

TEST_CASE("a reader keeps its bytes alive and can be moved") {
  auto messages = sample_messages();
  auto compression = GENERATE(values(codecs));
  auto opened = [&] {
    auto batch = encode_messages(messages, compression);
    return batch_reader::open(batch.bytes, batch.compression, {});
  }();
  REQUIRE(opened);
  auto moved = std::move(*opened);
  CHECK(holds(moved, messages));
}
