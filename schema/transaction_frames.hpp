#pragma once

/// Frames about transactions.

#include "schema/transaction.hpp"

#include <carafe/shared_bytes.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace carafe::frames {

struct tx_join {
  std::string group;
  bool leave = false;
};
struct tx_batch {
  queue_id queue;
  sequence first;
  std::uint32_t count = 0;
  codec compression = codec::none;
  std::uint32_t checksum = 0;
  shared_bytes batch;
};
struct tx_consumed {
  std::string group;
  queue_id queue;
  std::vector<offset_range> ranges;
};
struct tx_prepare {
  transaction_name transaction;
  /// Of producers that can tell what became of it.
  std::string group;
  /// After how long they are asked, and how often then; 0: as the node does.
  std::uint32_t check_first_ms = 0;
  std::uint32_t check_every_ms = 0;
  std::vector<tx_batch> batches;
  std::vector<tx_consumed> consumed;
};
struct tx_prepared {
  /// That the transaction has by now.
  std::uint64_t messages = 0;
  bool duplicate = false;
};
enum class tx_outcome : std::uint8_t { unknown = 0, commit = 1, rollback = 2 };
struct tx_end {
  transaction_name transaction;
  tx_outcome outcome = tx_outcome::unknown;
};
struct tx_check {
  transaction_name transaction;
  std::string group;
  /// How often it was asked for, this time included.
  std::uint32_t checks = 0;
};
struct tx_list {
  /// Those behind this one; producer 0: from the first on.
  transaction_name after;
  /// 0: as many as the node gives at once.
  std::uint32_t limit = 0;
};
enum class tx_state : std::uint8_t { open = 0, held = 1, committed = 2 };
struct pending_transaction {
  transaction_name transaction;
  std::string group;
  tx_state state = tx_state::open;
  unix_ms opened;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t consumed = 0;
  std::uint32_t checks = 0;
  /// 0: none.
  unix_ms next_check;
  /// Shards that have yet to take their part.
  std::vector<shard_id> owes;
};
struct txs {
  /// In the order of their names.
  std::vector<pending_transaction> transactions;
  std::uint64_t total = 0;
  /// Half messages: prepared = committed + rolled back + pending.
  std::uint64_t prepared = 0;
  std::uint64_t committed = 0;
  std::uint64_t rolled_back = 0;
  std::uint64_t pending = 0;
};

} // namespace carafe::frames
