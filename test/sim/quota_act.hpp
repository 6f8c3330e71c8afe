#pragma once

#include "test/sim/act.hpp"
#include "test/sim/quota_oracle.hpp"
#include "test/sim/spender.hpp"

#include <cstdint>
#include <list>

namespace carafe::sim {

/// A topic with quotas, spenders of various virtue, and readers; an operator changes the quotas.
class quota_act final : public act {
public:
  quota_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override {
    return told_.refusals() + told_.deliveries();
  }

private:
  void calm();
  void check_answers();
  void check_patience(dice& d);
  void alter(dice& d);
  bool read_all(watcher& who);
  void check_pace();

  quota_oracle told_;
  quota_world world_;
  std::list<spender> spenders_;
  watcher watcher_;
  quota_oracle::rates rates_;
  /// When everything that was sent had arrived.
  std::uint64_t calm_ms_ = 0;
  /// Nobody knows the quotas until the node starts again, or takes others.
  bool unsure_ = false;
};

} // namespace carafe::sim
