#include "schema/batch.capnp.h"
#include "schema/batch.hpp"
#include "schema/byte_order.hpp"
#include "test/schema/samples.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <catch2/catch.hpp>

#include <functional>
#include <limits>

using namespace carafe;
using namespace carafe::test;

namespace {

using batch_of = wire::Batch::Builder;

template <class List, class Int>
void set_all(List list, std::initializer_list<Int> values) {
  unsigned at = 0;
  for (auto value : values) list.set(at++, value);
}

/// Three messages "a", "", "bc" with keys "", "k", "" and one tag and property.
void fill(batch_of batch) {
  batch.setCount(3);
  batch.setBodies(capnp::Data::Reader{reinterpret_cast<const kj::byte*>("abc"), 3});
  set_all(batch.initBodyEnds(3), {1u, 1u, 3u});
  batch.setKeys(capnp::Data::Reader{reinterpret_cast<const kj::byte*>("k"), 1});
  set_all(batch.initKeyEnds(3), {0u, 1u, 1u});
  batch.setBornBaseMs(1000);
  set_all(batch.initBornDeltas(3), {0u, 1u, 2u});
  auto names = batch.initNames(2);
  names.set(0, "tag");
  names.set(1, "name");
  set_all(batch.initTags(3), {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{2}});
  set_all(batch.initPropertyEnds(3), {0u, 1u, 1u});
  set_all(batch.initPropertyNames(1), {std::uint16_t{1}});
  set_all(batch.initPropertyValueEnds(1), {5u});
  batch.setPropertyValues(capnp::Data::Reader{reinterpret_cast<const kj::byte*>("value"), 5});
}

std::string encode(const std::function<void(batch_of)>& change, unsigned segment_words = 1024) {
  auto builder = capnp::MallocMessageBuilder{segment_words, capnp::AllocationStrategy::FIXED_SIZE};
  auto batch = builder.initRoot<wire::Batch>();
  fill(batch);
  change(batch);
  auto words = capnp::messageToFlatArray(builder);
  auto chars = words.asChars();
  return {chars.begin(), chars.size()};
}

result<validated_batch> validate(std::string_view bytes, std::uint32_t count = 3,
                                 const batch_limits& limits = {}) {
  return validate_batch(as_bytes(bytes), codec::none, count, crc32c(as_bytes(bytes)), limits);
}

} // namespace

TEST_CASE("a batch that another writer made is read, in several segments too") {
  auto segment_words = GENERATE(1024u, 32u, 8u, 1u);
  auto bytes = encode([](batch_of) {}, segment_words);
  auto valid = validate(bytes);
  REQUIRE(valid);
  CHECK(valid->payload_bytes == 3 + 1 + 3 + 4 + 4 + 5);
  auto opened = batch_reader::open(shared_bytes::copy_of(as_bytes(bytes)), codec::none, {});
  REQUIRE(opened);
  CHECK(holds(*opened, {{"", "a", "", {}, 1000},
                        {"k", "", "tag", {{"name", "value"}}, 1001},
                        {"", "bc", "name", {}, 1002}}));
}

TEST_CASE("columns that do not fit together are refused, naming the column") {
  struct row {
    const char* column;
    std::function<void(batch_of)> change;
  };
  for (auto& [column, change] : std::vector<row>{
         {"count", [](batch_of b) { b.setCount(0); }},
         {"bodyEnds", [](batch_of b) { b.setCount(2); }},
         {"bodyEnds", [](batch_of b) { b.setCount(4); }},
         {"bodyEnds", [](batch_of b) { b.initBodyEnds(0); }},
         {"bodyEnds",
          [](batch_of b) {
            set_all(b.initBodyEnds(3), {2u, 1u, 3u});
          }},
         {"bodyEnds",
          [](batch_of b) {
            set_all(b.initBodyEnds(3), {1u, 4u, 3u});
          }},
         {"bodyEnds",
          [](batch_of b) {
            set_all(b.initBodyEnds(3), {1u, 1u, 2u});
          }},
         {"bodyEnds",
          [](batch_of b) {
            set_all(b.initBodyEnds(3), {1u, 1u, 4u});
          }},
         {"bodyEnds", [](batch_of b) { b.initBodies(0); }},
         {"keyEnds", [](batch_of b) { b.initKeyEnds(0); }},
         {"keyEnds", [](batch_of b) { b.initKeyEnds(2); }},
         {"keyEnds",
          [](batch_of b) {
            set_all(b.initKeyEnds(3), {0u, ~0u, 1u});
          }},
         {"keyEnds", [](batch_of b) { b.initKeys(0); }},
         {"bornDeltas", [](batch_of b) { b.initBornDeltas(2); }},
         {"bornDeltas",
          [](batch_of b) { b.setBornBaseMs(std::numeric_limits<std::int64_t>::max() - 1); }},
         {"names", [](batch_of b) { b.initNames(2).set(0, "tag"); }},
         {"names", [](batch_of b) { b.getNames().set(1, std::string(256, 'x').c_str()); }},
         {"names", [](batch_of b) { b.getNames().set(1, "\xc3"); }},
         {"tags", [](batch_of b) { b.initTags(2); }},
         {"tags", [](batch_of b) { b.getTags().set(2, 3); }},
         {"tags", [](batch_of b) { b.initNames(0); }},
         {"propertyEnds", [](batch_of b) { b.initPropertyEnds(0); }},
         {"propertyEnds", [](batch_of b) { b.initPropertyEnds(2); }},
         {"propertyEnds", [](batch_of b) { b.initPropertyNames(0); }},
         {"propertyEnds",
          [](batch_of b) {
            set_all(b.initPropertyEnds(3), {1u, 0u, 1u});
          }},
         {"propertyEnds",
          [](batch_of b) {
            set_all(b.initPropertyEnds(3), {0u, 1u, 2u});
          }},
         {"propertyNames", [](batch_of b) { b.getPropertyNames().set(0, 2); }},
         {"propertyValueEnds", [](batch_of b) { b.initPropertyValueEnds(0); }},
         {"propertyValueEnds", [](batch_of b) { b.getPropertyValueEnds().set(0, 4); }},
         {"propertyValueEnds", [](batch_of b) { b.initPropertyValues(6); }},
         {"priorities", [](batch_of b) { b.initRare().initPriorities(2); }},
         {"priorities", [](batch_of b) { b.initRare().initPriorities(3).set(1, 10); }},
         {"ttlsMs", [](batch_of b) { b.initRare().initTtlsMs(4); }},
         {"ttlsMs", [](batch_of b) { b.initRare().initTtlsMs(3).set(0, ~std::uint64_t{0}); }},
         {"deliverAtMs", [](batch_of b) { b.initRare().initDeliverAtMs(1); }},
         {"deliverAtMs",
          [](batch_of b) {
            set_all(b.initRare().initDeliverAtMs(3),
                    {std::int64_t{1}, std::int64_t{0}, std::int64_t{2}});
          }},
         {"deliverAtMs",
          [](batch_of b) {
            set_all(b.initRare().initDeliverAtMs(3),
                    {std::int64_t{1}, message_time_max + 1, std::int64_t{2}});
          }},
       }) {
    auto bytes = encode(change);
    auto refused = validate(bytes);
    CAPTURE(column);
    REQUIRE_FALSE(refused);
    CHECK(refused.code() == errc::batch_malformed);
    CHECK(refused.error().detail.find(column) == 0);
    CHECK(batch_reader::open(shared_bytes::copy_of(as_bytes(bytes)), codec::none, {}).code() ==
          errc::batch_malformed);
  }
}

TEST_CASE("more than 65535 names are refused") {
  auto bytes = encode(
    [](batch_of b) {
      auto names = b.initNames(65'536);
      for (unsigned i = 0; i < names.size(); ++i) names.set(i, "n");
    },
    1u << 20);
  CHECK(validate(bytes).error().detail.find("names") == 0);
}

TEST_CASE("a batch is one whole message and nothing else") {
  auto good = encode([](batch_of) {});
  REQUIRE(validate(good));
  CHECK(validate(good + std::string(8, '\0')).code() == errc::batch_malformed);
  CHECK(validate(good + "x").code() == errc::batch_malformed);
  CHECK(validate("").code() == errc::batch_malformed);
  CHECK(validate(std::string(8, '\0')).code() == errc::batch_malformed);
  CHECK(validate(std::string(16, '\0')).code() == errc::batch_malformed);
  CHECK(validate(std::string(64, '\xff')).code() == errc::batch_malformed);
  for (std::size_t size = 0; size < good.size(); ++size) {
    if (validate(good.substr(0, size)).code() != errc::batch_malformed) FAIL("cut at " << size);
  }
  for (std::size_t at = 0; at < good.size(); ++at) {
    auto changed = good;
    changed[at] = static_cast<char>(0xff);
    const auto checked = validate(changed);
    // What the library says of its own conditions and code is nobody's business.
    if (!checked && checked.error().detail.find("expected ") != std::string::npos)
      FAIL("byte " << at << ": " << checked.error().detail);
  }
}

TEST_CASE("the announced count and checksum must be the batch's") {
  auto good = encode([](batch_of) {});
  CHECK(validate(good, 2).code() == errc::batch_malformed);
  CHECK(validate(good, 4).code() == errc::batch_malformed);
  auto wrong = crc32c(as_bytes(good)) ^ 1;
  CHECK(validate_batch(as_bytes(good), codec::none, 3, wrong, {}).code() ==
        errc::checksum_mismatch);
}

TEST_CASE("a codec that is none of ours is refused") {
  auto good = encode([](batch_of) {});
  auto unknown = static_cast<codec>(9);
  CHECK(validate_batch(as_bytes(good), unknown, 3, crc32c(as_bytes(good)), {}).code() ==
        errc::codec_unknown);
  CHECK(batch_reader::open(shared_bytes::copy_of(as_bytes(good)), unknown, {}).code() ==
        errc::codec_unknown);
}

TEST_CASE("columns that share one place in the message are refused when they outgrow it") {
  // Ten names that all point at the same long text: the traversal limit counts it ten times.
  auto text = std::string(200, 'x');
  auto bytes = encode([&](batch_of b) {
    auto names = b.initNames(10);
    for (unsigned i = 0; i < 10; ++i) names.set(i, text.c_str());
  });
  REQUIRE(validate(bytes));
  // Every text pointer says "offset, 201 bytes": let each point at the first text, and cut off the
  // nine others.
  constexpr std::size_t text_words = 26;
  auto pointers = std::vector<std::size_t>{};
  for (std::size_t at = 8; at + 8 <= bytes.size(); at += 8) {
    if (load_little<std::uint32_t>(as_bytes(bytes).subspan(at + 4)) == (201 << 3 | 2))
      pointers.push_back(at);
  }
  REQUIRE(pointers.size() == 10);
  auto all = std::as_writable_bytes(std::span{bytes});
  auto first = load_little<std::uint32_t>(all.subspan(pointers[0]));
  for (std::uint32_t i = 1; i < 10; ++i) store_little(all.subspan(pointers[i]), first - 4 * i);
  CHECK(validate(bytes));
  bytes.resize(bytes.size() - 9 * text_words * 8);
  auto words = static_cast<std::uint32_t>(bytes.size() / 8 - 1);
  store_little(std::as_writable_bytes(std::span{bytes}).subspan(4), words);
  CHECK(validate(bytes).code() == errc::batch_malformed);
}
