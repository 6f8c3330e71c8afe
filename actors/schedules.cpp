#include "actors/schedules.hpp"

#include "actors/catalogue.hpp"
#include "actors/core/schedule_message.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/time_zones.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace carafe {

namespace {

using self_pointer = schedules_pointer;
using decision = schedules_state::decision;

/// The longest time between two looks: the machine's clock may be set meanwhile.
constexpr std::uint64_t look_ms = 10'000;
constexpr std::uint64_t retry_ms = 200;
/// Steps that are written at the same time.
constexpr std::size_t writing_max = 256;

schedule_id new_id(const schedules_options& options) {
  if (options.make_id) return options.make_id();
  std::random_device random;
  for (;;) {
    const auto id = std::uint64_t{random()} << 32 | random();
    if (id != 0) return schedule_id{id};
  }
}

// -- start ----------------------------------------------------------------------------------------

void drop_rows(self_pointer self, schedule_id schedule, shard_id shard) {
  const auto at = self->state.shards.find(shard);
  if (at == self->state.shards.end()) return;
  effect_list wish{{effects::schedule_deleted{schedule}}};
  self->request(at->second, caf::infinite, write_atom_v, std::move(wish))
    .then([](entry_index) {},
          [self, schedule, shard](const caf::error& why) {
            // Otherwise it is done at the next start.
            if (is_temporary(from_caf(why)))
              put_off_in_schedules(self,
                                   [self, schedule, shard] { drop_rows(self, schedule, shard); });
          });
}

void learn(self_pointer self, shard_id shard, const schedule_rows& rows) {
  auto& s = self->state;
  for (const auto& record : rows.schedules) s.core->load(record);
  for (const auto& row : rows.fired) {
    if (s.core->learn(row.schedule, row.progress))
      s.homes[row.schedule].insert(shard);
    else
      drop_rows(self, row.schedule, shard);
  }
}

/// One shard after another, before anything else is handled; shard 0, which has the schedules, is
/// the first.
void load_from(self_pointer self, shard_id shard) {
  auto& s = self->state;
  const auto at = s.shards.lower_bound(shard);
  if (at == s.shards.end()) {
    s.core->loaded();
    pump_schedules(self);
    return;
  }
  self->request(at->second, caf::infinite, schedules_atom_v)
    .await(
      [self, id = at->first](const schedule_rows& rows) {
        learn(self, id, rows);
        load_from(self, shard_id{static_cast<std::uint16_t>(id.value + 1)});
      },
      [self](const caf::error& why) { self->quit(why); });
}

// -- wishes ---------------------------------------------------------------------------------------

void finish(self_pointer self, const result<decision>& outcome) {
  auto& s = self->state;
  auto change = std::move(s.changes.front());
  s.changes.pop_front();
  s.changing = false;
  change.done(outcome);
  pump_schedules(self);
}

void write_change(self_pointer self, const decision& what) {
  auto& s = self->state;
  s.changing = true;
  s.core->claim(what.name);
  self->request(s.shards.at(shard_id{0}), caf::infinite, write_atom_v, effect_list{{*what.effect}})
    .then(
      [self, what](entry_index) {
        auto& state = self->state;
        state.core->apply(*what.effect);
        if (const auto* gone = std::get_if<effects::schedule_deleted>(&*what.effect))
          if (auto homes = state.homes.extract(gone->schedule))
            for (const auto shard : homes.mapped())
              if (shard != shard_id{0}) drop_rows(self, gone->schedule, shard);
        finish(self, what);
      },
      [self, what](const caf::error& why) {
        self->state.core->unclaim(what.name);
        finish(self, from_caf(why));
      });
}

/// `schedule_put`, once its message was looked at.
void decide_put(self_pointer self, const frames::schedule_put& wish, const std::string& name,
                caf::typed_response_promise<frames::schedules> promise) {
  self->state.changes.push_back({name,
                                 [self, wish] {
                                   auto& mine = self->state;
                                   return mine.core->put(wish, new_id(mine.options),
                                                         mine.clocks->wall());
                                 },
                                 [self, name, promise](const result<decision>& outcome) mutable {
                                   if (!outcome) {
                                     promise.deliver(to_caf(outcome.error()));
                                     return;
                                   }
                                   auto line = self->state.core->list({name, {}, 1});
                                   if (line)
                                     promise.deliver(std::move(*line));
                                   else
                                     promise.deliver(to_caf(line.error()));
                                 }});
  change_schedules(self);
}

/// A message without a key never gets into a compacted topic. That of a topic that is made so, or
/// comes to be, later is refused when it is due.
void put_if_taken(self_pointer self, const frames::schedule_put& wish,
                  const schedule_definition& made,
                  caf::typed_response_promise<frames::schedules> promise) {
  self
    ->request(self->state.catalogue, caf::infinite, describe_atom_v,
              frames::topic_describe{made.topic, false})
    .then(
      [self, wish, name = made.name, promise](const frames::topic_description& found) mutable {
        if (found.settings.compacted)
          promise.deliver(to_caf({errc::key_required, "topic " + found.name +
                                                        " is compacted, and the schedule's "
                                                        "message has no key"}));
        else
          decide_put(self, wish, name, promise);
      },
      [self, wish, name = made.name, promise](const caf::error&) {
        decide_put(self, wish, name, promise);
      });
}

caf::result<frames::schedules> on_put(self_pointer self, const frames::schedule_put& wish) {
  auto& s = self->state;
  std::string name;
  if (const auto* made = std::get_if<schedule_definition>(&wish.wish)) {
    if (auto ok = core::check_schedule_message(*made, s.options.messages); !ok)
      return to_caf(ok.error());
    name = made->name;
  } else if (const auto* pause = std::get_if<frames::schedule_put::pause>(&wish.wish)) {
    name = pause->name;
  } else {
    name = std::get<frames::schedule_put::resume>(wish.wish).name;
  }
  auto promise = self->make_response_promise<frames::schedules>();
  const auto* made = std::get_if<schedule_definition>(&wish.wish);
  if (made != nullptr && core::is_keyless(*made))
    put_if_taken(self, wish, *made, promise);
  else
    decide_put(self, wish, name, promise);
  return promise;
}

caf::result<caf::ok_atom> on_delete(self_pointer self, const frames::schedule_delete& wish) {
  auto promise = self->make_response_promise<caf::ok_atom>();
  self->state.changes.push_back({wish.name,
                                 [self, wish] { return self->state.core->remove(wish.name); },
                                 [promise](const result<decision>& outcome) mutable {
                                   if (outcome)
                                     promise.deliver(caf::ok_atom::value);
                                   else
                                     promise.deliver(to_caf(outcome.error()));
                                 }});
  change_schedules(self);
  return promise;
}

// -- time -----------------------------------------------------------------------------------------

void on_tick(self_pointer self) {
  auto& s = self->state;
  s.tick_at.reset();
  for (const auto& work : std::exchange(s.put_off, {})) work();
  const auto now = s.clocks->monotonic();
  std::erase_if(s.held, [&](const auto& each) {
    if (each.until > now) return false;
    s.core->release(each.schedule);
    return true;
  });
  pump_schedules(self);
}

} // namespace

void look_at_schedules_in(schedules_pointer self, std::uint64_t ms) {
  auto& s = self->state;
  const mono_ms at{s.clocks->monotonic().value + ms};
  if (s.tick_at && *s.tick_at <= at) return;
  s.tick_at = at;
  self->delayed_send(self, std::chrono::milliseconds{ms}, tick_atom_v);
}

void put_off_in_schedules(schedules_pointer self, std::function<void()> work) {
  self->state.put_off.push_back(std::move(work));
  look_at_schedules_in(self, retry_ms);
}

/// Not by recursion: many that change nothing may wait behind a slow one.
void change_schedules(schedules_pointer self) {
  auto& s = self->state;
  while (!s.changing && !s.changes.empty()) {
    if (s.core->is_busy(s.changes.front().name)) return; // Its step is written soon.
    const auto wish = s.changes.front().decide();
    if (wish && wish->effect) return write_change(self, *wish);
    auto change = std::move(s.changes.front());
    s.changes.pop_front();
    change.done(wish);
  }
}

void pump_schedules(schedules_pointer self) {
  auto& s = self->state;
  change_schedules(self); // First: a schedule that is always due would never be free.
  const auto now = s.clocks->wall();
  const auto steps = s.core->due(now, writing_max - std::min(s.writing, writing_max));
  s.writing += steps.size();
  for (const auto& step : steps) fire_schedule(self, step);
  for (const auto& each : s.held) {
    const auto mono = s.clocks->monotonic().value;
    look_at_schedules_in(self, each.until.value > mono ? each.until.value - mono : 1);
  }
  const auto next = s.core->next();
  if (!next || s.writing >= writing_max) return; // A step that was written comes back here.
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(next->value - now.value, 1));
  look_at_schedules_in(self, std::min(left, look_ms));
}

schedules_actor::behavior_type schedules(schedules_pointer self, catalogue_actor catalogue,
                                         const shard_table& shards,
                                         std::shared_ptr<const clock> clocks,
                                         schedules_options options) {
  auto& s = self->state;
  s.catalogue = std::move(catalogue);
  for (const auto& [id, handles] : shards) s.shards.emplace(id, handles.shard);
  s.clocks = std::move(clocks);
  s.options = std::move(options);
  s.core.emplace(s.options.limits, find_time_zone);
  load_from(self, shard_id{0});
  return {
    [self](create_atom, const frames::schedule_put& wish) { return on_put(self, wish); },
    [self](remove_atom, const frames::schedule_delete& wish) { return on_delete(self, wish); },
    [self](list_atom, const frames::schedule_list& wish) -> caf::result<frames::schedules> {
      auto found = self->state.core->list(wish);
      if (!found) return to_caf(found.error());
      return std::move(*found);
    },
    [self](tick_atom) { on_tick(self); },
  };
}

} // namespace carafe
