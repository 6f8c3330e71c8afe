#pragma once

#include "actors/raft/replica.hpp"
#include "test/core/dice.hpp"
#include "test/raft/fake_storage.hpp"
#include "test/raft/simulated_producer.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace carafe::test {

/// A shard's replica on a disk that crashes, driven as its actor drives it, with producers that
/// retry. The oracle is a fold of the whole log from entry 1 on.
class simulated_shard {
public:
  simulated_shard(dice& d, shard_id shard);

  void step();

  /// Everything under way comes to its end; then the state must be what the whole log says.
  void settle();

private:
  void start();
  void crash();
  void send();
  void submit_effects();
  void hand_out();
  void write();
  void append_fails();
  void tell_persisted();
  void begin_checkpoint();
  void save_checkpoint();
  void drop_entries();
  void forget_idle_producers();

  void acknowledge(const std::vector<raft::applied_entry>& applied);
  void note_written(const raft::write_group& group);
  void check_against_log() const;
  void check_acknowledged() const;

  dice* dice_;
  shard_id shard_;
  durability mode_;
  fake_log log_;
  fake_state disk_;
  std::unique_ptr<raft::replica> replica_;
  mono_ms now_{1};
  unix_ms wall_{1'000};
  std::uint64_t queues_made_ = 0;
  std::uint64_t producers_made_ = 0;
  std::vector<simulated_producer> producers_;
  std::deque<raft::write_group> to_write_;
  std::deque<entry_index> written_;
  std::optional<raft::checkpoint> unsaved_;
  term term_{0};
  /// CRCs of entries: those that anybody was told of, and what was ever written where.
  std::map<entry_index, std::uint32_t> acknowledged_;
  std::map<std::pair<entry_index, term>, std::uint32_t> ever_written_;
};

} // namespace carafe::test
