#pragma once

#include "test/sim/act.hpp"
#include "test/sim/rank_member.hpp"
#include "test/sim/rank_oracle.hpp"
#include "test/sim/sender.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carafe::sim {

constexpr const char* rank_topic = "ranks";
constexpr const char* rank_group = "rank-workers";

/// Messages with priorities and times to live, for a `shared` group of one member.
class rank_act final : public act {
public:
  rank_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void clock_moves() override { told_.clock_moves(stage_.wall_ms()); }
  void node_died() override;
  void node_started() override { find_letters(); }
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.deliveries(); }

private:
  void send(dice& d);
  void offer(queue_id queue, std::vector<ranked_message> batch);
  [[nodiscard]] ranked_message next_message(std::size_t before, std::uint8_t priority,
                                            std::uint64_t ttl_ms) const;
  void take_receipt();
  void find_letters();
  void read_letter(const watcher::message& m);

  // -- the end
  void look();
  void wait(const std::function<bool()>& over, const std::string& otherwise);
  void drain();
  void flood(dice& d);
  void read_letters();
  void redrive();
  void ask_why(dice& d);

  rank_oracle told_;
  frames::topic_description topic_;
  std::uint64_t default_ttl_ms_ = 0;
  std::map<queue_number, queue_id> queues_;
  rank_member member_;
  watcher letters_;
  std::set<queue_id> watched_;
  /// Those that were read, and of what they are.
  std::map<message_place, message_place> read_;
  /// Where these, and others that were dealt with, were first.
  std::set<message_place> letters_known_;
  sender sender_;
  std::vector<ranked_message> batch_;
  queue_id queue_;
  sequence counter_{0};
  std::map<queue_id, sequence> last_;
};

} // namespace carafe::sim
