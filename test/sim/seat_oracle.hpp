#pragma once

/// What members of an ordered group know of its queues, some of whom have ids, and whether a broker
/// that keeps its word could have moved them so. It knows nothing of the broker but the protocol's
/// promises.

#include <carafe/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carafe::sim {

/// One time that somebody is in the group, or wants to be.
struct stay {
  std::uint64_t number = 0;

  friend auto operator<=>(const stay&, const stay&) = default;
};

/// - Of a member with an id that is away nobody else gets a queue, for as long as its queues are
///   kept; also across a restart of the node. When it comes back in this while it has them again.
/// - Nobody is to give a queue back unless somebody else has come, and nobody is given one while
///   each has an owner, or is kept.
/// - After that while, and when somebody goes, each queue is somebody's again.
/// - An id has one member; another one is refused while it is there, and only then, but for one of
///   the same holder, which takes the queues over.
///
/// Clients hear of things late. So it holds the node to this only from moments on at which the node
/// had nothing more to do, and everybody had heard of it; and until something else comes between.
class seat_oracle {
public:
  /// @param note  Takes what happens, for people.
  seat_oracle(std::uint64_t grace_ms, std::function<void(const std::string&)> note)
    : grace_ms_(grace_ms), note_(std::move(note)) {}

  void time_is(std::uint64_t now_ms);
  void queue(queue_id queue) { queues_.insert(queue); }

  /// @param id  Empty: it has none.
  /// @param holder  0: none.
  [[nodiscard]] stay joining(const std::string& id, std::uint64_t holder);
  void joined(stay s);
  void refused(stay s, bool name_in_use);
  void assigned(stay s, queue_id queue);
  /// @param taken  It was too late to give it back.
  void revoked(stay s, queue_id queue, bool taken);
  void released(stay s, queue_id queue);
  /// It has left, died, or lost its connection.
  void gone(stay s);
  void forgetting(const std::string& id);

  /// The node has nothing to do before time passes or a disk is done; all that it sent was taken.
  void settled();
  /// … also after a while in which all disks were sound, from `since_ms` on.
  void rested(std::uint64_t since_ms);
  void node_died();
  void node_started();

  /// Queues that somebody had back.
  [[nodiscard]] std::uint64_t returns() const noexcept { return returns_; }

private:
  struct staying {
    std::string id;
    std::uint64_t holder = 0;
    bool joined = false, gone = false;
    /// The node knows that it is gone.
    bool noticed = false;
    /// Others of its id that were there when it wanted to join, or wanted so, too.
    std::vector<stay> there_before = {}, others = {};
    /// Another one of its holder may have taken its seat, or may yet, without a word.
    bool unsure = false;
    /// Another one of its holder was told that it has the seat.
    bool taken_over = false;
    std::set<queue_id> has = {}, asked_back = {};
    /// What is kept for it, if it comes before that time.
    std::set<queue_id> due = {};
    std::uint64_t due_until_ms = 0;
  };
  struct keeping {
    std::string id;
    std::uint64_t until_ms = 0;
  };

  /// Who comes now may be due some of what others have.
  void stir();
  [[nodiscard]] static bool there(const staying& s) { return s.joined && !s.gone; }
  [[nodiscard]] static bool same_holder(const staying& a, const staying& b) {
    return a.holder != 0 && a.holder == b.holder;
  }
  [[nodiscard]] bool is_share(std::size_t count) const;
  void check_refusal(stay s) const;
  [[nodiscard]] bool any_there() const;
  void check_ids();
  void check_owners(std::uint64_t since_ms) const;

  std::uint64_t grace_ms_;
  std::function<void(const std::string&)> note_;
  std::uint64_t now_ms_ = 0;
  std::set<queue_id> queues_;
  std::map<stay, staying> stays_;
  /// Of members that are away, for sure.
  std::map<queue_id, keeping> kept_;
  /// Since when the node has known, at the latest, that an id is away; nothing: nobody knows.
  std::map<std::string, std::optional<std::uint64_t>> away_;
  /// Nobody has come since everything was settled; and each queue had its place then, and nobody
  /// has gone for good.
  bool exact_ = false, calm_ = false;
  /// What is kept, or will be when its owner goes, is on the disk.
  bool saved_ = false;
  /// Who went and wanted to join, and may still be heard.
  std::vector<stay> ghosts_;
  std::uint64_t returns_ = 0;
};

} // namespace carafe::sim
