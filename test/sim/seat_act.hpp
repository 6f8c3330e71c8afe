#pragma once

#include "test/sim/act.hpp"
#include "test/sim/seat_oracle.hpp"
#include "test/sim/sender.hpp"
#include "test/sim/sitter.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

namespace carafe::sim {

/// A topic that an `ordered` group reads, whose members have ids, most of them; they are away for
/// less than their grace, and for longer. Queues are added, and an operator has seats go.
class seat_act final : public act {
public:
  seat_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override {
    return told_.assignments() + told_.returns();
  }

private:
  void send(dice& d);
  void take_receipt();
  void add_queue();
  void forget_seat(dice& d);
  void arrive();
  bool look();
  void go_at_rest(dice& d);
  using those = std::function<bool(const sitter&)>;
  [[nodiscard]] std::string missing(const those& comes) const;
  void read_all(const those& comes);
  void come_back(dice& d);

  seat_oracle told_;
  frames::topic_description topic_;
  std::list<sitter> sitters_;
  sender sender_;
  /// What it sends now.
  queue_id queue_;
  std::vector<message_name> batch_;
  producer_id producer_{700'001};
  sequence counter_{0};
  std::map<queue_id, sequence> last_;
};

} // namespace carafe::sim
