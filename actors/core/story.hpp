#pragma once

#include "actors/core/filter.hpp"
#include "actors/core/screen.hpp"
#include "schema/records.hpp"
#include "schema/story_frames.hpp"

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::core {

/// A message whose story is told, and which parts of a shard's log concern it.
struct story_subject {
  struct message_id {
    producer_id producer;
    sequence number;

    friend bool operator==(const message_id&, const message_id&) = default;
  };
  struct letter_place {
    queue_id queue;
    offset at;
  };
  /// Its id, if it is to be found by that, and the queues that may have it.
  std::optional<message_id> wanted = {};
  std::vector<queue_id> queues = {};
  /// Once it is known: its queue, and its place there or, as long as it waits for its time, its
  /// number among the queue's messages for later.
  queue_id queue = {};
  std::optional<offset> at = {};
  std::optional<std::uint64_t> number = {};
  /// Those whose part in it is told, and what they have as its dead letter.
  std::map<group_id, std::optional<letter_place>> groups = {};
  /// That it was prepared in.
  std::optional<transaction_id> transaction = {};

  [[nodiscard]] bool concerns(const effects::effect& e) const;
};

/// A list of what happened, which forgets from its middle when it becomes long.
class event_list {
public:
  static constexpr std::size_t events_max = 200;
  static constexpr std::size_t first_kept = 50;

  void push(frames::story_event e);
  [[nodiscard]] const std::vector<frames::story_event>& all() const noexcept { return all_; }
  [[nodiscard]] std::uint32_t left_out() const noexcept { return left_out_; }

private:
  std::vector<frames::story_event> all_;
  std::uint32_t left_out_ = 0;
};

/// What the log says of one message, folded entry by entry (docs/adr/0017).
///
/// It shares nothing with the folds by which the node delivers: each effect that names the message
/// is one step of its life, and what contradicts an earlier one replaces it.
class story {
public:
  /// What the log says of it in one group.
  struct part {
    enum class stage : std::uint8_t {
      unread,
      skipped,
      lent,
      waiting,
      acknowledged,
      filtered,
      expired,
      dead,
      gone,
      /// By a commit that came after its time to live was over: it was delivered before, or never.
      passed,
    };
    /// Of a group that settles single messages; the others commit offsets.
    bool lends = false;
    /// What the others are sent; null: everything. And whether it is.
    std::shared_ptr<const filter> wanted;
    bool passes = true;
    stage now = stage::unread;
    event_list events;
    std::uint32_t attempts = 0;
    std::string error;
    std::string member;
    unix_ms due;
    /// It lies where retention does not take it.
    bool copied = false;
    bool mentioned = false;
    std::optional<story_subject::letter_place> letter;
    frames::group_story::letter_state letter_is = frames::group_story::letter_state::none;

    [[nodiscard]] bool finished() const;
  };

  /// @param groups  Which groups it is told of, and whether they settle single messages.
  story(story_subject about, const std::map<group_id, bool>& groups);

  /// A group that commits offsets is sent only what passes its filter, as that is now.
  void filter_by(group_id group, std::shared_ptr<const filter> wanted);
  /// Such groups are sent nothing that is too old, as the topic says it now.
  void expire_by(const topic_expiry& how) { expiry_ = how; }

  /// The entries that follow are of this shard's log.
  void walks(shard_id shard) { walking_ = shard; }
  /// Takes an entry of the shard's log; each once, in order. Entries without anything that
  /// `subject()` concerns may be left out.
  /// @returns Whether the subject is another one now: what follows concerns it otherwise.
  bool take(const decoded_entry& entry);

  /// Part of the log before `from` is gone, or was not looked at.
  void known_from(unix_ms from) { known_from_ = from; }
  /// It waits for its time, as the timers say; the log does not go back to when it was stored.
  void waits(const timer_record& row);

  [[nodiscard]] const story_subject& subject() const noexcept { return subject_; }
  [[nodiscard]] const std::map<group_id, part>& parts() const noexcept { return parts_; }
  /// Whether it was stored, as far as the log tells.
  [[nodiscard]] bool found() const noexcept { return found_; }
  [[nodiscard]] bool begins() const noexcept { return stored_; }
  /// Whether the log told of it as a half message, and that its transaction was committed.
  [[nodiscard]] bool was_half() const noexcept { return subject_.transaction.has_value(); }
  [[nodiscard]] bool committed() const noexcept { return committed_; }
  /// Which shard kept the transaction whose commit stored it, and when that was.
  [[nodiscard]] std::optional<shard_id> coordinator() const noexcept { return coordinator_; }
  [[nodiscard]] unix_ms stored_at() const noexcept { return stored_at_; }
  [[nodiscard]] unix_ms known_from() const noexcept { return stored_ ? unix_ms{} : known_from_; }
  [[nodiscard]] unix_ms due() const noexcept { return due_; }
  [[nodiscard]] frames::message_story::state state() const noexcept { return state_; }
  [[nodiscard]] story_subject::message_id id() const noexcept { return id_; }
  /// Of the message itself. `deleted` is only among them if `start`, where its queue begins now,
  /// lies behind it.
  [[nodiscard]] std::vector<frames::story_event> events(offset start) const;

private:
  using event = frames::story_event;

  void on(const effects::batch& e, const decoded_entry& entry);
  void on(const effects::commit& e, const decoded_entry& entry);
  void on(const effects::queue_start& e, const decoded_entry& entry);
  void on(const effects::settled& e, const decoded_entry& entry);
  void on(const effects::lent& e, const decoded_entry& entry);
  void on(const effects::waiting& e, const decoded_entry& entry);
  void on(const effects::timers_ended& e, const decoded_entry& entry);
  void on(const effects::timer_moved& e, const decoded_entry& entry);
  void on(const effects::kept& e, const decoded_entry& entry);
  void on(const effects::returned& e, const decoded_entry& entry);
  void on(const effects::tx_prepared& e, const decoded_entry& entry);
  void on(const effects::tx_ended& e, const decoded_entry& entry);
  template <class Other>
  void on(const Other&, const decoded_entry&) {}

  [[nodiscard]] event happened_in(event::kind what, const decoded_entry& entry) const;
  void committed_by(const decoded_entry& entry);
  [[nodiscard]] bool fired(const effects::batch& e, const decoded_entry& entry);
  void fired_at(const decoded_entry& entry, offset at, unix_ms due);
  void stored_for_later(const effects::batch& e, std::uint32_t position, unix_ms time);
  void look_into(const effects::batch& e, std::uint64_t position, unix_ms stored);
  void passed_by(part& in, offset next, const decoded_entry& entry) const;
  void died(group_id group, part& in, const decoded_entry& entry);
  void letter_ended(const effects::settled& e, part& in, const decoded_entry& entry);
  void look_for_letter(const effects::settled& e, part& in, const decoded_entry& entry);
  void begin_at(part& in, offset next, event e) const;
  /// It is there, so retention has not passed it.
  void is_there(const part& in);

  story_subject subject_;
  std::map<group_id, part> parts_;
  event_list events_;
  /// As long as it was a half message.
  std::vector<event> half_events_;
  shard_id walking_;
  transaction_name transaction_;
  std::optional<shard_id> coordinator_;
  unix_ms stored_at_;
  bool committed_ = false;
  /// Since when retention may have passed it, and where the queue began then.
  std::optional<event> deleted_;
  story_subject::message_id id_;
  unix_ms known_from_;
  unix_ms due_;
  topic_expiry expiry_;
  /// When its time to live is over.
  std::optional<unix_ms> expires_;
  frames::message_story::state state_ = frames::message_story::state::unknown;
  bool found_ = false;
  bool stored_ = false;
  bool changed_ = false;
};

/// The id that a message had before it had a place: while it waited for its time, or for its
/// transaction.
[[nodiscard]] std::optional<story_subject::message_id> earlier_id_of(const effects::batch& batch,
                                                                     offset at);

} // namespace carafe::core
