#pragma once

/// What became of one message: `client::why`.

#include <carafe/message.hpp>
#include <carafe/transactions.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace carafe::client {

/// Which message: by its place, or by the id that its receipt told.
struct story_question {
  struct place {
    queue_number number;
    carafe::offset offset;
  };
  struct id {
    message_id of;
    /// It is looked for from this time on; 0: from the log's beginning.
    unix_ms since;
  };
  std::string topic;
  std::variant<place, id> which;
  /// Empty: every group that reads the topic.
  std::string group;
};

/// What happened once, to the message or in a group; docs/protocol.md says which fields a kind has.
struct story_event {
  enum class kind : std::uint16_t {
    other, ///< Of a newer node.
    stored,
    stored_for_later,
    moved,
    fired,
    cancelled,
    dropped,
    deleted,
    began,
    reset,
    lent,
    returned,
    failed,
    acknowledged,
    filtered,
    expired,
    dead,
    redriven,
    purged,
    copied,
    gone,
    prepared,
    committed,
    rolled_back,
    letter_moved, ///< Retention was about to pass its dead letter, which is at `offset` now.
    letter_lost,  ///< Retention of its topic's own took its dead letter.
  };
  kind what = kind::other;
  /// By the node's clock.
  unix_ms time;
  carafe::offset offset;
  queue_id queue;
  unix_ms due;
  std::uint32_t attempt = 0;
  std::string member;
  std::string error;
  /// The transaction that it was part of, if one is known.
  std::optional<transaction_ref> transaction = {};
  /// Of `stored`: the schedule that sent it, for `due`.
  std::string schedule = {};
};

/// What became of it in one group, or of one named consumer of a `broadcast` group.
struct group_story {
  enum class state : std::uint16_t {
    unread,       ///< The group reads on at `offset`, which is not behind it.
    ready,        ///< It waits for a consumer with room.
    behind,       ///< The message at `offset`, of its key, is not finished.
    lent,         ///< `member` has it, until `until` unless it is renewed.
    waiting,      ///< Its next attempt is at `until`.
    dying,        ///< Its dead letter is being written.
    acknowledged, ///< Done.
    filtered,     ///< The group's filter left it out.
    expired,      ///< Its time to live was over before anybody had it.
    dead,         ///< It used up its attempts, or was rejected; `letter` is its dead letter.
    skipped,      ///< The group began, or was set, behind it.
    lost,         ///< Retention took it before the group came to it.
    done,         ///< The log does not tell how: that was before, or is being written.
    unstarted,    ///< The group has not begun to read the queue.
    held_up,      ///< As `unread`, and so many messages wait that the group takes no new ones.
  };
  enum class letter_state : std::uint16_t { none, open, purged, redriven, lost };
  std::string group;
  std::string consumer;
  std::string mode;
  state now = state::unread;
  /// Oldest first; of a long list some of the middle are left out.
  std::vector<story_event> events;
  std::uint32_t events_left_out = 0;
  std::string member;
  unix_ms until;
  /// Deliveries that failed since it was stored, or brought back; and the last reason.
  std::uint32_t attempts = 0;
  std::string error;
  carafe::offset offset;
  queue_id letter_queue;
  queue_number letter_number;
  carafe::offset letter;
  letter_state letter_is = letter_state::none;
};

struct message_story {
  enum class state : std::uint16_t {
    unknown,     ///< There is no such message, or the log does not go back to it.
    pending,     ///< It waits for its time, `due`.
    stored,      ///< It can be read.
    deleted,     ///< By retention.
    cancelled,   ///< Before its time.
    dropped,     ///< It could not be read at its time.
    prepared,    ///< A half message: its transaction is not committed.
    rolled_back, ///< With its transaction.
  };
  std::string topic;
  queue_number number;
  queue_id queue;
  bool has_place = false;
  carafe::offset offset;
  /// Producer 0: the node made it, or its beginning is not known any more.
  message_id id;
  durability reached = durability::fsync;
  state now = state::unknown;
  /// The node's clock when it answered.
  unix_ms told;
  /// Retention took the log before; 0: the story is told from its beginning.
  unix_ms known_from;
  std::vector<story_event> events;
  std::vector<group_story> groups;
  /// So many more: ask for them one by one.
  std::uint32_t groups_left_out = 0;
  unix_ms due;
};

} // namespace carafe::client
