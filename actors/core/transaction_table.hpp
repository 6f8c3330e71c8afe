#pragma once

#include "schema/records.hpp"
#include "storage/state_store.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::core {

/// A shard's part of a committed transaction.
struct transaction_part {
  std::uint64_t serial = 0;
  transaction_id id;
  std::vector<half_batch> halves;
  std::vector<consumed_messages> consumed;
};

/// The transactions that one shard keeps, and how far it has taken its parts of others', folded
/// from the log (docs/adr/0014-a-transaction-lives-in-one-shard.md).
///
///     (nothing) --tx_prepared-->  open
///     open      --tx_prepared-->  open       (more of it, or: its producers were asked)
///     open      --tx_ended-->     committed  (others owe their parts), or ended
///     committed --tx_applied (confirmed, the last that owes)--> ended
///     ended     --`remembered_max` others have ended since--> (nothing)
///
/// What does not fit the state changes nothing: a shard checks before it writes.
///
/// @invariant prepared = committed + rolled back + pending half messages.
/// @invariant Serials of commits that owe are dense in the order of their entries, and each other
///            shard takes its parts in that order: how far it is says it all.
class transaction_table {
public:
  /// Ended transactions whose outcome is remembered.
  static constexpr std::size_t remembered_max = 10'000;

  struct stored {
    transaction_record record;
    /// By number; of a committed one those that others have yet to take.
    std::map<std::uint32_t, half_batch> halves = {};
  };

  void on(const effects::tx_prepared& e, unix_ms time);
  void on(const effects::tx_ended& e);
  void on(const effects::tx_applied& e);

  /// Transactions that the entries applied since the last call have changed or forgotten.
  [[nodiscard]] std::set<transaction_id> take_touched() { return std::exchange(touched_, {}); }

  // -- checkpoint rows ----------------------------------------------------------------------------
  [[nodiscard]] std::vector<storage::state_delta> take_deltas();
  /// @returns False: it is no row of this table.
  result<bool> load(std::string_view key, std::string_view value);
  /// Once, after the last `load`.
  void loaded();
  /// Every row: key and value.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> rows() const;

  // -- reading ------------------------------------------------------------------------------------
  [[nodiscard]] const stored* find(const transaction_id& id) const;
  [[nodiscard]] const std::map<transaction_id, stored>& all() const noexcept { return rows_; }
  [[nodiscard]] const transaction_counts& counts() const noexcept { return counts_; }
  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  /// Of half messages that are kept here.
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
  /// How far this shard has taken its parts of the commits of `from`; 0: none.
  [[nodiscard]] std::uint64_t applied(shard_id from) const;
  /// The next parts that `to` has yet to take; at least one if there is one, and so many more.
  [[nodiscard]] std::vector<transaction_part> parts_for(shard_id to, std::size_t parts_max,
                                                        std::uint64_t bytes_max) const;

private:
  [[nodiscard]] std::optional<std::string> value_of(const std::string& key) const;
  void touch(const transaction_id& id);
  void take_in(stored& to, const effects::tx_prepared& e);
  void drop_halves(stored& from, bool only, shard_id of);
  void finish(const stored& ended);

  std::map<transaction_id, stored> rows_;
  transaction_counts counts_;
  std::map<shard_id, transactions_applied> applied_;
  /// Commits that others owe parts of, by serial.
  std::map<std::uint64_t, transaction_id> outgoing_;
  /// Those of which only the outcome is left, by the order of their ends.
  std::map<std::uint64_t, transaction_id> ended_;
  std::size_t open_ = 0;
  std::uint64_t bytes_ = 0;
  std::set<std::string> dirty_;
  std::set<transaction_id> touched_;
};

} // namespace carafe::core
