#pragma once

/// What the one member of a `shared` group sees of messages with priorities and times to live, and
/// whether a broker that keeps its word could have lent them so. It knows nothing of the broker but
/// the pages' promises.

#include "test/sim/watcher.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

/// When a request was sent; all that comes after its answer the node has sent later.
struct rank_moment {
  std::uint64_t number = 0;
  std::int64_t wall_ms = 0;
};

/// A message as its sender knows it.
struct ranked_message {
  message_name name;
  std::uint8_t priority = 0;
  /// 0: it does not grow too old.
  std::uint64_t ttl_ms = 0;
  /// The first one of its batch.
  sequence batch;
  /// In which life of the node it was sent first.
  std::uint64_t node_life = 0;
};

/// - What can be lent of a queue goes by priority, but the oldest is passed over by so many at
/// most.
/// - What is too old when it would be lent is not lent, but for what was brought back.
/// - A message ends in one way: it was settled, it is a dead letter, or it was too old; then it has
///   a letter where the group wants that.
///
/// With one member on one connection, messages come in the order in which they were lent. A message
/// that comes for the first time could have come since its batch was read, which is at the latest
/// when one of a later place came for the first time. That holds for what was sent in this life of
/// the node; what was sent before may have been lent to a member whose lease runs.
class rank_oracle {
public:
  /// @param note      Takes what happens, for people.
  /// @param earliest  Tells a queue's first offset.
  rank_oracle(std::function<void(const std::string&)> note,
              std::function<offset(queue_id)> earliest)
    : note_(std::move(note)), earliest_(std::move(earliest)) {}

  /// Nothing is copied before retention takes it.
  void judges_order() { judges_order_ = true; }
  void buries_expired(bool yes) { buries_expired_ = yes; }
  void wall_is(std::int64_t now_ms) { wall_most_ms_ = std::max(wall_most_ms_, now_ms); }
  /// What the clock had shown before says nothing of what it shows now.
  void clock_moves(std::int64_t from_ms);
  [[nodiscard]] rank_moment now(std::int64_t wall_ms) { return {++moments_, wall_ms}; }

  /// Which life of the node this is.
  [[nodiscard]] std::uint64_t node_life() const noexcept { return node_life_; }
  void node_died();
  void sent(const std::vector<ranked_message>& batch);
  void stored(const std::vector<ranked_message>& batch, queue_id queue, offset base,
              std::int64_t at_ms);

  /// The member begins anew, and will have so many at a time: what it was lent may be lent again.
  void joins(std::uint32_t in_flight_max);
  /// @param at_ms  When it was stored, as the lease says.
  /// @param fence  It was sent after this, if that is known.
  void lent(const message_place& place, const message_name& name, std::uint32_t attempt,
            std::int64_t at_ms, const rank_moment& fence);
  void settling(const message_place& place) { lives_[place].settling = true; }
  void settled(const message_place& place, const rank_moment& asked);
  void rejecting(const message_place& place) { lives_[place].rejecting = true; }
  /// @param at_ms  When the message was stored, as its letter says.
  void letter(const message_place& source, const message_name& name, std::int64_t at_ms,
              const std::string& error, std::int64_t failed_ms);
  /// Its letter was brought back: it is to be lent again, however old it is.
  void redriven(const message_place& source);

  /// From here on the queue has nothing but what is sent now, this message first, and nobody fails.
  void flood(queue_id queue, const message_name& oldest);

  /// What became of it, as the node tells.
  void check_story(const message_place& place, const frames::group_story& told, bool whole) const;
  /// The end: nothing is left to lend.
  /// @param letters_missed  Letters that retention took before they were read.
  void check_finished(std::uint64_t letters_missed) const;
  [[nodiscard]] std::vector<message_place> places() const;
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }

private:
  struct life {
    /// As its receipt or a lease says.
    std::optional<message_name> name = {};
    bool stored = false;
    std::int64_t stored_ms = 0;
    bool lent = false;
    bool settling = false, rejecting = false;
    /// The request of a settle that was answered, and the latest that the clock had shown then.
    std::optional<rank_moment> settled = {};
    std::optional<rank_moment> letter = {};
    bool revived = false;
  };
  struct queue_order {
    /// Messages that came for the first time since the member was there, of those sent since the
    /// node's start.
    std::map<offset, std::uint8_t> first;
    /// So many may have been lent since the node's start.
    std::uint64_t lent_most = 0;
  };
  struct flooding {
    queue_id queue;
    message_name oldest;
    std::uint64_t passed_over = 0;
    bool over = true;
  };

  life& name(const message_place& place, const message_name& name, std::int64_t stored_ms);
  [[nodiscard]] std::optional<std::int64_t> expires_ms(const life& m) const;
  [[nodiscard]] bool may_have_expired(const life& m) const;
  void check_age(const message_place& place, const life& m, const rank_moment& fence) const;
  void check_order(const message_place& place, const ranked_message& what);
  void check_flood(const message_place& place, const message_name& name);

  std::function<void(const std::string&)> note_;
  std::function<offset(queue_id)> earliest_;
  std::map<message_name, ranked_message> sent_;
  std::map<message_place, life> lives_;
  std::map<queue_id, queue_order> orders_;
  flooding flood_;
  std::uint64_t moments_ = 0, node_life_ = 0, deliveries_ = 0;
  std::uint32_t in_flight_max_ = 0;
  std::int64_t wall_most_ms_ = 0;
  /// Moments before it say nothing of the clock.
  std::uint64_t clock_moved_at_ = 0;
  bool buries_expired_ = false, judges_order_ = false;
};

} // namespace carafe::sim
