#pragma once

/// What clients know of the life of each message in one group that lends, and whether what the node
/// tells of it can be so. It knows nothing of the broker but the protocol's promises: what was
/// answered has happened, and what nobody asked for has not.

#include "schema/frame.hpp"
#include "test/sim/lending_facts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace carafe::sim {

/// What the group's settings were at least and at most.
struct attempt_limits {
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};

class life_book {
public:
  // -- what members did, and what they were answered
  void settling(const message_place& place) { ++lives_[place].settles_sent; }
  void settled(const message_place& place);
  void failing(const message_place& place) { ++lives_[place].fails_sent; }
  void failed(const message_place& place, std::uint32_t attempt);
  void rejecting(const message_place& place) { ++lives_[place].rejects_sent; }
  void letter(const letter_told& told);
  void redriving(const message_place& place);
  /// That was answered, with whatever outcome.
  void redrive_over(const message_place& place) { lives_[place].redriving = false; }
  /// Its letter was brought back, or struck off.
  void redriven(const message_place& place, const message_place& letter);
  void purged(const message_place& place, const message_place& letter);
  /// Whether every message lives anew is not known until it is answered.
  void resetting() { ++resets_; }
  void reset();
  /// The end of the queue's shard is lost: what was known of its messages is not sure any more.
  void unsure(queue_id queue);
  void ends_at(queue_id queue, offset end);

  struct question {
    message_place place;
    /// Whether the group's filter lets it pass, if it is known what it says.
    bool passes = true, known = false;
    bool keyed = false;
    /// A reset is under way.
    bool resetting = false;
    /// Somebody has it, for sure.
    bool held = false;
    attempt_limits limits;
  };
  /// @throws broken
  void check(const question& asked, const frames::message_story& whole,
             const frames::group_story& told) const;

private:
  struct life {
    std::uint32_t settles_sent = 0, fails_sent = 0, rejects_sent = 0, redrives_asked = 0;
    /// Answered, and not begun anew since.
    bool settled = false;
    /// It is to be brought back: which life is meant is not told.
    bool redriving = false;
    /// The highest attempt whose failure was answered, if it never lived again.
    std::uint32_t failed = 0;
    struct letter_known {
      message_place at;
      std::uint32_t attempts = 0;
    };
    std::vector<letter_known> letters;
    std::vector<message_place> moved, redriven, purged;
  };

  static void check_steps(const std::string& where, const frames::group_story& told);
  void check_claims(const std::string& where, const life& known, const question& asked,
                    const frames::group_story& told) const;
  void check_answered(const std::string& where, const life& known, const question& asked,
                      const frames::message_story& whole, const frames::group_story& told) const;

  std::map<message_place, life> lives_;
  std::uint32_t resets_ = 0;
};

} // namespace carafe::sim
