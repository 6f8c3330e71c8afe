#include "actors/core/delivery_batches.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  CHECK((reader->message(0).body == message.body || told.count("carafe-dead-cut") == 1));
}

TEST_CASE("a letter of a message that was brought back tells of its deaths before") {
  std::vector<std::pair<std::string_view, std::string_view>> properties{
    {"own", "kept"},
    {"carafe-dead-attempts", "16"},
    {"carafe-dead-error", "no such customer"},
    {"carafe-dead-first-failed-ms", "1000"},
    {"carafe-dead-stored-ms", "900"},
    {"carafe-dead-last-failed-ms", "2000"}};
  message_view message;
  message.body = "body";
  message.properties = properties;
  waiting_record row;
  row.at = offset{7};
  row.attempts = 1;
  row.error = "no such account";
  row.first_failed = row.last_failed = unix_ms{9'000};
  const auto letter_of = [&row](const message_view& m) {
    const auto letter = make_dead_letter(batch_of(m), row, {"g", "t", {}, {}}, {});
    REQUIRE(letter.ok());
    const auto reader = batch_reader::open(letter->bytes, letter->compression, {});
    REQUIRE(reader.ok());
    std::multimap<std::string, std::string> told;
    for (const auto& [name, value] : reader->message(0).properties) told.emplace(name, value);
    return told;
  };
  // A client may have sent such properties: only a message that was brought back has its letter's.
  CHECK(letter_of(message).count("carafe-dead-earlier") == 0);
  CHECK(letter_of(message).count("carafe-dead-error") == 2);
  row.letter_queue = queue_id{3};
  auto told = letter_of(message);
  CHECK(told.find("own")->second == "kept");
  for (const auto* name : {"carafe-dead-error", "carafe-dead-attempts", "carafe-dead-earlier"})
    REQUIRE(told.count(name) == 1);
  CHECK(told.find("carafe-dead-error")->second == "no such account");
  CHECK(told.find("carafe-dead-first-failed-ms")->second == "1000");
  CHECK(told.find("carafe-dead-last-failed-ms")->second == "9000");
  CHECK(told.find("carafe-dead-stored-ms")->second == "900");
  CHECK(told.find("carafe-dead-earlier")->second == "2000 ms, attempt 16: no such customer");
  for (int death = 0; death < 40; ++death) {
    const auto before = told;
    properties.clear();
    for (const auto& [name, value] : before) properties.emplace_back(name, value);
    message.properties = properties;
    told = letter_of(message);
  }
  const auto& lines = told.find("carafe-dead-earlier")->second;
  CHECK(lines.size() <= 1'024);
  CHECK(lines.ends_with("\n9000 ms, attempt 1: no such account"));
  CHECK(lines.starts_with("9000 ms, attempt 1"));
  CHECK(told.find("carafe-dead-first-failed-ms")->second == "1000");
}
