#include "storage/page_cursor.hpp"

namespace carafe::storage {

result<page_cursor::frame*> page_cursor::load(std::size_t level, std::uint64_t page) {
  if (level >= root_.depth) return from_.damaged(page, "is deeper than its tree is recorded to be");
  if (path_.size() == level) path_.push_back(std::make_unique<frame>());
  auto& f = *path_[level];
  if (f.page.number() != page) {
    if (auto done = f.page.load(from_, page); !done) return done.error();
    if (f.page.is_leaf() != (level + 1 == root_.depth))
      return from_.damaged(page, "lies at another depth than its tree's leaves");
  }
  f.at = 0;
  return &f;
}

result<bool> page_cursor::descend(std::size_t level, bool along_last) {
  auto page = level == 0 ? root_.page : path_[level - 1]->page.child(path_[level - 1]->at);
  for (;; ++level) {
    auto f = load(level, page);
    if (!f) return f.error();
    if (along_last) (*f)->at = (*f)->page.count() - 1;
    if ((*f)->page.is_leaf()) break;
    page = (*f)->page.child((*f)->at);
  }
  depth_ = level + 1;
  return true;
}

result<bool> page_cursor::first() {
  depth_ = 0;
  if (root_.empty()) return false;
  return descend(0, false);
}

result<bool> page_cursor::last() {
  depth_ = 0;
  if (root_.empty()) return false;
  return descend(0, true);
}

result<bool> page_cursor::step_up(bool forward) {
  auto levels = depth_ - 1;
  depth_ = 0;
  while (levels > 0) {
    auto& f = *path_[levels - 1];
    if (forward ? f.at + 1 < f.page.count() : f.at > 0) {
      forward ? ++f.at : --f.at;
      return descend(levels, !forward);
    }
    --levels;
  }
  return false;
}

result<bool> page_cursor::next() {
  CARAFE_ASSERT(depth_ > 0);
  auto& leaf = *path_[depth_ - 1];
  if (leaf.at + 1 == leaf.page.count()) return step_up(true);
  ++leaf.at;
  return true;
}

result<bool> page_cursor::previous() {
  CARAFE_ASSERT(depth_ > 0);
  auto& leaf = *path_[depth_ - 1];
  if (leaf.at == 0) return step_up(false);
  --leaf.at;
  return true;
}

result<bool> page_cursor::seek(std::span<const std::byte> key) {
  depth_ = 0;
  if (root_.empty()) return false;
  auto page = root_.page;
  for (std::size_t level = 0;; ++level) {
    auto loaded = load(level, page);
    if (!loaded) return loaded.error();
    auto& f = **loaded;
    // The first node whose key is not below `key`; a branch's first key counts as the lowest.
    std::size_t low = f.page.is_leaf() ? 0 : 1;
    std::size_t high = f.page.count();
    while (low < high) {
      auto middle = (low + high) / 2;
      if (compare_keys(f.page.key(middle), key, integer_keys_) < 0)
        low = middle + 1;
      else
        high = middle;
    }
    if (f.page.is_leaf()) {
      depth_ = level + 1;
      if (low < f.page.count()) {
        f.at = low;
        return true;
      }
      f.at = f.page.count() - 1;
      return step_up(true);
    }
    auto exact = low < f.page.count() && compare_keys(f.page.key(low), key, integer_keys_) == 0;
    f.at = exact ? low : low - 1;
    page = f.page.child(f.at);
  }
}

std::span<const std::byte> page_cursor::key() const {
  CARAFE_ASSERT(depth_ > 0);
  const auto& leaf = *path_[depth_ - 1];
  return leaf.page.key(leaf.at);
}

value_place page_cursor::place() const {
  CARAFE_ASSERT(depth_ > 0);
  const auto& leaf = *path_[depth_ - 1];
  return leaf.page.value(leaf.at);
}

result<void> page_cursor::read_value(std::span<std::byte> out) const {
  return storage::read_value(from_, place(), out);
}

} // namespace carafe::storage
