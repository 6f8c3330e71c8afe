#include "storage/page_file.hpp"

#include "storage/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <string>

namespace carafe::storage {

namespace {

constexpr std::uint32_t lmdb_magic = 0xBEEFC0DE;
constexpr std::uint32_t lmdb_version = 1;

constexpr std::uint16_t flag_branch = 0x01;
constexpr std::uint16_t flag_leaf = 0x02;
constexpr std::uint16_t flag_overflow = 0x04;
constexpr std::uint16_t flag_meta = 0x08;

constexpr std::uint16_t node_overflow = 0x01;
constexpr std::uint16_t node_tree = 0x02;
constexpr std::size_t node_header_bytes = 8;

// Positions within a page.
constexpr std::size_t at_number = 0;
constexpr std::size_t at_flags = 10;
constexpr std::size_t at_lower = 12;
constexpr std::size_t at_upper = 14;
constexpr std::size_t at_run = 12;
constexpr std::size_t at_nodes = 16;

constexpr std::size_t even(std::size_t n) { return (n + 1) & ~std::size_t{1}; }

/// A meta page by itself; nothing that needs its neighbour is checked.
result<file_state> read_meta(std::span<const std::byte> page, std::uint64_t number) {
  if (get<std::uint32_t>(page, 16) != lmdb_magic ||
      (get<std::uint16_t>(page, at_flags) & flag_meta) == 0)
    // Such files are opened only in a data directory, where they were LMDB's once.
    return {errc::storage_corrupt, "meta page " + std::to_string(number) + " is not LMDB's"};
  if (auto version = get<std::uint32_t>(page, 20); version != lmdb_version)
    return {errc::format_foreign, "meta page " + std::to_string(number) + " is of data version " +
                                    std::to_string(version) + ", this reads version 1"};
  if (auto size = get<std::uint32_t>(page, 40); size != page_bytes)
    return {errc::format_foreign, "meta page " + std::to_string(number) + " says " +
                                    std::to_string(size) + "-byte pages, this reads 4096"};
  file_state state;
  state.map_bytes = get<std::uint64_t>(page, 32);
  state.free = read_tree_root(page.subspan(40, tree_root_bytes));
  state.main = read_tree_root(page.subspan(88, tree_root_bytes));
  state.last_page = get<std::uint64_t>(page, 136);
  state.txn = get<std::uint64_t>(page, 144);
  return state;
}

const char* check_state(const file_state& state) {
  if (state.map_bytes % page_bytes != 0 || state.map_bytes / page_bytes <= state.last_page)
    return "its pages do not fit its map size";
  if (state.last_page < meta_pages - 1) return "its last page is a meta page";
  for (const auto* tree : {&state.free, &state.main}) {
    if (!tree->empty() && (tree->page < meta_pages || tree->page > state.last_page))
      return "a root lies outside of the file";
    if (tree->depth > tree_depth_max) return "a tree is too deep";
  }
  return nullptr;
}

} // namespace

tree_root read_tree_root(std::span<const std::byte> bytes) noexcept {
  tree_root root;
  root.flags = get<std::uint16_t>(bytes, 4);
  root.depth = get<std::uint16_t>(bytes, 6);
  root.branch_pages = get<std::uint64_t>(bytes, 8);
  root.leaf_pages = get<std::uint64_t>(bytes, 16);
  root.overflow_pages = get<std::uint64_t>(bytes, 24);
  root.entries = get<std::uint64_t>(bytes, 32);
  root.page = get<std::uint64_t>(bytes, 40);
  return root;
}

result<file_state> read_metas(const meta_page_bytes& metas) {
  std::array<file_state, meta_pages> states;
  const auto one = [&](std::size_t i) {
    return read_meta(std::span{metas}.subspan(i * page_bytes, page_bytes), i);
  };
  for (std::size_t i = 0; i < meta_pages; ++i) {
    auto state = one(i);
    // Beside a good one it was good once.
    if (!state && one(1 - i)) return {errc::storage_corrupt, state.error().detail};
    if (!state) return state.error();
    if (const auto* what = check_state(*state))
      return {errc::storage_corrupt, "meta page " + std::to_string(i) + ": " + what};
    states[i] = *state;
  }
  const auto& newest = states[states[0].txn < states[1].txn ? 1 : 0];
  const auto& older = states[states[0].txn < states[1].txn ? 0 : 1];
  // Each commit writes the other page with the next number, and a file never loses pages: a pair
  // that breaks this would make LMDB choose an old state and silently forget the newest.
  auto in_order =
    newest.txn == 0 || (older.txn + 1 == newest.txn && &newest == &states[newest.txn % meta_pages]);
  if (!in_order || older.last_page > newest.last_page || older.map_bytes > newest.map_bytes)
    return {errc::storage_corrupt, "the two meta pages do not belong together"};
  return newest;
}

result<page_file> page_file::open(const std::filesystem::path& path, const meta_page_bytes* metas) {
  auto opened = file::open(path, O_RDONLY);
  if (!opened) return opened.error();
  meta_page_bytes own;
  if (!metas) {
    if (auto done = opened->read(own, 0); !done) return done.error();
    metas = &own;
  }
  auto state = read_metas(*metas);
  if (!state) return failure{state.error().code, path.string() + ": " + state.error().detail};
  auto size = opened->size();
  if (!size) return size.error();
  if (*size / page_bytes <= state->last_page)
    return {errc::storage_corrupt, path.string() + " is truncated: it has " +
                                     std::to_string(*size) + " bytes and should have at least " +
                                     std::to_string((state->last_page + 1) * page_bytes)};
  return page_file{std::move(*opened), *state};
}

failure page_file::damaged(std::uint64_t page, std::string_view what) const {
  return {errc::storage_corrupt,
          path().string() + ", page " + std::to_string(page) + ": " + std::string{what}};
}

result<void> page_file::read_page(std::uint64_t page, std::span<std::byte, page_bytes> out) const {
  if (page < meta_pages || page > state_.last_page)
    return damaged(page, "is referred to, but is not among the file's pages");
  return file_.read(out, page * page_bytes);
}

result<void> tree_page::load(const page_file& from, std::uint64_t page) {
  number_ = tree_root::none;
  file_bytes_ = from.used_bytes();
  if (auto done = from.read_page(page, bytes_); !done) return done;
  if (get<std::uint64_t>(bytes_, at_number) != page)
    return from.damaged(page, "has another number");
  auto flags = get<std::uint16_t>(bytes_, at_flags);
  if (flags != flag_branch && flags != flag_leaf)
    return from.damaged(page, "is neither a branch nor a leaf");
  leaf_ = flags == flag_leaf;
  if (const auto* what = check()) return from.damaged(page, what);
  number_ = page;
  return {};
}

const char* tree_page::check() noexcept {
  auto lower = get<std::uint16_t>(bytes_, at_lower);
  auto upper = get<std::uint16_t>(bytes_, at_upper);
  if (lower < at_nodes || lower % 2 != 0 || lower > upper || upper > page_bytes)
    return "its bounds are impossible";
  count_ = (lower - at_nodes) / 2;
  if (count_ < (leaf_ ? 1u : 2u)) return "it has too few nodes";
  std::size_t sum = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    std::size_t bytes = 0;
    if (const auto* what = check_node(i, bytes)) return what;
    sum += bytes;
  }
  return sum == page_bytes - upper ? nullptr : "its nodes do not fill its upper part";
}

const char* tree_page::check_node(std::size_t at, std::size_t& bytes) const noexcept {
  auto pos = node(at);
  auto upper = get<std::uint16_t>(bytes_, at_upper);
  if (pos % 2 != 0 || pos < upper || pos + node_header_bytes > page_bytes)
    return "a node lies outside of it";
  bytes = node_header_bytes + get<std::uint16_t>(bytes_, pos + 6);
  if (leaf_) {
    auto flags = get<std::uint16_t>(bytes_, pos + 4);
    if ((flags & ~(node_overflow | node_tree)) != 0 || flags == (node_overflow | node_tree))
      return "a node has unknown flags";
    auto value = get<std::uint32_t>(bytes_, pos);
    if (flags == node_tree && value != tree_root_bytes) return "a table's root has another size";
    if (value > file_bytes_) return "a value is larger than the file";
    bytes += flags == node_overflow ? sizeof(std::uint64_t) : value;
  }
  bytes = even(bytes);
  return pos + bytes <= page_bytes ? nullptr : "a node leaves it";
}

std::size_t tree_page::node(std::size_t at) const noexcept {
  return get<std::uint16_t>(bytes_, at_nodes + 2 * at);
}

std::span<const std::byte> tree_page::key(std::size_t at) const noexcept {
  auto pos = node(at);
  return std::span{bytes_}.subspan(pos + node_header_bytes, get<std::uint16_t>(bytes_, pos + 6));
}

std::uint64_t tree_page::child(std::size_t at) const noexcept {
  auto pos = node(at);
  return get<std::uint32_t>(bytes_, pos) |
         (std::uint64_t{get<std::uint16_t>(bytes_, pos + 4)} << 32);
}

value_place tree_page::value(std::size_t at) const noexcept {
  auto pos = node(at);
  auto flags = get<std::uint16_t>(bytes_, pos + 4);
  auto begin = pos + node_header_bytes + get<std::uint16_t>(bytes_, pos + 6);
  value_place place;
  place.bytes = get<std::uint32_t>(bytes_, pos);
  place.is_tree = flags == node_tree;
  if (flags == node_overflow)
    place.overflow = get<std::uint64_t>(bytes_, begin);
  else
    place.here = std::span{bytes_}.subspan(begin, place.bytes);
  return place;
}

result<std::uint64_t> check_overflow(const page_file& from, std::uint64_t page,
                                     std::size_t value_bytes) {
  if (page < meta_pages || page > from.state().last_page)
    return from.damaged(page, "is referred to, but is not among the file's pages");
  std::array<std::byte, page_header_bytes> header{};
  if (auto done = from.raw().read(header, page * page_bytes); !done) return done.error();
  if (get<std::uint64_t>(header, at_number) != page)
    return from.damaged(page, "has another number");
  if (get<std::uint16_t>(header, at_flags) != flag_overflow)
    return from.damaged(page, "is not an overflow page");
  std::uint64_t run = get<std::uint32_t>(header, at_run);
  auto needed = (page_header_bytes + value_bytes + page_bytes - 1) / page_bytes;
  if (run < needed || run > from.state().last_page - page + 1)
    return from.damaged(page, "its run of pages has an impossible length");
  return run;
}

result<void> read_value(const page_file& from, const value_place& place, std::span<std::byte> out) {
  CARAFE_ASSERT(out.size() <= place.bytes);
  if (!place.overflow) {
    std::copy_n(place.here.begin(), out.size(), out.begin());
    return {};
  }
  if (auto run = check_overflow(from, *place.overflow, place.bytes); !run) return run.error();
  return from.raw().read(out, *place.overflow * page_bytes + page_header_bytes);
}

int compare_keys(std::span<const std::byte> a, std::span<const std::byte> b,
                 bool integers) noexcept {
  if (integers && a.size() == sizeof(std::uint64_t) && b.size() == sizeof(std::uint64_t)) {
    auto x = get<std::uint64_t>(a, 0);
    auto y = get<std::uint64_t>(b, 0);
    return x < y ? -1 : (x > y ? 1 : 0);
  }
  auto common = std::min(a.size(), b.size());
  auto order = common == 0 ? 0 : std::memcmp(a.data(), b.data(), common);
  if (order == 0 && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

} // namespace carafe::storage
