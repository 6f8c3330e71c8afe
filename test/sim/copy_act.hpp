#pragma once

#include "test/sim/act.hpp"
#include "test/sim/asker.hpp"
#include "test/sim/copy_oracle.hpp"
#include "test/sim/sender.hpp"
#include "test/sim/watcher.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

/// A member of an `ordered` group that copies what it reads to another topic: the copies and the
/// acknowledgement of their sources are one transaction. It commits no offset otherwise.
class copier {
public:
  struct world {
    frames::topic_description sources, copies;
  };

  copier(rig& r, std::uint64_t number, copy_oracle& told, const world& w)
    : link_(r, "copier " + std::to_string(number)), told_(&told), world_(&w), number_(number) {}

  void step(dice& d);
  /// At the end: does what it has to, and breaks nothing.
  void hurry();
  void node_died();

private:
  enum class asking { none, join, prepare, end };
  struct holding {
    frames::assigned how;
    offset next;
    /// Read, and in no transaction.
    std::deque<offset> waiting = {};
    bool revoked = false;
  };
  struct deal {
    frames::tx_prepare what;
    bool prepared = false;
  };

  void take();
  void heard(const frames::body& news);
  void got(const frames::deliver& d);
  void prepared(const frames::body& answer);
  void ended(const frames::body& answer);
  void go_on();
  void begin(std::uint64_t most);
  void release();
  void lost();

  asker link_;
  copy_oracle* told_;
  const world* world_;
  std::uint64_t number_;
  std::uint64_t lives_ = 0, deals_ = 0, turn_ = 0;
  producer_id producer_{0};
  sequence counter_{0};
  std::optional<member_id> member_;
  std::map<queue_id, holding> holds_;
  /// Not ended, as far as it knows.
  std::optional<deal> open_;
  asking asking_ = asking::none;
};

/// Reading, transforming and writing once: an `ordered` group whose members acknowledge in
/// transactions only, while they and the node die and queues move.
class copy_act final : public act {
public:
  copy_act(stage s, dice& d);

  void begin(dice& d) override;
  void step(dice& d) override;
  void node_died() override;
  void node_started() override;
  void finish(dice& d) override;
  [[nodiscard]] std::uint64_t count() const override { return told_.copies(); }

private:
  void send(dice& d);
  void look();
  void end_all();

  copy_oracle told_;
  copier::world world_;
  std::list<copier> copiers_;
  watcher watcher_;
  sender sender_;
  batch_name last_{producer_id{0}, sequence{0}, 0};
  std::optional<queue_id> queue_;
  std::uint64_t senders_ = 0;
};

} // namespace carafe::sim
