#pragma once

/// What clients of a topic with quotas send, are refused and are sent, and whether a broker that
/// keeps its word could have done so. It knows nothing of the broker but the pages' promises.

#include "test/sim/flow.hpp"
#include "test/sim/watcher.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace carafe::sim {

/// - In any span of time no more is accepted, and no more delivered, than the quota allows.
/// - Nobody is told to wait for longer than what was taken too much takes to be paid.
/// - What was refused for a quota is not stored, unless it was sent again. What was accepted is
///   there once, at its place, and a producer's messages are in their order.
///
/// Times are of the monotonic clock.
class quota_oracle {
public:
  /// @param note     Takes what happens, for people.
  /// @param readers  So many read the topic at a time at most.
  /// @param credit   … and each lets itself be sent so many bytes at most.
  quota_oracle(std::function<void(const std::string&)> note, std::uint64_t readers,
               std::uint64_t credit)
    : note_(std::move(note)), readers_(readers), credit_(credit) {}

  // -- quotas; 0: there is none
  struct rates {
    std::uint64_t produce = 0, consume = 0;
  };
  /// They are being changed, perhaps to these, or are not known for another reason.
  void unsure(const rates& perhaps);
  /// They are these from now on, and begin full.
  void sure(const rates& now);
  /// Whoever reads begins anew.
  void node_died();
  /// Whatever was under way has arrived.
  void calm(std::uint64_t now_ms) { produced_.calm(now_ms); }

  // -- producing
  using copy = flow::attempt;
  void made(const batch_name& batch, queue_id queue);
  [[nodiscard]] copy sending(const batch_name& batch, std::uint64_t bytes, std::uint64_t now_ms);
  /// For a quota.
  void refused(const batch_name& batch, const copy& which, std::uint64_t retry_after_ms);
  /// For something else; it may be stored all the same.
  void failed(const batch_name& batch, const copy& which, std::uint64_t now_ms);
  /// Its connection ended.
  void lost(const batch_name& batch, const copy& which);
  /// @param earlier  The first copy without an answer, if there is one; an answer that calls it a
  ///                 duplicate is of that, or of a later one.
  void accepted(const batch_name& batch, const copy& which, const frames::receipt& how,
                const std::optional<copy>& earlier, std::uint64_t now_ms);

  // -- consuming
  /// A batch came, which was sent since `least_ms`.
  void weighed(std::uint64_t bytes, std::uint64_t least_ms, std::uint64_t now_ms);
  void delivered(const watcher::message& what);

  /// What is beyond is gone, and its places are given to others.
  void ends_at(queue_id queue, offset end);
  /// @param missed_below  Tells below which offset of a queue retention may have taken what nobody
  ///                      has read.
  void check_finished(const std::function<offset(queue_id)>& missed_below) const;

  [[nodiscard]] std::uint64_t refusals() const noexcept { return refusals_; }
  [[nodiscard]] std::uint64_t deliveries() const noexcept { return deliveries_; }

private:
  struct life {
    batch_name name;
    queue_id queue;
    std::optional<offset> place = {};
    bool acknowledged = false, seen = false;
    /// Copies that may be stored: under way, or without a clear answer.
    std::uint64_t under_way = 0;
    bool unclear = false;
  };

  life& find(const message_name& message, const char* what);
  life& find(const batch_name& batch) { return find({batch.producer, batch.first}, "answered"); }
  void place(life& known, offset base);

  std::function<void(const std::string&)> note_;
  std::uint64_t readers_ = 0, credit_ = 0;
  rates rates_;
  /// Readers may have been granted more than a quota would have let pass.
  bool granted_ = false;
  flow produced_{"the produce quota"}, consumed_{"the consume quota"};
  /// By their first messages.
  std::map<message_name, life> lives_;
  std::map<std::pair<queue_id, producer_id>, std::map<offset, sequence>> order_;
  std::map<message_place, message_name> places_;
  std::uint64_t refusals_ = 0, deliveries_ = 0;
};

} // namespace carafe::sim
