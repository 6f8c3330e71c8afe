#include "storage/timer_index.hpp"
#include "test/storage/log_fixture.hpp"

#include <catch2/catch.hpp>

#include <fstream>

using namespace carafe;
using namespace carafe::storage;
using namespace carafe::test;

namespace {

timer_record row(std::int64_t due, std::uint64_t queue, std::uint64_t number,
                 std::string name = {}) {
  timer_record out;
  out.at = {unix_ms{due}, queue_id{queue}, number};
  out.producer = producer_id{5};
  out.sequence = sequence{queue * 1'000 + number};
  out.name = std::move(name);
  out.armed = unix_ms{17};
  out.batch = "batch " + std::to_string(number);
  return out;
}

const timer_key before_all{unix_ms{-1}, queue_id{0}, 0};
const timer_key behind_all{unix_ms{1'000'000}, queue_id{0}, 0};
constexpr std::uint64_t much = 1u << 20;

} // namespace

TEST_CASE("timer index: rows come back in the order of their times, in parts") {
  temporary_folder dir;
  auto index = timer_index::open(dir.path());
  REQUIRE(index);
  const std::vector<timer_record> rows{row(300, 1, 0), row(100, 2, 1), row(200, 1, 2),
                                       row(100, 1, 3)};
  std::vector<const timer_record*> put;
  for (const auto& r : rows) put.push_back(&r);
  REQUIRE((*index)->change(put, {}));
  REQUIRE((*index)->change(put, {})); // Repeated after a crash.
  const auto all = (*index)->next(before_all, unix_ms{1'000}, 10, much);
  REQUIRE(all);
  CHECK(all->whole);
  CHECK(all->rows == std::vector<timer_record>{rows[3], rows[1], rows[2], rows[0]});
  const auto first = (*index)->next(before_all, unix_ms{1'000}, 2, much);
  REQUIRE(first->rows.size() == 2);
  CHECK_FALSE(first->whole);
  const auto rest = (*index)->next(first->rows.back().at, unix_ms{250}, 10, much);
  CHECK(rest->rows == std::vector<timer_record>{rows[2]});
  CHECK(rest->whole);
  const auto of_queue = (*index)->next_of({queue_id{2}}, before_all, 10, much, 100);
  CHECK(of_queue->rows == std::vector<timer_record>{rows[1]});
  CHECK(of_queue->whole);
  // It says how far it has looked, though it found nothing.
  const auto nothing = (*index)->next_of({queue_id{1}}, rows[3].at, 10, much, 1);
  CHECK(nothing->rows.empty());
  CHECK_FALSE(nothing->whole);
  CHECK(nothing->end == rows[1].at);
  CHECK((*index)->next_of({queue_id{1}}, nothing->end, 1, much, 10)->end == rows[2].at);
}

TEST_CASE("timer index: found by id and by name until it ends, also at another time") {
  temporary_folder dir;
  auto index = timer_index::open(dir.path());
  REQUIRE(index);
  auto& i = **index;
  const auto a = row(300, 1, 0, "close");
  const auto b = row(400, 1, 1, "close");
  REQUIRE(i.change({&a, &b}, {}));
  CHECK(*i.with_id(a.producer, a.sequence) == std::vector<timer_record>{a});
  CHECK(i.with_name(queue_id{1}, "close", before_all, behind_all, 10, much)->rows ==
        std::vector<timer_record>{a, b});
  CHECK(i.with_name(queue_id{2}, "close", before_all, behind_all, 10, much)->rows.empty());
  auto moved = a;
  moved.at.due = unix_ms{900};
  REQUIRE(i.change({&moved}, {a.at}));
  CHECK(*i.with_id(a.producer, a.sequence) == std::vector<timer_record>{moved});
  CHECK(i.with_name(queue_id{1}, "close", before_all, behind_all, 10, much)->rows ==
        std::vector<timer_record>{b, moved});
  REQUIRE(i.change({}, {moved.at, b.at, b.at}));
  CHECK(i.with_id(a.producer, a.sequence)->empty());
  CHECK(i.with_name(queue_id{1}, "close", before_all, behind_all, 10, much)->rows.empty());
  CHECK(i.next(before_all, unix_ms{1'000}, 10, much)->rows.empty());
}

TEST_CASE("timer index: those of a name come in parts, between two places") {
  temporary_folder dir;
  auto index = timer_index::open(dir.path());
  REQUIRE(index);
  auto& i = **index;
  std::vector<timer_record> rows;
  for (std::uint64_t n = 0; n < 10; ++n)
    rows.push_back(row(100 + static_cast<std::int64_t>(n / 2), 1, n, "close"));
  std::vector<const timer_record*> put;
  for (const auto& r : rows) put.push_back(&r);
  REQUIRE(i.change(put, {}));
  std::vector<timer_record> seen;
  auto after = before_all;
  for (bool whole = false; !whole;) {
    const auto part = i.with_name(queue_id{1}, "close", after, behind_all, 3, much);
    REQUIRE(part);
    seen.insert(seen.end(), part->rows.begin(), part->rows.end());
    whole = part->whole;
    after = part->end;
  }
  CHECK(seen == rows);
  CHECK(i.with_name(queue_id{1}, "close", rows[2].at, rows[4].at, 10, much)->rows ==
        std::vector<timer_record>{rows[3], rows[4]});
  CHECK(i.with_name(queue_id{1}, "close", before_all, behind_all, 10, 1)->rows.size() == 1);
}

TEST_CASE("timer index: it is there again after it was closed, and so is a copy") {
  temporary_folder dir;
  temporary_folder copy;
  CHECK_FALSE(timer_index::is_there(dir.path()));
  const auto a = row(300, 1, 0);
  {
    auto index = timer_index::open(dir.path());
    REQUIRE((*index)->change({&a}, {}));
    REQUIRE((*index)->copy_to(copy.path()));
  }
  CHECK(timer_index::is_there(dir.path()));
  for (const auto& folder : {dir.path(), copy.path()}) {
    CHECK(timer_index::check(folder));
    auto index = timer_index::open(folder);
    REQUIRE(index);
    CHECK((*index)->next(before_all, unix_ms{1'000}, 10, much)->rows ==
          std::vector<timer_record>{a});
  }
}

TEST_CASE("timer index: damage is told, with the file") {
  temporary_folder dir;
  const auto a = row(300, 1, 0);
  {
    auto index = timer_index::open(dir.path());
    REQUIRE((*index)->change({&a}, {}));
  }
  const auto path = dir.path() / "timers.mdb";
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
  CHECK(timer_index::check(dir.path()).code() == errc::storage_corrupt);
  auto index = timer_index::open(dir.path());
  REQUIRE(index);
  const auto found = (*index)->next(before_all, unix_ms{1'000}, 10, much);
  REQUIRE_FALSE(found);
  CHECK(found.code() == errc::storage_corrupt);
  CHECK(found.error().detail.find(path.string()) != std::string::npos);
}
