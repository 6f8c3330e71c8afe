#pragma once

/// What a client had been promised when the power failed.

#include "test/power/disk.hpp"
#include "test/power/recording.hpp"

#include "schema/frame.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace carafe::power {

/// What the client was told up to some record of the trace.
class told {
public:
  explicit told(const recording& r) : recording_(&r) {}

  /// Takes the next record of the trace.
  void apply(const io_event& event);

  struct place {
    offset base;
    std::uint32_t count = 0;
  };
  /// Batches with a receipt.
  [[nodiscard]] const std::map<std::size_t, place>& acknowledged() const { return acknowledged_; }
  /// Of each durability's shard: its acknowledged batches, in the order of its log.
  [[nodiscard]] const std::vector<std::size_t>& order(durability mode) const {
    return order_[static_cast<std::size_t>(mode)];
  }
  /// How many of `order` must survive a power failure now.
  [[nodiscard]] std::size_t promised(durability mode) const;
  /// Where the group must go on, or later, after a power failure now; by queue.
  [[nodiscard]] std::map<std::size_t, offset> committed() const;
  [[nodiscard]] const std::set<std::string>& topics() const { return topics_; }
  /// The life of the node in which this is.
  [[nodiscard]] std::size_t life() const { return lives_ - 1; }

private:
  void hear(const frames::frame& frame);

  const recording* recording_;
  std::size_t lives_ = 0;
  std::map<std::uint64_t, frames::reader> streams_;
  std::map<std::size_t, place> acknowledged_;
  std::vector<std::size_t> order_[3];
  std::map<std::size_t, std::vector<offset>> commits_;
  std::set<std::string> topics_;
  /// A `.meta` file of an unsynced segment.
  struct synced_file {
    durability mode = durability::fsync;
    entry_index first;
    /// The last synced entry, as was written last.
    entry_index written;
    /// … as of the beginning of each sync of the file that is under way.
    std::map<std::uint64_t, entry_index> syncs;
  };
  void hear_of_meta(synced_file& meta, const io_event& event);
  std::map<std::uint64_t, synced_file> meta_files_;
  /// Of each durability's shard: the last entry that a durable `.meta` file calls synced.
  entry_index synced_[3] = {};
  // A checkpoint of an unsynced shard is saved after its log was synced up to it. What was told
  // before the last but one was saved was applied before the last one was taken.
  std::map<std::uint64_t, durability> folders_;
  std::map<std::uint64_t, durability> state_files_;
  std::size_t at_last_save_[3] = {};
  std::size_t promised_[3] = {};
};

} // namespace carafe::power
