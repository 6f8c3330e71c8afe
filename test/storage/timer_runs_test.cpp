#include "storage/timer_index.hpp"
#include "test/core/dice.hpp"
#include "test/storage/log_fixture.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <vector>

using namespace carafe;
using namespace carafe::storage;
using namespace carafe::test;

namespace {

constexpr queue_id one{1};
constexpr queue_id two{2};

std::vector<timer_runs::span> all_of(const timer_runs& runs, std::uint64_t last) {
  std::vector<timer_runs::span> out;
  for (std::uint64_t run = 1; run <= last; ++run)
    std::ranges::copy(runs.spans_of(run), std::back_inserter(out));
  return out;
}

/// An index with small runs, next to a plain map of what waits. A crash loses the checkpoint, not
/// the index: the newest changes are made once more.
class index_simulation {
public:
  explicit index_simulation(dice& d) : dice_(&d) {
    options_.rows_max = d.between(1, 40);
    options_.runs_max = d.between(1, 12);
    options_.spans_max = d.between(1, 30);
    options_.left_of = d.between(1, 4);
    reopen();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) step();
    compare();
    index_.reset();
    const auto sound = timer_index::check(folder_.path());
    INFO((sound ? std::string{} : sound.error().detail));
    CHECK(sound);
  }

private:
  /// Null: it ended.
  using changes = std::map<timer_key, std::optional<timer_record>>;

  void step() {
    const auto roll = dice_->below(100);
    if (roll < 60) return change();
    if (roll < 90) return compare();
    if (roll < 95) {
      since_.clear(); // A checkpoint was saved.
      return;
    }
    reopen();
    apply(since_);
  }

  void reopen() {
    index_.reset();
    index_ = must(timer_index::open(folder_.path(), options_));
  }

  timer_record fresh() {
    timer_record row;
    const queue_id queue{dice_->between(1, 3)};
    // Some end before the index hears of them.
    auto& number = numbers_[queue];
    number += dice_->percent(20) ? dice_->between(1, 50) : 1;
    row.at = {unix_ms{static_cast<std::int64_t>(dice_->below(1'000)) - 100}, queue, number};
    row.producer = producer_id{queue.value};
    row.sequence = sequence{number};
    if (dice_->percent(30)) row.name = "n" + std::to_string(dice_->below(3));
    row.batch = std::string(dice_->below(30), 'x');
    return row;
  }

  void change() {
    changes now;
    const auto count = dice_->below(30);
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto roll = dice_->below(100);
      if (roll < 55 || model_.empty()) {
        auto row = fresh();
        now[row.at] = row;
        model_[row.at] = row;
        continue;
      }
      auto [at, row] = dice_->pick(model_);
      now[at] = std::nullopt;
      model_.erase(at);
      if (roll < 65) {
        row.at.due = unix_ms{static_cast<std::int64_t>(dice_->below(1'000))};
        now[row.at] = row;
        model_[row.at] = row;
      }
    }
    for (const auto& [at, row] : now) since_[at] = row;
    apply(now);
  }

  /// Part by part, in the order of times.
  void apply(const changes& what) {
    std::vector<const timer_record*> put;
    std::vector<timer_key> ended;
    const auto write = [&] {
      REQUIRE(index_->change(put, ended));
      put.clear();
      ended.clear();
    };
    const auto part = dice_->between(1, 12);
    for (const auto& [at, row] : what) {
      if (row)
        put.push_back(&*row);
      else
        ended.push_back(at);
      if (put.size() + ended.size() >= part) write();
    }
    write();
  }

  void compare() {
    const timer_key before_all{unix_ms{-1'000}, queue_id{0}, 0};
    std::vector<timer_record> seen;
    auto after = before_all;
    for (bool whole = false; !whole;) {
      const auto part =
        must(index_->next(after, unix_ms{2'000}, dice_->between(1, 50), dice_->between(1, 500)));
      seen.insert(seen.end(), part.rows.begin(), part.rows.end());
      whole = part.whole;
      after = part.end;
    }
    std::vector<timer_record> expected;
    for (const auto& [at, row] : model_) expected.push_back(row);
    REQUIRE(seen == expected);
    if (model_.empty()) return;
    const auto row = dice_->pick(model_).second;
    CHECK(must(index_->with_id(row.producer, row.sequence)) == std::vector<timer_record>{row});
    std::erase_if(expected, [&](const timer_record& each) {
      return each.name != row.name || each.at.queue != row.at.queue;
    });
    if (row.name.empty()) return;
    CHECK(must(index_->with_name(row.at.queue, row.name, before_all,
                                 {unix_ms{2'000}, queue_id{0}, 0}, 10'000, 1u << 30))
            .rows == expected);
  }

  dice* dice_;
  temporary_folder folder_;
  timer_runs::options options_;
  std::unique_ptr<timer_index> index_;
  std::map<timer_key, timer_record> model_;
  changes since_;
  std::map<queue_id, std::uint64_t> numbers_;
};

} // namespace

TEST_CASE("timer runs: what is put goes into the open one, and is found by its number") {
  timer_runs runs{{.rows_max = 3}};
  CHECK(runs.place(one, 5) == 1);
  CHECK(runs.place(one, 3) == 1); // The order of times is not that of numbers.
  CHECK_FALSE(runs.is_full());
  CHECK(runs.place(two, 90) == 1);
  CHECK(runs.is_full());
  runs.begin_run();
  CHECK(runs.place(one, 4) == 1); // Between others of run 1.
  CHECK(runs.place(one, 7) == 2);
  CHECK(runs.place(one, 6) == 2);
  CHECK(runs.place(one, 2) == 0); // Behind newer ones: it fits no span.
  CHECK(runs.of(one, 4) == 1u);
  CHECK(runs.of(one, 6) == 2u);
  CHECK_FALSE(runs.of(one, 2));
  CHECK_FALSE(runs.of(two, 6));
  CHECK(runs.nearly_empty() == std::vector<std::uint64_t>{1});
  const std::vector<timer_runs::span> expected{
    {1, one, 3, 5, 3, 0}, {1, two, 90, 90, 1, 0}, {2, one, 6, 7, 2, 0}};
  CHECK(runs.take_changed() == expected);
  CHECK(runs.take_changed().empty());
  timer_runs again{{.rows_max = 3}};
  for (const auto& span : expected) CHECK(again.add(span));
  CHECK(all_of(again, 2) == expected);
  CHECK(again.place(one, 8) == 2);
  CHECK(again.is_full());
}

TEST_CASE("timer runs: spans that cannot be are refused") {
  timer_runs runs;
  CHECK(runs.add({1, one, 10, 20, 5}));
  CHECK_FALSE(runs.add({0, two, 1, 2, 1}));
  CHECK_FALSE(runs.add({2, two, 2, 1, 1}));
  CHECK_FALSE(runs.add({1, one, 30, 40, 1}));
  CHECK_FALSE(runs.add({2, one, 20, 30, 1}));
  CHECK_FALSE(runs.add({2, one, 5, 10, 1}));
  CHECK_FALSE(runs.add({2, one, 5, 30, 1}));
  CHECK_FALSE(runs.add({2, one, 12, 13, 1}));
  CHECK(runs.add({2, one, 21, 30, 1}));
  CHECK(runs.add({2, two, 12, 13, 1}));
}

TEST_CASE("timer runs: an empty one makes room for another") {
  timer_runs runs{{.rows_max = 1, .runs_max = 2}};
  CHECK(runs.place(one, 1) == 1);
  CHECK(runs.has_room());
  runs.begin_run();
  CHECK(runs.place(one, 2) == 2);
  CHECK_FALSE(runs.has_room());
  runs.drop(1);
  CHECK(runs.has_room());
  CHECK_FALSE(runs.of(one, 1));
  CHECK(runs.of(one, 2) == 2u);
}

TEST_CASE("timer runs: what is left of one is counted, and little of it is told") {
  timer_runs runs{{.rows_max = 8, .left_of = 4}};
  for (std::uint64_t number = 1; number <= 8; ++number) {
    runs.place(one, number);
    runs.came(one, number);
  }
  CHECK(runs.nearly_empty().empty());
  runs.begin_run();
  for (std::uint64_t number = 1; number <= 5; ++number) runs.went(one, number);
  CHECK(runs.left_in(1) == 3);
  CHECK(runs.nearly_empty().empty());
  runs.went(one, 6);
  CHECK(runs.nearly_empty() == std::vector<std::uint64_t>{1});
  CHECK(runs.spans_of(1).front().left == 2);
  timer_runs again;
  CHECK_FALSE(again.add({1, one, 1, 8, 8, 9}));
  CHECK(again.add(runs.spans_of(1).front()));
  CHECK(again.left_in(1) == 2);
}

TEST_CASE("timer index: a few that wait for long do not keep its runs") {
  temporary_folder dir;
  auto index = must(timer_index::open(dir.path(), {.rows_max = 16, .runs_max = 6}));
  std::uint64_t number = 0;
  std::vector<std::uint64_t> kept;
  for (int round = 0; round < 100; ++round) {
    std::vector<timer_record> rows(16);
    std::vector<const timer_record*> put;
    std::vector<timer_key> ended;
    for (auto& row : rows) {
      row.at = {unix_ms{static_cast<std::int64_t>(number * 37 % 101)}, one, ++number};
      row.producer = producer_id{1};
      row.sequence = sequence{number};
      put.push_back(&row);
      if (number % 16 == 0)
        kept.push_back(number);
      else
        ended.push_back(row.at);
    }
    must(index->change(put, {}));
    must(index->change({}, ended));
    REQUIRE(index->runs() <= 4u);
  }
  const auto all = must(index->next({unix_ms{-1}, queue_id{0}, 0}, unix_ms{200}, 1'000, 1u << 20));
  std::vector<std::uint64_t> there;
  for (const auto& row : all.rows) there.push_back(row.at.number);
  std::ranges::sort(there);
  CHECK(there == kept);
  CHECK(must(index->with_id(producer_id{1}, sequence{16})).size() == 1);
  index.reset();
  CHECK(timer_index::check(dir.path()));
}

TEST_CASE("timer index: one that is put again is there once, also if its number came into a span") {
  temporary_folder dir;
  auto index = must(timer_index::open(dir.path(), {.rows_max = 2}));
  const auto row = [](queue_id queue, std::uint64_t number) {
    timer_record out;
    out.at = {unix_ms{100}, queue, number};
    out.producer = producer_id{queue.value};
    out.sequence = sequence{number};
    return out;
  };
  const auto put = [&](queue_id queue, std::initializer_list<std::uint64_t> numbers) {
    std::vector<timer_record> rows;
    for (const auto number : numbers) rows.push_back(row(queue, number));
    std::vector<const timer_record*> those;
    for (const auto& each : rows) those.push_back(&each);
    must(index->change(those, {}));
  };
  const auto end = [&](std::initializer_list<std::uint64_t> numbers) {
    std::vector<timer_key> those;
    for (const auto number : numbers) those.push_back(row(one, number).at);
    must(index->change({}, those));
  };
  put(one, {1, 2});
  put(one, {3, 4});
  end({1, 2});
  put(one, {5, 6}); // The first run is gone.
  put(one, {2});    // Run 0: it is below the spans of closed runs.
  end({3, 4, 5, 6});
  put(two, {1, 2});
  put(two, {3, 4}); // No run has one of queue 1 any more.
  put(one, {9});
  put(one, {1}); // The open run's span is 1 to 9 now.
  CHECK(must(index->with_id(producer_id{1}, sequence{2})).size() == 1);
  put(one, {2});
  const auto all = must(index->next({unix_ms{0}, queue_id{0}, 0}, unix_ms{100}, 100, 1u << 20));
  std::vector<std::uint64_t> numbers;
  for (const auto& each : all.rows)
    if (each.at.queue == one) numbers.push_back(each.at.number);
  CHECK(numbers == std::vector<std::uint64_t>{1, 2, 9});
}

TEST_CASE("timer index: whatever runs its messages lie in, all and no others are found",
          "[property]") {
  with_seeds(60, [](dice& d) { index_simulation{d}.run(60); });
}
