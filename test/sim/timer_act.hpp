#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/scratch_folder.hpp"
#include "test/sim/timer_oracle.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

/// Sends messages for later to one queue, one batch at a time until it is answered, and cancels and
/// moves what it or another has sent.
class timer_clerk {
public:
  timer_clerk(rig& r, std::uint64_t number, timer_oracle& told)
    : rig_(&r), link_(r, "clerk " + std::to_string(number)), told_(&told), number_(number) {}

  void step(dice& d, const frames::topic_description& topic);
  /// At the end: only waits for answers, and sends again.
  /// @returns Whether none is missing.
  bool finish();
  void node_died() { link_.node_died(); }
  /// Its queue's shard has lost its end: it begins anew, and gives up what was not answered.
  void lost_end(shard_id shard);

private:
  struct batch {
    std::vector<later_message> messages;
    sequence previous;
  };
  enum class asking { none, send, change, list };

  void take();
  void answered(const frames::body& answer);
  void sent(const frames::body& answer);
  void changed(const frames::body& answer);
  void make_batch(dice& d, const frames::topic_description& topic);
  void send();
  void change(dice& d, const std::string& topic);

  rig* rig_;
  asker link_;
  timer_oracle* told_;
  std::uint64_t number_ = 0;
  std::uint64_t lives_ = 0;
  producer_id producer_{0};
  std::optional<frames::topic_queue> queue_;
  sequence last_{0}, counter_{0};
  std::optional<batch> open_;
  asking asking_ = asking::none;
  timer_wish wish_;
  timer_oracle::listing listing_;
};

class timer_act final : public act {
public:
  explicit timer_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void clock_moves() override { told_.clock_moves(stage_.wall_ms()); }
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.deliveries(); }

private:
  scratch_folder folder_;
  timer_oracle told_;
  frames::topic_description topic_;
  std::list<timer_clerk> clerks_;
  watcher watcher_;
};

} // namespace carafe::sim
