#pragma once

/// Messages that become visible together, or never, beside something that happens elsewhere: a row
/// in a database, or messages that were consumed.
///
///     auto p = c->make_transaction_producer({.group = "orders", .check = look_into_database});
///     auto t = (*p)->begin();
///     t->send("orders", {.body = "42", .key = "42"});
///     t->prepare();             // The node has it; nobody sees it yet.
///     write_into_database(42);  // If this process dies here, the node asks `check`.
///     t->commit();

#include <carafe/consumer.hpp>
#include <carafe/message.hpp>
#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::client {

/// Names a transaction: unique in the cluster.
struct transaction_ref {
  /// That keeps it.
  shard_id shard;
  producer_id producer;
  std::uint64_t number = 0;

  friend auto operator<=>(const transaction_ref&, const transaction_ref&) = default;
};

/// "0-0123456789abcdef-42".
[[nodiscard]] std::string to_string(const transaction_ref& which);
/// The other way round; nothing if it is no such text.
[[nodiscard]] std::optional<transaction_ref> transaction_ref_from(std::string_view text);

enum class transaction_outcome : std::uint8_t { unknown, commit, rollback };

/// The node asks what became of a transaction.
struct transaction_check {
  transaction_ref transaction;
  std::string group;
  /// How often it was asked for, this time included; after the 15th it is held.
  std::uint32_t checks = 0;
};

struct transaction_options {
  /// Of producers that can tell what became of each other's transactions: those of one application.
  std::string group{};
  /// Says what became of a transaction of the group, of this process or of another one that has
  /// died. `unknown`: the node asks again later. It runs on a thread of its own, one at a time, and
  /// may block. Empty: this producer is not asked.
  std::function<transaction_outcome(const transaction_check&)> check{};
  /// After how long the node asks, and how often then; 0: 6 s and 30 s. From 10 ms to 7 days.
  std::chrono::milliseconds check_first{0};
  std::chrono::milliseconds check_every{0};
  codec compression = codec::none;
  /// A missing topic comes to be by its first use, if the node allows it (create-on-use-queues).
  bool create_topics = true;
};

/// One transaction. Dropping one that was prepared leaves it open: the node will ask.
///
/// What it holds of one shard becomes visible at once. Other shards follow by themselves, also when
/// the node is killed; a reader may see their messages a little later.
///
/// @thread One at a time.
class transaction {
public:
  virtual ~transaction() = default;

  /// Adds a message. It is kept here until `prepare` or `commit`.
  /// @param to  A queue number, instead of the one that key or turn would choose.
  /// @errors message_too_large, topic_unknown, queue_unknown, invalid_argument; unsupported: it has
  ///         a time of delivery, or a dedup id.
  virtual result<void> send(const std::string& topic, message m,
                            std::optional<queue_number> to = {}) = 0;

  /// The commit acknowledges `d`, which `from` has received as a member of an `ordered`, `shared`
  /// or `keyed` group; in an `ordered` group everything before it too. `from` must outlive the
  /// transaction. Do not `ack` it yourself. If somebody else has acknowledged it before the commit
  /// (its lease had ended, or the queue had moved on), the commit rolls back.
  /// @errors invalid_argument  `from` is in no group. topic_unknown.
  virtual result<void> acknowledge(consumer& from, const delivery& d) = 0;

  /// Stores what was added so far: nobody sees it, and it survives this process and the node. What
  /// fails may be tried again.
  /// @errors too_many_transactions, batch_too_large, storage_full, queue_unknown, …;
  ///         outcome_unknown: it may be stored.
  virtual result<void> prepare() = 0;

  /// Makes everything visible; prepares first what was not. What fails may be tried again.
  /// @errors Those of `prepare`; tx_ended  it was rolled back before, or it had to be now: messages
  ///         that it acknowledges were acknowledged before. outcome_unknown  it may be committed.
  virtual result<void> commit() = 0;
  /// Nothing of it is ever seen.
  /// @errors tx_ended  it was committed. outcome_unknown  the node will ask.
  virtual result<void> rollback() = 0;

  /// Its name, once something was prepared.
  [[nodiscard]] virtual std::optional<transaction_ref> name() const = 0;
};

/// Begins transactions, and answers the node's questions about those of its group. When one goes,
/// its connection answers for the group no more: have one of a group on a connection.
///
/// @thread Any.
class transaction_producer {
public:
  /// Waits for a `check` that runs.
  virtual ~transaction_producer() = default;
  [[nodiscard]] virtual std::unique_ptr<transaction> begin() = 0;
};

// -- for operators --------------------------------------------------------------------------------

enum class transaction_state : std::uint8_t {
  open,
  /// Its producers were asked 15 times: it waits for an operator.
  held,
  /// Some shards have yet to take their part.
  committed,
};

struct pending_transaction {
  transaction_ref transaction;
  std::string group;
  transaction_state state = transaction_state::open;
  unix_ms opened;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  /// Messages that it acknowledges.
  std::uint64_t consumed = 0;
  std::uint32_t checks = 0;
  /// When its producers are asked next.
  std::optional<unix_ms> next_check;
  /// Shards that have yet to take their part.
  std::vector<shard_id> owes;
};

struct pending_transactions {
  /// By their names.
  std::vector<pending_transaction> transactions;
  std::uint64_t total = 0;
  /// Half messages since the node's data began: prepared = committed + rolled back + pending.
  std::uint64_t prepared = 0;
  std::uint64_t committed = 0;
  std::uint64_t rolled_back = 0;
  std::uint64_t pending = 0;
};

} // namespace carafe::client
