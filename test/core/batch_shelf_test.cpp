#include "actors/core/batch_shelf.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::core;

namespace {

constexpr queue_id one{1}, two{2};

delivery_batch_ptr batch_at(std::uint64_t base, std::uint32_t count, std::size_t bytes) {
  delivery_batch out{{}, unix_ms{0}, {}};
  out.what.base = offset{base};
  out.what.count = count;
  out.what.bytes = shared_bytes::copy_of(std::vector<std::byte>(bytes));
  return std::make_shared<const delivery_batch>(std::move(out));
}

const batch_shelf::needed all = [](queue_id, const delivery_batch&) { return true; };

} // namespace

TEST_CASE("a batch is found by each of its messages, in its queue", "[shelf]") {
  batch_shelf shelf{1'010'000};
  const auto batch = batch_at(10, 5, 100'000);
  shelf.put(one, batch, all);
  REQUIRE(shelf.find(one, offset{10}) != nullptr);
  CHECK(shelf.find(one, offset{10})->what.bytes.size() == 100'000);
  CHECK(shelf.find(one, offset{14}) == shelf.find(one, offset{10}));
  CHECK_FALSE(shelf.find(one, offset{15}));
  CHECK_FALSE(shelf.find(one, offset{9}));
  CHECK_FALSE(shelf.find(two, offset{12}));
  shelf.put(two, batch_at(0, 1, 50'000), all);
  shelf.drop(one);
  CHECK_FALSE(shelf.find(one, offset{10}));
  CHECK(shelf.find(two, offset{0}));
  CHECK(shelf.bytes() / 1'000 == 50);
  shelf.clear();
  CHECK(shelf.bytes() == 0);
}

TEST_CASE("the same batch again counts once", "[shelf]") {
  batch_shelf shelf{1'010'000};
  shelf.put(one, batch_at(10, 5, 100'000), all);
  shelf.put(one, batch_at(10, 5, 100'000), all);
  CHECK(shelf.bytes() / 1'000 == 100);
  CHECK(shelf.size() == 1);
}

TEST_CASE("when it is full those go that nobody needs soon", "[shelf]") {
  batch_shelf shelf{1'010'000};
  for (std::uint64_t i = 0; i < 10; ++i) shelf.put(one, batch_at(i, 1, 100'000), all);
  const auto odd = [](queue_id, const delivery_batch& b) { return b.what.base.value % 2 == 1; };
  shelf.put(one, batch_at(10, 1, 100'000), odd);
  for (std::uint64_t i = 0; i < 10; ++i) CHECK((shelf.find(one, offset{i}) != nullptr) == (i % 2));
  CHECK(shelf.find(one, offset{10}));
}

TEST_CASE("what came first stays, and it is rarely looked through", "[shelf]") {
  batch_shelf shelf{1'010'000};
  int asked = 0;
  const auto counted = [&asked](queue_id, const delivery_batch&) {
    ++asked;
    return true;
  };
  for (std::uint64_t i = 0; i < 110; ++i) shelf.put(one, batch_at(i, 1, 100'000), counted);
  for (std::uint64_t i = 0; i < 110; ++i)
    CHECK((shelf.find(one, offset{i}) != nullptr) == (i < 10));
  CHECK(shelf.size() == 10);
  CHECK(asked <= 100 / 2 * 10);
}

TEST_CASE("a batch that would have the shelf to itself is not put there", "[shelf]") {
  batch_shelf shelf{1'010'000};
  shelf.put(one, batch_at(0, 1, 253'000), all);
  CHECK(shelf.size() == 0);
}

TEST_CASE("a shelf never holds more than it may, and finds only what was put there",
          "[shelf][property]") {
  test::with_seeds(100, [](test::dice& d) {
    const auto most = d.between(100'000, 2'000'000);
    batch_shelf shelf{most};
    std::set<std::uint64_t> put;
    for (int step = 0; step < 300; ++step) {
      const auto base = d.below(50) * 10;
      if (d.percent(60)) {
        shelf.put(one, batch_at(base, 10, d.between(1, 400'000)),
                  [&](queue_id, const delivery_batch&) { return d.percent(70); });
        put.insert(base);
      } else if (d.percent(5)) {
        shelf.drop(one);
        put.clear();
      } else if (const auto found = shelf.find(one, offset{base + d.below(10)})) {
        REQUIRE(found->what.base == offset{base});
        REQUIRE(put.contains(base));
      }
      REQUIRE(shelf.bytes() <= most);
      REQUIRE((shelf.bytes() == 0) == (shelf.size() == 0));
    }
  });
}
