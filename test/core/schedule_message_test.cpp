#include "actors/core/schedule_message.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

schedule_definition named() {
  schedule_definition out;
  out.name = "s";
  return out;
}

schedule_definition with_message(const message_view& message) {
  batch_builder builder;
  REQUIRE(builder.add(message).ok());
  auto out = named();
  out.message = builder.finish(codec::none)->bytes.text();
  return out;
}

} // namespace

TEST_CASE("schedules: a message says which schedule sent it and for when") {
  const std::vector<std::pair<std::string_view, std::string_view>> own{{"region", "north"}};
  message_view message;
  message.body = "hello";
  message.key = "k";
  message.tag = "t";
  message.properties = own;
  message.priority = 7;
  const auto what = with_message(message);
  REQUIRE(check_schedule_message(what, {}).ok());
  const auto made =
    make_schedule_message(what, unix_ms{1'700'000'000'007}, 3, unix_ms{1'700'000'000'009}, {});
  REQUIRE(made.ok());
  CHECK(made->key == "k");
  CHECK(made->batch.ranked);
  const auto batch = batch_reader::open(made->batch.bytes, made->batch.compression, {});
  REQUIRE(batch.ok());
  const auto got = batch->message(0);
  CHECK(got.body == "hello");
  CHECK(got.tag == "t");
  CHECK(got.born == unix_ms{1'700'000'000'009});
  REQUIRE(got.properties.size() == 4);
  CHECK(got.properties[0].first == "region");
  CHECK(got.properties[1] == std::pair<std::string_view, std::string_view>{"carafe-schedule", "s"});
  CHECK(got.properties[2].second == std::to_string(unix_ms{1'700'000'000'007}.value));
  CHECK(got.properties[3].second == "3");
}

TEST_CASE("schedules: a message is one, not too large, and not for later") {
  CHECK(check_schedule_message(named(), {}).code() == errc::batch_malformed);
  message_view message;
  message.deliver_at = -5;
  CHECK(check_schedule_message(with_message(message), {}).code() == errc::schedule_invalid);
  const std::string large(schedule_message_bytes_max, 'x');
  message = {};
  message.body = large;
  CHECK(check_schedule_message(with_message(message), {}).code() == errc::message_too_large);
  message.body = "twenty bytes of body";
  batch_limits small;
  small.message_bytes_max = 30; // Without room for the properties.
  CHECK(check_schedule_message(with_message(message), small).code() == errc::message_too_large);
}
