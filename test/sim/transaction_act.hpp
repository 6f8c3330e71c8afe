#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/sender.hpp"
#include "test/sim/transaction_oracle.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carafe::sim {

/// What the clients of an act know of each other.
struct deal_world {
  frames::topic_description deals, orders;
  /// Stored messages that may be acknowledged.
  std::vector<std::pair<message_place, shard_id>> consumable = {};
  /// What their producers would answer when they are asked.
  std::map<transaction_name, bool> wanted = {};
};

/// Begins transactions, one after another, gives them parts, and ends most of them.
class dealer {
public:
  dealer(rig& r, std::uint64_t number, transaction_oracle& told, deal_world& world)
    : link_(r, "dealer " + std::to_string(number)), told_(&told), world_(&world), number_(number) {}

  void step(dice& d);
  /// At the end: takes the answer that is under way.
  void finish() { take(); }
  void node_died() { link_.node_died(); }
  void lost_end() { left_ = true; }

private:
  enum class asking { none, prepare, end, list };

  void take();
  void answered(const frames::body& answer);
  void prepared(const frames::body& answer);
  void ended(const frames::body& answer);
  void begin(dice& d);
  void prepare(dice& d);
  void end();

  asker link_;
  transaction_oracle* told_;
  deal_world* world_;
  std::uint64_t number_;
  std::uint64_t lives_ = 0, deals_ = 0;
  producer_id producer_{0};
  sequence counter_{0};
  std::optional<transaction_name> name_;
  /// Sent, and not answered.
  std::optional<frames::tx_prepare> open_;
  std::uint64_t parts_left_ = 0;
  bool commits_ = false, abandons_ = false;
  std::uint64_t listed_at_ = 0;
  bool left_ = false;
  asking asking_ = asking::none;
};

/// Answers when the node asks what became of transactions.
class answerer {
public:
  answerer(rig& r, transaction_oracle& told, deal_world& world)
    : link_(r, "answerer"), told_(&told), world_(&world) {}

  void step(dice& d);
  void finish() { take(); }
  void node_died();

private:
  void take();

  asker link_;
  transaction_oracle* told_;
  deal_world* world_;
  bool joined_ = false, joining_ = false;
  std::deque<transaction_name> asked_;
  std::optional<frames::tx_end> answering_;
};

/// A member of the group whose messages are acknowledged by transactions alone: it gives back what
/// it is lent.
class browser {
public:
  browser(rig& r, std::string name, transaction_oracle& told)
    : link_(r, std::move(name)), told_(&told) {}

  void step(dice& d);
  /// At the end: keeps what it is lent.
  void hurry();
  void leave() { link_.cut(), lost(); }
  void node_died();
  [[nodiscard]] const std::set<message_place>& has() const noexcept { return has_; }

private:
  void take();
  void join(std::uint32_t credit);
  void lost();

  asker link_;
  transaction_oracle* told_;
  std::optional<frames::joined> joined_;
  bool joining_ = false;
  std::uint64_t asked_at_ = 0, fence_ = 0;
  std::set<message_place> has_;
  std::uint64_t owed_ = 0;
};

class transaction_act final : public act {
public:
  transaction_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void lost_end(shard_id shard) override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.commits(); }

private:
  void send_order(dice& d);
  void look();
  void end_all();
  void check_lent();

  transaction_oracle told_;
  deal_world world_;
  std::list<dealer> dealers_;
  std::list<answerer> answerers_;
  std::optional<browser> browser_;
  watcher watcher_;
  sender orders_;
  std::uint64_t order_lives_ = 0;
  batch_name order_{producer_id{0}, sequence{0}, 0};
  std::optional<frames::topic_queue> order_queue_;
};

} // namespace carafe::sim
