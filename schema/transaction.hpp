#pragma once

/// Transactions as the log and the checkpoint hold them:
/// docs/adr/0014-a-transaction-lives-in-one-shard.md tells how they are kept.

#include "schema/delivery.hpp"

#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace carafe {

/// Chosen by its producer; unique in the shard that keeps it.
struct transaction_id {
  producer_id producer;
  std::uint64_t number = 0;

  friend auto operator<=>(const transaction_id&, const transaction_id&) = default;
};

/// The same with its shard, its coordinator: unique in the cluster.
struct transaction_name {
  shard_id shard;
  transaction_id id;

  friend auto operator<=>(const transaction_name&, const transaction_name&) = default;
};

/// A batch that no consumer sees yet.
struct half_batch {
  queue_id queue;
  /// The queue's.
  shard_id shard;
  sequence first;
  std::uint32_t count = 0;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  bool ranked = false;
  shared_bytes bytes;

  friend bool operator==(const half_batch& a, const half_batch& b) {
    return a.queue == b.queue && a.shard == b.shard && a.first == b.first && a.count == b.count &&
           a.compression == b.compression && a.checksum == b.checksum && a.ranked == b.ranked &&
           a.bytes.text() == b.bytes.text();
  }
};

/// Messages that a group is done with when the transaction is committed; of an `ordered` group all
/// up to the last of them.
struct consumed_messages {
  group_id group;
  bool ordered = false;
  queue_id queue;
  /// The queue's.
  shard_id shard;
  std::vector<offset_range> ranges;

  friend bool operator==(const consumed_messages&, const consumed_messages&) = default;
};

enum class transaction_state : std::uint8_t { open = 0, committed = 1, rolled_back = 2 };

struct transaction_record {
  transaction_id id;
  /// Of the producers that can tell what became of it.
  std::string group;
  unix_ms opened;
  /// When they were asked last.
  unix_ms checked;
  std::uint32_t check_first_ms = 0;
  std::uint32_t check_every_ms = 0;
  std::uint32_t checks = 0;
  transaction_state state = transaction_state::open;
  /// Batches that it was given so far.
  std::uint32_t halves = 0;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  /// Sequence of its last message.
  sequence last;
  std::vector<consumed_messages> consumed;
  /// Its place among those of its shard that have ended.
  std::uint64_t ended = 0;
  /// Counts the commits that other shards have a part in; 0: it is none.
  std::uint64_t serial = 0;
  /// Shards that have yet to take their part, ascending.
  std::vector<shard_id> owes;

  friend bool operator==(const transaction_record&, const transaction_record&) = default;
};

/// Of one shard since its log began. Half messages: prepared = committed + rolled back + pending.
struct transaction_counts {
  std::uint64_t prepared = 0;
  std::uint64_t committed = 0;
  std::uint64_t rolled_back = 0;
  std::uint64_t ended = 0;
  std::uint64_t serial = 0;

  friend bool operator==(const transaction_counts&, const transaction_counts&) = default;
};

/// How far a shard has taken its parts of another shard's commits.
struct transactions_applied {
  std::uint64_t serial = 0;

  friend bool operator==(const transactions_applied&, const transactions_applied&) = default;
};

/// After so many checks nobody is asked any more; an operator ends it.
inline constexpr std::uint32_t transaction_checks_max = 15;

namespace effects {

/// More of a transaction; or, if `checks` is not 0, only that its producers were asked so often.
struct tx_prepared {
  transaction_id id;
  std::string group;
  std::uint32_t check_first_ms = 0;
  std::uint32_t check_every_ms = 0;
  std::uint32_t checks = 0;
  std::vector<half_batch> halves;
  std::vector<consumed_messages> consumed;
};
/// What a commit does in this shard are other effects of the same entry.
struct tx_ended {
  transaction_id id;
  bool committed = false;
  /// Other shards that have a part in it, ascending.
  std::vector<shard_id> owes;
};
/// `to` has its parts of the commits of `from` up to this one. Not `confirmed`: in the log of `to`,
/// beside them; otherwise in that of `from`, which forgets them.
struct tx_applied {
  shard_id from;
  shard_id to;
  std::uint64_t serial = 0;
  bool confirmed = false;
};

} // namespace effects

} // namespace carafe
