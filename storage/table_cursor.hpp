#pragma once

#include <carafe/result.hpp>

#include <cstddef>
#include <span>

namespace carafe::storage {

/// A position in one table of a segment, whoever reads the file.
///
/// Moving functions return whether there is an entry at the new position; the accessors may be
/// called only if so, and what they return is valid until the next move.
/// @errors storage_corrupt, storage_failed
class table_cursor {
public:
  virtual ~table_cursor() = default;

  virtual result<bool> first() = 0;
  virtual result<bool> last() = 0;
  virtual result<bool> next() = 0;
  virtual result<bool> previous() = 0;
  /// To the first entry whose key is not below `key`.
  virtual result<bool> seek(std::span<const std::byte> key) = 0;

  [[nodiscard]] virtual std::span<const std::byte> key() const = 0;
  [[nodiscard]] virtual std::size_t value_bytes() const = 0;
  /// Copies the value's first `out.size()` bytes.
  /// @pre out.size() <= value_bytes()
  virtual result<void> read_value(std::span<std::byte> out) const = 0;
};

} // namespace carafe::storage
