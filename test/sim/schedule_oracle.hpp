#pragma once

/// What clients know of schedules, and whether a broker that keeps its word could have sent so. It
/// knows nothing of the broker but the protocol's promises.

#include "schema/frame.hpp"
#include "test/sim/watcher.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

/// A schedule as its maker knows it.
struct planned_schedule {
  schedule_definition what;
  std::string key;
  /// It is due at these Unix ms: `phase_ms`, and again each `period_ms`. Without a phase it begins
  /// so long after it was made.
  std::int64_t period_ms = 0;
  std::optional<std::int64_t> phase_ms = {};
  /// Nothing before it.
  std::int64_t from_ms = 0;
};

/// The text of the message of the schedule with this number.
[[nodiscard]] std::string schedule_body(std::uint64_t number);

/// - Each message of a schedule is for one of its times, never before it, and comes once; what it
///   says that it stands for are the times right before it, and they are not sent either.
/// - By `all` each time is sent; by `once` each is sent, or stands behind a message; by `skip` one
/// is
///   passed over only while the node cannot send it in time: when nothing breaks all are sent.
/// - From when a schedule's end was answered it sends nothing; nor does it for times between a
/// pause
///   that was answered and the going on.
/// - What is listed adds up: each time up to where it is counts once.
///
/// Of schedules of a topic whose shard a power failure took the end of it forgets what must have
/// come, but not that nothing is early, twice, or after the end.
class schedule_oracle {
public:
  explicit schedule_oracle(std::function<void(const std::string&)> note) : note_(std::move(note)) {}

  void wall_is(std::int64_t now_ms) {
    wall_ms_ = now_ms;
    wall_most_ms_ = std::max(wall_most_ms_, now_ms);
  }
  /// Somebody sets the clock, which shows this until then.
  void clock_moves(std::int64_t from_ms) {
    wall_is(from_ms);
    ++moves_;
    moved_from_ms_ = std::max(moved_from_ms_, from_ms);
  }

  // -- what clients ask for; each may be asked for again until it is answered
  /// @returns Its number, which is that of schedules before it.
  std::uint64_t making(planned_schedule what);
  void made(std::uint64_t number, const frames::schedule_line& told);
  /// It is said that it cannot be.
  void refused(std::uint64_t number);
  void pausing(std::uint64_t number) { find(number).open = true; }
  void paused(std::uint64_t number, const frames::schedule_line& told);
  void going_on(std::uint64_t number);
  /// @param exact  It was asked for once.
  void goes_on(std::uint64_t number, const frames::schedule_line& told, bool exact);
  void ending(std::uint64_t number);
  void ended(std::uint64_t number);
  /// Where the queues ended some time after that.
  void silent_from(std::uint64_t number, const frames::topic_description& topic);

  void delivered(const watcher::message& what);

  [[nodiscard]] std::uint64_t listing_now() { return ++moments_; }
  void listed(std::uint64_t asked, const frames::schedules& what) const;

  void lost_end();
  /// What is beyond is gone, and its places are given to others.
  void ends_at(queue_id queue, offset end);

  /// Nothing has broken from then on, and all was caught up with.
  void calm_from(std::int64_t wall_ms) { calm_from_ms_ = wall_ms; }
  /// The end: everything was answered and read.
  /// @param last    All schedules, as listed before that, at this time.
  /// @param queues  Of their topic.
  /// @param missed  Messages that retention took before they were read.
  void check_finished(const frames::schedules& last, std::int64_t wall_ms,
                      const std::vector<frames::topic_queue>& queues, std::uint64_t missed) const;

  [[nodiscard]] std::uint64_t schedules() const noexcept { return lives_.size(); }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }

private:
  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  /// Times from after `from` to `until` that are not sent.
  struct rest {
    std::int64_t from = 0;
    std::int64_t until = never;
    /// It is asked that it ends: how often the clock was set before, and what it showed.
    bool ending = false;
    std::uint64_t moves = 0;
    std::int64_t asked_ms = 0;
    /// When it ended is known.
    bool exact = true;
  };
  struct message {
    message_place place;
    std::int64_t passed = 0;
  };
  struct life {
    planned_schedule plan;
    std::optional<std::int64_t> created_ms = {};
    bool refused = false, ended = false;
    /// The latest that any clock had shown when the end was answered.
    std::int64_t ended_ms = 0;
    std::map<queue_id, offset> silent_from = {};
    std::vector<rest> rests = {};
    std::map<std::int64_t, message> seen = {};
    bool unsure = false;
    /// Something is asked for, or was last answered at this moment.
    bool open = true;
    std::uint64_t touched = 0;
  };

  life& find(std::uint64_t number);
  life& answer_of(std::uint64_t number);
  [[nodiscard]] static bool rests_at(const life& known, std::int64_t time, bool surely);
  [[nodiscard]] static std::int64_t next_after(const life& known, std::int64_t time);
  void check_line(const life& known, const frames::schedule_line& told) const;
  void check_times(const life& known, bool lacking) const;
  void check_counts(const life& known, const frames::schedule_line& told, bool lacking) const;
  void check_queues(const life& known, const std::vector<frames::topic_queue>& queues) const;

  std::function<void(const std::string&)> note_;
  std::vector<life> lives_;
  std::uint64_t moments_ = 0;
  std::int64_t wall_ms_ = 0, wall_most_ms_ = 0;
  std::uint64_t moves_ = 0;
  /// The latest that it had shown when somebody set it.
  std::int64_t moved_from_ms_ = 0;
  std::int64_t calm_from_ms_ = never;
  std::uint64_t deliveries_ = 0;
};

} // namespace carafe::sim
