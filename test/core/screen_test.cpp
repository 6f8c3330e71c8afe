#include "actors/core/screen.hpp"

#include "actors/core/delivery_batches.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

using which = screen::outcome::which;
using numbers = std::vector<std::uint64_t>;

struct sample {
  std::string tag;
  std::uint64_t ttl_ms = 0;
  std::uint8_t priority = priority_default;
};

/// The message at offset n has the body n.
effects::batch stored(std::uint64_t base, const std::vector<sample>& messages,
                      codec compression = codec::none) {
  batch_builder builder;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto body = std::to_string(base + i);
    message_view m;
    m.body = body;
    m.tag = messages[i].tag;
    m.ttl_ms = messages[i].ttl_ms;
    m.priority = messages[i].priority;
    REQUIRE(builder.add(m).ok());
  }
  auto encoded = builder.finish(compression);
  REQUIRE(encoded.ok());
  effects::batch out;
  out.base = offset{base};
  out.count = encoded->count;
  out.compression = encoded->compression;
  out.checksum = encoded->checksum;
  out.bytes = encoded->bytes;
  out.ranked = encoded->ranked;
  return out;
}

screen_rule with_tags(std::string text) {
  auto parsed = parse_filter({message_filter::kind::tags, std::move(text)});
  REQUIRE(parsed.ok());
  return {std::make_shared<const filter>(std::move(**parsed)), false};
}

/// What the client of a reader has got.
struct client_model {
  offset next;
  numbers got;
  numbers marked;

  void takes(offset base, std::uint64_t count) {
    CHECK(base <= next);
    next = std::max(next, base + count);
  }
  void takes(const effects::batch& batch, screen& from, const screen::outcome& seen) {
    if (seen.what == which::none) return;
    if (const auto passed = from.take_untold()) takes(passed->first, passed->count);
    const bool whole = seen.what == which::all;
    const auto& bytes = whole ? batch.bytes : seen.batch.bytes;
    const auto compression = whole ? batch.compression : seen.batch.compression;
    auto reader = batch_reader::open(bytes, compression, {});
    REQUIRE(reader.ok());
    auto ranges = whole ? std::vector<offset_range>{{batch.base, batch.count}} : seen.ranges;
    std::uint32_t at = 0;
    for (const auto& range : ranges)
      for (auto o = range.first; o < range.end(); o = o + 1) {
        REQUIRE(at < reader->count());
        CHECK(reader->message(at++).body == std::to_string(o.value));
        if (o >= next) got.push_back(o.value);
      }
    CHECK(at == reader->count());
    for (const auto& range : seen.expired)
      for (auto o = range.first; o < range.end(); o = o + 1) marked.push_back(o.value);
    takes(batch.base, batch.count);
  }
};

constexpr unix_ms noon{1'000'000};

} // namespace

TEST_CASE("without filter and times to live batches go out as they are, unopened") {
  screen s{{}, offset{0}, {}};
  auto batch = stored(0, {{}, {}});
  batch.bytes = shared_bytes::copy_of(std::as_bytes(std::span{"damaged", 7}));
  const auto seen = s.look_at(batch, noon, noon);
  REQUIRE(seen.ok());
  CHECK(seen->what == which::all);
  CHECK_FALSE(s.has_untold());
}

TEST_CASE("of a mixed batch exactly what passes goes out") {
  screen s{with_tags("a"), offset{0}, {}};
  const auto batch = stored(10, {{"a"}, {"b"}, {"b"}, {"a"}, {"a"}});
  const auto seen = s.look_at(batch, noon, noon);
  REQUIRE(seen.ok());
  CHECK(seen->what == which::some);
  CHECK(seen->ranges == std::vector<offset_range>{{offset{10}, 1}, {offset{13}, 2}});
  CHECK(seen->batch.count == 3);
  CHECK(seen->filtered == 2);
  CHECK(seen->too_old == 0);
}

TEST_CASE("a batch of which everything passes is not copied") {
  screen s{with_tags("a"), offset{0}, {}};
  const auto seen = s.look_at(stored(0, {{"a"}, {"a"}}), noon, noon);
  REQUIRE(seen.ok());
  CHECK(seen->what == which::all);
  CHECK(seen->ranges.empty());
}

TEST_CASE("what lies before the place where reading begins counts as nothing") {
  screen s{with_tags("a"), offset{12}, {}};
  const auto seen = s.look_at(stored(10, {{"b"}, {"b"}, {"a"}, {"a"}}), noon, noon);
  REQUIRE(seen.ok());
  CHECK(seen->what == which::all);
  CHECK(seen->filtered == 0);
  screen other{with_tags("a"), offset{12}, {}};
  const auto last = other.look_at(stored(10, {{"a"}, {"a"}, {"b"}, {"a"}}), noon, noon);
  REQUIRE(last.ok());
  CHECK(last->ranges == std::vector<offset_range>{{offset{13}, 1}});
  CHECK(last->filtered == 1);
}

TEST_CASE("batches of which nothing passes gather to one stretch that is told once") {
  screen s{with_tags("a"), offset{3}, {}};
  CHECK(s.look_at(stored(0, {{"b"}, {"b"}, {"b"}, {"b"}}), noon, noon)->what == which::none);
  CHECK(s.look_at(stored(4, {{"b"}}), noon, noon)->what == which::none);
  CHECK(s.has_untold());
  CHECK(s.take_untold() == offset_range{offset{0}, 5});
  CHECK_FALSE(s.has_untold());
  CHECK(s.look_at(stored(5, {{"b"}}), noon, noon)->what == which::none);
  CHECK(s.take_untold() == offset_range{offset{5}, 1});
}

TEST_CASE("messages are too old from the end of their time to live on") {
  const topic_expiry day{100, false};
  const auto plain = stored(0, {{}, {}});
  const auto own = stored(0, {{"", 50}, {}, {"", 200}});
  const auto late = [](std::int64_t ms) { return unix_ms{noon.value + ms}; };
  SECTION("as the topic says") {
    CHECK(screen({}, offset{0}, day).look_at(plain, noon, late(99))->what == which::all);
    screen s{{}, offset{0}, day};
    const auto seen = s.look_at(plain, noon, late(100));
    CHECK(seen->what == which::none);
    CHECK(seen->too_old == 2);
    CHECK(s.take_untold() == offset_range{offset{0}, 2});
  }
  SECTION("as they say themselves") {
    CHECK(screen({}, offset{0}, day).look_at(own, noon, late(49))->what == which::all);
    CHECK(screen({}, offset{0}, day).look_at(own, noon, late(50))->ranges ==
          std::vector<offset_range>{{offset{1}, 2}});
    CHECK(screen({}, offset{0}, day).look_at(own, noon, late(199))->ranges ==
          std::vector<offset_range>{{offset{2}, 1}});
    CHECK(screen({}, offset{0}, {}).look_at(own, noon, late(1'000))->ranges ==
          std::vector<offset_range>{{offset{1}, 1}});
  }
  SECTION("dead letters never are") {
    CHECK(screen({}, offset{0}, {100, true}).look_at(own, noon, late(1'000))->what == which::all);
  }
  SECTION("who wants them gets them marked") {
    const screen_rule too{nullptr, true};
    const auto all = screen(too, offset{0}, day).look_at(plain, noon, late(100));
    CHECK(all->what == which::all);
    CHECK(all->expired == std::vector<offset_range>{{offset{0}, 2}});
    const auto some = screen(too, offset{0}, day).look_at(own, noon, late(150));
    CHECK(some->what == which::all);
    CHECK(some->expired == std::vector<offset_range>{{offset{0}, 2}});
    CHECK(some->too_old == 0);
  }
  SECTION("a topic's new default counts from the next batch on") {
    screen s{{}, offset{0}, {}};
    CHECK(s.look_at(plain, noon, late(100))->what == which::all);
    s.set_expiry(day);
    CHECK(s.look_at(stored(2, {{}}), noon, late(100))->what == which::none);
  }
}

TEST_CASE("a damaged batch is an error where it has to be opened") {
  screen s{with_tags("a"), offset{0}, {}};
  auto batch = stored(0, {{"a"}});
  batch.bytes = shared_bytes::copy_of(std::as_bytes(std::span{"damaged", 7}));
  CHECK(s.look_at(batch, noon, noon).code() == errc::batch_malformed);
}

TEST_CASE("a reader gets exactly what passes and is not too old, and knows where it is") {
  with_seeds(200, [](dice& d) {
    const topic_expiry expiry{d.percent(50) ? d.between(1, 50) : 0, d.percent(10)};
    auto rule = d.percent(70) ? with_tags(d.percent(20) ? "*" : "a || b") : screen_rule{};
    const bool filtered = rule.wanted != nullptr && !rule.wanted->matches({});
    rule.expired_too = d.percent(30);
    const auto too = rule.expired_too;
    const offset begin{d.below(5)};
    screen s{std::move(rule), begin, expiry};
    client_model client{begin, {}, {}};
    numbers expected, expected_marks;
    std::uint64_t filtered_out = 0, too_old = 0, filtered_told = 0, too_old_told = 0;
    std::uint64_t next = 0;
    auto now = noon;
    const auto some_tags = d.between(1, 4);
    for (int i = 0; i < 30; ++i) {
      std::vector<sample> messages;
      const bool own_times = d.percent(40);
      for (auto n = d.between(1, 20); n > 0; --n) {
        const std::string tags[] = {"c", "a", "b", "d"};
        messages.push_back({tags[d.below(some_tags)],
                            own_times && d.percent(30) ? d.between(1, 80) : 0,
                            static_cast<std::uint8_t>(d.percent(5) ? 9 : priority_default)});
      }
      const std::vector<codec> codecs{codec::none, codec::lz4, codec::zstd};
      const auto batch = stored(next, messages, d.pick(codecs));
      const unix_ms time{now.value - static_cast<std::int64_t>(d.below(60))};
      for (std::size_t m = 0; m < messages.size(); ++m) {
        const auto at = next + m;
        if (at < begin.value) continue;
        const auto& tag = messages[m].tag;
        const bool passes = !filtered || tag == "a" || tag == "b";
        const auto ttl = messages[m].ttl_ms != 0 ? messages[m].ttl_ms : expiry.default_ttl_ms;
        const bool old =
          !expiry.never && ttl != 0 && time.value + static_cast<std::int64_t>(ttl) <= now.value;
        if (!passes) {
          ++filtered_out;
        } else if (old && !too) {
          ++too_old;
        } else {
          expected.push_back(at);
          if (old) expected_marks.push_back(at);
        }
      }
      next += messages.size();
      if (batch.base + batch.count > begin) {
        const auto seen = s.look_at(batch, time, now);
        REQUIRE(seen.ok());
        filtered_told += seen->filtered;
        too_old_told += seen->too_old;
        client.takes(batch, s, *seen);
      }
      if (d.percent(20))
        if (const auto passed = s.take_untold()) client.takes(passed->first, passed->count);
      now = unix_ms{now.value + static_cast<std::int64_t>(d.below(10))};
    }
    if (const auto passed = s.take_untold()) client.takes(passed->first, passed->count);
    CHECK(client.got == expected);
    CHECK(client.marked == expected_marks);
    CHECK(client.next == offset{std::max(next, begin.value)});
    CHECK(filtered_told == filtered_out);
    CHECK(too_old_told == too_old);
  });
}
