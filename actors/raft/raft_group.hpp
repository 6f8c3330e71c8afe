#pragma once

#include "schema/records.hpp"
#include "storage/state_store.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct raft_event;
struct raft_update;

namespace carafe::raft {

/// An entry as libraft sees it at start: no payload, but a change's configuration.
struct entry_meta {
  carafe::term term;
  entry_kind kind = entry_kind::command;
  /// Of a change: libraft's encoding.
  std::string configuration;
};

struct start_state {
  storage::vote vote;
  /// The checkpoint, if there is one.
  std::optional<storage::checkpoint_mark> mark;
  /// Entries stored after the mark (from index 1 on without one), dense.
  std::vector<entry_meta> entries;
};

/// What a step changed.
struct step_outcome {
  /// Everything up to here is committed; it may run ahead of what is stored locally.
  entry_index commit;
  bool leader = false;
  carafe::term term;
};

/// A thin face on libraft's `raft_step` (0.22.1): consensus of one shard, without I/O, threads,
/// clocks or payloads. In this version a group has one voter, this node.
///
/// @thread One at a time.
class raft_group {
public:
  /// libraft's encoding of a configuration with this one voter: entry 1 of a new log.
  [[nodiscard]] static std::string sole_voter_configuration(std::uint64_t node,
                                                            const std::string& address);

  /// @param seed Must differ between nodes.
  raft_group(std::uint64_t node, const std::string& address, unsigned seed);
  ~raft_group();
  raft_group(const raft_group&) = delete;
  raft_group& operator=(const raft_group&) = delete;

  /// @pre As the sole voter: `state.vote` is already raised to a term never used before, vote 0,
  ///      and on stable storage; otherwise a lost tail could be written again at the same index
  ///      and term.
  /// @errors storage_corrupt  a configuration does not decode, terms fall or are above the vote's,
  ///                          entry 1 is no configuration.
  ///         internal         libraft's message.
  result<step_outcome> start(const start_state& state, mono_ms now);

  /// Appends `count` entries of the current term and returns the first one's index. They are
  /// committed only after `persisted`.
  /// @errors not_leader, internal (fatal).
  result<entry_index> submit(std::size_t count, mono_ms now);

  /// Everything up to `last` is stored as durably as this shard promises.
  /// @pre `last` rises from call to call and was submitted.
  result<step_outcome> persisted(entry_index last, mono_ms now);

  /// The time `timeout` asked for has come.
  result<step_outcome> tick(mono_ms now);
  [[nodiscard]] mono_ms timeout() const;

  /// A checkpoint at `index` is durable; entries from `first_retained` on stay in the log.
  /// @pre index > that of the last call and of the mark given to `start`.
  result<void> snapshot(entry_index index, entry_index first_retained, mono_ms now);

  [[nodiscard]] carafe::term current_term() const;
  [[nodiscard]] bool is_leader() const;
  [[nodiscard]] entry_index commit_index() const;
  [[nodiscard]] entry_index last_index() const;
  /// The committed configuration, libraft's encoding, and the entry it came with.
  [[nodiscard]] std::string configuration() const;
  [[nodiscard]] entry_index configuration_index() const;

private:
  struct impl;
  result<step_outcome> step(raft_event& event, raft_update& update);
  std::unique_ptr<impl> impl_;
};

} // namespace carafe::raft
