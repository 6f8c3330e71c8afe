#include "actors/core/row_key.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr auto id_max = std::numeric_limits<std::uint64_t>::max();

struct sample {
  std::string key;
  row_kind kind;
  std::uint64_t first;
  std::uint64_t second;
  std::uint64_t third = 0;
};

std::vector<sample> samples() {
  std::vector<sample> out{{row_key::catalogue(), row_kind::catalogue, 0, 0}};
  for (const std::uint64_t a : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255},
                                std::uint64_t{256}, std::uint64_t{1} << 63, id_max}) {
    out.push_back({row_key::of(queue_id{a}), row_kind::queue, a, 0});
    out.push_back({row_key::of(topic_id{a}), row_kind::topic, a, 0});
    out.push_back({row_key::of(group_id{a}), row_kind::group, a, 0});
    out.push_back({row_key::of(schedule_id{a}), row_kind::schedule, a, 0});
    out.push_back({row_key::fired(schedule_id{a}), row_kind::fired, a, 0});
    for (const std::uint64_t b : {std::uint64_t{0}, std::uint64_t{7}, id_max}) {
      out.push_back(
        {row_key::of(producer_key{producer_id{a}, queue_id{b}}), row_kind::producer, a, b});
      out.push_back(
        {row_key::of(progress_key{group_id{a}, queue_id{b}}), row_kind::progress, a, b});
      out.push_back({row_key::of(progress_key{group_id{a}, queue_id{b}}, offset{a ^ b}),
                     row_kind::waiting, a, b, a ^ b});
    }
  }
  return out;
}

} // namespace

TEST_CASE("A row key parses back to what it was made of") {
  for (const auto& s : samples()) {
    const auto parsed = row_key::parse(s.key);
    REQUIRE(parsed.has_value());
    CHECK(parsed->kind == s.kind);
    CHECK(parsed->first == s.first);
    CHECK(parsed->second == s.second);
    CHECK(parsed->third == s.third);
  }
}

TEST_CASE("Row keys of different rows differ") {
  std::vector<std::string> keys;
  for (const auto& s : samples()) keys.push_back(s.key);
  std::sort(keys.begin(), keys.end());
  CHECK(std::adjacent_find(keys.begin(), keys.end()) == keys.end());
}

TEST_CASE("Row keys of one kind are ordered by their ids") {
  CHECK(row_key::of(queue_id{255}) < row_key::of(queue_id{256}));
  CHECK(row_key::of(queue_id{1}) < row_key::of(queue_id{id_max}));
  CHECK(row_key::of(progress_key{group_id{1}, queue_id{id_max}}) <
        row_key::of(progress_key{group_id{2}, queue_id{0}}));
}

TEST_CASE("A text that is no row key does not parse") {
  CHECK_FALSE(row_key::parse("").has_value());
  CHECK_FALSE(row_key::parse("x").has_value());
  CHECK_FALSE(row_key::parse("x12345678").has_value());
  for (const auto& s : samples()) {
    CHECK_FALSE(row_key::parse(s.key + "0").has_value());
    CHECK_FALSE(row_key::parse(s.key.substr(0, s.key.size() - 1)).has_value());
  }
}
