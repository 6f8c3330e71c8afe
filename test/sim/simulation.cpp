#include "test/sim/simulation.hpp"

#include "actors/core/placement.hpp"
#include "actors/core/shard_state.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace carafe::sim {

namespace {

using test::page_fate;

constexpr std::size_t producers_at_once = 5;
constexpr std::size_t readers_at_once = 3;
constexpr std::size_t members_at_once = 3;
constexpr std::size_t events_kept = 60;
constexpr const char* group_name = "workers";

} // namespace

summary& summary::operator+=(const summary& other) {
  acknowledged += other.acknowledged;
  kills += other.kills;
  power_failures += other.power_failures;
  orderly_stops += other.orderly_stops;
  faults += other.faults;
  entries_dropped += other.entries_dropped;
  deliveries += other.deliveries;
  deaths += other.deaths;
  redrives += other.redrives;
  changes += other.changes;
  stories += other.stories;
  acts += other.acts;
  return *this;
}

simulation::simulation(const plan& p)
  : plan_(p),
    dice_(p.seed),
    rig_(dice_.percent(50) ? 1 : 3),
    group_([this](queue_id queue) { return earliest_of(queue); }) {
  logging::set_level(config::log_level::error);
  rig_.checkpoint_entries = dice_.between(1, 40);
  rig_.shard_settings.checkpoint_interval_ms = dice_.between(50, 5'000);
  rig_.shard_settings.copied_bytes_max = dice_.between(4'000, 40'000);
  rig_.shard_settings.retention_bytes = dice_.percent(50) ? dice_.between(2'000, 20'000) : 0;
  rig_.replica_settings.in_flight_entries_max = dice_.percent(50) ? dice_.between(4, 40) : 8'192;
  lends_ = dice_.percent(60);
  reads_ = !lends_ || dice_.percent(30);
  acts_ = acts_of(p.seed, p.act, make_stage());
  if (!acts_.empty()) {
    lends_ = lends_ && dice_.percent(25);
    reads_ = dice_.percent(25);
  }
  alone_ = std::ranges::any_of(acts_, [](const auto& each) { return each->alone(); });
  if (alone_) lends_ = reads_ = false;
  rig_.on_recovered = [this](shard_id shard, const raft::replica& r) { recovered(shard, r); };
  rig_.crash(false);
  rig_.disks.clear();
  rig_.start();
  expect(wrong_.empty(), wrong_);
}

simulation::~simulation() = default;

summary simulation::run() {
  make_topics();
  make_groups();
  for (auto& each : acts_) each->begin(dice_);
  for (std::uint32_t i = 0; i < plan_.steps; ++i) {
    step();
    check_node();
  }
  calm_down();
  check_interval_synced();
  finish_groups();
  finish_acts();
  for (int i = 0; i < 8; ++i) ask_why();
  read_everything();
  summary_.entries_dropped = entries_dropped();
  summary_.acknowledged = oracle_.acknowledgements();
  return summary_;
}

void simulation::note(const std::string& what) {
  auto line = std::to_string(rig_.clocks->now_ms) + " ms: " + what;
  if (plan_.trace) std::printf("%s\n", line.c_str());
  events_.push_back(std::move(line));
  if (events_.size() > events_kept) events_.pop_front();
}

std::string simulation::last_events() const {
  std::string out;
  for (const auto& event : events_) out += "  " + event + "\n";
  return out;
}

// -- what happens ---------------------------------------------------------------------------------

void simulation::step() {
  const auto roll = dice_.below(1'000);
  if (roll < 420) return run_some();
  if (roll < 840) return clients_step();
  if (roll < 900) return let_time_pass();
  if (roll < 933) return finish_syncs();
  if (roll < 940) return ask_why();
  if (roll < 955) return add_clients();
  if (roll < 960) return add_queue();
  if (roll < 972) return break_disk();
  if (roll < 985) return mend_disks();
  if (roll < 992) return kill();
  if (roll < 997) return lose_power();
  if (roll < 998) return stop_in_order();
  // Somebody sets the machine's clock.
  set_clock(rig_.clocks->wall_shift_ms + static_cast<std::int64_t>(dice_.below(20'000)) - 10'000);
}

void simulation::run_some() {
  for (auto left = dice_.between(1, 40); left > 0; --left) {
    if (!rig_.run_one([this](std::size_t count) { return dice_.below(count); })) return;
    // Right after retention dropped something is the time at which it must not have been too early.
    const auto before = std::exchange(dropped_, entries_dropped());
    if (dropped_ > before && dice_.percent(20)) return lose_power();
  }
}

std::uint64_t simulation::entries_dropped() const {
  std::uint64_t sum = 0;
  for (const auto& [id, disk] : rig_.disks) sum += disk.log->bounds().first.value - 1;
  return sum;
}

void simulation::let_time_pass() {
  const auto longest = dice_.percent(10) ? 3'000u : 60u;
  rig_.advance(std::chrono::milliseconds{dice_.between(1, longest)});
}

void simulation::clients_step() {
  if (!acts_.empty() && dice_.percent(70)) return dice_.pick(acts_)->step(dice_);
  const auto all =
    producers_.size() + readers_.size() + members_.size() + workers_.size() + keepers_.size();
  if (all == 0) return add_clients();
  auto at = dice_.below(all);
  if (at < producers_.size()) return dice_.pick(producers_).step(dice_, oracle_);
  at -= producers_.size();
  if (at < readers_.size()) return dice_.pick(readers_).step(dice_, oracle_);
  at -= readers_.size();
  if (at < members_.size()) return dice_.pick(members_).step(dice_, oracle_, group_);
  at -= members_.size();
  if (at < workers_.size()) return dice_.pick(workers_).step(dice_, oracle_);
  dice_.pick(keepers_).step(dice_, oracle_);
}

void simulation::add_clients() {
  if (alone_) return;
  std::erase_if(producers_, [](const producer& p) { return p.retired(); });
  const auto& topic = dice_.pick(topics_);
  const auto queue = dice_.pick(topic.queues).queue;
  if (producers_.size() < producers_at_once)
    producers_.emplace_back(rig_, producer_id{++made_}, queue);
  add_workers();
  if (!reads_) return;
  if (readers_.size() < readers_at_once) readers_.emplace_back(rig_, ++made_, queue);
  if (members_.size() < members_at_once)
    members_.emplace_back(rig_, ++made_, group_name, topics_.front().name);
}

void simulation::add_queue() {
  auto& topic = dice_.pick(topics_);
  if (topic.queues.size() >= 4) return;
  rig::client admin{rig_, "admin"};
  frames::topic_alter wish;
  wish.name = topic.name;
  wish.queues = static_cast<std::uint32_t>(topic.queues.size()) + 1;
  note("a queue is added to " + topic.name);
  const auto done = admin.ask<frames::topic_description>(wish);
  if (done) topic.queues = done->queues;
  admin.post_disconnect();
}

// -- disks ----------------------------------------------------------------------------------------

void simulation::break_disk() {
  auto& [id, disk] = dice_.pick(rig_.disks);
  const auto shard = "the disk of shard " + std::to_string(id.value) + " ";
  ++summary_.faults;
  switch (dice_.below(7)) {
  case 0:
    note(shard + "is full");
    disk.log->append_fails = errc::storage_full;
    disk.log->fails_late = false;
    return;
  case 1:
    note(shard + "fails to write");
    disk.log->append_fails = errc::storage_failed;
    disk.log->fails_late = dice_.percent(50);
    may_die_ = true;
    return;
  case 2:
    note(shard + "fails to sync");
    disk.log->sync_fails = errc::storage_failed;
    may_die_ = true;
    return;
  case 6:
    note(shard + "has no room for another segment");
    disk.log->room =
      dice_.percent(50) ? storage::log_room::no_batches : storage::log_room::only_freeing;
    return;
  case 3:
    note(shard + "fails to read");
    disk.log->read_fails = errc::storage_corrupt;
    return;
  case 4:
    note(shard + "has no room for a checkpoint");
    disk.state->save_fails = errc::storage_full;
    return;
  default:
    note(shard + "fails to save a checkpoint");
    disk.state->save_fails = errc::storage_failed;
    may_die_ = true;
    return;
  }
}

void simulation::mend_disks() {
  for (auto& [id, disk] : rig_.disks) {
    disk.log->append_fails = disk.log->sync_fails = disk.log->read_fails = errc::none;
    disk.log->fails_late = false;
    disk.log->room = storage::log_room::everything;
    disk.state->save_fails = errc::none;
  }
}

void simulation::finish_syncs() {
  for (auto& [id, disk] : rig_.disks)
    if (disk.log->sync_fails == errc::none) disk.log->finish_sync();
}

/// Whether a part of the node has died, and may have.
void simulation::check_node() {
  for (const auto& [id, disk] : rig_.disks)
    expect(!disk.log->rewritten(),
           "an index of shard " + std::to_string(id.value) + " was written twice in one term");
  if (rig_.ended->empty()) return;
  const auto why = from_caf(rig_.ended->front()).message();
  expect(may_die_, "a shard ended: " + why);
  note("the node stops: " + why);
  kill();
}

// -- the node dies --------------------------------------------------------------------------------

void simulation::kill() {
  note("kill -9");
  ++summary_.kills;
  const auto promised = acknowledged_ends();
  rig_.crash(false);
  for (auto& [id, disk] : rig_.disks) disk.log->forget_sync();
  start_again(promised);
}

void simulation::lose_power() {
  note("the power fails");
  ++summary_.power_failures;
  auto promised = acknowledged_ends();
  rig_.crash(false);
  for (auto& [id, disk] : rig_.disks) {
    const auto before = disk.log->bounds();
    if (core::durability_of(id) != durability::fsync)
      for (const auto& [queue, end] : synced_ends(id)) promised[queue] = end;
    disk.log->crash_pages([this] {
      return dice_.percent(60)   ? page_fate::kept
             : dice_.percent(50) ? page_fate::lost
                                 : page_fate::torn;
    });
    if (disk.log->bounds().last == before.last) continue;
    note("shard " + std::to_string(id.value) + " loses entries " +
         std::to_string(disk.log->bounds().last.value + 1) + " to " +
         std::to_string(before.last.value));
    lost_end_of(id);
    for (auto& each : acts_) each->lost_end(id);
  }
  start_again(promised);
}

/// Who has heard of what is lost now cannot go on where it was.
void simulation::lost_end_of(shard_id shard) {
  const auto ends = synced_ends(shard);
  for (auto& p : producers_)
    if (shard_of(p.queue()) == shard) p.retire();
  for (auto& r : readers_)
    if (const auto at = ends.find(r.queue()); at != ends.end()) r.lost_power(at->second);
  for (const auto& [queue, end] : ends) {
    group_.lost_power(queue);
    groups_lose_end_of(shard, queue);
  }
}

void simulation::stop_in_order() {
  mend_disks();
  note("the node is stopped in order");
  ++summary_.orderly_stops;
  // What a broken disk had done to the node shows before.
  rig_.settle();
  check_node();
  rig_.drain_sessions();
  {
    caf::scoped_actor self{rig_.system()};
    for (const auto& [id, handles] : rig_.shards) {
      const auto last = rig_.disks.at(id).log->bounds().last;
      auto asked = self->request(handles.shard, caf::infinite, drain_atom_v);
      for (int i = 0; i < 20; ++i) {
        finish_syncs();
        rig_.pass(std::chrono::milliseconds{50});
      }
      asked.receive([](caf::ok_atom) {},
                    [](const caf::error& why) { expect(false, from_caf(why).message()); });
      const auto mark = rig_.disks.at(id).state->load_mark();
      expect(mark.ok() && mark->has_value() && (*mark)->index >= last,
             "shard " + std::to_string(id.value) + " was stopped without a last checkpoint");
    }
  }
  const auto promised = acknowledged_ends();
  rig_.crash(false);
  start_again(promised);
}

void simulation::start_again(const std::map<queue_id, offset>& promised) {
  mend_disks();
  may_die_ = false;
  for (auto& p : producers_) p.node_died();
  for (auto& r : readers_) r.node_died();
  for (auto& m : members_) m.node_died();
  group_.node_died();
  for (auto& w : workers_) w.node_died();
  for (auto& k : keepers_) k.node_died();
  for (auto& group : lending_) group.told.node_died();
  for (auto& each : acts_) each->node_died();
  rig_.start();
  expect(wrong_.empty(), wrong_);
  for (auto& topic : topics_) {
    const auto now = describe(topic.name);
    expect(now.queues.size() >= topic.queues.size(), "topic " + topic.name + " has lost a queue");
    topic.queues = now.queues;
    for (const auto& queue : now.queues) {
      const auto at = promised.find(queue.queue);
      oracle_.after_start(queue.queue, queue.earliest, queue.end,
                          at == promised.end() ? offset{0} : at->second);
      for (auto& group : lending_) group.told.ends_at(queue.queue, queue.end);
      storage::read_hint hint;
      const auto& log = *rig_.disks.at(shard_of(queue.queue)).log;
      const auto begin = log.read_queue(queue.queue, queue.earliest, log.bounds().last, 1, hint);
      expect(queue.earliest == queue.end || (begin && !begin->empty()),
             "queue " + std::to_string(queue.queue.value) + " begins at offset " +
               std::to_string(queue.earliest.value) + ", which is not in the log");
    }
  }
  for (auto& each : acts_) each->node_started();
}

/// Called for each shard at each start: its state must be what its whole log says.
void simulation::recovered(shard_id shard, const raft::replica& replica) {
  auto& log = *rig_.disks.at(shard).log;
  log.syncs_slowly = true;
  log.entries_per_segment = 1 + plan_.seed % 7 * 3;
  core::shard_state whole{rig_.replica_settings.producer_expiry_ms};
  for (const auto& stored : log.history()) {
    const auto entry = decode_entry(stored);
    CARAFE_ASSERT(entry.ok());
    whole.apply(entry->header.time, entry->effects);
  }
  if (replica.applied() != log.bounds().last || replica.state().hash() != whole.hash())
    wrong_ = "shard " + std::to_string(shard.value) + " is not what its whole log says";
}

} // namespace carafe::sim
