#pragma once

/// What clients know of messages for later, and whether a broker that keeps its word could have
/// said and delivered so. It knows nothing of the broker but the protocol's promises.

#include "test/sim/watcher.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

/// A message for later, as it is sent.
struct later_message {
  message_name name;
  queue_id queue;
  shard_id shard;
  /// Unix ms; below 0: so many ms after it is stored.
  std::int64_t deliver_at = 0;
  /// Empty: none.
  std::string timer;
};

/// A request that ends waits, or gives them another time.
struct timer_wish {
  std::uint64_t number = 0;
  /// That it was sent for: the one with an id, or all that had its name then.
  std::vector<message_name> which;
  /// Empty: it was by id.
  std::string timer;
  /// Nothing: they are cancelled.
  std::optional<std::int64_t> to;
};

/// - A message for later is delivered once, not before its time, with all it has: its last time, if
///   it was moved.
/// - Who is told that its end was in time does not see it delivered; who is told that it was too
///   late does. An answer that was lost may mean either.
/// - What waits is listed, with its time; what has ended is not.
/// - Of a queue's numbers for messages for later each is given once.
///
/// What a power failure may have taken from a shard without `fsync` it forgets, but for this: none
/// comes early, and of those that are still there none comes twice.
class timer_oracle {
public:
  /// @param note  Takes what happens, for people.
  explicit timer_oracle(std::function<void(const std::string&)> note) : note_(std::move(note)) {}

  void wall_is(std::int64_t now_ms) { wall_most_ms_ = std::max(wall_most_ms_, now_ms); }

  /// Somebody sets the clock, which shows this until then.
  void clock_moves(std::int64_t from_ms) {
    wall_is(from_ms);
    moved_from_ms_ = std::max(moved_from_ms_, from_ms);
  }

  void sent(const later_message& what);
  /// @param place  Its number among those of the queue.
  void stored(const message_name& name, std::int64_t stored_ms, std::uint64_t place);
  /// The node said why it does not take it.
  void refused(const message_name& name);

  [[nodiscard]] timer_wish asking(std::vector<message_name> which, std::string timer,
                                  std::optional<std::int64_t> to);
  void answered(const timer_wish& wish, std::uint32_t count);
  void too_late(const timer_wish& wish);
  /// There was no answer, or one that leaves it open.
  void unclear(const timer_wish& wish);

  void delivered(const watcher::message& what);
  /// When the list was asked for.
  struct listing {
    std::uint64_t number = 0;
  };
  [[nodiscard]] listing listing_now() { return {++moments_}; }
  void listed(const listing& asked, const frames::timers& what);

  void lost_end(shard_id shard);
  /// What is beyond is gone, and its places are given to others.
  void ends_at(queue_id queue, offset end);
  /// The end: nothing waits any more.
  /// @param missed  Messages that retention took before they were read.
  void check_finished(std::uint64_t missed) const;

  /// One that a few messages get.
  [[nodiscard]] std::string timer_name(std::uint64_t which) const {
    return "timer " + std::to_string(lives_.size() / 10 * 10 + which);
  }
  [[nodiscard]] std::string timer_of(const message_name& name) const {
    return lives_.at(name).sent.timer;
  }
  [[nodiscard]] std::vector<message_name> named(const std::string& timer) const;
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
  /// Those that nobody has seen.
  [[nodiscard]] std::vector<message_name> unseen() const;

private:
  struct life {
    later_message sent;
    std::optional<std::int64_t> stored_ms = {};
    /// When that was known.
    std::uint64_t stored_at = 0;
    /// Times that it may have now.
    std::set<std::int64_t> dues = {};
    /// … and those of requests whose outcome nobody knows: they may still be under way.
    std::set<std::int64_t> unclear_dues = {};
    bool refused = false;
    /// Requests that are under way, and the last moment at which one was.
    std::uint64_t ends_open = 0, moves_open = 0;
    std::uint64_t touched = 0;
    /// It was cancelled in time, as an answer said, when that was known; it may have been.
    std::uint64_t ended = 0;
    bool may_have_ended = false;
    /// A power failure may have changed what is known.
    bool unsure = false;
    std::optional<message_place> seen = {};
    std::uint64_t seen_at = 0;
    std::int64_t seen_due = 0;
  };
  struct name_count {
    std::uint64_t ended = 0;
    /// Requests to cancel all of the name that are under way, or may be.
    std::uint64_t ends_open = 0;
    bool unclear = false;
    /// Times that were asked for all of the name.
    std::set<std::int64_t> dues = {};
  };

  life& find(const message_name& name, const char* what);
  void check_time(const life& known) const;
  /// @returns Whether nothing else was under way for it meanwhile.
  bool over(life& known, const timer_wish& wish);
  void end(life& known, const std::string& how);
  void moved(const timer_wish& wish);
  void cancelled_by_name(const timer_wish& wish, std::uint32_t count);
  /// Whether it has surely waited since before that moment, if nothing was under way for it.
  [[nodiscard]] bool waits(const life& known, std::uint64_t since) const;
  void check_names() const;

  std::function<void(const std::string&)> note_;
  std::map<message_name, life> lives_;
  std::map<std::string, name_count> names_;
  std::map<std::pair<queue_id, std::uint64_t>, message_name> places_;
  std::uint64_t moments_ = 0;
  std::int64_t wall_most_ms_ = 0;
  /// The latest that it had shown when somebody set it.
  std::int64_t moved_from_ms_ = 0;
  std::uint64_t deliveries_ = 0;
};

} // namespace carafe::sim
