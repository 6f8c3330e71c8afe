#pragma once

#include "actors/core/catalogue_core.hpp"
#include "actors/core/submit_window.hpp"
#include "schema/frame.hpp"
#include "test/core/dice.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::test {

/// A shard's rules and fold over a log that a crash cuts anywhere behind what was acknowledged.
class simulated_shard {
public:
  using told = std::function<void(result<frames::receipt>)>;

  explicit simulated_shard(dice& d);

  /// `answer` may be called at once, later, or never if the node dies.
  void produce(const frames::produce& frame, unix_ms now, told answer);
  /// @returns The entry's index.
  std::uint64_t submit(std::vector<effects::effect> effects);
  /// Stores and applies the oldest entry in flight, if there is one.
  void commit(unix_ms now);
  void checkpoint();
  /// Some of what is in flight may be stored, and nobody is told.
  void crash(unix_ms now);

  [[nodiscard]] std::uint64_t applied() const noexcept { return log_.size(); }
  [[nodiscard]] bool idle() const noexcept { return flight_.empty(); }
  [[nodiscard]] const core::shard_state& state() const noexcept { return *state_; }
  /// Batches of a queue, by their checksums, in the order of the log.
  [[nodiscard]] std::vector<std::uint32_t> stored(queue_id queue) const;

private:
  struct entry {
    unix_ms time;
    std::vector<effects::effect> effects;
  };

  void apply(const entry& e);
  void recover();

  dice* dice_;
  std::unique_ptr<core::shard_state> state_;
  std::unique_ptr<core::submit_window> window_;
  std::deque<std::vector<effects::effect>> flight_;
  std::vector<entry> log_;
  std::map<std::uint64_t, std::vector<told>> waiting_;
  std::map<std::string, std::string> rows_;
  std::uint64_t checkpointed_ = 0;
  unix_ms checkpoint_time_{};
};

/// Shards and the catalogue that tells them who holds a name.
class simulated_node {
public:
  static constexpr std::uint16_t shards_count = 3;
  static constexpr std::uint32_t queues_count = 4;

  explicit simulated_node(dice& d);

  /// `answer` is not called if the node dies before.
  void open(std::function<void(frames::producer_opened)> answer);
  void produce(const frames::produce& frame, simulated_shard::told answer);
  /// What is stored of the name in each queue that has some of it.
  [[nodiscard]] std::vector<frames::producer_place> progress(producer_name_id name) const;

  void step();
  void crash();
  [[nodiscard]] bool idle() const;
  [[nodiscard]] const topic_record& topic() const { return *catalogue_->topic("t"); }
  [[nodiscard]] std::vector<std::uint32_t> stored(queue_id queue) const;

private:
  struct change {
    core::catalogue_core::decision what;
    std::function<void(frames::producer_opened)> answer;
    /// What must be applied before it goes on.
    std::map<std::uint16_t, std::uint64_t> waits;
    bool told_others = false;
  };

  [[nodiscard]] simulated_shard& shard_of(queue_id queue);
  void load();
  void go_on();

  dice* dice_;
  std::int64_t now_ = 1'000;
  std::vector<std::unique_ptr<simulated_shard>> shards_;
  std::unique_ptr<core::catalogue_core> catalogue_;
  std::deque<change> changes_;
};

} // namespace carafe::test
