#pragma once

/// LMDB's files read without LMDB, which crashes on damaged pages. Whatever is read here is checked
/// before it is used: any bytes at all give an answer or `storage_corrupt`.

#include "storage/file.hpp"

#include <carafe/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace carafe::storage {

inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t page_header_bytes = 16;
/// The first two pages hold the roots; transaction n writes page n mod 2.
inline constexpr std::uint64_t meta_pages = 2;
/// LMDB's limit.
inline constexpr std::size_t tree_depth_max = 32;

/// Both meta pages as they lie in the file.
using meta_page_bytes = std::array<std::byte, meta_pages * page_bytes>;

/// Root and size of one B-tree.
struct tree_root {
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0;
  std::uint64_t leaf_pages = 0;
  std::uint64_t overflow_pages = 0;
  std::uint64_t entries = 0;
  /// Page number, or `none` for an empty tree.
  std::uint64_t page = none;

  [[nodiscard]] bool empty() const noexcept { return page == none; }
};

inline constexpr std::size_t tree_root_bytes = 48;
/// @pre bytes.size() == tree_root_bytes
[[nodiscard]] tree_root read_tree_root(std::span<const std::byte> bytes) noexcept;

/// One committed state of a file.
struct file_state {
  std::uint64_t map_bytes = 0;
  tree_root free;
  tree_root main;
  std::uint64_t last_page = 0;
  std::uint64_t txn = 0;
};

/// @returns The state that LMDB would choose.
/// @errors storage_corrupt  the pages are not a pair that LMDB wrote; the detail says why.
///         format_foreign   no LMDB data, or another version or page size of it.
result<file_state> read_metas(const meta_page_bytes& metas);

/// A file in LMDB's format at one of its states, opened for reading.
///
/// @thread Any number at a time.
class page_file {
public:
  /// @param metas  Taken instead of the file's own, as recovery would restore them.
  /// @errors not_found, storage_corrupt and format_foreign (naming the file).
  static result<page_file> open(const std::filesystem::path& path,
                                const meta_page_bytes* metas = nullptr);

  [[nodiscard]] const file_state& state() const noexcept { return state_; }
  [[nodiscard]] const file& raw() const noexcept { return file_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }
  /// Bytes of all pages in use.
  [[nodiscard]] std::uint64_t used_bytes() const noexcept {
    return (state_.last_page + 1) * page_bytes;
  }

  /// @errors storage_corrupt  the page lies outside of the state.
  result<void> read_page(std::uint64_t page, std::span<std::byte, page_bytes> out) const;

  /// A failure that names file and page.
  [[nodiscard]] failure damaged(std::uint64_t page, std::string_view what) const;

private:
  page_file(file f, const file_state& state) : file_(std::move(f)), state_(state) {}

  file file_;
  file_state state_;
};

/// Where a value lies.
struct value_place {
  std::size_t bytes = 0;
  /// The value, if it lies in the leaf.
  std::span<const std::byte> here;
  /// Else the first of the overflow pages that hold it.
  std::optional<std::uint64_t> overflow;
  /// The value is the root of a table.
  bool is_tree = false;
};

/// A branch or leaf page. Once loaded, its accessors stay inside of it.
class tree_page {
public:
  /// @errors storage_corrupt
  result<void> load(const page_file& from, std::uint64_t page);

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  [[nodiscard]] bool is_leaf() const noexcept { return leaf_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  /// @pre at < count()
  [[nodiscard]] std::span<const std::byte> key(std::size_t at) const noexcept;
  /// @pre !is_leaf() && at < count()
  [[nodiscard]] std::uint64_t child(std::size_t at) const noexcept;
  /// @pre is_leaf() && at < count()
  [[nodiscard]] value_place value(std::size_t at) const noexcept;

private:
  [[nodiscard]] std::size_t node(std::size_t at) const noexcept;
  [[nodiscard]] const char* check() noexcept;
  [[nodiscard]] const char* check_node(std::size_t at, std::size_t& bytes) const noexcept;

  alignas(8) std::array<std::byte, page_bytes> bytes_{};
  /// Of all pages of the file.
  std::uint64_t file_bytes_ = 0;
  std::uint64_t number_ = tree_root::none;
  std::size_t count_ = 0;
  bool leaf_ = false;
};

/// Checks the header of a run of overflow pages that is to hold `value_bytes`.
/// @returns Pages in the run.
result<std::uint64_t> check_overflow(const page_file& from, std::uint64_t page,
                                     std::size_t value_bytes);

/// Reads a value's first `out.size()` bytes.
/// @pre out.size() <= place.bytes
result<void> read_value(const page_file& from, const value_place& place, std::span<std::byte> out);

/// -1, 0 or 1, in the order of a table's keys.
[[nodiscard]] int compare_keys(std::span<const std::byte> a, std::span<const std::byte> b,
                               bool integers) noexcept;

} // namespace carafe::storage
