#pragma once

/// Frames about what became of one message.

#include "schema/transaction.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace carafe::frames {

struct message_why {
  struct place {
    queue_number number;
    offset at;

    friend bool operator==(const place&, const place&) = default;
  };
  struct id {
    producer_id producer;
    carafe::sequence sequence;
    /// It is looked for from this time on.
    unix_ms since;

    friend bool operator==(const id&, const id&) = default;
  };
  std::string topic;
  std::variant<place, id> which;
  /// Empty: every group that reads the topic.
  std::string group;
};

/// What happened to it, once. The wire schema says which fields belong to which kind.
struct story_event {
  enum class kind : std::uint16_t {
    other,
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
    letter_moved,
    letter_lost,
  };
  kind what = kind::other;
  unix_ms time;
  offset at;
  queue_id queue;
  unix_ms due;
  std::uint32_t attempt = 0;
  std::string member;
  std::string error;
  /// Producer 0: none is known.
  transaction_name transaction = {};
  std::string schedule = {};

  friend bool operator==(const story_event&, const story_event&) = default;
};

/// What became of it in one group, or of one named consumer of a `broadcast` group.
struct group_story {
  enum class state : std::uint16_t {
    unread,
    ready,
    behind,
    lent,
    waiting,
    dying,
    acknowledged,
    filtered,
    expired,
    dead,
    skipped,
    lost,
    done,
    unstarted,
    held_up,
  };
  enum class letter_state : std::uint16_t { none, open, purged, redriven, lost };
  std::string group;
  std::string consumer;
  std::string mode;
  state now = state::unread;
  std::vector<story_event> events;
  std::uint32_t events_left_out = 0;
  std::string member;
  unix_ms until;
  std::uint32_t attempts = 0;
  std::string error;
  /// Of `behind` and `unread`.
  offset at;
  queue_id letter_queue;
  offset letter;
  letter_state letter_is = letter_state::none;
  queue_number letter_number;
};

struct message_story {
  enum class state : std::uint16_t {
    unknown,
    pending,
    stored,
    deleted,
    cancelled,
    dropped,
    prepared,
    rolled_back,
  };
  std::string topic;
  queue_number number;
  queue_id queue;
  bool has_place = false;
  offset at;
  producer_id producer;
  carafe::sequence sequence;
  durability reached = durability::fsync;
  state now = state::unknown;
  unix_ms told;
  /// 0: it is told from its beginning.
  unix_ms known_from;
  std::vector<story_event> events;
  std::vector<group_story> groups;
  std::uint32_t groups_left_out = 0;
  unix_ms due;
};

} // namespace carafe::frames
