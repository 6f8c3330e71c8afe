#pragma once

/// What clients know of messages with ids, and whether a broker that keeps its word could have
/// stored and said so. It knows nothing of the broker but the protocol's promises.

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

/// A message as it is sent: its content follows from `name`, not from the id, which others have.
struct call {
  message_name name;
  queue_id queue;
  /// Empty: it has none.
  std::string id;
};

/// - Of messages with one id, one is stored in a queue within the window, whoever sends them.
/// - Who is told that a message is a duplicate is told where one with its id is, which is another
///   one, and is not older than the window, or was being stored. The message itself is not stored.
/// - What was acknowledged is there, at its place, once.
class id_oracle {
public:
  /// @param note  Takes what happens, for people.
  explicit id_oracle(std::function<void(const std::string&)> note) : note_(std::move(note)) {}

  /// The topic has this window, or will have.
  void window(std::uint64_t ms);
  void sent(const call& what);
  /// Some copy of it has no answer: it may come later.
  void unanswered(const message_name& name);
  void stored(const message_name& name, offset at, unix_ms time);
  /// It is stored, as was told, but not where.
  void stored_somewhere(const message_name& name);
  /// What is known when something is sent.
  struct knowledge {
    std::uint64_t number = 0;
  };
  [[nodiscard]] knowledge known_now() const noexcept { return {known_}; }
  /// It is a duplicate of what is at `at`.
  /// @param least_ms  The node's clock showed no less when it said so; nothing: nobody knows.
  void repeated(const message_name& name, offset at, const knowledge& when_sent,
                std::optional<std::int64_t> least_ms);
  void delivered(const watcher::message& what);

  /// What is beyond is gone, and its places are given to others.
  void ends_at(queue_id queue, offset end);
  /// @param missed_below  Tells below which offset of a queue retention may have taken what nobody
  ///                      has read.
  void check_finished(const std::function<offset(queue_id)>& missed_below) const;
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }

private:
  struct life {
    call sent;
    std::optional<offset> place = {};
    bool stored = false, seen = false;
    /// It was told to be a duplicate; copies of it may be under way.
    bool repeated = false, unanswered = false;
  };
  struct known_place {
    message_name name;
    std::string id;
    unix_ms time;
    /// When that was known: it was stored before.
    std::uint64_t known = 0;
  };
  struct claim {
    message_name name;
    message_place at;
    knowledge when_sent;
    std::optional<std::int64_t> least_ms;
  };

  life& find(const message_name& name, const char* what);
  /// It is known to be at this place.
  void place(const life& what, offset at, unix_ms time);
  void check_window(const std::map<offset, unix_ms>& same, offset at, const std::string& id) const;
  void check(const claim& said, const known_place& original) const;

  std::function<void(const std::string&)> note_;
  std::map<message_name, life> lives_;
  std::map<message_place, known_place> places_;
  std::map<std::pair<queue_id, std::string>, std::map<offset, unix_ms>> same_;
  std::multimap<message_place, claim> claims_;
  std::int64_t least_window_ms_ = 0, most_window_ms_ = 0;
  std::uint64_t known_ = 0;
  std::uint64_t deliveries_ = 0, duplicates_ = 0;
};

} // namespace carafe::sim
