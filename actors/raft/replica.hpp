#pragma once

#include "actors/core/shard_state.hpp"
#include "actors/core/submit_window.hpp"
#include "actors/raft/raft_group.hpp"
#include "storage/commit_log.hpp"
#include "storage/state_store.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace carafe::raft {

/// Effects that one entry may have; keeps it well under the smallest segment.
inline constexpr std::size_t effects_per_entry_max = 131'072;

struct replica_options {
  shard_id shard;
  /// Raft's id of this node, not 0.
  std::uint64_t node = 0;
  std::string address;
  unsigned seed = 0;
  std::uint64_t producer_expiry_ms = 0;
  std::size_t producers_max = 0;
  /// Messages that wait for their times; a little more when many are stored at once.
  std::uint64_t timers_max = 20'000'000;
  /// Entries submitted and not yet applied, at most.
  std::size_t in_flight_entries_max = 8'192;
  /// Bytes of them, at most; one entry always fits.
  std::uint64_t in_flight_bytes_max = 64u << 20;
};

/// An entry that is committed, stored and folded, in the order of the log.
struct applied_entry {
  entry_index index;
  unix_ms time;
  std::vector<effects::effect> effects;
};

/// Entries to be appended to the log in one transaction.
struct write_group {
  std::vector<storage::log_write> writes;
  entry_index last;
  std::uint64_t bytes = 0;
};

struct checkpoint {
  storage::checkpoint_mark mark;
  std::vector<storage::state_delta> deltas;
};

/// A shard's replica without I/O, threads or clocks: consensus, stamping, and the fold. An actor
/// or a simulator drives it:
///
///     submit_* -> next_write -> (append to the log, sync as the mode demands) -> persisted
///              -> applied entries, in order
///
/// @invariant An entry is applied only when it is committed and stored: up to
///            min(commit index, stored index).
/// @thread One at a time.
class replica {
public:
  /// Brings the shard up from what is on disk: raises the term, starts consensus, loads the
  /// checkpoint and folds the entries after it. Writes entry 1 of a new log, and syncs what was
  /// not. Blocks on I/O.
  /// @errors What the log and the state store answer; storage_corrupt (also if the log does not
  ///         reach from the checkpoint on); not_leader (another node's configuration).
  static result<std::unique_ptr<replica>> recover(replica_options options, storage::commit_log& log,
                                                  storage::state_store& state, mono_ms now);

  /// Already committed: nothing to wait for.
  struct known {
    offset base;
    std::uint32_t count = 0;
    unix_ms time;
  };
  /// Answered when `index` is applied. `joined`: a retry of a batch in flight.
  struct pending {
    entry_index index;
    offset base;
    bool joined = false;
  };
  using batch_outcome = std::variant<known, pending, core::stamp_repeated>;

  /// @errors Those of `submit_window::check`; too_many_requests (in-flight limit); not_leader.
  result<batch_outcome> submit_batch(const core::batch_request& request, unix_ms wall, mono_ms now);

  /// New batches are answered with this from now on; retries of known ones find their receipts.
  void refuse_batches(std::optional<failure> why) { refusal_ = std::move(why); }

  /// Submits other effects as one entry. Batches among them are the node's own, or of a
  /// transaction, and get their offsets here.
  /// @errors too_many_requests, not_leader, queue_unknown (of a batch), what `refuse_batches` says.
  result<entry_index> submit_effects(std::vector<effects::effect> effects, unix_ms wall,
                                     mono_ms now);

  /// What waits to be written, at most about `bytes_max`; nothing if nothing waits.
  [[nodiscard]] std::optional<write_group> next_write(std::uint64_t bytes_max);
  /// Bytes of entries that `next_write` has yet to hand out.
  [[nodiscard]] std::uint64_t unwritten_bytes() const noexcept { return unwritten_bytes_; }

  /// The groups up to `last` are in the log as durably as the mode promises.
  /// @returns Entries applied now.
  result<std::vector<applied_entry>> persisted(entry_index last, mono_ms now);

  /// The fold's changes since the last checkpoint, as of exactly `applied()`. To be saved only
  /// when the log is synced up to there.
  [[nodiscard]] checkpoint take_checkpoint();
  /// It is saved.
  result<void> checkpointed(entry_index index, entry_index first_retained, mono_ms now);

  result<void> tick(mono_ms now);
  [[nodiscard]] mono_ms timeout() const { return raft_.timeout(); }

  [[nodiscard]] const core::shard_state& state() const noexcept { return state_; }
  /// As `shard_state::take_timer_news`.
  [[nodiscard]] std::vector<core::timer_news> take_timer_news() { return state_.take_timer_news(); }
  /// As `transaction_table::take_touched`.
  [[nodiscard]] std::set<transaction_id> take_touched_transactions() {
    return state_.take_touched_transactions();
  }
  [[nodiscard]] entry_index applied() const noexcept { return applied_; }
  [[nodiscard]] entry_index checkpoint_index() const noexcept { return checkpoint_; }
  [[nodiscard]] bool is_leader() const { return raft_.is_leader(); }
  [[nodiscard]] carafe::term current_term() const { return raft_.current_term(); }
  [[nodiscard]] std::size_t in_flight() const noexcept { return flight_.size(); }
  /// Calls `each(effect)` for what is submitted and not applied yet, in order.
  template <class Each>
  void for_each_in_flight(Each each) const {
    for (const auto& entry : flight_)
      for (const auto& effect : entry.effects) each(effect);
  }
  [[nodiscard]] const replica_options& options() const noexcept { return options_; }

private:
  struct flight_entry {
    storage::log_write write;
    std::vector<effects::effect> effects;
    std::uint64_t bytes = 0;
  };

  explicit replica(replica_options options);

  result<void> bootstrap(storage::commit_log& log, storage::state_store& state);
  result<entry_index> submit(std::vector<effects::effect> effects, unix_ms wall, mono_ms now);
  [[nodiscard]] result<void> room(std::uint64_t bytes) const;
  result<void> stamp_own(std::vector<effects::effect>& effects,
                         std::vector<effects::batch>& batches) const;
  std::vector<applied_entry> apply_committed();
  void fold(unix_ms time, const std::vector<effects::effect>& effects);

  replica_options options_;
  core::shard_state state_;
  core::submit_window window_;
  raft_group raft_;
  /// Submitted and not applied; front is `applied_ + 1`.
  std::deque<flight_entry> flight_;
  std::uint64_t flight_bytes_ = 0;
  std::uint64_t unwritten_bytes_ = 0;
  /// How many of `flight_` were handed out by `next_write`.
  std::size_t handed_out_ = 0;
  entry_index applied_{0};
  entry_index stored_{0};
  entry_index commit_{0};
  entry_index checkpoint_{0};
  carafe::term applied_term_{0};
  std::optional<failure> refusal_;
  /// Broker time given to the newest submitted entry; never falls.
  unix_ms stamped_{};
};

} // namespace carafe::raft
