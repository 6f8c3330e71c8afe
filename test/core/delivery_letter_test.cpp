#include "actors/core/delivery_batches.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>

using namespace carafe;
using namespace carafe::core;

namespace {

delivery_batch batch_of(const message_view& message) {
  batch_builder builder;
  REQUIRE(builder.add(message).ok());
  const auto encoded = builder.finish(codec::none);
  REQUIRE(encoded.ok());
  delivery_batch out;
  out.what.base = offset{7};
  out.what.count = 1;
  out.what.bytes = encoded->bytes;
  return out;
}

} // namespace

TEST_CASE("a dead letter is made whatever the message holds, up to the limit of messages") {
  const auto size = GENERATE(std::size_t{0}, 500, 800, 5'000, 5'780, 99'780);
  const auto in_key = GENERATE(true, false);
  const auto limit = GENERATE(1'024u, 6'000u, 100'000u);
  CAPTURE(size, in_key, limit);
  if (size + 220 > limit) return;
  const std::string text(size, 'x'), other(200, 'y');
  message_view message;
  (in_key ? message.key : message.body) = text;
  (in_key ? message.body : message.key) = other;
  message.tag = "tag";
  waiting_record row;
  row.at = offset{7};
  row.attempts = 3;
  row.error = std::string(delivery_error_bytes_max, 'e');
  batch_limits limits;
  limits.message_bytes_max = limit;
  const auto letter = make_dead_letter(
    batch_of(message), row, {std::string(127, 'g'), std::string(127, 't'), {}, {}}, limits);
  REQUIRE(letter.ok());
  const auto reader = batch_reader::open(letter->bytes, letter->compression, limits);
  REQUIRE(reader.ok());
  std::map<std::string, std::string> told;
  for (const auto& [name, value] : reader->message(0).properties) told.emplace(name, value);
  CHECK(told.at("carafe-dead-offset") == "7");
  CHECK_FALSE(told.at("carafe-dead-error").empty());
  if (size + other.size() + 2'048 < limit) CHECK(reader->message(0).body == message.body);
}
