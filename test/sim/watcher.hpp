#pragma once

#include "schema/batch.hpp"
#include "test/sim/client.hpp"
#include "test/sim/lending_facts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace carafe::sim {

/// Reads whole topics as readers without a group do: each queue from its first message on, in
/// order, each message once, whatever breaks between.
class watcher {
public:
  struct message {
    message_place place;
    /// Of its batch.
    unix_ms time;
    producer_id producer;
    sequence number;
    message_view view;
  };
  using taker = std::function<void(const message&)>;

  watcher(rig& r, std::string name, taker take) : link_(r, std::move(name)), taker_(take) {}

  void watch(queue_id queue) { queues_[queue]; }
  /// Tells how many bytes each batch has that comes.
  void weigh(std::function<void(std::uint64_t bytes)> scale) { scale_ = std::move(scale); }
  /// Only takes what came.
  void take();
  /// @throws broken
  void step(dice& d);
  /// At the end: all queues at once.
  void hurry();
  void node_died();
  /// What was beyond is gone: its places are given to others.
  void ends_at(queue_id queue, offset end);

  /// Up to where it has read.
  [[nodiscard]] offset next(queue_id queue) const { return queues_.at(queue).next; }
  /// What is below may have been missed.
  [[nodiscard]] offset missed_below(queue_id queue) const { return queues_.at(queue).skipped_to; }
  /// Messages that retention took before they were read.
  [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

private:
  struct reading {
    offset next{0}, skipped_to{0};
    subscription_id subscription{0};
    bool subscribed = false;
    bool asking = false;
    std::uint64_t owed = 0;
  };

  void got(const frames::deliver& d);
  void subscribe(queue_id queue, reading& r, std::uint32_t credit);
  void answered(queue_id queue, const frames::body& answer);

  connection link_;
  taker taker_;
  std::function<void(std::uint64_t)> scale_;
  std::map<queue_id, reading> queues_;
  std::map<std::uint64_t, queue_id> asked_;
  std::uint64_t subscriptions_ = 0;
  std::uint64_t missed_ = 0;
};

} // namespace carafe::sim
