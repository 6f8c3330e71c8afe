#include "actors/core/pacer.hpp"

#include "actors/core/queue_core.hpp"
#include "actors/core/quota.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <vector>

using namespace carafe;
using namespace carafe::core;
using namespace carafe::test;

namespace {

constexpr reader_id first{1};
constexpr reader_id second{2};

struct passed {
  reader_id to;
  std::uint64_t bytes;
  bool operator==(const passed&) const = default;
};

std::vector<passed> all_of(pacer<reader_id>& p) {
  std::vector<passed> out;
  while (const auto next = p.next()) {
    p.pass(*next);
    out.push_back({next->to, next->bytes});
  }
  return out;
}

} // namespace

TEST_CASE("demand goes on in portions, in turn, and none while one is unused") {
  pacer<reader_id> p;
  CHECK(p.unused());
  p.portions_of(100);
  p.add(first, 250);
  p.add(second, 250);
  CHECK(all_of(p) == std::vector<passed>{{first, 100}, {second, 100}});
  CHECK(p.delivered(second, 80) == 0);
  CHECK(all_of(p) == std::vector<passed>{{second, 100}});
  CHECK(p.delivered(first, 130) == 30);
  CHECK(all_of(p) == std::vector<passed>{{first, 100}});
  CHECK(p.remove(second) == 120);
  CHECK(p.remove(second) == 0);
  CHECK(p.delivered(second, 7) == 7);
}

TEST_CASE("a reader that needs more than a portion gets it from what is held, or asks for it") {
  pacer<reader_id> p;
  p.portions_of(100);
  p.add(first, 1'000);
  CHECK(all_of(p) == std::vector<passed>{{first, 100}});
  auto answer = p.wants(first, 700, 100);
  CHECK(answer.unused == 100);
  CHECK_FALSE(answer.upstream);
  CHECK(all_of(p) == std::vector<passed>{{first, 700}});
  CHECK(p.delivered(first, 700) == 0);
  CHECK(all_of(p) == std::vector<passed>{{first, 100}});
  answer = p.wants(first, 500, 100);
  REQUIRE(answer.upstream);
  CHECK(answer.upstream->bytes == 500);
  CHECK(answer.upstream->returned == 300);
  CHECK(all_of(p).empty());
  p.add(first, 500);
  CHECK(all_of(p) == std::vector<passed>{{first, 500}});
  answer = p.wants(first, 0, 40);
  REQUIRE(answer.upstream);
  CHECK(answer.upstream->bytes == 0);
  CHECK(answer.upstream->returned == 40);
}

namespace {

/// A queue whose readers' demand comes through a quota, and whoever gives them demand.
class paced_queue {
public:
  explicit paced_queue(dice& d)
    : dice_(&d), quota_{d.between(2'000, 200'000)}, queue_(offset{0}, offset{0}) {
    pacer_.portions_of(d.percent(50) ? quota_.portion() : d.between(1, 5'000));
    const auto count = d.between(1, 8);
    for (std::uint64_t i = 1; i <= count; ++i) {
      const reader_id id{i};
      queue_.add(id, offset{0});
      readers_[id];
      carry_out(queue_.demand(id, 0), {});
    }
  }

  void step() {
    const auto roll = dice_->below(10);
    if (roll < 3)
      publish();
    else if (roll < 7)
      give(dice_->pick(readers_).first, dice_->between(1, 4'000));
    else
      now_ns_ += dice_->below(200) * 1'000'000;
    pace();
    check();
  }

  /// Everything arrives once there is demand and time enough.
  void finish() {
    for (int i = 0; i < 200'000; ++i) {
      bool done = true;
      for (auto& [id, reader] : readers_)
        if (reader.next < published_.size()) {
          done = false;
          if (reader.given < 4'000) give(id, 4'000);
        }
      if (done) break;
      now_ns_ += 100'000'000;
      pace();
    }
    check();
    for (auto& [id, reader] : readers_) CHECK(reader.next == published_.size());
  }

private:
  struct follower {
    std::uint64_t next = 0;
    /// Given and not delivered; what is asked for at once is lent.
    std::uint64_t given = 0;
  };

  void publish() {
    const auto bytes = dice_->percent(10) ? dice_->between(5'000, 20'000) : dice_->between(1, 500);
    const batch_span batch{offset{published_.size()}, 1, bytes};
    published_.push_back(bytes);
    carry_out(queue_.committed(offset{0}, std::vector{batch}), {batch});
  }

  void give(reader_id id, std::uint64_t bytes) {
    readers_.at(id).given += bytes;
    pacer_.add(id, bytes);
  }

  void pace() {
    while (const auto next = pacer_.next()) {
      const auto outcome = quota_.take(paid_, next->bytes, now_ns_);
      paid_ = outcome.paid_at_ns;
      if (outcome.wait_ns > 0) return;
      pacer_.pass(*next);
      carry_out(queue_.demand(next->to, next->bytes), {});
    }
  }

  void carry_out(const queue_core::effects& effects, const std::vector<batch_span>& batches) {
    for (const auto& effect : effects) {
      if (const auto* d = std::get_if<queue_core::deliver>(&effect)) {
        auto& it = readers_.at(d->reader);
        const auto bytes = batches[d->batch].bytes;
        REQUIRE(batches[d->batch].base.value == it.next);
        REQUIRE(bytes <= it.given);
        it.given -= bytes;
        ++it.next;
        delivered_ += bytes;
        largest_ = std::max(largest_, bytes);
        const auto extra = pacer_.delivered(d->reader, bytes);
        REQUIRE(extra == 0);
      } else if (const auto* r = std::get_if<queue_core::read>(&effect)) {
        const batch_span found{r->from, 1, published_.at(r->from.value)};
        carry_out(queue_.read_done(r->reader, std::vector{found}), {found});
      } else if (const auto* w = std::get_if<queue_core::want>(&effect)) {
        const auto answer = pacer_.wants(w->reader, w->bytes, w->returned);
        paid_ = quota_.give_back(paid_, answer.unused);
        if (!answer.upstream) continue;
        auto& it = readers_.at(w->reader);
        REQUIRE(answer.upstream->returned <= it.given);
        it.given -= answer.upstream->returned;
        if (answer.upstream->bytes > 0) give(w->reader, answer.upstream->bytes);
      }
    }
  }

  void check() const {
    const auto seconds = static_cast<double>(now_ns_ - began_ns_) / 1e9 + 1;
    // What comes back late was taken before: a reader's portion each.
    const auto slack = static_cast<double>(readers_.size()) * 70'000 + 40'000;
    REQUIRE(static_cast<double>(delivered_) <=
            seconds * static_cast<double>(quota_.bytes_per_second) + slack);
  }

  dice* dice_;
  byte_quota quota_;
  queue_core queue_;
  pacer<reader_id> pacer_;
  std::map<reader_id, follower> readers_;
  std::vector<std::uint64_t> published_;
  std::uint64_t now_ns_ = 1'000'000'000;
  const std::uint64_t began_ns_ = now_ns_;
  std::uint64_t paid_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t largest_ = 0;
};

} // namespace

TEST_CASE("a paced queue sends everything, in order, within credit and no faster than its quota") {
  with_seeds(100, [](dice& d) {
    paced_queue q{d};
    for (int i = 0; i < 300; ++i) q.step();
    q.finish();
  });
}
