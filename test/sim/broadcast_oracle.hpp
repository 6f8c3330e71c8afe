#pragma once

/// What the consumers of a `broadcast` group are sent and what they commit, and whether a broker
/// that keeps its word could have sent it so. It knows nothing of the broker but the pages'
/// promises.

#include "test/sim/lending_facts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace carafe::sim {

/// - A place of a queue has one message, the same for everybody, and the one that was stored there.
/// - Who has a name begins where its last commit was; a commit whose answer did not come may count
///   or not. What a power failure may take from the queue it may take from that, too.
/// - Nobody begins beyond what is sent after it was told where it begins; who begins at the start
///   gets all that is left, and so does of a younger queue who was there before.
///
/// That each of them is sent everything from there on, in order, the consumers see themselves.
class broadcast_oracle {
public:
  /// @param note      Takes what happens, for people.
  /// @param earliest  Tells a queue's first offset.
  broadcast_oracle(std::function<void(const std::string&)> note,
                   std::function<offset(queue_id)> earliest)
    : note_(std::move(note)), earliest_(std::move(earliest)) {}

  // -- messages
  /// A batch is made for this queue.
  /// @returns The lowest offset that it may get.
  [[nodiscard]] offset sending(queue_id queue) const;
  void stored(const message_place& place, const message_name& name, offset least);
  void seen(const message_place& place, const message_name& name);
  [[nodiscard]] offset acknowledged_end(queue_id queue) const;

  // -- consumers
  /// Where who begins here may begin.
  struct beginning {
    offset least, most;
  };
  /// @param name    Empty: it has none.
  /// @param wanted  Where it begins if nothing is committed under its name.
  void assigned(const std::string& name, queue_id queue, generation owner, offset begin,
                const beginning& wanted);
  void committing(const std::string& name, queue_id queue, offset next);
  void committed(const std::string& name, queue_id queue, generation owner, offset next);
  /// It is not counted, and never will be.
  void refused(const std::string& name, queue_id queue, offset next);
  /// The node says that this is committed, when no commit is under way.
  void check_committed(const std::string& name, queue_id queue, std::optional<offset> told) const;

  // -- what ends
  /// What was at `end` and beyond is gone, and commits with it.
  void lost_end(queue_id queue, offset end);

  [[nodiscard]] std::uint64_t assignments() const noexcept { return assignments_; }

private:
  struct progress {
    /// Empty: it has not begun.
    std::set<offset> possible = {};
    std::set<offset> under_way = {};
    bool may_be_older = false;
    generation owner = {};
    offset begin = {};
  };

  std::function<void(const std::string&)> note_;
  std::function<offset(queue_id)> earliest_;
  std::map<message_place, message_name> messages_;
  std::map<queue_id, offset> acknowledged_;
  /// The highest place at which somebody began.
  std::map<queue_id, offset> begun_;
  std::map<std::pair<std::string, queue_id>, progress> progress_;
  std::uint64_t assignments_ = 0;
};

} // namespace carafe::sim
