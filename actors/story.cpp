#include "actors/story.hpp"

#include "actors/core/catalogue_core.hpp"
#include "actors/core/delivery_batches.hpp"
#include "actors/core/placement.hpp"
#include "actors/core/story_telling.hpp"
#include "actors/error_bridge.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace carafe {

namespace {

using self_pointer = story_pointer;

/// Of entries, between which others may read the log.
constexpr std::uint64_t walk_bytes = 4u << 20;

/// A half message is looked for so long before its transaction was committed: producers are asked
/// for about ten minutes, then an operator ends it.
constexpr std::int64_t prepared_before_ms = 3'600'000;

void end(self_pointer self) {
  if (self->state.asker) self->demonitor(self->state.asker);
  self->quit();
}

void fail(self_pointer self, caf::error why) {
  self->state.promise.deliver(std::move(why));
  end(self);
}

std::map<group_id, bool> groups_of(const story_plan& plan) {
  std::map<group_id, bool> out;
  for (const auto& each : plan.groups) {
    for (const auto& consumer : each.consumers) out.emplace(consumer.group, false);
    if (each.record.mode != "broadcast")
      out.emplace(each.record.group, core::lends_messages(each.record.mode));
  }
  return out;
}

/// The log does not say what groups that commit offsets were not sent.
void begin_story(story_state& s, core::story_subject about) {
  auto& told = s.told.emplace(std::move(about), groups_of(s.plan));
  const auto& topic = s.plan.topic;
  told.expire_by({topic.settings.default_ttl_ms, core::is_dead_letters(topic.name)});
  for (const auto& each : s.plan.groups) {
    if (core::lends_messages(each.record.mode)) continue;
    auto parsed = core::parse_filter(each.record.filter);
    if (!parsed || !*parsed) continue;
    const auto wanted = std::make_shared<const core::filter>(std::move(**parsed));
    if (each.record.mode != "broadcast") told.filter_by(each.record.group, wanted);
    for (const auto& consumer : each.consumers) told.filter_by(consumer.group, wanted);
  }
}

const queue_place* place_of(const story_state& s) {
  const auto* wish = std::get_if<frames::message_why::place>(&s.plan.wish.which);
  return wish == nullptr ? nullptr : &s.plan.topic.queues[wish->number.value];
}

// -- the answer -----------------------------------------------------------------------------------

void tell_groups(const story_state& s, const core::story_surroundings& around,
                 frames::message_story& out) {
  std::size_t bytes = 0;
  const auto add = [&](frames::group_story what, const group_record& of, const std::string& name) {
    what.group = of.name;
    what.mode = of.mode;
    what.consumer = name;
    core::add(out, std::move(what), bytes);
  };
  for (const auto& each : s.plan.groups) {
    const auto present = s.presents.find(each.record.group);
    if (present == s.presents.end()) continue;
    const auto& now = present->second;
    if (core::lends_messages(each.record.mode)) {
      auto then = around;
      then.now = now.lent.now;
      auto what = core::tell(*s.told, each.record.group, now.lent.where, now.lent.member, then);
      if (each.letters)
        for (std::size_t i = 0; i < each.letters->queues.size(); ++i)
          if (each.letters->queues[i].queue == what.letter_queue)
            what.letter_number = queue_number{static_cast<std::uint32_t>(i)};
      add(std::move(what), each.record, {});
      continue;
    }
    if (each.record.mode == "broadcast") {
      for (const auto& consumer : each.consumers) {
        std::optional<offset> committed;
        const auto name = core::consumer_name(consumer);
        for (const auto& known : now.committed.consumers)
          if (known.name == name)
            for (const auto& place : known.places)
              if (place.queue == out.queue) committed = place.committed;
        add(core::tell(*s.told, consumer.group, committed, {}, around), each.record, name);
      }
      continue;
    }
    std::optional<offset> committed;
    std::string reader;
    for (const auto& queue : now.committed.queues) {
      if (queue.queue != out.queue) continue;
      committed = queue.committed;
      for (const auto& member : now.committed.members)
        if (member.member == queue.owner)
          reader = member.name.empty() ? member.client : member.name;
    }
    add(core::tell(*s.told, each.record.group, committed, reader, around), each.record, {});
  }
}

void answer(self_pointer self) {
  auto& s = self->state;
  core::story_surroundings around;
  if (s.view) around.start = s.view->start;
  around.now = {s.plan.clocks->monotonic(), s.plan.clocks->wall()};
  auto out = core::tell(*s.told, around);
  out.topic = s.plan.topic.name;
  for (std::size_t i = 0; i < s.plan.topic.queues.size(); ++i)
    if (s.plan.topic.queues[i].queue == out.queue) {
      out.number = queue_number{static_cast<std::uint32_t>(i)};
      out.reached = core::durability_of(s.plan.topic.queues[i].shard);
    }
  if (out.has_place) tell_groups(s, around, out);
  out.groups_left_out += s.plan.groups_left_out;
  s.promise.deliver(std::move(out));
  end(self);
}

// -- the log --------------------------------------------------------------------------------------

void walk_on(self_pointer self);
void walked(self_pointer self);

void take(self_pointer self, const walk_reply& reply) {
  auto& s = self->state;
  // If nothing is left of the log, nothing is known of what was before now.
  if (reply.cut && !s.elsewhere)
    s.told->known_from(reply.begins.value > 0 ? reply.begins : s.plan.clocks->wall());
  const auto before = std::exchange(s.next, reply.next);
  for (const auto& entry : reply.entries) {
    if (!s.told->take(entry)) continue;
    s.next = entry.header.index + 1; // What follows is looked through with other eyes.
    break;
  }
  if (s.next > s.last || s.next == before) return walked(self);
  walk_on(self);
}

void walk_on(self_pointer self) {
  auto& s = self->state;
  const walk_request wish{s.next, s.since, s.last, walk_bytes,
                          std::make_shared<const core::story_subject>(s.told->subject())};
  self->request(s.plan.shards.at(s.shards.front()).reader, caf::infinite, walk_atom_v, wish)
    .then([self](const walk_reply& reply) { take(self, reply); },
          [self](const caf::error& why) { fail(self, why); });
}

/// Asks how far the shard is, then looks through its log up to there.
void begin_walk(self_pointer self) {
  auto& s = self->state;
  s.told->walks(s.shards.front());
  if (s.elsewhere) { // It has nothing of it but half messages.
    s.last = entry_index{std::numeric_limits<std::uint64_t>::max()};
    return walk_on(self);
  }
  queue_ids wanted;
  for (const auto& place : s.plan.topic.queues)
    if (place.shard == s.shards.front()) wanted.queues.push_back(place.queue);
  self->request(s.plan.shards.at(s.shards.front()).shard, caf::infinite, queues_atom_v, wanted)
    .then(
      [self](const queue_views& views) {
        auto& state = self->state;
        for (const auto& view : views.queues) {
          state.last = view.applied;
          if (view.queue == state.told->subject().queue) state.view = view;
        }
        if (state.next > state.last || views.queues.empty()) return walked(self);
        walk_on(self);
      },
      [self](const caf::error& why) { fail(self, why); });
}

// -- the present ----------------------------------------------------------------------------------

void have_asked(self_pointer self) {
  auto& s = self->state;
  if (--s.missing > 0) return;
  s.at_end = true;
  begin_walk(self);
}

/// What the log got since is looked through afterwards: it knows more than they said then.
void ask_groups(self_pointer self) {
  auto& s = self->state;
  s.missing = 1;
  const auto failed = [self](const caf::error& why) { fail(self, why); };
  const auto& about = s.told->subject();
  if (about.at) {
    s.missing += s.plan.groups.size();
    for (const auto& each : s.plan.groups) {
      const auto group = each.record.group;
      if (core::lends_messages(each.record.mode))
        self
          ->request(caf::actor_cast<delivery_actor>(each.actor), caf::infinite, why_atom_v,
                    about.queue, *about.at)
          .then(
            [self, group](const lent_whereabouts& where) {
              self->state.presents[group].lent = where;
              have_asked(self);
            },
            failed);
      else
        self->request(each.actor, caf::infinite, describe_atom_v)
          .then(
            [self, group](const frames::group_description& now) {
              self->state.presents[group].committed = now;
              have_asked(self);
            },
            failed);
    }
  }
  have_asked(self);
}

// -- finding it -----------------------------------------------------------------------------------

/// The log does not go back to when it was stored, or it never was.
void ask_timers(self_pointer self) {
  auto& s = self->state;
  const auto& id = std::get<frames::message_why::id>(s.plan.wish.which);
  std::map<shard_id, timer_selection> wishes;
  for (const auto& place : s.plan.topic.queues) wishes[place.shard].queues.push_back(place.queue);
  s.missing = wishes.size();
  for (auto& [shard, wish] : wishes) {
    wish.which = {s.plan.topic.name, frames::timer_which::message_id{id.producer, id.sequence}};
    self->request(s.plan.shards.at(shard).shard, caf::infinite, find_atom_v, wish)
      .then(
        [self](const timer_rows& found) {
          auto& state = self->state;
          for (const auto& row : found.rows)
            if (!state.told->found()) state.told->waits(*row);
          if (--state.missing == 0) answer(self);
        },
        [self](const caf::error& why) { fail(self, why); });
  }
}

/// Whoever kept its transaction has told what it was before. The rest is in its own shard.
void back_home(self_pointer self) {
  auto& s = self->state;
  s.elsewhere = false;
  s.shards.erase(s.shards.begin());
  s.next = *std::exchange(s.resume, std::nullopt);
  s.told->walks(s.shards.front());
  ask_groups(self);
}

void look_for_half(self_pointer self, shard_id coordinator) {
  auto& s = self->state;
  s.elsewhere = true;
  s.resume = s.next;
  s.shards.insert(s.shards.begin(), coordinator);
  s.next = entry_index{0};
  s.since = unix_ms{s.told->stored_at().value - prepared_before_ms};
  begin_walk(self);
}

std::vector<shard_id> shards_of_topic(const story_plan& plan) {
  std::set<shard_id> out;
  for (const auto& place : plan.topic.queues) out.insert(place.shard);
  return {out.begin(), out.end()};
}

/// None of the topic's shards has it: it may be a half message in another one, or it was committed
/// after they were looked through.
void look_elsewhere(self_pointer self) {
  auto& s = self->state;
  const auto own = shards_of_topic(s.plan);
  if (s.told->was_half()) {
    if (!s.told->committed() || std::exchange(s.again, true)) return answer(self);
    s.elsewhere = false;
    s.shards = own;
    return begin_walk(self);
  }
  if (s.again || s.elsewhere) return ask_timers(self);
  for (const auto& [shard, actors] : s.plan.shards)
    if (std::ranges::find(own, shard) == own.end()) s.shards.push_back(shard);
  s.elsewhere = true;
  if (s.shards.empty()) return ask_timers(self);
  begin_walk(self);
}

/// The shard's log was looked through.
void walked(self_pointer self) {
  auto& s = self->state;
  if (s.at_end) return answer(self);
  if (s.resume) return back_home(self);
  if (s.told->found()) {
    const auto coordinator = s.told->coordinator();
    if (coordinator && *coordinator != s.shards.front() && !s.told->was_half() &&
        s.plan.shards.contains(*coordinator))
      return look_for_half(self, *coordinator);
    return ask_groups(self);
  }
  s.shards.erase(s.shards.begin());
  s.next = entry_index{0};
  if (!s.shards.empty()) return begin_walk(self);
  look_elsewhere(self);
}

void find_id(self_pointer self, core::story_subject about, unix_ms since) {
  auto& s = self->state;
  std::set<shard_id> shards;
  for (const auto& place : s.plan.topic.queues) {
    about.queues.push_back(place.queue);
    shards.insert(place.shard);
  }
  s.shards.assign(shards.begin(), shards.end());
  s.since = since;
  begin_story(s, std::move(about));
  if (since.value > 0) s.told->known_from(since);
  begin_walk(self);
}

/// @param stored  Its batch, if it is still there.
void begin_at_place(self_pointer self, const queue_view& view, offset at,
                    const storage::stored_batch* stored) {
  auto& s = self->state;
  core::story_subject about;
  about.queue = view.queue;
  about.at = at;
  s.view = view;
  // A compacted queue has some of what lies before its log.
  if (view.compacted) s.view->start = stored == nullptr ? std::max(view.start, at + 1) : at;
  s.shards = {view.shard};
  // One that waited for its time had an id before it had a place, and what belongs to that.
  if (stored != nullptr) about.wanted = core::earlier_id_of(stored->batch, at);
  if (about.wanted) about.queues = {view.queue};
  if (stored != nullptr && stored->batch.transacted)
    s.since = unix_ms{stored->time.value - prepared_before_ms};
  else if (stored != nullptr && !about.wanted)
    s.since = stored->time;
  begin_story(s, std::move(about));
  begin_walk(self);
}

void find_place(self_pointer self, const queue_place& place, offset at) {
  auto& s = self->state;
  self
    ->request(s.plan.shards.at(place.shard).shard, caf::infinite, queues_atom_v,
              queue_ids{{place.queue}})
    .then(
      [self, at, shard = place.shard](const queue_views& views) {
        auto& state = self->state;
        if (views.queues.empty() || at >= views.queues.front().next) {
          core::story_subject nothing;
          state.told.emplace(nothing, std::map<group_id, bool>{});
          return answer(self);
        }
        const auto view = views.queues.front();
        const read_request wish{view.queue, at, view.applied, 1, {}};
        self->request(state.plan.shards.at(shard).reader, caf::infinite, read_atom_v, wish)
          .then(
            [self, view, at](const read_reply& found) {
              const storage::stored_batch* stored = nullptr;
              for (const auto& batch : found.batches)
                if (batch.holds(at)) stored = &batch;
              begin_at_place(self, view, at, stored);
            },
            [self](const caf::error& why) { fail(self, why); });
      },
      [self](const caf::error& why) { fail(self, why); });
}

void begin(self_pointer self) {
  auto& s = self->state;
  if (const auto* id = std::get_if<frames::message_why::id>(&s.plan.wish.which)) {
    core::story_subject about;
    about.wanted = core::story_subject::message_id{id->producer, id->sequence};
    return find_id(self, std::move(about), id->since);
  }
  find_place(self, *place_of(s), std::get<frames::message_why::place>(s.plan.wish.which).at);
}

} // namespace

story_actor::behavior_type tell_story_of(self_pointer self, story_plan plan) {
  self->state.plan = std::move(plan);
  // Who asked is gone: nobody wants to know.
  self->set_down_handler([self](const caf::down_msg&) { self->quit(); });
  return {
    [self](why_atom) -> caf::result<frames::message_story> {
      auto& s = self->state;
      s.promise = self->make_response_promise<frames::message_story>();
      if (self->current_sender()) {
        const auto asker = caf::actor_cast<caf::actor>(self->current_sender());
        s.asker = asker.address();
        self->monitor(asker);
      }
      begin(self);
      return s.promise;
    },
  };
}

} // namespace carafe
