#pragma once

/// Looks after a group that lends messages: reads its dead letters, brings some back or purges
/// them, changes its settings, resets it.

#include "test/sim/worker.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace carafe::sim {

/// Settings under which much happens in a few seconds.
[[nodiscard]] delivery_settings random_delivery(dice& d);

class keeper {
public:
  using finder = std::function<std::optional<queue_id>(const std::string& topic, queue_number)>;

  /// @param find  Tells a topic's queue.
  keeper(rig& r, lending_group& group, finder find)
    : rig_(&r), link_(r, "keeper of " + group.name), group_(&group), find_(std::move(find)) {}

  void step(dice& d, const oracle& o);
  /// At the end: only waits for answers.
  /// @returns Whether none is missing.
  bool finish(const oracle& o);
  void node_died();
  /// What it read there may be gone.
  void lost_power(shard_id shard);
  /// Reads all letters there are, at the end.
  void read_all(const oracle& o);
  [[nodiscard]] const lending_group& group() const { return *group_; }
  [[nodiscard]] std::uint64_t redrives() const noexcept { return redrives_; }
  [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }

private:
  struct grave {
    shard_id shard;
    subscription_id subscription{0};
    bool subscribed = false;
    std::uint64_t owed = 0;
  };
  enum class wish { none, describe, subscribe, letters, redrive, look, alter, reset };

  void ask(wish what, frames::body body);
  void subscribe();
  void redrive(dice& d);
  void take(const oracle& o);
  void answered(wish what, const frames::body& answer);
  [[nodiscard]] std::vector<queue_id> queues_but_of_the_first() const;
  void described(const frames::topic_description& topic);
  void read(const frames::deliver& d, const oracle& o);
  void read_letter(const message_view& message, const message_place& place, const oracle& o);
  void check_open(const frames::dead_letter_list& told) const;

  rig* rig_;
  connection link_;
  lending_group* group_;
  finder find_;
  std::map<queue_id, grave> graves_;
  /// Letters that were neither brought back nor purged by this keeper, and their sources.
  std::map<message_place, message_place> open_;
  /// Of these sources, and in these queues, letters may have been dealt with, and nobody knows.
  std::set<message_place> doubtful_;
  std::set<queue_id> doubtful_queues_;
  wish busy_ = wish::none;
  std::uint64_t asked_ = 0;
  queue_id subscribing_;
  std::vector<std::pair<message_place, message_place>> redriving_;
  bool purging_ = false;
  /// The settings that it will ask for when it knows the group's version.
  delivery_settings next_;
  message_filter next_filter_;
  bool next_fewer_ = false;
  std::uint64_t subscriptions_ = 0;
  std::uint64_t redrives_ = 0;
  std::uint64_t changes_ = 0;
};

} // namespace carafe::sim
