#include "storage/page_check.hpp"

#include "storage/bytes.hpp"
#include "storage/page_cursor.hpp"

#include <carafe/shared_bytes.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace carafe::storage {

namespace {

constexpr std::uint16_t tree_integer_keys = 0x08;

/// One walk over a file; remembers which pages it has met.
class page_walk {
public:
  explicit page_walk(const page_file& from)
    : from_(from), seen_(static_cast<std::size_t>(from.state().last_page) + 1) {}

  result<void> claim(std::uint64_t page, std::uint64_t run, std::string_view as) {
    for (auto p = page; p < page + run; ++p) {
      if (p < meta_pages || p > from_.state().last_page)
        return from_.damaged(p, "is referred to, but is not among the file's pages");
      auto at = static_cast<std::size_t>(p);
      if (seen_[at]) return from_.damaged(p, "is referred to twice, now as " + std::string{as});
      seen_[at] = true;
    }
    return {};
  }

  [[nodiscard]] const page_file& from() const noexcept { return from_; }

private:
  const page_file& from_;
  std::vector<bool> seen_;
};

/// One tree, its leaves from left to right.
class tree_walk {
public:
  tree_walk(page_walk& in, const tree_root& root, const table_rule& rule)
    : in_(in), root_(root), rule_(rule) {}

  virtual ~tree_walk() = default;

  result<void> run();

  /// The last key met.
  [[nodiscard]] std::span<const std::byte> last_key() const noexcept { return key_; }

protected:
  virtual result<void> visit(const tree_page& page, std::size_t at);

  page_walk& in_;

private:
  struct frame {
    tree_page page;
    std::size_t next = 0;
  };

  result<void> enter(std::uint64_t page);
  result<void> leaf(const tree_page& page);
  result<void> order(const tree_page& page, std::size_t at);
  result<void> check_counters() const;

  const tree_root& root_;
  const table_rule& rule_;
  tree_root met_;
  std::vector<std::unique_ptr<frame>> path_;
  std::size_t depth_ = 0;
  std::vector<std::byte> key_;
  /// Separator that the next leaf's keys must not be below.
  std::vector<std::byte> floor_;
  bool any_key_ = false;
  bool any_floor_ = false;
};

result<void> tree_walk::enter(std::uint64_t page) {
  if (depth_ == root_.depth)
    return in_.from().damaged(page, "is deeper than its tree is recorded to be");
  if (auto done = in_.claim(page, 1, "a page of " + std::string{rule_.name}); !done) return done;
  if (path_.size() == depth_) path_.push_back(std::make_unique<frame>());
  auto& f = *path_[depth_];
  f.next = 0;
  if (auto done = f.page.load(in_.from(), page); !done) return done;
  ++depth_;
  if (f.page.is_leaf() != (depth_ == root_.depth))
    return in_.from().damaged(page, "lies at another depth than its tree's leaves");
  ++(f.page.is_leaf() ? met_.leaf_pages : met_.branch_pages);
  return {};
}

result<void> tree_walk::run() {
  if (root_.empty()) return check_counters();
  if (auto done = enter(root_.page); !done) return done;
  while (depth_ > 0) {
    auto& f = *path_[depth_ - 1];
    if (f.page.is_leaf()) {
      if (auto done = leaf(f.page); !done) return done;
      --depth_;
      continue;
    }
    if (f.next == f.page.count()) {
      --depth_;
      continue;
    }
    auto at = f.next++;
    // The first separator of a branch is never compared and may be anything.
    if (at > 0) {
      auto separator = f.page.key(at);
      if (any_key_ && compare_keys(separator, key_, rule_.integer_keys) <= 0)
        return in_.from().damaged(f.page.number(), "separates its children at a wrong key");
      floor_.assign(separator.begin(), separator.end());
      any_floor_ = true;
    }
    if (auto done = enter(f.page.child(at)); !done) return done;
  }
  return check_counters();
}

result<void> tree_walk::leaf(const tree_page& page) {
  for (std::size_t at = 0; at < page.count(); ++at) {
    if (auto done = order(page, at); !done) return done;
    auto value = page.value(at);
    if (value.overflow) {
      auto run = check_overflow(in_.from(), *value.overflow, value.bytes);
      if (!run) return run.error();
      if (auto done = in_.claim(*value.overflow, *run, "a value of " + std::string{rule_.name});
          !done)
        return done;
      met_.overflow_pages += *run;
    }
    if (auto done = visit(page, at); !done) return done;
    ++met_.entries;
    auto key = page.key(at);
    key_.assign(key.begin(), key.end());
    any_key_ = true;
  }
  return {};
}

result<void> tree_walk::order(const tree_page& page, std::size_t at) {
  auto key = page.key(at);
  if (rule_.key_bytes != 0 && key.size() != rule_.key_bytes)
    return in_.from().damaged(page.number(), "holds a key of a wrong size");
  if ((any_key_ && compare_keys(key, key_, rule_.integer_keys) <= 0) ||
      (any_floor_ && compare_keys(key, floor_, rule_.integer_keys) < 0))
    return in_.from().damaged(page.number(), "holds keys out of order");
  return {};
}

result<void> tree_walk::visit(const tree_page& page, std::size_t at) {
  if (page.value(at).is_tree) return in_.from().damaged(page.number(), "holds a table in a table");
  return {};
}

result<void> tree_walk::check_counters() const {
  auto same = root_.entries == met_.entries && root_.branch_pages == met_.branch_pages &&
              root_.leaf_pages == met_.leaf_pages && root_.overflow_pages == met_.overflow_pages;
  if (same && (!root_.empty() || root_.depth == 0)) return {};
  return in_.from().damaged(root_.empty() ? 0 : root_.page,
                            "the recorded size of " + std::string{rule_.name} +
                              " is wrong: " + std::to_string(met_.entries) + " entries found, " +
                              std::to_string(root_.entries) + " recorded");
}

/// The main tree: the roots of the tables.
class main_walk final : public tree_walk {
public:
  using tree_walk::tree_walk;

  struct found {
    std::string name;
    tree_root root;
  };
  std::vector<found> tables;

protected:
  result<void> visit(const tree_page& page, std::size_t at) override {
    auto value = page.value(at);
    if (!value.is_tree || tables.size() == 64)
      return in_.from().damaged(page.number(), "holds something that is not a table");
    tables.push_back({std::string{as_text(page.key(at))}, read_tree_root(value.here)});
    return {};
  }
};

/// The tree of free pages, by the transaction that freed them.
class free_walk final : public tree_walk {
public:
  using tree_walk::tree_walk;

protected:
  result<void> visit(const tree_page& page, std::size_t at) override {
    auto place = page.value(at);
    std::vector<std::byte> list(place.bytes);
    if (auto done = read_value(in_.from(), place, list); !done) return done;
    auto words = list.size() / sizeof(std::uint64_t);
    auto word = [&](std::size_t i) { return get<std::uint64_t>(list, i * sizeof(std::uint64_t)); };
    if (place.is_tree || words == 0 || words * sizeof(std::uint64_t) != list.size() ||
        word(0) > words - 1)
      return in_.from().damaged(page.number(), "holds a list of free pages of a wrong size");
    for (std::size_t i = 1; i <= word(0); ++i) {
      if (i > 1 && word(i) >= word(i - 1))
        return in_.from().damaged(page.number(), "holds a list of free pages out of order");
      if (auto done = in_.claim(word(i), 1, "a free page"); !done) return done;
    }
    return {};
  }
};

result<void> check_table(page_walk& walk, const main_walk::found& table, const table_rule& rule,
                         check_position* position) {
  const auto& root = table.root;
  if (root.flags != (rule.integer_keys ? tree_integer_keys : 0) || root.depth > tree_depth_max)
    return walk.from().damaged(walk.from().state().main.page,
                               "describes table " + table.name + " wrongly");
  tree_walk tree{walk, root, rule};
  auto done = tree.run();
  if (position && rule.integer_keys && tree.last_key().size() == sizeof(std::uint64_t))
    position->integer_key = get<std::uint64_t>(tree.last_key(), 0);
  return done;
}

} // namespace

result<void> check_pages(const page_file& from, std::span<const table_rule> tables,
                         check_position* position) {
  constexpr table_rule free_rule{"the free list", true, sizeof(std::uint64_t)};
  constexpr table_rule main_rule{"the list of tables", false, 0};
  const auto& state = from.state();
  page_walk walk{from};
  main_walk roots{walk, state.main, main_rule};
  if (auto done = roots.run(); !done) return done;
  if (roots.tables.size() != tables.size())
    return from.damaged(0, "the file has " + std::to_string(roots.tables.size()) +
                             " tables instead of " + std::to_string(tables.size()));
  for (const auto& rule : tables) {
    auto at = std::find_if(roots.tables.begin(), roots.tables.end(),
                           [&](const auto& t) { return t.name == rule.name; });
    if (at == roots.tables.end())
      return from.damaged(0, "the file has no table " + std::string{rule.name});
    if (auto done = check_table(walk, *at, rule, position); !done) return done;
  }
  return free_walk{walk, state.free, free_rule}.run();
}

result<tree_root> find_table(const page_file& from, std::string_view name) {
  page_cursor tables{from, from.state().main, false};
  auto there = tables.seek(as_bytes(name));
  if (!there) return there.error();
  if (!*there || as_text(tables.key()) != name || !tables.place().is_tree)
    return from.damaged(0, "the file has no table " + std::string{name});
  auto root = read_tree_root(tables.place().here);
  if (root.depth > tree_depth_max)
    return from.damaged(0, "table " + std::string{name} + " is too deep");
  return root;
}

} // namespace carafe::storage
