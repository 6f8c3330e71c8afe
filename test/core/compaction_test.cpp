#include "actors/core/compaction.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace carafe;
using namespace carafe::core;

namespace {

const queue_id mine{7};

storage::stored_batch stored(offset base,
                             const std::vector<std::pair<std::string, std::string>>& what,
                             codec compression = codec::none) {
  batch_builder builder;
  for (const auto& [key, body] : what) {
    message_view m;
    m.key = key;
    m.body = body;
    REQUIRE(builder.add(m));
  }
  auto encoded = builder.finish(compression);
  REQUIRE(encoded);
  storage::stored_batch out;
  out.queue = mine;
  out.base = base;
  out.count = encoded->count;
  out.time = unix_ms{50};
  out.batch.queue = mine;
  out.batch.base = base;
  out.batch.count = encoded->count;
  out.batch.producer = producer_id{9};
  out.batch.first = sequence{100};
  out.batch.compression = encoded->compression;
  out.batch.checksum = encoded->checksum;
  out.batch.bytes = encoded->bytes;
  return out;
}

latest_record row(std::uint64_t at) {
  const auto changes = latest_changes(stored(offset{at}, {{"k", "m" + std::to_string(at)}}),
                                      offset{0}, offset{at + 1}, {});
  REQUIRE(changes);
  return changes->at(0).row;
}

} // namespace

TEST_CASE("compaction: each message takes the place of its key's earlier one, or ends the key") {
  const auto batch =
    stored(offset{10}, {{"a", "1"}, {"", "free"}, {"b", ""}, {"a", "2"}, {"c", "3"}}, codec::lz4);
  const auto changes = latest_changes(batch, offset{10}, offset{14}, {});
  REQUIRE(changes);
  REQUIRE(changes->size() == 3);
  CHECK(changes->at(0).row.at == offset{10});
  CHECK(changes->at(0).row.key == changes->at(2).row.key);
  CHECK(changes->at(1).ends);
  CHECK(changes->at(1).row.at == offset{12});
  const auto& last = changes->at(2).row;
  CHECK(last.at == offset{13});
  CHECK(last.producer == producer_id{9});
  CHECK(last.sequence == sequence{103});
  CHECK(last.time == unix_ms{50});
  const auto kept = kept_batches(mine, offset{13}, {{last}, true, offset{14}});
  REQUIRE(kept.size() == 1);
  auto reader = batch_reader::open(kept[0].batch.bytes, codec::none, {});
  REQUIRE(reader);
  CHECK(reader->message(0).key == "a");
  CHECK(reader->message(0).body == "2");
}

TEST_CASE("compaction: what was taken in before is not taken in again") {
  const auto batch = stored(offset{10}, {{"a", "1"}, {"a", "2"}});
  CHECK(latest_changes(batch, offset{11}, offset{12}, {})->size() == 1);
  CHECK(latest_changes(batch, offset{12}, offset{20}, {})->empty());
}

TEST_CASE("compaction: kept messages are read as batches without a gap, up to the horizon") {
  const auto kept = kept_batches(mine, offset{2}, {{row(4), row(5), row(9)}, true, offset{12}});
  REQUIRE(kept.size() == 4);
  auto next = offset{2};
  std::vector<std::uint64_t> there;
  for (const auto& batch : kept) {
    CHECK(batch.base == next);
    next = batch.base + batch.count;
    REQUIRE(batch.only);
    for (const auto& range : *batch.only) {
      CHECK(range == offset_range{batch.batch.base, 1});
      CHECK(range.end() == next);
      there.push_back(range.first.value);
    }
  }
  CHECK(next == offset{12});
  CHECK(there == std::vector<std::uint64_t>{4, 5, 9});
  CHECK(kept[0].holds(offset{4}));
  CHECK_FALSE(kept[0].holds(offset{3}));
  // A part of the rows says nothing of what lies behind.
  const auto part = kept_batches(mine, offset{0}, {{row(4)}, false, offset{12}});
  REQUIRE(part.size() == 1);
  CHECK(part[0].base + part[0].count == offset{5});
  const auto none = kept_batches(mine, offset{0}, {{}, true, offset{3}});
  REQUIRE(none.size() == 1);
  CHECK(none[0].only->empty());
  // A gap may be longer than a batch can say.
  constexpr std::uint64_t far = std::uint64_t{5} << 32;
  const auto wide = kept_batches(mine, offset{0}, {{}, true, offset{far}});
  next = offset{0};
  for (const auto& batch : wide) {
    CHECK(batch.base == next);
    next = batch.base + batch.count;
  }
  CHECK(next == offset{far});
}
