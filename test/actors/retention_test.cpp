#include "test/actors/requests.hpp"
#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::test;

namespace {

/// A topic that keeps its messages for a shorter time than the node does, until the log is first
/// shortened; then the power fails.
class shortened_log {
public:
  shortened_log(std::uint64_t seed, durability mode) : dice_(seed) {
    rig_.checkpoint_entries = dice_.between(1, 6);
    rig_.shard_settings.checkpoint_interval_ms = dice_.between(50, 550);
    rig_.shard_settings.retention_bytes = dice_.between(600, 3'600);
    client_.emplace(rig_, "c");
    frames::topic_create create;
    create.name = "t";
    create.queues = static_cast<std::uint32_t>(dice_.between(1, 2));
    create.settings.mode = mode;
    create.settings.retention_ms = 300;
    const auto made = client_->ask<frames::topic_description>(create);
    REQUIRE(made.ok());
    queues_ = made->queues;
    log_ = rig_.disks.at(queues_[0].shard).log;
    log_->entries_per_segment = dice_.between(2, 5);
    sent_.resize(queues_.size());
  }

  /// @returns Whether the log was shortened.
  bool run() {
    const auto first = log_->bounds().first;
    for (int step = 0; step < 400; ++step) {
      if (dice_.percent(33)) send(dice_.below(queues_.size()));
      if (dice_.percent(25))
        rig_.advance(std::chrono::milliseconds{dice_.below(dice_.percent(50) ? 50 : 2'000)});
      for (auto left = dice_.below(25); left > 0; --left) {
        if (!rig_.run_one([this](std::size_t count) { return dice_.below(count); })) break;
        if (log_->bounds().first != first) return true;
      }
    }
    return false;
  }

  void lose_power_and_read() {
    rig_.crash(true);
    rig_.start();
    rig_.settle();
    rig::client reader{rig_, "reader"};
    for (std::uint64_t i = 0; i < queues_.size(); ++i) {
      REQUIRE(reader.ask<frames::subscribed>(subscription(i + 1, queues_[i].queue, {})).ok());
      rig_.settle();
      const auto ended = reader.take<frames::subscription_ended>();
      if (ended) FAIL(ended->why.message());
    }
  }

private:
  void send(std::size_t queue) {
    auto& last = sent_[queue];
    client_->post(++requests_,
                  produce_of(queues_[queue].queue, producer_id{9 + queue}, sequence{last + 1},
                             sequence{last}, {std::string(dice_.below(200), 'x')}));
    ++last;
  }

  dice dice_;
  rig rig_;
  std::optional<rig::client> client_;
  std::vector<frames::topic_queue> queues_;
  std::shared_ptr<fake_log> log_;
  std::vector<std::uint64_t> sent_;
  std::uint64_t requests_ = 10'000;
};

} // namespace

TEST_CASE("what permits a segment to be dropped survives a power failure that follows at once") {
  const auto mode = GENERATE(durability::fsync, durability::interval, durability::memory);
  int shortened = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed << ", durability " << static_cast<int>(mode));
    shortened_log log{seed, mode};
    if (!log.run()) continue;
    ++shortened;
    log.lose_power_and_read();
  }
  CHECK(shortened > 200);
}
