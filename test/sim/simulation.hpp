#pragma once

/// A node's shipped actors on one thread: every message between them, every step of the disk and
/// every tick of the clock is chosen by a seed.

#include "test/actors/rig.hpp"
#include "test/core/dice.hpp"
#include "test/sim/act.hpp"
#include "test/sim/client.hpp"
#include "test/sim/keeper.hpp"
#include "test/sim/oracle.hpp"
#include "test/sim/worker.hpp"

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

struct plan {
  std::uint64_t seed = 0;
  /// Choices of what happens next.
  std::uint32_t steps = 600;
  /// Prints each as it happens.
  bool trace = false;
  /// Asks for stories of messages, and compares them with what clients saw.
  bool stories = true;
  /// The act that it has; empty: the seed chooses one, or none.
  std::string act = {};
};

/// What a run came to, so that a run in which nothing happens is noticed.
struct summary {
  std::uint64_t acknowledged = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_failures = 0;
  std::uint64_t orderly_stops = 0;
  std::uint64_t faults = 0;
  std::uint64_t entries_dropped = 0;
  /// Of groups that lend messages.
  std::uint64_t deliveries = 0;
  std::uint64_t deaths = 0;
  std::uint64_t redrives = 0;
  std::uint64_t changes = 0;
  /// Messages whose stories were told, and compared with what clients know.
  std::uint64_t stories = 0;
  /// What the acts did, each in its own measure.
  std::uint64_t acts = 0;

  summary& operator+=(const summary& other);
};

/// One run of a node and its clients. Topics of every durability, producers that retry, readers, a
/// group whose members come and go, groups that lend messages; kills, power failures, orderly
/// stops; a disk that is full, that fails to write, to sync, to read and to save; retention.
///
/// After each start the node's state must be that of a fold of the whole log.
class simulation {
public:
  explicit simulation(const plan& p);
  ~simulation();
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  /// @throws broken
  summary run();

  /// What happened last, oldest first.
  [[nodiscard]] std::string last_events() const;

private:
  struct known_topic {
    std::string name;
    durability mode = durability::fsync;
    std::vector<frames::topic_queue> queues;
  };

  void note(const std::string& what);
  void step();
  void run_some();
  [[nodiscard]] std::uint64_t entries_dropped() const;
  void let_time_pass();
  void clients_step();
  void set_clock(std::int64_t shift_ms);
  void add_clients();
  void add_queue();
  void break_disk();
  void mend_disks();
  void finish_syncs();
  void check_node();

  void kill();
  void lose_power();
  void stop_in_order();
  void start_again(const std::map<queue_id, offset>& promised);
  void recovered(shard_id shard, const raft::replica& replica);
  void lost_end_of(shard_id shard);

  [[nodiscard]] std::map<queue_id, offset> acknowledged_ends() const;
  [[nodiscard]] std::map<queue_id, offset> synced_ends(shard_id shard) const;
  [[nodiscard]] offset earliest_of(queue_id queue) const;
  [[nodiscard]] shard_id shard_of(queue_id queue) const;

  // -- simulation_groups.cpp
  void make_groups();
  void make_group(const std::string& mode);
  void add_workers();
  void groups_lose_end_of(shard_id shard, queue_id queue);
  std::uint64_t left_of(const lending_group& group);
  bool takes_all_topics(lending_group& group);
  void finish_groups();
  [[nodiscard]] std::optional<queue_id> queue_of(const std::string& topic,
                                                 queue_number number) const;

  // -- simulation_stories.cpp
  void ask_why();
  void ask_why(const known_topic& topic, const frames::topic_queue& queue, offset at);

  // -- simulation_acts.cpp
  [[nodiscard]] stage make_stage();
  void finish_acts();

  void make_topics();
  frames::topic_description describe(const std::string& topic);
  void calm_down();
  void check_interval_synced();
  void read_everything();

  plan plan_;
  test::dice dice_;
  test::rig rig_;
  oracle oracle_;
  group_oracle group_;
  std::vector<known_topic> topics_;
  std::list<producer> producers_;
  std::list<reader> readers_;
  std::list<member> members_;
  /// Whether there are groups that lend messages; and readers and an ordered group.
  bool lends_ = false, reads_ = true;
  /// An act wants nobody beside it.
  bool alone_ = false;
  std::list<lending_group> lending_;
  std::list<worker> workers_;
  std::list<keeper> keepers_;
  /// Mostly none: a run has room for little at a time.
  std::vector<std::unique_ptr<act>> acts_;
  std::int64_t furthest_shift_ms_ = 0;
  std::uint64_t made_ = 0;
  /// As it was when last looked at.
  std::uint64_t dropped_ = 0;
  /// Something was done to a disk that may end the node.
  bool may_die_ = false;
  /// What was wrong at a start, where nobody could be told at once.
  std::string wrong_;
  summary summary_;
  std::deque<std::string> events_;
};

} // namespace carafe::sim
