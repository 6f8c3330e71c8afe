#pragma once

/// What the members of one `shared` or `keyed` group were lent and what they said of it, and
/// whether a broker that keeps its word could have lent it so. It knows nothing of the broker but
/// the protocol's promises.

#include "schema/records.hpp"
#include "test/actors/rig.hpp"
#include "test/sim/lending_facts.hpp"
#include "test/sim/life_book.hpp"
#include "test/sim/oracle.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

/// - What was acknowledged as produced is lent until a settle of it is answered, or it is a dead
///   letter; once that is so it is not lent again, but for a reset or a redrive.
/// - A message is lent to one member at a time; of a key (`keyed`) one message is, and only when
///   those before it in their queue are finished.
/// - Attempts count up, and end. What failed comes after its pause. Nobody has more than the
/// limits.
/// - A message dies for a reason, once, and leaves a letter that names it.
///
/// Leases are held against the node only while they are sure to run, whatever was under way.
class lending_oracle {
public:
  struct options {
    std::string group;
    bool keyed = false;
    std::function<bool(const message_name&)> passes;
    /// Tells the queue's first offset.
    std::function<offset(queue_id)> earliest;
    /// Takes what happens, for people; may be empty.
    std::function<void(const std::string&)> note;
  };
  lending_oracle(options o, const oracle& messages, std::shared_ptr<const test::rig_clock> clocks);

  [[nodiscard]] moment now();
  /// The group has these settings from some moment on, or may have.
  void may_have(const delivery_settings& how);

  // -- members
  /// @param in_flight_max  What the member wishes to have at most; 0: the group's limit.
  /// @param before         Its membership when the node died, if it did.
  holder joining(std::uint32_t in_flight_max, holder before);
  void delivered(holder who, const lent_message& what);
  /// All that `who` had when it asked has a new lease, if that was not over.
  void renewed(holder who, const moment& asked);
  /// `who` was told that it has this.
  void presented(holder who, const message_place& place, const moment& asked);
  /// `who` was told that it has this no more.
  /// @returns Whether that is so: it may have been lent anew since.
  bool lost(holder who, const message_place& place, const moment& asked);
  void settling(const message_place& place);
  void settled(const message_place& place, const moment& asked);
  void failing(holder who, const message_place& place);
  /// @param attempt   Of the delivery that failed; 0: one of before a restart.
  /// @param delay_ms  Nothing: the group's pause.
  void failed(const message_place& place, std::uint32_t attempt,
              std::optional<std::uint64_t> delay_ms, const moment& asked);
  void rejecting(holder who, const message_place& place);
  void returning(holder who, const message_place& place);
  /// @param lost  It did not say goodbye.
  void left(holder who, bool lost);

  // -- what ends or begins anew
  void node_died();
  /// The wall clock is about to be set.
  void clock_set();
  /// What is known of the queue may be so no more: the end of its shard's log is lost.
  void lost_power(queue_id queue);
  /// What was at `end` and beyond is gone.
  void ends_at(queue_id queue, offset end);
  /// Another actor may begin to serve the group, until `changed`: what members have then waits for
  /// them, and is no failure if nobody asks for it.
  void changing();
  void changed();
  /// The group may leave these queues from here on; what members have there goes back then, though
  /// its lease runs.
  void may_leave(const std::vector<queue_id>& queues);
  /// It reads them for sure.
  void stays_with(const std::vector<queue_id>& queues);
  /// A reset is under way: until it is answered nobody knows.
  void resetting();
  void reset();

  // -- dead letters
  /// @returns Whether it was not known before.
  bool letter(const letter_told& told);
  /// Letters of these queues may be others now.
  void forget_letters(queue_id graves);
  void redriving(const message_place& source);
  void redriven(const message_place& source, errc code, const message_place& letter);
  void purged(const message_place& source, const message_place& letter);

  /// What the node tells of a message, asked at `asked_ms`, and just now.
  void check_story(const message_place& place, const std::optional<message_name>& name,
                   const frames::message_story& whole, const frames::group_story& told,
                   std::uint64_t asked_ms) const;

  /// The end: everything was settled, or is a dead letter that was read.
  void check_finished(queue_id queue) const;

  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
  [[nodiscard]] std::uint64_t deaths() const noexcept { return letters_.size(); }

private:
  struct hold {
    /// In force at the latest from here.
    moment since;
    std::uint64_t sure_until_ms = 0;
    /// By `leased`: counts against the limits.
    bool lent = false;
    /// By `renewed`: a `leased` of the same lease may still come.
    bool presented = false;
    /// From before a restart: the node waits a while for whoever says that it has this.
    bool old = false;
  };
  struct known_message {
    std::map<holder, hold> held;
    /// The delivery that came with the highest attempt, and whether it must have been counted.
    std::uint32_t attempt = 0;
    moment attempted;
    bool counts = false;
    /// The highest attempt whose failure was answered.
    std::uint32_t failed = 0;
    moment failed_known;
    std::optional<std::int64_t> not_before_ms;
    moment pause_known, pause_asked;
    /// Whether it was settled by anybody, and how many settles of it are under way.
    bool settling = false;
    std::uint32_t settles = 0;
    std::optional<moment> settled;
    bool rejecting = false;
    /// Somebody gave up what may be the lease of a `leased` that is still on its way.
    moment given_up;
    moment redriving;
    moment given_back;
    /// That was answered; not yet: its number is above all.
    moment revived;
    /// A later one of its key came: it must be finished.
    std::optional<moment> passed;
    std::uint32_t letters = 0;
    std::optional<moment> died;
    std::uint32_t redrives = 0;
    /// Brought back for sure, and not finished since.
    bool owed = false;
    /// What was known is not sure any more.
    bool unsure = false;
  };
  struct limits {
    std::uint64_t lease_ms = ~std::uint64_t{0};
    std::uint32_t attempts_least = ~std::uint32_t{0}, attempts_most = 0;
    std::uint64_t member_most = 0, group_most = 0;
    std::vector<delivery_settings> all;
  };

  known_message& know(const message_place& place);
  known_message* find(const message_place& place);
  void forget(queue_id queue);
  void give_up(holder who, known_message& m);
  [[nodiscard]] bool stale(queue_id queue, const moment& asked) const;
  /// Until when a lease surely runs that was in force at `asked`.
  [[nodiscard]] std::uint64_t lease_end(queue_id queue, const moment& asked) const;
  void end_leases(queue_id queue);
  [[nodiscard]] bool sure(const hold& h) const { return h.sure_until_ms > clocks_->now_ms; }
  /// Whether retention has passed it, and no letter keeps it.
  [[nodiscard]] bool gone(const message_place& place) const;
  [[nodiscard]] std::string text(const message_place& place) const;
  void note(const message_place& place, const char* what, holder who = {}) const;
  [[nodiscard]] std::uint64_t least_pause(std::uint32_t attempt) const;

  // -- lending_rules.cpp
  void check_finality(const known_message& m, const lent_message& what) const;
  void check_attempt(const known_message& m, const lent_message& what) const;
  void check_pause(const known_message& m, const lent_message& what) const;
  void check_alone(holder who, const hold& mine, const message_place& place, const moment& fence);
  void check_key_order(const lent_message& what);
  void check_limits(holder who) const;

  options options_;
  const oracle* messages_;
  std::shared_ptr<const test::rig_clock> clocks_;
  limits limits_;
  std::map<message_place, known_message> known_;
  std::map<holder, std::uint32_t> wishes_;
  std::map<queue_id, moment> forgotten_;
  /// Leases of before are not sure; one that is above all: nor those of now.
  std::map<queue_id, moment> left_;
  std::set<message_place> letters_;
  life_book lives_;
  moment clock_set_, reset_, changed_;
  bool resetting_ = false, changing_ = false;
  std::uint64_t moments_ = 0;
  std::uint64_t holders_ = 0;
  std::uint64_t deliveries_ = 0;
};

} // namespace carafe::sim
