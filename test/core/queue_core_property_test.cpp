#include "actors/core/queue_core.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

/// A queue over a log in memory, with readers that check everything they are sent.
class simulated_queue {
public:
  explicit simulated_queue(dice& d) : dice_(&d) {}

  void step() {
    const auto roll = dice_->below(100);
    if (roll < 25) return commit(start_);
    if (roll < 50) return with_reader([this](reader_id id) { demand(id, dice_->below(600)); });
    if (roll < 80) return finish_read();
    if (roll < 88) return add(reader_id{++readers_made_});
    if (roll < 92) return raise_start();
    return with_reader([this](reader_id id) {
      core_.remove(id);
      readers_.erase(id);
    });
  }

  /// Everybody gets all that it wants, and must then have it all.
  void drain() {
    // A read may be dropped, or bring too much for what was asked before.
    for (int round = 0; round < 3; ++round) {
      for (auto at = readers_.begin(); at != readers_.end();) demand((at++)->first, 1u << 30);
      while (!reads_.empty()) finish_read();
    }
    for (const auto& [id, reader] : readers_) REQUIRE(reader.next == log_end());
    REQUIRE(core_.readers() == readers_.size());
  }

private:
  struct reader_model {
    offset next;
    std::uint64_t demand = 0;
    /// It was told what the queue needs for it.
    bool waits = false;
  };

  [[nodiscard]] offset log_end() const {
    return log_.empty() ? offset{0} : log_.back().base + log_.back().count;
  }

  template <class Then>
  void with_reader(Then then) {
    if (!readers_.empty()) then(dice_->pick(readers_).first);
  }

  void commit(offset start) {
    start_ = start;
    std::vector<batch_span> batches;
    const auto count = dice_->between(1, 3);
    for (std::uint64_t i = 0; i < count; ++i) {
      batches.push_back(
        {log_end(), static_cast<std::uint32_t>(dice_->between(1, 9)), dice_->between(1, 200)});
      log_.push_back(batches.back());
    }
    carry_out(core_.committed(start_, batches), batches);
  }

  void demand(reader_id id, std::uint64_t bytes) {
    readers_.at(id).demand += bytes;
    if (bytes > 0) readers_.at(id).waits = false;
    carry_out(core_.demand(id, bytes), {});
  }

  void add(reader_id id) {
    const auto wish = offset{dice_->below(log_end().value + 5)};
    const auto from =
      core_.resolve(wish, dice_->percent(50) ? range_policy::earliest : range_policy::latest);
    REQUIRE(from.ok());
    readers_[id].next = *from;
    readers_[id].waits = false;
    core_.add(id, *from);
  }

  /// Retention: the queue hears of it before the log forgets.
  void raise_start() {
    if (dice_->percent(50)) return commit(raised_start());
    start_ = raised_start();
    carry_out(core_.committed(start_, {}), {});
  }

  offset raised_start() { return offset{dice_->between(start_.value, log_end().value)}; }

  void finish_read() {
    if (reads_.empty()) return;
    const auto [id, read] = dice_->pick(reads_);
    reads_.erase(id);
    if (dice_->percent(2)) {
      may_fail_ = true;
      carry_out(core_.read_failed(id, errc::storage_failed), {});
      may_fail_ = false;
      return;
    }
    std::vector<batch_span> batches;
    std::uint64_t bytes = 0;
    for (const auto& batch : log_) {
      const auto after = batch.base + batch.count;
      if (after <= read.from || read.from < start_) continue;
      if (!batches.empty() && bytes + batch.bytes > read.bytes_max) break;
      bytes += batch.bytes;
      batches.push_back(batch);
    }
    carry_out(core_.read_done(id, batches), batches);
  }

  void carry_out(const queue_core::effects& effects, const std::vector<batch_span>& batches) {
    for (const auto& effect : effects) std::visit([&](const auto& e) { on(e, batches); }, effect);
    for (const auto& [id, reader] : readers_)
      if (!reads_.contains(id) && reader.demand > 0 && !reader.waits)
        REQUIRE(reader.next >= core_.next());
  }

  void on(const queue_core::deliver& e, const std::vector<batch_span>& batches) {
    auto& reader = readers_.at(e.reader);
    REQUIRE(e.batch < batches.size());
    const auto& batch = batches[e.batch];
    REQUIRE(batch.base <= reader.next);
    REQUIRE(batch.base + batch.count > reader.next);
    reader.next = batch.base + batch.count;
    REQUIRE(reader.demand >= batch.bytes);
    reader.demand -= batch.bytes;
  }

  void on(const queue_core::read& e, const std::vector<batch_span>&) {
    REQUIRE(readers_.at(e.reader).next == e.from);
    REQUIRE(readers_.at(e.reader).demand > 0);
    REQUIRE(e.bytes_max > 0);
    REQUIRE(reads_.try_emplace(e.reader, e).second);
  }

  void on(const queue_core::want& e, const std::vector<batch_span>&) {
    auto& reader = readers_.at(e.reader);
    REQUIRE(reader.demand == e.returned);
    REQUIRE_FALSE(reader.waits);
    reader.demand = 0;
    reader.waits = e.bytes > 0;
  }

  void on(const queue_core::end& e, const std::vector<batch_span>&) {
    const auto& reader = readers_.at(e.reader);
    if (e.why.code == errc::storage_failed) {
      REQUIRE(may_fail_);
    } else {
      REQUIRE(e.why.code == errc::offset_out_of_range);
      REQUIRE(reader.next < start_);
    }
    readers_.erase(e.reader);
  }

  dice* dice_;
  queue_core core_{offset{0}, offset{0}};
  std::vector<batch_span> log_;
  offset start_;
  std::uint64_t readers_made_ = 0;
  std::map<reader_id, reader_model> readers_;
  std::map<reader_id, queue_core::read> reads_;
  bool may_fail_ = false;
};

} // namespace

TEST_CASE("Readers get every batch once and in order, and nothing beyond their demand") {
  with_seeds(200, [](dice& d) {
    simulated_queue queue{d};
    for (int i = 0; i < 300; ++i) queue.step();
    queue.drain();
  });
}
