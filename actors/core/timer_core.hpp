#pragma once

#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::core {

struct timer_query;

inline constexpr timer_key before_all_timers{unix_ms{std::numeric_limits<std::int64_t>::min()},
                                             queue_id{0}, 0};
inline constexpr timer_key behind_all_timers{unix_ms{std::numeric_limits<std::int64_t>::max()},
                                             queue_id{std::numeric_limits<std::uint64_t>::max()},
                                             std::numeric_limits<std::uint64_t>::max()};

using timer_ptr = std::shared_ptr<const timer_record>;

/// Timers that were put or ended since the index was written.
class timer_changes {
public:
  struct change {
    /// Null: it ended.
    timer_ptr row;
    /// The index has never heard of it.
    bool fresh = false;
  };
  using rows = std::map<timer_key, change>;

  void put(timer_ptr row, bool fresh);
  void end(const timer_key& at);
  /// Every one that is put and may match.
  void find(const timer_query& query, const std::function<void(const timer_ptr&)>& each) const;

  [[nodiscard]] const rows& all() const noexcept { return rows_; }
  [[nodiscard]] const change* of(const timer_key& at) const;
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }

private:
  using id_key = std::pair<producer_id, carafe::sequence>;
  void forget(const timer_record& row);

  rows rows_;
  std::multimap<id_key, timer_ptr> ids_;
  std::multimap<std::string, timer_ptr, std::less<>> names_;
};

/// Which pending timers: those of some queues with this name, or the one with this message id.
struct timer_query {
  std::vector<queue_id> queues;
  std::optional<std::string> name;
  producer_id producer;
  carafe::sequence sequence;
  /// Of these, the ones behind `after` and up to `until`.
  timer_key after = before_all_timers;
  timer_key until = behind_all_timers;

  [[nodiscard]] bool matches(const timer_record& row) const;
};

/// The waiting messages of one shard: which are due, and what the index on disk does not know yet.
///
/// The index holds what was pending at the last flush; `changes` since then lie over it. Of what is
/// pending, the part up to a horizon is in memory ("near"); the horizon is moved on by reading the
/// index.
///
///     armed  --(near the horizon)-->   near   --due-->   ending   --ended-->  gone
///       `--(later)--> changes/index --loaded--'            `--failed--> near
///
/// @invariant Everything pending at or before the horizon is in `near_`.
/// @invariant What is asked of the index is answered in order: at the answer, whatever the index
///            did not know is in `changes_` or `flushing_`.
/// @invariant A timer that is ending is ended by one entry of the log only.
class timer_core {
public:
  struct options {
    /// Of what is read from the index at once, and of what is kept near.
    std::size_t rows_max = 16'384;
    std::uint64_t bytes_max = 8u << 20;
    /// Timers whose end is being written.
    std::size_t ending_max = 16'384;
    /// How far the horizon is moved, and when it is moved on.
    std::uint64_t ahead_ms = 60'000;
    std::uint64_t refill_ms = 10'000;
  };

  timer_core();
  explicit timer_core(options o);

  // -- what the log says, in its order ------------------------------------------------------------
  /// @param fresh The index cannot know it: it was neither moved here, nor read from the log at a
  ///        start (before which the index may have been written).
  void armed(timer_ptr row, bool fresh);
  void ended(const timer_key& at);

  // -- the index on disk --------------------------------------------------------------------------
  struct load {
    /// Those behind it …
    timer_key after;
    /// … and due no later.
    unix_ms until;
    std::size_t rows_max = 0;
    std::uint64_t bytes_max = 0;
  };
  /// What to read next; nothing if there is enough, or it is being read.
  /// @param more Whether the index has anything behind the horizon.
  std::optional<load> wants(unix_ms now);
  /// The answer. `whole`: these are all; otherwise there are more behind the last.
  void loaded(std::vector<timer_ptr> rows, bool whole);
  void load_failed() { loading_.reset(); }

  /// Begins a new set of changes; the returned one is to be written into the index, then `flushed`.
  /// @pre Nothing is being flushed.
  const timer_changes& cut();
  /// … once more, if that failed.
  [[nodiscard]] const timer_changes& flushing() const noexcept { return flushing_; }
  void flushed() { flushing_ = {}; }

  // -- time ---------------------------------------------------------------------------------------
  struct fire {
    queue_id queue;
    std::vector<timer_ptr> rows;
  };
  /// What is due now, in the order of due times; ending from now on.
  std::vector<fire> due(unix_ms now);
  /// When there will be something to do.
  [[nodiscard]] std::optional<unix_ms> next(unix_ms now) const;

  /// Its end is going to be written. False: that is so already, or it is not pending.
  bool claim(const timer_key& at);
  /// The end of these was not written.
  void release(const std::vector<timer_key>& which);

  // -- looking ------------------------------------------------------------------------------------
  /// Pending ones that match: of the changes, and of `index` (what it says of the same query).
  [[nodiscard]] std::vector<timer_ptr> find(const timer_query& query,
                                            const std::vector<timer_ptr>& index) const;
  /// The first ones of these queues behind `after` and up to `until`, at most `limit`.
  /// @param index What the index has of them there: all.
  [[nodiscard]] std::vector<timer_ptr> list(const std::set<queue_id>& queues,
                                            const timer_key& after, const timer_key& until,
                                            std::size_t limit,
                                            const std::vector<timer_ptr>& index) const;

  [[nodiscard]] std::size_t near() const noexcept { return near_.size(); }

private:
  /// What the changes say of it, if anything.
  [[nodiscard]] const timer_changes::change* changed(const timer_key& at) const;
  void keep_near(const timer_ptr& row);
  /// Moves the horizon back so far that not too much is near.
  void shrink();
  void take_from(const timer_changes& changes, const timer_key& after, const timer_key& to);

  options options_;
  timer_changes changes_;
  timer_changes flushing_;
  std::map<timer_key, timer_ptr> near_;
  std::uint64_t near_bytes_ = 0;
  /// Everything pending up to here is near.
  timer_key horizon_{};
  std::optional<load> loading_;
  std::set<timer_key> ending_;
};

} // namespace carafe::core
