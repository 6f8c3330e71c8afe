#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/schedule_oracle.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>

namespace carafe::sim {

/// Makes schedules of its own, pauses them, lets them go on, and deletes them; one wish at a time,
/// asked for until it is answered.
class schedule_clerk {
public:
  schedule_clerk(rig& r, std::uint64_t number, std::string topic, schedule_oracle& told)
    : rig_(&r),
      link_(r, "clerk of schedules " + std::to_string(number)),
      told_(&told),
      number_(number),
      topic_(std::move(topic)) {}

  void step(dice& d);
  /// At the end: only waits for its answer, and asks again.
  /// @returns Whether it is there.
  bool finish();
  void node_died() { link_.node_died(); }

private:
  enum class kind { make, pause, go_on, end, look_at_ends, list };
  struct wish {
    kind what = kind::make;
    std::uint64_t schedule = 0;
    frames::body body;
    std::uint64_t asked = 0;
    std::uint64_t listed_at = 0;
  };
  struct running {
    std::string name;
    bool paused = false;
  };

  void take();
  void ask();
  void choose(dice& d);
  void make(dice& d);
  void answered(const frames::body& answer);
  void put(const frames::schedule_line& line);
  void failed(errc code, const std::string& why);
  void ended();

  rig* rig_;
  asker link_;
  schedule_oracle* told_;
  std::uint64_t number_ = 0;
  std::string topic_;
  /// By their numbers.
  std::map<std::uint64_t, running> running_;
  std::optional<wish> open_;
};

class schedule_act final : public act {
public:
  schedule_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void clock_moves() override { told_.clock_moves(stage_.wall_ms()); }
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.deliveries(); }

private:
  void look();

  schedule_oracle told_;
  /// What happens while the node is down.
  dice downtime_;
  std::uint64_t ids_ = 0;
  frames::topic_description topic_;
  std::list<schedule_clerk> clerks_;
  watcher watcher_;
};

} // namespace carafe::sim
