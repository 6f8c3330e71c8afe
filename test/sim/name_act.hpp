#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/name_life.hpp"

#include <cstdint>
#include <list>
#include <optional>

namespace carafe::sim {

/// An application that sends under a name: it numbers what it sends, dies, comes back while its
/// former life may still be there, and sends again what is not acknowledged. Now and then an
/// operator has the name forgotten, and it begins anew.
class name_act final : public act {
public:
  explicit name_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void finish(dice& d) override;
  [[nodiscard]] bool alone() const override { return log_.forgetful; }
  [[nodiscard]] std::uint64_t count() const override { return told_.deliveries(); }

private:
  void begin_life();
  void operate(dice& d);
  void add_queue();
  void live_to_the_end(dice& d);
  void read_to_the_end();
  void check_progress();

  name_oracle told_;
  watcher watcher_;
  asker operator_;
  name_log log_;
  std::list<name_life> lives_;
  /// Of the operator.
  std::optional<name_wish> wish_;
  bool forgets_ = false;
};

} // namespace carafe::sim
