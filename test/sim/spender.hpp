#pragma once

#include "test/sim/asker.hpp"
#include "test/sim/quota_oracle.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace carafe::sim {

/// What the clients of an act know of each other.
struct quota_world {
  frames::topic_description topic;
  std::uint64_t producers = 0;
};

/// Sends batches faster than it may, one at a time, each again until it is accepted. When it is
/// refused, it waits as it is told to, or does not; what was never anything but refused it
/// sometimes gives up.
class spender {
public:
  spender(rig& r, std::uint64_t number, bool obeys, quota_world& world, quota_oracle& told)
    : rig_(&r),
      link_(r, "spender " + std::to_string(number)),
      obeys_(obeys),
      world_(&world),
      told_(&told) {}

  void step(dice& d);
  /// Sends, and lets everything run until that is answered.
  /// @returns For how long it was refused for a quota; nothing: it was accepted, or something else
  ///          went wrong.
  std::optional<std::uint64_t> send_now(dice& d);
  /// At the end: only sends again, as it is told.
  /// @returns Whether no answer is missing.
  bool finish();
  void take();
  void node_died();
  /// What its producer has there may be gone.
  void lost_end() { begin_producer(); }
  [[nodiscard]] bool busy() const { return link_.busy(); }

private:
  struct batch {
    batch_name name;
    frames::produce frame;
    /// Each copy was refused for a quota.
    bool only_refused = true;
    /// The first one without a clear answer, also of an earlier life of the node.
    std::optional<quota_oracle::copy> unanswered = {};
  };

  [[nodiscard]] std::uint64_t now_ms() const { return rig_->clocks->now_ms; }
  void begin_producer();
  void make(dice& d);
  void send();
  void lose();
  void answered(const frames::body& answer);

  rig* rig_;
  asker link_;
  bool obeys_ = true;
  quota_world* world_;
  quota_oracle* told_;
  producer_id producer_{0};
  sequence counter_{0};
  std::map<queue_id, sequence> linked_;
  std::optional<batch> open_;
  std::optional<quota_oracle::copy> copy_;
  std::optional<std::uint64_t> refused_ms_;
  std::uint64_t wait_until_ms_ = 0;
};

} // namespace carafe::sim
