#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/id_oracle.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

/// What the clients of an act know of each other.
struct call_world {
  frames::topic_description topic;
  std::uint64_t calls = 0, producers = 0;
  /// How often somebody has set the clock.
  std::uint64_t clock_moves = 0;
  /// Of how many ids callers choose.
  std::uint64_t ids = 0;
};

/// Sends messages with ids that others send, too, one batch at a time, again until it is answered;
/// takes out what is told to be a duplicate. Now and then it gives up, as one that dies.
class caller {
public:
  caller(rig& r, std::uint64_t number, call_world& world, id_oracle& told)
    : rig_(&r), link_(r, "caller " + std::to_string(number)), world_(&world), told_(&told) {}

  void step(dice& d);
  /// At the end: only waits for answers, and sends again.
  /// @returns Whether none is missing.
  bool finish();
  void node_died();
  /// What its producer has there may be gone.
  void lost_end();

private:
  struct batch {
    frames::topic_queue queue;
    std::vector<call> calls;
    sequence first, previous;
    /// Copies were sent that nobody answered.
    bool unanswered = false;
    bool smaller = false;
  };

  void take();
  void lose();
  void answered(const frames::body& answer);
  void stored(const frames::receipt& receipt);
  void repeated(const frames::duplicates& what);
  void begin_producer();
  void make(dice& d);
  void send();

  rig* rig_;
  asker link_;
  call_world* world_;
  id_oracle* told_;
  producer_id producer_{0};
  sequence counter_{0};
  std::map<queue_id, sequence> linked_;
  std::optional<batch> open_;
  /// What the clock showed when it was sent, and how often it had been set.
  std::int64_t sent_ms_ = 0;
  std::uint64_t sent_moves_ = 0;
  id_oracle::knowledge when_sent_;
};

class id_act final : public act {
public:
  explicit id_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void clock_moves() override { ++world_.clock_moves; }
  void node_died() override;
  void lost_end(shard_id shard) override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override {
    return told_.deliveries() + told_.duplicates();
  }

private:
  void alter(dice& d);

  id_oracle told_;
  watcher watcher_;
  call_world world_;
  std::list<caller> callers_;
  bool alters_ = false;
};

} // namespace carafe::sim
