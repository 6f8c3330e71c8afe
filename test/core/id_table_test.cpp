#include "actors/core/id_table.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr queue_id queue_a{5};
constexpr queue_id queue_b{6};

id_digest id_of(std::uint64_t number) { return {number, number * 3}; }

} // namespace

TEST_CASE("An id counts in its queue up to its time, and tells where its message is") {
  id_table ids;
  ids.add(id_table::key_of(queue_a, offset{10}, false), {unix_ms{100}, {{}, id_of(1), id_of(2)}});
  ids.add(id_table::key_of(queue_a, offset{3}, true), {unix_ms{200}, {id_of(3)}});
  CHECK(ids.size() == 3);
  const auto found = ids.find(queue_a, id_of(2), unix_ms{99});
  REQUIRE(found);
  CHECK(found->at == offset{12});
  CHECK_FALSE(found->timed);
  CHECK(ids.find(queue_a, id_of(3), unix_ms{99})->timed);
  CHECK(ids.find(queue_a, id_of(3), unix_ms{99})->at == offset{3});
  CHECK_FALSE(ids.find(queue_a, id_of(2), unix_ms{100}));
  CHECK_FALSE(ids.find(queue_b, id_of(2), unix_ms{99}));
  CHECK_FALSE(ids.find(queue_a, id_of(4), unix_ms{99}));
  CHECK(ids.expire(unix_ms{99}).empty());
  CHECK(ids.expire(unix_ms{100}).size() == 1);
  CHECK(ids.size() == 1);
  CHECK(ids.forget(queue_a).size() == 1);
  CHECK(ids.size() == 0);
  CHECK(ids.rows().empty());
}

TEST_CASE("A table of ids knows what a plain list of them knows") {
  with_seeds(200, [](dice& d) {
    id_table ids;
    struct row {
      queue_id queue;
      std::uint64_t base;
      unix_ms until;
      id_digests ids;
    };
    std::vector<row> list;
    std::int64_t now = 0;
    std::map<queue_id, std::uint64_t> ends;
    for (int step = 0; step < 300; ++step) {
      const auto queue = d.percent(50) ? queue_a : queue_b;
      if (d.percent(2)) {
        ids.forget(queue);
        std::erase_if(list, [&](const row& r) { return r.queue == queue; });
      } else if (d.percent(60)) {
        row fresh{
          queue, ends[queue], unix_ms{now + 1 + static_cast<std::int64_t>(d.below(40))}, {}};
        for (auto count = d.between(1, 4); count > 0; --count) {
          const auto id = id_of(d.below(30));
          const bool known = d.percent(20) || ids.find(queue, id, unix_ms{now}) ||
                             std::find(fresh.ids.begin(), fresh.ids.end(), id) != fresh.ids.end();
          fresh.ids.push_back(known ? id_digest{} : id);
        }
        ends[queue] += fresh.ids.size();
        ids.add(id_table::key_of(queue, offset{fresh.base}, false), {fresh.until, fresh.ids});
        list.push_back(fresh);
      } else {
        now += static_cast<std::int64_t>(d.below(20));
        ids.expire(unix_ms{now});
        std::erase_if(list, [&](const row& r) { return r.until.value <= now; });
      }
      std::size_t count = 0;
      for (const auto& r : list)
        for (std::size_t i = 0; i < r.ids.size(); ++i) {
          if (r.ids[i] == id_digest{}) continue;
          ++count;
          const auto found = ids.find(r.queue, r.ids[i], unix_ms{now});
          REQUIRE(found);
          REQUIRE(found->at == offset{r.base + i});
        }
      REQUIRE(ids.size() == count);
      REQUIRE(ids.rows().size() == list.size());
    }
  });
}
