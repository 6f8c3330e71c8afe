#pragma once

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace carafe::storage {

/// Which part of `timers.mdb` a waiting message lies in.
///
/// Times are spread at random, so in one tree by time each new message has a page of its own to be
/// written. The index is cut into runs: new messages go into the open one, which is small, until
/// that has taken `rows_max`; then another is begun. A queue's messages are numbered in the order
/// of the log, so those of it in a run are a span of numbers: by that a message is found again.
///
///     run 1: queue 1: 0..4999   queue 2: 0..812
///     run 2: queue 1: 5000..9120
///     run 3: (open) queue 1: 9121..9400
///
/// Run 0 has no spans: it takes what fits none (one that is put again behind newer ones), and what
/// is left of a run when most of it has ended, so that a few that wait for years do not keep it.
///
/// @invariant Spans of one queue have no number in common; a run has one of a queue at most.
/// @thread    One. No I/O.
class timer_runs {
public:
  struct options {
    /// Messages put into a run before the next is begun.
    std::uint64_t rows_max = 32'768;
    /// A closed run that has no more than one in so many of `rows_max` is to be emptied.
    std::uint64_t left_of = 8;
    /// At so many runs or spans no further one is begun: the open one grows.
    std::size_t runs_max = 1'024;
    std::size_t spans_max = 65'536;
  };
  /// @invariant run > 0, first <= last
  struct span {
    std::uint64_t run = 0;
    queue_id queue;
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    /// Messages put into it so far, and those that are in it.
    std::uint64_t rows = 0;
    std::uint64_t left = 0;

    friend bool operator==(const span&, const span&) = default;
  };

  timer_runs();
  explicit timer_runs(options o);

  /// One that was stored. The newest run is the open one.
  /// @returns False: it breaks the invariant, and is not taken.
  bool add(const span& stored);

  /// The run that a message is in, if it is not in run 0.
  [[nodiscard]] std::optional<std::uint64_t> of(queue_id queue, std::uint64_t number) const;
  /// The run that a message is to be put into; counted. The spans may have grown.
  std::uint64_t place(queue_id queue, std::uint64_t number);

  /// A message came into the span of its number, or went from it.
  /// @pre `of(queue, number)`
  void came(queue_id queue, std::uint64_t number);
  void went(queue_id queue, std::uint64_t number);

  /// It is time for another run, if there is room for it.
  [[nodiscard]] bool is_full() const noexcept { return open_rows_ >= options_.rows_max; }
  [[nodiscard]] bool has_room() const noexcept {
    return by_run_.size() < options_.runs_max && spans_.size() < options_.spans_max;
  }
  /// Runs that nothing new is put into, but for messages put again, and that have little or
  /// nothing left; oldest first.
  [[nodiscard]] std::vector<std::uint64_t> nearly_empty() const;
  [[nodiscard]] std::uint64_t left_in(std::uint64_t run) const;
  [[nodiscard]] std::size_t runs() const noexcept { return by_run_.size(); }
  /// A run has no messages any more.
  /// @pre It is closed, and nothing is left in it.
  void drop(std::uint64_t run);
  void begin_run();

  /// Of the queues whose span in a run was made or has taken something since this was last asked.
  std::vector<span> take_changed();
  /// Of one run.
  [[nodiscard]] std::vector<span> spans_of(std::uint64_t run) const;

private:
  using key = std::pair<queue_id, std::uint64_t>;
  using table = std::map<key, span>;

  struct one_run {
    std::map<queue_id, std::uint64_t> firsts = {};
    std::uint64_t left = 0;
  };

  [[nodiscard]] table::const_iterator find(queue_id queue, std::uint64_t number) const;
  span& at(queue_id queue, std::uint64_t number);
  std::uint64_t count(table::iterator at);

  options options_;
  /// By queue and first number.
  table spans_;
  std::map<std::uint64_t, one_run> by_run_;
  std::set<std::pair<std::uint64_t, queue_id>> changed_;
  std::uint64_t open_ = 1;
  std::uint64_t open_rows_ = 0;
};

} // namespace carafe::storage
