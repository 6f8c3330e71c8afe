#pragma once

#include "schema/producer.hpp"

#include <carafe/types.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace carafe::core {

/// Ids of messages that were stored, as long as their topics' windows last: a row a batch.
class id_table {
public:
  /// A batch of a queue: by its first offset, or its first number among the messages for later.
  struct row_key {
    queue_id queue;
    std::uint64_t place = 0;

    friend auto operator<=>(const row_key&, const row_key&) = default;
  };
  [[nodiscard]] static row_key key_of(queue_id queue, offset base, bool timed) {
    return {queue, base.value << 1 | (timed ? 1u : 0u)};
  }

  /// Where the message of an id is.
  struct place {
    offset at;
    bool timed = false;
    unix_ms until;
  };

  /// @pre the row is not there
  void add(const row_key& key, stored_ids_record row);
  /// Nothing if it is not there, or counts no more at `now`.
  [[nodiscard]] std::optional<place> find(queue_id queue, const id_digest& id, unix_ms now) const;
  [[nodiscard]] const stored_ids_record* row(const row_key& key) const;

  /// Forgets what counts up to `now` only.
  /// @returns The rows that are gone.
  std::vector<row_key> expire(unix_ms now);
  std::vector<row_key> forget(queue_id queue);

  /// Ids, of all rows.
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] const std::map<row_key, stored_ids_record>& rows() const noexcept { return rows_; }

private:
  struct last_seen {
    std::uint64_t row = 0;
    std::uint32_t index = 0;
    unix_ms until;
  };

  void remove(std::map<row_key, stored_ids_record>::iterator at);

  std::map<row_key, stored_ids_record> rows_;
  std::set<std::pair<unix_ms, row_key>> turns_;
  /// The one that counts longest of each id; none is empty.
  std::unordered_map<queue_id, std::unordered_map<id_digest, last_seen>> places_;
  std::size_t count_ = 0;
};

} // namespace carafe::core
