#pragma once

#include "test/sim/act.hpp"
#include "test/sim/broadcast_oracle.hpp"
#include "test/sim/hearer.hpp"
#include "test/sim/sender.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <vector>

namespace carafe::sim {

/// A topic whose queues a `broadcast` group reads, by consumers with names and without; queues are
/// added, and the group is changed, while it runs.
class broadcast_act final : public act {
public:
  broadcast_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.assignments(); }

private:
  void send(dice& d);
  void take_receipt();
  void add_queue();
  void change_group();
  void take_change();
  void read_all();
  void check_described();

  broadcast_oracle told_;
  frames::topic_description topic_;
  std::list<hearer> hearers_;
  /// Gives the group another filter, for another actor; 0: neither is asked for.
  connection editor_;
  std::uint64_t looking_ = 0, changing_ = 0;
  sender sender_;
  /// What it sends now.
  queue_id queue_;
  offset least_;
  std::vector<message_name> batch_;
  producer_id producer_{500'001};
  sequence counter_{0};
  std::map<queue_id, sequence> last_;
};

} // namespace carafe::sim
