#include "test/raft/replica_fixture.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::raft;
using namespace carafe::test;

TEST_CASE("A new log begins with the configuration of its sole voter, on stable storage") {
  replica_fixture f;
  f.log = fake_log{durability::memory};
  f.recover();
  CHECK(f.log.bounds().last == entry_index{1});
  CHECK(f.log.bounds().synced == entry_index{1});
  const auto first = decode_entry(f.log.history().front());
  REQUIRE(first.ok());
  CHECK(first->header.kind == entry_kind::change);
  CHECK(first->header.term == term{1});
  CHECK(f.shard->is_leader());
  CHECK(f.shard->applied() == entry_index{1});
}

TEST_CASE("The term rises at each start and is recorded before anything is written in it") {
  replica_fixture f;
  f.begin();
  const auto first = f.shard->current_term();
  CHECK(f.disk.load_vote()->term == first);
  f.recover();
  CHECK(f.shard->current_term().value == first.value + 1);
  CHECK(f.disk.load_vote()->term == f.shard->current_term());
  CHECK(f.disk.load_vote()->voted_for == 0);
}

TEST_CASE("A first start that was cut off after entry 1 is completed by the next one") {
  replica_fixture f;
  f.recover();
  f.disk = fake_state{};
  f.recover();
  CHECK(f.log.bounds().last == entry_index{1});
  CHECK(f.shard->is_leader());
}

TEST_CASE("A retry after a restart gets the original receipt, from the log or the checkpoint") {
  for (const bool checkpointed : {false, true}) {
    replica_fixture f;
    f.begin();
    f.send(1, 0, 5);
    f.write_all();
    if (checkpointed) f.save_checkpoint();
    f.recover();
    const auto known = std::get<replica::known>(f.send(1, 0, 5, 10, unix_ms{noon.value + 77}));
    CHECK(known.base == offset{0});
    CHECK(known.count == 5);
    CHECK(known.time == noon);
  }
}

TEST_CASE("Broker time never falls, also over a restart") {
  replica_fixture f;
  f.begin();
  f.send(1, 0);
  f.write_all();
  f.recover();
  f.send(2, 1, 1, 10, unix_ms{5});
  CHECK(f.write_all().at(0).time == noon);
}

TEST_CASE("A checkpoint and the entries after it are enough to recover from") {
  replica_fixture f;
  f.begin();
  f.send(1, 0, 3);
  f.write_all();
  f.save_checkpoint();
  CHECK(f.shard->checkpoint_index() == entry_index{3});
  f.send(4, 3, 2);
  f.write_all();
  const auto hash = f.shard->state().hash();
  REQUIRE(f.log.drop_before(entry_index{3}).ok());
  f.recover();
  CHECK(f.shard->state().hash() == hash);
  CHECK(f.shard->applied() == entry_index{4});
  CHECK(f.shard->checkpoint_index() == entry_index{3});
}

TEST_CASE("A mark carries the term of its entry, not the current one") {
  replica_fixture f;
  f.begin();
  const auto written_in = f.shard->current_term();
  f.recover();
  CHECK(f.shard->take_checkpoint().mark.term == written_in);
}

TEST_CASE("A log that does not fit its checkpoint or its vote is refused") {
  replica_fixture f;
  f.begin();
  f.send(1, 0);
  f.write_all();
  SECTION("it has gone") {
    f.log = fake_log{};
    CHECK(f.refusal() == errc::storage_corrupt);
  }
  SECTION("it begins after entry 1 and there is no checkpoint") {
    REQUIRE(f.log.drop_before(entry_index{2}).ok());
    CHECK(f.refusal() == errc::storage_corrupt);
  }
  SECTION("it ends before the checkpoint") {
    f.save_checkpoint();
    REQUIRE(f.log.truncate_after(entry_index{2}).ok());
    CHECK(f.refusal() == errc::storage_corrupt);
  }
  SECTION("it begins after the checkpoint") {
    f.save_checkpoint();
    f.send(2, 1);
    f.send(3, 2);
    f.write_all();
    REQUIRE(f.log.drop_before(entry_index{5}).ok());
    CHECK(f.refusal() == errc::storage_corrupt);
  }
  SECTION("its terms are above the recorded one") {
    REQUIRE(f.disk.save_vote({term{0}, 0}).ok());
    CHECK(f.refusal() == errc::storage_corrupt);
  }
  SECTION("an entry is damaged") {
    f.log.damage(entry_index{3});
    CHECK(f.refusal() == errc::storage_corrupt);
  }
  SECTION("it is another node's") {
    f.options.node = 2;
    CHECK(f.refusal() == errc::not_leader);
  }
}

TEST_CASE("A beginning that the storage cuts off is completed by the next start") {
  replica_fixture f;
  f.log = fake_log{durability::memory};
  f.log.append_fails = errc::storage_full;
  CHECK(f.refusal() == errc::storage_full);
  f.log.append_fails = errc::none;
  f.log.sync_fails = errc::storage_failed;
  CHECK(f.refusal() == errc::storage_failed);
  f.log.sync_fails = errc::none;
  f.recover();
  CHECK(f.shard->is_leader());
  CHECK(f.log.bounds().last == entry_index{1});
  CHECK(f.log.bounds().synced == entry_index{1});
}
