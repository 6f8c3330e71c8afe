#include "actors/core/delivery_batches.hpp"
#include "actors/delivery.hpp"
#include "actors/error_bridge.hpp"
#include "schema/offset_set.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace carafe {

namespace {

/// Of one request.
constexpr std::uint64_t letters_max = 10'000;

using letters_answer = std::function<void(result<frames::dead_letter_list>)>;

/// What was neither brought back nor purged, by the shards' progress of the group there.
frames::dead_letter_list open_letters_of(const frames::topic_description& topic,
                                         const progress_rows& rows) {
  frames::dead_letter_list out;
  for (const auto& queue : topic.queues) {
    core::delivery_progress progress{queue.earliest};
    auto end = queue.end;
    for (const auto& row : rows.rows)
      if (row.queue == queue.queue) {
        progress = core::delivery_progress{row.progress};
        end = std::max(end, row.end); // Of one moment with the row: letters may be moved just now.
      }
    auto& open = out.queues.emplace_back();
    open.queue = queue.queue;
    open.number = queue.number;
    const auto from = std::max(queue.earliest, progress.next());
    if (from < end) open.open = progress.done().missing({from, end.value - from.value});
  }
  return out;
}

/// Asks each shard for the group's progress there.
void find_progress(delivery_pointer self, const frames::topic_description& topic,
                   const letters_answer& then) {
  struct gathering {
    progress_rows rows;
    failure why{errc::none};
    std::size_t missing = 0;
  };
  std::set<shard_id> shards;
  for (const auto& queue : topic.queues) shards.insert(queue.shard);
  auto all = std::make_shared<gathering>();
  all->missing = shards.size();
  const auto arrived = [all, topic, then] {
    if (--all->missing > 0) return;
    if (all->why.code != errc::none)
      then(all->why);
    else
      then(open_letters_of(topic, all->rows));
  };
  for (const auto shard : shards)
    self
      ->request(self->state.shards.at(shard).shard, caf::infinite, progress_atom_v,
                self->state.record.group)
      .then(
        [all, arrived](const progress_rows& rows) {
          all->rows.rows.insert(all->rows.rows.end(), rows.rows.begin(), rows.rows.end());
          arrived();
        },
        [all, arrived](const caf::error& why) {
          all->why = from_caf(why);
          arrived();
        });
}

void find_open(delivery_pointer self, const letters_answer& then) {
  auto& s = self->state;
  const frames::topic_describe wish{core::dead_letters_of(s.record.name), false};
  self->request(s.catalogue, caf::infinite, describe_atom_v, wish)
    .then(
      [self, then](const frames::topic_description& topic) { find_progress(self, topic, then); },
      [then](const caf::error& error) {
        auto why = from_caf(error);
        if (why.code == errc::topic_unknown) // Nothing has died yet.
          then(frames::dead_letter_list{});
        else
          then(std::move(why));
      });
}

/// Letters on their way, one after another.
struct redrive_task {
  owed_answer<frames::redriven, delivery_pointer> answer;
  bool purge = false;
  std::vector<std::pair<queue_id, offset>> letters = {};
  std::map<queue_id, offset_set> open = {};
  std::size_t at = 0;
  frames::redriven done = {};
};
using task_ptr = std::shared_ptr<redrive_task>;

void next(delivery_pointer self, const task_ptr& task);

void settle_one(delivery_pointer self, const task_ptr& task, const failure& why) {
  const auto [queue, letter] = task->letters[task->at];
  task->done.letters.push_back({queue, letter, why});
  ++task->at;
  next(self, task);
}

/// The queue of the letter's message, if it is in the letter's shard and is still the one that had
/// it: a topic that was deleted and made again has others, and messages of its own at its offsets.
result<queue_id> source_of(const delivery_state& s, const core::letter_story& story,
                           shard_id shard) {
  const auto name = "queue " + std::to_string(story.number) + " of " + story.topic;
  for (const auto& [id, queue] : s.queues) {
    if (queue.topic != story.topic || queue.number.value != story.number || queue.shard != shard ||
        !queue.known || queue.resetting)
      continue;
    if (id != story.queue)
      return {errc::queue_unknown, name + " is another one now: the letter's was deleted"};
    if (s.core->past_end(id, {{story.at, 1}}))
      return {errc::invalid_argument, name + " has no message " + std::to_string(story.at.value)};
    return id;
  }
  if (!s.queues.contains(story.queue))
    return {errc::queue_unknown, name + " was deleted, or the group does not read it any more"};
  return {errc::queue_unknown,
          name + " is not read by the group now, or no consumer of it has been there yet"};
}

void write_one(delivery_pointer self, const task_ptr& task, shard_id shard, effect_list wish,
               std::function<void()> then) {
  self->request(self->state.shards.at(shard).shard, caf::infinite, write_atom_v, std::move(wish))
    .then(
      [self, task, then](entry_index) {
        then();
        settle_one(self, task, failure{errc::none});
      },
      [self, task](const caf::error& why) { settle_one(self, task, from_caf(why)); });
}

void bring_back(delivery_pointer self, const task_ptr& task, shard_id shard,
                const core::delivery_batch_ptr& batch) {
  auto& s = self->state;
  const auto [letter_queue, letter] = task->letters[task->at];
  auto story = core::read_letter(*batch, letter, s.options.limits);
  if (story && batch->what.producer != no_producer)
    story = {errc::invalid_argument, "a client sent it: it is no dead letter"};
  if (!story) return settle_one(self, task, story.error());
  if (story && story->cut)
    return settle_one(
      self, task,
      {errc::message_too_large,
       "the letter had no room for all of its message, and would bring back a part; "
       "the whole is at offset " +
         std::to_string(story->at.value) + " of queue " + std::to_string(story->number) + " of " +
         story->topic + ", while retention keeps it"});
  const auto source = source_of(s, *story, shard);
  if (!source) return settle_one(self, task, source.error());
  waiting_record row;
  row.at = story->at;
  row.due = s.clocks->wall();
  row.letter_queue = letter_queue;
  row.letter = letter;
  if (s.record.mode == "keyed") {
    auto key = core::key_at(*batch, letter, s.options.limits);
    if (!key) return settle_one(self, task, key.error());
    row.key = *key;
  }
  effect_list wish;
  wish.effects.emplace_back(effects::waiting{s.record.group, *source, row});
  wish.effects.emplace_back(effects::settled{s.record.group, letter_queue, {{letter, 1}}});
  wish.letter = effect_list::letter_place{s.record.group, letter_queue, letter};
  write_one(self, task, shard, std::move(wish), [self, source = *source, row] {
    carry_out(self, self->state.core->revived(source, row, now(self)));
  });
}

std::optional<shard_id> shard_of_letters(const delivery_state& s, queue_id queue) {
  if (s.graves)
    for (const auto& place : s.graves->queues)
      if (place.queue == queue) return place.shard;
  return std::nullopt;
}

bool is_open(const redrive_task& task, queue_id queue, offset letter) {
  const auto there = task.open.find(queue);
  return there != task.open.end() && there->second.contains(letter);
}

/// What cannot be dealt with is passed over here, so that a long list of it does not nest.
bool skip(const delivery_state& s, const task_ptr& task) {
  const auto [queue, letter] = task->letters[task->at];
  if (shard_of_letters(s, queue) && is_open(*task, queue, letter)) return false;
  task->done.letters.push_back(
    {queue, letter, {errc::not_found, "no dead letter of the group is there now"}});
  ++task->at;
  return true;
}

void next(delivery_pointer self, const task_ptr& task) {
  auto& s = self->state;
  while (task->at < task->letters.size() && skip(s, task)) {
  }
  if (task->at == task->letters.size()) {
    s.redriving = false;
    task->answer.give(std::move(task->done));
    return;
  }
  const auto [queue, letter] = task->letters[task->at];
  const auto shard = *shard_of_letters(s, queue);
  if (task->purge) {
    effect_list wish;
    wish.effects.emplace_back(effects::settled{s.record.group, queue, {{letter, 1}}});
    wish.letter = effect_list::letter_place{s.record.group, queue, letter};
    return write_one(self, task, shard, std::move(wish), [] {});
  }
  read_batch(self, shard, queue, letter,
             [self, task, shard](result<core::delivery_batch_ptr> batch) {
               if (!batch)
                 settle_one(self, task, batch.error());
               else if (!*batch)
                 settle_one(self, task, {errc::not_found, "retention has passed it"});
               else
                 bring_back(self, task, shard, *batch);
             });
}

} // namespace

caf::result<frames::dead_letter_list> dead_letters(delivery_pointer self) {
  auto answer = owe<frames::dead_letter_list>(self);
  find_open(self, [answer](result<frames::dead_letter_list> open) mutable {
    answer.give(std::move(open));
  });
  return answer.promise();
}

caf::result<frames::redriven> redrive(delivery_pointer self, const frames::redrive& wish) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  std::uint64_t count = 0;
  for (const auto& each : wish.letters)
    for (const auto& range : each.ranges) count += std::min(range.count, letters_max + 1);
  if (count > letters_max)
    return to_caf({errc::invalid_argument,
                   "more than " + std::to_string(letters_max) + " letters in one request"});
  if (s.redriving)
    return to_caf({errc::too_many_requests, "another redrive of the group is under way"});
  s.redriving = true;
  auto task = std::make_shared<redrive_task>(redrive_task{owe<frames::redriven>(self), wish.purge});
  for (const auto& each : wish.letters)
    for (const auto& range : each.ranges)
      for (auto at = range.first; at < range.end(); at = at + 1)
        task->letters.emplace_back(each.queue, at);
  std::ranges::sort(task->letters);
  task->letters.erase(std::ranges::unique(task->letters).begin(), task->letters.end());
  auto promise = task->answer.promise();
  const auto failed = [self, task](const failure& why) {
    self->state.redriving = false;
    task->answer.give(why);
  };
  self->request(s.catalogue, caf::infinite, graves_atom_v, s.record.name)
    .then(
      [self, task, failed](const topic_record& topic) {
        self->state.graves = topic;
        find_open(self, [self, task, failed](result<frames::dead_letter_list> open) {
          if (!open) return failed(open.error());
          for (const auto& each : open->queues) task->open.emplace(each.queue, each.open);
          next(self, task);
        });
      },
      [failed](const caf::error& why) { failed(from_caf(why)); });
  return promise;
}

} // namespace carafe
