#pragma once

#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace carafe::core {

/// The open transactions of all shards: when whose producers are to be asked what became of them,
/// and which shards owe their parts of committed ones.
///
/// An open transaction is asked for `check_first_ms` after it was opened, then every
/// `check_every_ms`, `transaction_checks_max` times; then it is held: it stays until somebody ends
/// it. Each has its own time; an occasion on which no producer of its group is there counts too.
///
/// @invariant A transaction is in `times_` exactly if it is open, not held and not being asked for.
/// @invariant Of two shards one batch of parts moves at a time.
class transaction_core {
public:
  /// A producer's connection, chosen by the caller.
  using member = std::uint64_t;

  struct check {
    transaction_name transaction;
    std::string group;
    /// Who is asked; nothing: nobody of the group is there.
    std::optional<member> whom;
    /// How often it was asked for, this time included.
    std::uint32_t checks = 0;
  };
  /// Parts of the commits of `from` that `to` has yet to take.
  struct move {
    shard_id from;
    shard_id to;

    friend auto operator<=>(const move&, const move&) = default;
  };

  // -- what the log says --------------------------------------------------------------------------
  void learn(shard_id shard, const transaction_record& record);
  /// It is remembered no more.
  void forget(const transaction_name& name);

  // -- producers ----------------------------------------------------------------------------------
  void join(const std::string& group, member who);
  void leave(const std::string& group, member who);
  void leave(member who);
  [[nodiscard]] bool has(const std::string& group, member who) const;

  // -- check-back ---------------------------------------------------------------------------------
  /// Those whose time has come, at most `max`; each is asked once, then the log has to say so
  /// (`learn`), or `not_asked`.
  [[nodiscard]] std::vector<check> due(unix_ms now, std::size_t max);
  /// That it was asked for could not be written: it is asked for again at `again`.
  void not_asked(const transaction_name& name, unix_ms again);
  /// When there will be something to do.
  [[nodiscard]] std::optional<unix_ms> next() const;

  // -- parts --------------------------------------------------------------------------------------
  /// Moves that may begin; each is under way from now on.
  [[nodiscard]] std::vector<move> begin_moves();
  /// It is over, however it went.
  void moved(const move& what) { moving_.erase(what); }

  /// When producers are asked next; nothing: they are not.
  [[nodiscard]] static std::optional<unix_ms> next_check(const transaction_record& record);

  /// Open ones, and those that shards owe parts of.
  [[nodiscard]] const std::map<transaction_name, transaction_record>& pending() const noexcept {
    return pending_;
  }

private:
  void owe_nothing(const transaction_record& record, const transaction_name& name);
  void set_time(const transaction_name& name, std::optional<unix_ms> at);

  std::map<transaction_name, transaction_record> pending_;
  std::set<std::pair<unix_ms, transaction_name>> times_;
  std::map<transaction_name, unix_ms> time_of_;
  std::set<transaction_name> asking_;
  std::map<std::string, std::set<member>> groups_;
  std::map<member, std::set<std::string>> groups_of_;
  /// Who of a group was asked last: they take turns.
  std::map<std::string, member> asked_last_;
  std::map<move, std::set<transaction_name>> owed_;
  std::set<move> moving_;
};

} // namespace carafe::core
