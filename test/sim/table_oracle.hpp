#pragma once

/// What clients know of the messages of compacted topics, and whether a broker that keeps its word
/// could have shown them so. It knows nothing of the broker but the protocol's promises.

#include "schema/batch.hpp"
#include "test/sim/lending_facts.hpp"

#include <carafe/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carafe::sim {

/// A message of a table: the new value of its key, or the end of what the key had.
struct table_message {
  message_name name;
  queue_id queue;
  shard_id shard;
  std::string key;
  bool ends = false;
};

/// - Of each key the last message can be read, at its offset, with all it has, however old it is;
///   one with an empty body ends what the key had, and need not stay itself.
/// - A message is missing only if its key has a later one, or if it is such an end. Where something
///   is missing nothing comes back, for any reader or search.
/// - A message has one place, and a place has one message.
/// - Who reads everything at one time has of each key what it was last given, and nothing of a key
///   that was ended.
///
/// What a power failure may have taken from a shard without `fsync` it forgets; of what was missing
/// before, nothing.
class table_oracle {
public:
  /// @param note  Takes what happens, for people.
  explicit table_oracle(std::function<void(const std::string&)> note) : note_(std::move(note)) {}

  void sent(const table_message& what);
  void stored(const message_name& name, const message_place& place, unix_ms time);

  /// What somebody who reads has come to, from where the reading began.
  struct reading {
    struct value {
      offset at;
      bool ends = false;
    };
    std::map<std::string, value> last = {};
    /// When the node was asked for what comes now.
    std::uint64_t asked = 0;
  };
  /// Somebody asks to read, with what he has.
  void asks(reading& who) { who.asked = ++moments_; }
  struct seen_message {
    message_place place;
    unix_ms time;
    message_name name;
    message_view view;
  };
  void saw(const seen_message& what, reading& into);
  /// Somebody was told that there is nothing from `first` to below `end`.
  void passed(queue_id queue, offset first, offset end);
  /// Somebody who wished to read from `since` on begins there.
  void begins(queue_id queue, unix_ms since, offset begin);

  /// A search for a key, as of when it was asked for.
  struct search {
    std::string key;
    queue_id queue;
    offset from;
    std::uint64_t asked = 0;
    std::set<offset> there = {};
  };
  [[nodiscard]] search searching(queue_id queue, std::string key, offset from);
  /// @param next  Everything below was looked at.
  void found(const search& asked, const std::vector<offset>& offsets, offset next);

  /// What lies beyond is gone, and its places are given to others.
  void ends_at(queue_id queue, offset end);
  /// The end: somebody has read the whole queue at one time.
  void check_whole(queue_id queue, const reading& whole) const;
  /// … and everybody was answered.
  void check_finished() const;

  /// Messages that are missing.
  [[nodiscard]] std::uint64_t missing() const;

private:
  struct life {
    table_message sent;
    std::optional<offset> at = {};
    unix_ms time{};
    /// A power failure took it.
    bool lost = false;
  };
  struct known_queue {
    std::map<offset, message_name> places;
    /// And when that was first told.
    std::map<offset, std::uint64_t> missing;
    /// Of each key.
    std::map<std::string, std::set<offset>> of_key;
    /// Messages whose place is not known: they may not be there at all.
    std::map<std::string, std::uint64_t> open;
  };

  life& find(const message_name& name, const char* what);
  void place(life& known, const message_place& where, unix_ms time);
  [[nodiscard]] static bool may_have_later(const known_queue& queue, const std::string& key);
  /// Whether it may be missing.
  [[nodiscard]] bool may_go(const life& known) const;
  void miss(queue_id queue, offset at);
  void check_missing(queue_id queue, offset at) const;
  [[nodiscard]] bool was_missing(queue_id queue, offset at, std::uint64_t asked) const;

  std::function<void(const std::string&)> note_;
  std::map<message_name, life> lives_;
  std::map<queue_id, known_queue> queues_;
  std::uint64_t moments_ = 0;
};

} // namespace carafe::sim
