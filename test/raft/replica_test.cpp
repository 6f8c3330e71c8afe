#include "test/raft/replica_fixture.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::raft;
using namespace carafe::test;

TEST_CASE("A batch is answered with the offset that was promised, when it is stored") {
  replica_fixture f;
  f.begin();
  const auto pending = std::get<replica::pending>(f.send(1, 0, 5));
  CHECK(pending.index == entry_index{3});
  CHECK(pending.base == offset{0});
  CHECK_FALSE(pending.joined);
  CHECK(f.shard->in_flight() == 1);
  CHECK(f.shard->state().queue(queue_a)->next == offset{0});
  const auto applied = f.write_all();
  REQUIRE(applied.size() == 1);
  CHECK(applied[0].index == pending.index);
  CHECK(applied[0].time == noon);
  CHECK(std::get<effects::batch>(applied[0].effects.at(0)).base == offset{0});
  CHECK(f.shard->in_flight() == 0);
  CHECK(f.shard->state().queue(queue_a)->next == offset{5});
}

TEST_CASE("A retry of what is in flight joins it and is promised the same offset") {
  replica_fixture f;
  f.begin();
  f.send(1, 0, 5);
  const auto first = std::get<replica::pending>(f.send(6, 5, 2));
  const auto again = std::get<replica::pending>(f.send(6, 5, 2));
  CHECK(again.joined);
  CHECK(again.index == first.index);
  CHECK(again.base == offset{5});
}

TEST_CASE("Writes are handed out once, in order, in groups of about the size that was asked for") {
  replica_fixture f;
  f.begin();
  for (std::uint64_t i = 1; i <= 5; ++i) f.send(i, i - 1, 1, 1'000);
  const auto waiting = f.shard->unwritten_bytes();
  const auto first = f.shard->next_write(3'000);
  REQUIRE(first.has_value());
  CHECK(f.shard->unwritten_bytes() == waiting - first->bytes);
  CHECK(first->writes.size() == 2);
  CHECK(first->bytes <= 3'000);
  CHECK(first->last == entry_index{4});
  const auto one = f.shard->next_write(1);
  REQUIRE(one.has_value());
  CHECK(one->writes.size() == 1);
  const auto rest = f.shard->next_write(plenty);
  REQUIRE(rest.has_value());
  CHECK(rest->writes.size() == 2);
  CHECK(rest->last == entry_index{7});
  CHECK(f.shard->unwritten_bytes() == 0);
  CHECK(waiting == first->bytes + one->bytes + rest->bytes);
  CHECK_FALSE(f.shard->next_write(plenty).has_value());
  for (const auto* group : {&*first, &*one, &*rest}) {
    REQUIRE(f.log.append(group->writes).ok());
    const auto applied = f.shard->persisted(group->last, f.now);
    REQUIRE(applied.ok());
    CHECK(applied->size() == group->writes.size());
    CHECK(f.shard->applied() == group->last);
  }
}

TEST_CASE("Each batch is written with its row of the queue index") {
  replica_fixture f;
  f.begin();
  f.send(1, 0, 3);
  f.send(4, 3, 2);
  const auto group = f.shard->next_write(plenty);
  REQUIRE(group.has_value());
  REQUIRE(group->writes.size() == 2);
  const auto& row = group->writes[1].rows.at(0);
  CHECK(row.queue == queue_a);
  CHECK(row.base == offset{3});
  CHECK(row.count == 2);
  CHECK(row.time == noon);
  CHECK(row.entry == entry_index{4});
}

TEST_CASE("Entries in flight have a limit in number and in bytes, and one always fits") {
  replica_fixture f;
  f.options.in_flight_entries_max = 3;
  f.options.in_flight_bytes_max = 2'000;
  f.begin();
  const auto refused = [&f](std::uint64_t first, std::size_t bytes) {
    auto request = request_of(queue_a, producer_a, first, first - 1);
    const std::string body(bytes, 'x');
    request.bytes = shared_bytes::copy_of(as_bytes(body));
    return f.shard->submit_batch(request, noon, f.now).code() == errc::too_many_requests;
  };
  f.send(1, 0, 1, 5'000);
  CHECK(refused(2, 10));
  f.write_all();
  f.send(2, 1, 1, 500);
  CHECK(refused(3, 1'600));
  f.send(3, 2, 1, 100);
  f.submit({effects::commit{group_a, queue_a, offset{1}}});
  CHECK(f.shard->submit_effects({}, noon, f.now).code() == errc::too_many_requests);
  CHECK(refused(4, 1));
  f.write_all();
  f.send(4, 3, 1, 5'000);
}
