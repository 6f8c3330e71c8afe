#pragma once

/// Queues, a log and members around one `delivery_core`, with crashes: the log keeps some of what
/// was written last, and the core is made anew from its fold.

#include "actors/core/delivery_core.hpp"
#include "test/core/dice.hpp"

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace carafe::test {

class delivery_simulation {
public:
  delivery_simulation(dice& d, bool keyed);

  void run(int steps);

private:
  struct message {
    std::uint64_t key = 0;
    /// Who works on it, until when at the longest; 0: nobody.
    member_id holder;
    mono_ms until;
    /// An acknowledgement was asked for, or answered, or the message is dead.
    bool settling = false;
    bool settled = false;
    bool dead = false;
    bool dying = false;
    /// Deliveries that failed, as far as the log will know.
    std::uint32_t failures = 0;
    bool key_unknown = false;
    bool met = false;
    bool reviving = false;
    /// Brought back: whoever had its turn meanwhile may still have it.
    bool revived = false;
    std::uint8_t priority = priority_default;
    unix_ms expires = core::delivery_batch::never;
    /// Retention took it before the log knew that the group has it.
    bool gone = false;
    /// A member has acknowledged it, since it was stored or brought back.
    bool asked = false;
  };
  struct queue_model {
    std::vector<message> messages;
    /// Begin of each batch; the last is the end.
    std::vector<std::uint64_t> bases = {0};
    std::uint64_t demand = 0;
    std::uint64_t reader = 0;
    bool told = false;
    std::vector<offset> looks;
    /// Where the queue begins, and what is left of it on the disk.
    offset start;
    offset on_disk;
  };
  struct entry {
    queue_id queue;
    std::vector<effects::effect> effects;
    /// A dead letter is part of it.
    std::optional<offset> buried;
    /// A dead message is brought back.
    bool revives = false;
  };

  void step();
  void produce();
  void feed(queue_id id);
  void answer_look(queue_id id);
  void carry_out(const core::delivery_core::effects_list& effects);
  void on_lend(const core::delivery_core::lend& e);
  void check_source(const core::delivery_core::lend& e, offset at) const;
  void apply_some(std::size_t count);
  void settle_some();
  void settle_late();
  void settling(queue_id id, member_id member, offset_range range);
  void fail_one();
  void revive_one();
  void retain();
  void learn_copies(queue_id id);
  void open_anew(queue_id id);
  void crash();
  void come_back();
  void let_time_pass();
  void drain();
  void check();
  // delivery_simulation_stories.cpp
  void log_entry(std::vector<effects::effect> effects);
  void check_story(queue_id id, offset at) const;

  [[nodiscard]] std::vector<std::pair<queue_id, offset>> held_by(member_id id) const;
  [[nodiscard]] core::delivery_batch_ptr batch_at(queue_id id, offset at) const;
  [[nodiscard]] core::delivery_batch_ptr copy_of(queue_id id, offset at) const;
  void ending_unasked(queue_id id, const effects::settled& e);
  [[nodiscard]] core::instant now() const { return {mono_ms{mono_}, unix_ms{wall_}}; }
  void end_holding(member_id id);
  void make_core();

  dice* dice_;
  core::delivery_core::options options_;
  std::optional<core::delivery_core> core_;
  std::map<queue_id, queue_model> queues_;
  /// What the log holds, folded, and what it is going to hold.
  std::map<queue_id, core::delivery_progress> folded_;
  std::deque<entry> unwritten_;
  /// All that the log holds, from which stories are told.
  std::vector<decoded_entry> log_;
  std::set<member_id> members_;
  std::uint64_t made_ = 0;
  std::uint64_t copies_ = 0;
  std::uint64_t mono_ = 1'000;
  std::int64_t wall_ = 1'000'000;
};

} // namespace carafe::test
