#pragma once

#include "test/sim/client.hpp"
#include "test/sim/table_oracle.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace carafe::sim {

/// Reads a queue of a compacted topic, and now and then begins anew: at the beginning, at an offset
/// or at a time.
class table_reader {
public:
  table_reader(rig& r, const std::string& name, queue_id queue, table_oracle& told)
    : rig_(&r), link_(r, name), queue_(queue), told_(&told) {}

  void step(dice& d);
  /// At the end: connects, reads on.
  void hurry();
  void node_died();
  /// What was beyond is gone: its places are given to others.
  void ends_at(offset end);
  void leave() { link_.cut(); }

  [[nodiscard]] queue_id queue() const noexcept { return queue_; }
  /// Up to where it has read.
  [[nodiscard]] offset next() const noexcept { return next_; }
  [[nodiscard]] const table_oracle::reading& has() const noexcept { return has_; }

private:
  void take();
  void answered(const frames::body& answer);
  void got(const frames::deliver& d);
  void begin_anew(dice& d);
  void subscribe(std::uint32_t credit);

  rig* rig_;
  connection link_;
  queue_id queue_;
  table_oracle* told_;
  start_position start_{start_position::kind::at_offset, {}, {}};
  offset next_{0};
  table_oracle::reading has_;
  std::uint64_t asked_ = 0;
  bool subscribed_ = false;
  std::uint64_t owed_ = 0;
};

} // namespace carafe::sim
