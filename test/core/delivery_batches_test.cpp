#include "actors/core/delivery_batches.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

using ranges = std::vector<offset_range>;

/// Messages 20, 21 …, whose bodies are these numbers.
delivery_batch batch_of(std::uint32_t count, codec compression) {
  batch_builder builder;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto body = std::to_string(20 + i);
    message_view message;
    message.body = body;
    REQUIRE(builder.add(message).ok());
  }
  const auto encoded = builder.finish(compression);
  REQUIRE(encoded.ok());
  delivery_batch out;
  out.what.base = offset{20};
  out.what.count = count;
  out.what.compression = encoded->compression;
  out.what.checksum = encoded->checksum;
  out.what.bytes = encoded->bytes;
  return out;
}

std::vector<std::string> bodies(const encoded_batch& what) {
  const auto reader = batch_reader::open(what.bytes, what.compression, {});
  REQUIRE(reader.ok());
  std::vector<std::string> out;
  for (std::uint32_t i = 0; i < reader->count(); ++i) out.emplace_back(reader->message(i).body);
  return out;
}

} // namespace

TEST_CASE("most of a batch is sent with the others, if these may go too, and less without") {
  const auto compression = GENERATE(codec::none, codec::lz4);
  const auto batch = batch_of(8, compression);
  const ranges most{{offset{20}, 1}, {offset{22}, 5}}, few{{offset{21}, 4}, {offset{27}, 1}};
  const std::vector<std::string> all{"20", "21", "22", "23", "24", "25", "26", "27"};

  const auto with = cut_batch(batch, most, true, {});
  REQUIRE(with.ok());
  CHECK(with->with_others);
  CHECK(with->encoded.count == 8);
  CHECK(with->encoded.bytes.text() == batch.what.bytes.text());

  const auto without = cut_batch(batch, most, false, {});
  REQUIRE(without.ok());
  CHECK_FALSE(without->with_others);
  CHECK(bodies(without->encoded) == std::vector<std::string>{"20", "22", "23", "24", "25", "26"});

  const auto less = cut_batch(batch, few, true, {});
  REQUIRE(less.ok());
  CHECK_FALSE(less->with_others);
  CHECK(bodies(less->encoded) == std::vector<std::string>{"21", "22", "23", "24", "27"});

  for (const bool others : {true, false}) {
    const auto whole = cut_batch(batch, {{offset{20}, 8}}, others, {});
    REQUIRE(whole.ok());
    CHECK_FALSE(whole->with_others);
    CHECK(bodies(whole->encoded) == all);
  }
}
