#pragma once

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::storage {

/// Raft's persistent term and vote.
struct vote {
  carafe::term term;
  /// 0: none.
  std::uint64_t voted_for = 0;
};

/// One changed row of the folded state; no value: the row is gone.
struct state_delta {
  std::string key;
  std::optional<std::string> value;
};

/// The folded state as of exactly `index`.
struct checkpoint_mark {
  entry_index index;
  carafe::term term;
  /// Broker time of that entry.
  unix_ms time;
  /// libraft's encoding of the configuration, and the entry it came with.
  std::string configuration;
  entry_index configuration_index;
};

/// `state.mdb` of a shard, always synced: term and vote, and the last checkpoint.
class state_store {
public:
  virtual ~state_store() = default;

  [[nodiscard]] virtual result<vote> load_vote() const = 0;
  /// On stable storage when it returns.
  virtual result<void> save_vote(vote v) = 0;

  /// Nothing if none was ever written.
  [[nodiscard]] virtual result<std::optional<checkpoint_mark>> load_mark() const = 0;
  /// Calls `row` for every row, ordered by key.
  virtual result<void>
  load_rows(const std::function<void(std::string_view key, std::string_view value)>& row) const = 0;

  /// Applies `deltas` and sets `mark`, all or none, on stable storage when it returns.
  virtual result<void> save_checkpoint(const checkpoint_mark& mark,
                                       const std::vector<state_delta>& deltas) = 0;

  /// Copies the state as of the last checkpoint into the folder `path` (exists), synced.
  /// @returns Bytes written.
  virtual result<std::uint64_t> copy_to(const std::string& path) const = 0;
};

} // namespace carafe::storage
