#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/seat_member.hpp"
#include "test/sim/seat_oracle.hpp"
#include "test/sim/sender.hpp"

#include <cstdint>
#include <list>
#include <optional>
#include <string>

namespace carafe::sim {

/// An ordered group whose members mostly have ids: they are restarted, break off, stay away for
/// longer than their queues are kept, meet another one of their id; the node dies in between.
class seat_act final : public act {
public:
  explicit seat_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.returns(); }

private:
  void add(std::string id, std::uint64_t holder);
  void come(dice& d);
  void go(dice& d);
  void forget(dice& d);
  void send(dice& d);
  /// Lets the node do all it can at once, and takes what it says.
  /// @returns Whether it still runs.
  bool look();
  /// … and all that takes a while, if no disk is broken.
  void rest();
  void wait_for_all(dice& d);
  [[nodiscard]] bool sound() const;

  std::uint64_t grace_ms_;
  seat_oracle told_;
  group_oracle group_;
  frames::topic_description topic_;
  std::list<seat_member> members_;
  asker operator_;
  sender sender_;
  std::uint64_t seats_ = 0, made_ = 0, node_lives_ = 0;
  std::optional<frames::topic_queue> queue_;
  batch_name batch_{};
  std::uint64_t producers_ = 0;
};

} // namespace carafe::sim
