/// The simulation's beginning, its end, and what it looks up in the logs.

#include "actors/core/placement.hpp"
#include "test/sim/content.hpp"
#include "test/sim/simulation.hpp"

#include <algorithm>

namespace carafe::sim {

void simulation::make_topics() {
  rig::client admin{rig_, "admin"};
  for (const auto& [name, mode] :
       {std::pair{"safe", durability::fsync}, std::pair{"soon", durability::interval},
        std::pair{"fast", durability::memory}}) {
    frames::topic_create wish;
    wish.name = name;
    wish.queues = static_cast<std::uint32_t>(dice_.between(1, 3));
    wish.settings.mode = mode;
    if (dice_.percent(30)) wish.settings.retention_ms = dice_.between(500, 5'000);
    const auto made = admin.ask<frames::topic_description>(wish);
    expect(made.ok(), "a topic could not be made");
    topics_.push_back({name, mode, made->queues});
  }
  std::swap(topics_.front(), dice_.pick(topics_));
  admin.post_disconnect();
}

frames::topic_description simulation::describe(const std::string& topic) {
  rig::client admin{rig_, "admin"};
  auto got = admin.ask<frames::topic_description>(frames::topic_describe{topic, false});
  expect(got.ok(), "topic " + topic + " is gone");
  admin.post_disconnect();
  return std::move(*got);
}

std::map<queue_id, offset> simulation::acknowledged_ends() const {
  std::map<queue_id, offset> ends;
  for (const auto& topic : topics_)
    for (const auto& queue : topic.queues)
      ends[queue.queue] = oracle_.acknowledged_end(queue.queue);
  return ends;
}

shard_id simulation::shard_of(queue_id queue) const {
  for (const auto& topic : topics_)
    for (const auto& known : topic.queues)
      if (known.queue == queue) return known.shard;
  return shard_id{0};
}

/// Where the queues of a shard end, as far as its log is on stable storage.
std::map<queue_id, offset> simulation::synced_ends(shard_id shard) const {
  const auto& log = *rig_.disks.at(shard).log;
  std::map<queue_id, offset> ends;
  for (const auto& topic : topics_)
    for (const auto& queue : topic.queues)
      if (queue.shard == shard) ends[queue.queue] = offset{0};
  const auto& history = log.history();
  const auto synced = std::min<std::uint64_t>(log.bounds().synced.value, history.size());
  for (std::uint64_t at = 0; at < synced; ++at) {
    const auto entry = decode_entry(history[at]);
    if (!entry) continue;
    for (const auto& effect : entry->effects)
      if (const auto* batch = std::get_if<effects::batch>(&effect))
        ends[batch->queue] = batch->base + batch->count;
  }
  return ends;
}

offset simulation::earliest_of(queue_id queue) const {
  const auto disk = rig_.disks.find(shard_of(queue));
  offset earliest{0};
  if (disk == rig_.disks.end()) return earliest;
  for (const auto& stored : disk->second.log->history()) {
    const auto entry = decode_entry(stored);
    if (!entry) continue;
    for (const auto& effect : entry->effects)
      if (const auto* start = std::get_if<effects::queue_start>(&effect))
        if (start->queue == queue) earliest = std::max(earliest, start->start);
  }
  return earliest;
}

/// Nothing breaks any more, and every producer gets its answers.
void simulation::calm_down() {
  note("calm");
  mend_disks();
  rig_.settle();
  check_node();
  const auto open = [this] {
    return std::any_of(producers_.begin(), producers_.end(),
                       [](const producer& p) { return !p.settled(); });
  };
  for (int round = 0; round < 400 && open(); ++round) {
    for (auto& p : producers_)
      if (!p.settled()) p.step(dice_, oracle_);
    rig_.pass(std::chrono::milliseconds{50});
    finish_syncs();
    check_node();
  }
  for (auto& p : producers_)
    if (!p.settled()) expect(false, "a producer gets no answer: " + p.open_batch());
}

/// In `interval` mode everything is synced soon after, if the disk lets it.
void simulation::check_interval_synced() {
  std::map<shard_id, entry_index> last;
  for (const auto& [id, disk] : rig_.disks)
    if (core::durability_of(id) == durability::interval) last[id] = disk.log->bounds().last;
  for (int i = 0; i < 10; ++i) {
    rig_.pass(std::chrono::milliseconds{50});
    finish_syncs();
  }
  for (const auto& [id, entry] : last) {
    const auto synced = rig_.disks.at(id).log->bounds().synced;
    expect(synced >= entry, "shard " + std::to_string(id.value) +
                              ", in interval mode, is not synced beyond entry " +
                              std::to_string(synced.value) + "; entry " +
                              std::to_string(entry.value) + " was written half a second ago");
  }
}

void simulation::read_everything() {
  for (const auto& topic : topics_) {
    const auto now = describe(topic.name);
    for (const auto& queue : now.queues) {
      rig::client client{rig_, "last reader"};
      frames::subscribe wish;
      wish.subscription = subscription_id{1};
      wish.queue = queue.queue;
      wish.credit_bytes = 1u << 30;
      const auto begun = client.ask<frames::subscribed>(wish);
      expect(begun.ok(), "a queue cannot be read");
      rig_.settle();
      while (const auto d = client.take<frames::deliver>())
        oracle_.delivered(read_batch(*d), {d->queue, d->base, d->broker_time});
      oracle_.check_all_read(queue.queue, begun->earliest, begun->end);
      client.post_disconnect();
    }
  }
}

} // namespace carafe::sim
