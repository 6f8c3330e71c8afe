#include "storage/latest_index.hpp"

#include "test/storage/log_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <random>

using namespace carafe;
using namespace carafe::storage;
using namespace carafe::test;

namespace {

constexpr std::uint64_t much = 1u << 20;
const queue_id mine{7};

latest_index::change put(std::uint64_t at, std::uint64_t key, std::int64_t time = 0) {
  latest_record row;
  row.queue = mine;
  row.at = offset{at};
  row.time = unix_ms{time};
  row.producer = producer_id{5};
  row.sequence = sequence{at};
  row.key = {1, key};
  row.batch = "batch " + std::to_string(at);
  return {row, false};
}

latest_index::change ending(std::uint64_t at, std::uint64_t key) {
  auto out = put(at, key);
  out.ends = true;
  return out;
}

std::vector<std::uint64_t> offsets(const latest_index& index, queue_id queue = mine) {
  std::vector<std::uint64_t> out;
  const auto all = index.read(queue, offset{0}, much);
  REQUIRE(all);
  if (!*all) return out;
  for (const auto& row : (*all)->rows) out.push_back(row.at.value);
  return out;
}

} // namespace

TEST_CASE("latest index: of each key the last message is kept, in the order of offsets") {
  temporary_folder dir;
  CHECK_FALSE(latest_index::is_there(dir.path()));
  auto opened = latest_index::open(dir.path());
  REQUIRE(opened);
  auto& index = **opened;
  CHECK(latest_index::is_there(dir.path()));
  CHECK_FALSE(index.read(mine, offset{0}, much)->has_value());
  REQUIRE(index.take_in(mine, offset{4}, {put(0, 1), put(1, 2), put(2, 1), put(3, 3)}));
  CHECK(offsets(index) == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(*index.horizon(mine) == offset{4});
  CHECK(*index.last_of(mine, {1, 1}) == offset{2});
  CHECK_FALSE(index.last_of(mine, {1, 9})->has_value());
  REQUIRE(index.take_in(mine, offset{9}, {put(5, 2), ending(6, 3), put(7, 4)}));
  CHECK(offsets(index) == std::vector<std::uint64_t>{2, 5, 7});
  CHECK(*index.queues() == std::vector<latest_index::kept>{{mine, offset{9}}});
  const auto part = index.read(mine, offset{3}, 1);
  REQUIRE(part->has_value());
  CHECK((*part)->rows == std::vector<latest_record>{put(5, 2).row});
  CHECK_FALSE((*part)->whole);
  CHECK((*part)->horizon == offset{9});
  CHECK((*index.read(mine, offset{8}, much))->rows.empty());
  CHECK(offsets(index, queue_id{8}).empty());
}

TEST_CASE("latest index: it holds what a fold over the queue's messages holds") {
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random{seed};
  temporary_folder dir;
  std::map<std::uint64_t, std::uint64_t> last;
  std::uint64_t next = 0;
  for (int round = 0; round < 20; ++round) {
    auto index = latest_index::open(dir.path());
    REQUIRE(index);
    std::vector<latest_index::change> changes;
    for (auto count = random() % 200; count > 0; --count, ++next) {
      const auto key = random() % 50;
      const bool ends = random() % 10 == 0;
      changes.push_back(ends ? ending(next, key)
                             : put(next, key, static_cast<std::int64_t>(next / 3)));
      if (ends)
        last.erase(key);
      else
        last[key] = next;
    }
    REQUIRE((*index)->take_in(mine, offset{next}, changes));
    std::vector<std::uint64_t> wanted;
    for (const auto& [key, at] : last) wanted.push_back(at);
    std::ranges::sort(wanted);
    CHECK(offsets(**index) == wanted);
    const auto time = next == 0 ? 0 : random() % next / 3;
    const auto found = (*index)->find_time(mine, unix_ms{static_cast<std::int64_t>(time)});
    REQUIRE(found);
    const auto first =
      std::ranges::find_if(wanted, [time](std::uint64_t at) { return at / 3 >= time; });
    REQUIRE(found->has_value() == (first != wanted.end()));
    if (*found) CHECK((*found)->at.value == *first);
  }
}

TEST_CASE("latest index: a queue is forgotten in parts; others stay") {
  temporary_folder dir;
  auto opened = latest_index::open(dir.path());
  REQUIRE(opened);
  auto& index = **opened;
  auto other = put(3, 1);
  other.row.queue = queue_id{6};
  REQUIRE(index.take_in(queue_id{6}, offset{4}, {other}));
  std::vector<latest_index::change> many;
  for (std::uint64_t at = 0; at < 5'000; ++at) many.push_back(put(at, at));
  REQUIRE(index.take_in(mine, offset{5'000}, many));
  REQUIRE_FALSE(*index.forget(mine));
  CHECK_FALSE(index.horizon(mine)->has_value());
  // What is left is told, to be forgotten after a restart.
  CHECK(*index.queues() ==
        std::vector<latest_index::kept>{{queue_id{6}, offset{4}}, {mine, offset{0}}});
  int parts = 1;
  for (bool gone = false; !gone; ++parts) {
    const auto left = index.forget(mine);
    REQUIRE(left);
    gone = *left;
  }
  CHECK(parts == 3);
  CHECK_FALSE(index.horizon(mine)->has_value());
  CHECK(offsets(index).empty());
  CHECK(offsets(index, queue_id{6}) == std::vector<std::uint64_t>{3});
  CHECK(*index.forget(mine));
}

TEST_CASE("latest index: a copy is as it was; damage is told, with the file") {
  temporary_folder dir;
  temporary_folder copy;
  {
    auto index = latest_index::open(dir.path());
    REQUIRE((*index)->take_in(mine, offset{1}, {put(0, 1)}));
    REQUIRE((*index)->copy_to(copy.path()));
  }
  {
    CHECK(latest_index::check(copy.path()));
    auto index = latest_index::open(copy.path());
    REQUIRE(index);
    CHECK(offsets(**index) == std::vector<std::uint64_t>{0});
  }
  const auto path = dir.path() / "latest.mdb";
  const auto bytes = [&] {
    std::ifstream in{path, std::ios::binary};
    return std::string{std::istreambuf_iterator<char>{in}, {}};
  }();
  const auto at = bytes.rfind("batch 0");
  REQUIRE(at != std::string::npos);
  {
    std::fstream out{path, std::ios::binary | std::ios::in | std::ios::out};
    out.seekp(static_cast<std::streamoff>(at));
    out.put('B');
  }
  CHECK(latest_index::check(dir.path()).code() == errc::storage_corrupt);
  auto index = latest_index::open(dir.path());
  REQUIRE(index);
  const auto found = (*index)->read(mine, offset{0}, much);
  REQUIRE_FALSE(found);
  CHECK(found.code() == errc::storage_corrupt);
  CHECK(found.error().detail.find(path.string()) != std::string::npos);
}
