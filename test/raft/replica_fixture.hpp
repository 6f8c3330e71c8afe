#pragma once

#include "actors/raft/replica.hpp"
#include "test/core/builders.hpp"
#include "test/raft/fake_storage.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

namespace carafe::test {

inline constexpr unix_ms noon{1'000'000};
inline constexpr std::uint64_t plenty = 1u << 20;

/// A replica on a disk in memory.
struct replica_fixture {
  fake_log log;
  fake_state disk;
  raft::replica_options options;
  mono_ms now{1};
  std::unique_ptr<raft::replica> shard;

  replica_fixture() {
    options.node = 1;
    options.address = "here";
    options.seed = 1;
    options.producer_expiry_ms = 60'000;
    options.producers_max = 100;
  }

  errc refusal() { return raft::replica::recover(options, log, disk, now).code(); }

  void recover() {
    auto recovered = raft::replica::recover(options, log, disk, now);
    REQUIRE(recovered.ok());
    shard = std::move(*recovered);
  }

  /// As at the node's first start, with `queue_a` open.
  void begin() {
    recover();
    submit({effects::queue_opened{queue_a, topic_a}});
    write_all();
  }

  entry_index submit(std::vector<effects::effect> effects) {
    const auto index = shard->submit_effects(std::move(effects), noon, now);
    REQUIRE(index.ok());
    return *index;
  }

  raft::replica::batch_outcome send(std::uint64_t first, std::uint64_t previous,
                                    std::uint32_t count = 1, std::size_t bytes = 10,
                                    unix_ms wall = noon) {
    auto request = request_of(queue_a, producer_a, first, previous, count);
    const std::string body(bytes, 'x');
    request.bytes = shared_bytes::copy_of(as_bytes(body));
    auto outcome = shard->submit_batch(request, wall, now);
    REQUIRE(outcome.ok());
    return *outcome;
  }

  std::vector<raft::applied_entry> write_all() {
    const auto group = shard->next_write(plenty);
    REQUIRE(group.has_value());
    REQUIRE(log.append(group->writes).ok());
    auto applied = shard->persisted(group->last, now);
    REQUIRE(applied.ok());
    return std::move(*applied);
  }

  void save_checkpoint() {
    const auto checkpoint = shard->take_checkpoint();
    REQUIRE(disk.save_checkpoint(checkpoint.mark, checkpoint.deltas).ok());
    REQUIRE(shard->checkpointed(checkpoint.mark.index, log.bounds().first, now).ok());
  }
};

} // namespace carafe::test
