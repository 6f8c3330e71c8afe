#include "actors/broadcast.hpp"
#include "actors/error_bridge.hpp"

#include <functional>
#include <string>
#include <utility>

namespace carafe {

namespace {

using core::broadcast_core;

constexpr auto start_again_after = std::chrono::milliseconds{500};

/// What is loaded, one consumer on one shard after another.
struct loading {
  std::vector<group_record> consumers;
  std::vector<topic_record> topics;
  std::vector<shard_actor> shards;
  std::size_t next = 0;
  std::map<queue_id, offset> committed = {};
};

void load_next(broadcast_pointer self, const std::shared_ptr<loading>& what) {
  const auto count = what->shards.size();
  if (what->next == what->consumers.size() * count) {
    for (const auto& topic : what->topics) add_queues(self, topic);
    return;
  }
  const auto& shard = what->shards[what->next % count];
  self->request(shard, caf::infinite, progress_atom_v, what->consumers[what->next / count].group)
    .await(
      [self, what, count](const progress_rows& found) {
        for (const auto& row : found.rows) what->committed[row.queue] = row.progress.next;
        const auto& record = what->consumers[what->next / count];
        if (++what->next % count == 0)
          self->state.core->put_consumer(
            {record.group, core::consumer_name(record), record.created},
            std::exchange(what->committed, {}));
        load_next(self, what);
      },
      [self](const caf::error& why) { self->quit(why); });
}

/// What may change by itself, as a full disk, is waited for: the client could not do better.
void start_failed(broadcast_pointer self, const broadcast_core::find_start& e, const failure& why) {
  auto& s = self->state;
  if (!s.core->queues().contains(e.queue)) return;
  if (is_retriable(why.code)) {
    self->delayed_send(self, start_again_after, start_atom_v, e.consumer, e.queue, e.owner);
    return;
  }
  if (auto at = s.sessions.find(e.member); at != s.sessions.end())
    self->send(at->second, ended_atom_v, make_assignment(s, e.member, e.owner, e.queue), why);
  carry_out(self, s.core->start_failed(e.consumer, e.queue, e.owner));
}

void commit_start(broadcast_pointer self, const broadcast_core::find_start& e, offset begin) {
  auto& s = self->state;
  const auto place = s.places.find(e.queue);
  if (place == s.places.end()) return;
  if (s.gone && !s.handed_over) return;                   // Its group is deleted.
  if (!s.core->searching(e.consumer, e.queue, e.owner)) { // Forgotten meanwhile.
    carry_out(self, s.core->start_failed(e.consumer, e.queue, e.owner));
    return;
  }
  effect_list wish;
  wish.effects.emplace_back(
    effects::commit{e.consumer, e.queue, begin, effects::commit::reason::began});
  self->request(s.shards.at(place->second).shard, caf::infinite, write_atom_v, std::move(wish))
    .then(
      [self, e, begin](entry_index) {
        carry_out(self, self->state.core->started(e.consumer, e.queue, e.owner, begin));
      },
      [self, e](const caf::error& why) { start_failed(self, e, from_caf(why)); });
}

struct position {
  group_id consumer;
  queue_id queue;
  offset next;
};

/// Writes the commits of one shard and hands their fate to the core.
void write_commits(broadcast_pointer self, shard_id shard, const std::vector<position>& part,
                   const std::function<void(const failure&)>& done) {
  effect_list wish;
  for (const auto& p : part)
    wish.effects.emplace_back(effects::commit{p.consumer, p.queue, p.next});
  const auto finish = [self, part, done](const failure& why) {
    for (const auto& p : part) {
      const auto committed = why.code == errc::none ? std::optional{p.next} : std::nullopt;
      carry_out(self, self->state.core->commit_done(p.consumer, p.queue, committed));
    }
    done(why);
  };
  self->request(self->state.shards.at(shard).shard, caf::infinite, write_atom_v, std::move(wish))
    .then([finish](entry_index) { finish(failure{errc::none}); },
          [finish](const caf::error& why) { finish(from_caf(why)); });
}

} // namespace

void load_consumers(broadcast_pointer self, std::vector<group_record> consumers,
                    std::vector<topic_record> topics) {
  auto what = std::make_shared<loading>();
  what->consumers = std::move(consumers);
  what->topics = std::move(topics);
  for (const auto& [id, handles] : self->state.shards) what->shards.push_back(handles.shard);
  load_next(self, what);
}

void find_start(broadcast_pointer self, const broadcast_core::find_start& what) {
  const auto failed = [self, what](const caf::error& why) {
    start_failed(self, what, from_caf(why));
  };
  self->request(self->state.catalogue, caf::infinite, activate_atom_v, what.queue)
    .then(
      [self, what, failed](const queue_actor& queue) {
        self->request(queue, caf::infinite, resolve_atom_v, what.start, what.out_of_range)
          .then([self, what](const reading& found) { commit_start(self, what, found.begin); },
                failed);
      },
      failed);
}

caf::result<caf::ok_atom> commit_positions(broadcast_pointer self, const frames::commit& request) {
  if (request.positions.size() > commit_positions_max)
    return to_caf({errc::invalid_argument, std::to_string(request.positions.size()) +
                                             " positions; a commit has at most " +
                                             std::to_string(commit_positions_max)});
  auto& s = self->state;
  struct gathering {
    owed_answer<caf::ok_atom, broadcast_pointer> answer;
    std::size_t missing = 1;
    failure why{errc::none};
    void arrived(const failure& part) {
      if (part.code != errc::none) why = part;
      if (--missing > 0) return;
      answer.give(why.code == errc::none ? result<caf::ok_atom>{caf::ok_atom::value} : why);
    }
  };
  auto all = std::make_shared<gathering>(gathering{owe<caf::ok_atom>(self)});
  std::map<shard_id, std::vector<position>> parts;
  for (const auto& p : request.positions) {
    // Positions that still may be committed are, whatever became of the others.
    if (const auto consumer = s.core->commit(request.member, p.queue, p.owner); !consumer)
      all->why = consumer.error();
    else
      parts[s.places.at(p.queue)].push_back({*consumer, p.queue, p.next});
  }
  all->missing += parts.size();
  auto promise = all->answer.promise();
  for (const auto& [shard, part] : parts)
    write_commits(self, shard, part, [all](const failure& why) { all->arrived(why); });
  all->arrived(failure{errc::none});
  return promise;
}

} // namespace carafe
