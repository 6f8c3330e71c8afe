#pragma once

/// What clients know of transactions, and whether a broker that keeps its word could have said and
/// shown so. It knows nothing of the broker but the protocol's promises.

#include "test/sim/watcher.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

[[nodiscard]] std::string to_string(const transaction_name& name);
/// Whether a request of a transaction may be refused so: then it is sent again.
[[nodiscard]] bool may_refuse(errc code);

/// A part of a transaction: what one `txPrepare` has.
struct deal_part {
  struct message {
    message_name name;
    queue_id queue;
    shard_id shard;
  };
  std::vector<message> messages = {};
  /// What it acknowledges, and where that is.
  std::vector<std::pair<message_place, shard_id>> consumed = {};
};

/// - Of a transaction that was committed everything is seen, once; of one that was rolled back, or
///   that nobody asked to commit, nothing. What lies in its coordinator's shard is seen at one
///   moment.
/// - It has one outcome: who asks for another one is told so. It is rolled back only if somebody
///   asked for that, or if what it acknowledges was acknowledged.
/// - What a committed one acknowledges is not lent any more, what others would have is; of two that
///   acknowledge the same message in their coordinator's shard one is committed.
/// - What was prepared is listed until it ends; half messages add up.
///
/// Of those that have a part in a shard of which a power failure took the end it knows only that no
/// message is there twice.
class transaction_oracle {
public:
  /// @param note      Takes what happens, for people.
  /// @param earliest  Tells a queue's first offset.
  transaction_oracle(std::function<void(const std::string&)> note,
                     std::function<offset(queue_id)> earliest)
    : note_(std::move(note)), earliest_(std::move(earliest)) {}

  // -- transactions
  void preparing(const transaction_name& name, const deal_part& part);
  /// The last part is stored, and with it the transaction has so many messages.
  void prepared(const transaction_name& name, std::uint64_t messages);
  void ending(const transaction_name& name, bool commit);
  void ended(const transaction_name& name, bool commit);
  /// The end was refused: it had ended in the other way.
  void ended_otherwise(const transaction_name& name, bool asked_commit);
  /// The node does not know it.
  void unknown(const transaction_name& name);
  /// It had ended, somehow, before it got its last part.
  void ended_while_prepared(const transaction_name& name);
  /// Whether it does not acknowledge that yet.
  [[nodiscard]] bool may_take(const transaction_name& name, const message_place& place) const;
  void checked(const transaction_name& name);

  [[nodiscard]] std::uint64_t listing_now() { return ++moments_; }
  void listed(std::uint64_t asked, const frames::txs& what);

  // -- what is seen
  void seen(const watcher::message& what);
  /// A message of the group's was lent, after this moment.
  void lent(const message_place& place, std::uint64_t after);
  [[nodiscard]] std::uint64_t now() { return ++moments_; }

  void lost_end(shard_id shard);
  void ends_at(queue_id queue, offset end);

  // -- the end
  /// Those that may not have ended.
  [[nodiscard]] std::vector<transaction_name> open() const;
  /// Whether what is at `place` must be lent; nothing: that is not known.
  [[nodiscard]] std::optional<bool> must_be_lent(const message_place& place) const;
  /// @param missed  Messages that retention took before they were read.
  /// @param last    The list, when all has ended.
  void check_finished(std::uint64_t missed, const frames::txs& last) const;
  [[nodiscard]] std::uint64_t commits() const;

private:
  struct part {
    deal_part what;
    bool stored = false;
  };
  struct deal {
    std::vector<part> parts;
    /// When the first part was known to be stored.
    std::uint64_t stored_at = 0;
    bool commit_asked = false, rollback_asked = false;
    /// When it was first asked to end.
    std::uint64_t end_asked_at = 0;
    /// True: committed.
    std::optional<bool> outcome = {};
    std::uint64_t outcome_at = 0;
    bool unsure = false;
    /// The time of what is in the coordinator's shard.
    std::optional<unix_ms> time = {};
  };

  deal& find(const transaction_name& name);
  void settle(const transaction_name& name, deal& known, bool commit);
  [[nodiscard]] std::uint64_t messages_in(const deal& known, bool stored) const;
  [[nodiscard]] bool may_be_acknowledged_by_others(const transaction_name& name,
                                                   const deal& known) const;
  void check_acknowledged_once(const transaction_name& name, const deal& known) const;

  std::function<void(const std::string&)> note_;
  std::function<offset(queue_id)> earliest_;
  std::map<transaction_name, deal> deals_;
  std::map<message_name, transaction_name> of_message_;
  std::map<message_name, queue_id> queues_;
  std::map<message_name, message_place> seen_;
  /// Who acknowledges it.
  std::map<message_place, std::set<transaction_name>> consumers_;
  std::set<message_place> forgotten_;
  std::uint64_t moments_ = 0;
  bool lost_ = false;
};

} // namespace carafe::sim
