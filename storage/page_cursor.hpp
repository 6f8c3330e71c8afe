#pragma once

#include "storage/page_file.hpp"
#include "storage/table_cursor.hpp"

#include <memory>
#include <vector>

namespace carafe::storage {

/// A position in a tree of a file that nobody writes to. No damage makes it leave the file or go on
/// for ever.
class page_cursor final : public table_cursor {
public:
  /// @pre `from` outlives it
  page_cursor(const page_file& from, const tree_root& root, bool integer_keys)
    : from_(from), root_(root), integer_keys_(integer_keys) {}

  result<bool> first() override;
  result<bool> last() override;
  result<bool> next() override;
  result<bool> previous() override;
  result<bool> seek(std::span<const std::byte> key) override;

  [[nodiscard]] std::span<const std::byte> key() const override;
  [[nodiscard]] std::size_t value_bytes() const override { return place().bytes; }
  result<void> read_value(std::span<std::byte> out) const override;

  [[nodiscard]] value_place place() const;

private:
  struct frame {
    tree_page page;
    std::size_t at = 0;
  };

  /// Loads a page into the path at `level`, unless it is there.
  result<frame*> load(std::size_t level, std::uint64_t page);
  /// From the page at `level` - 1 down to a leaf, along the first or the last children.
  result<bool> descend(std::size_t level, bool along_last);
  result<bool> step_up(bool forward);

  const page_file& from_;
  tree_root root_;
  bool integer_keys_;
  std::vector<std::unique_ptr<frame>> path_;
  /// Levels of the path in use; the last one is a leaf. 0: nowhere.
  std::size_t depth_ = 0;
};

} // namespace carafe::storage
