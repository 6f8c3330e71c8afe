#include "actors/catalogue.hpp"

#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/raft/replica.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace carafe {

namespace {

using decision = catalogue_state::decision;
using core::catalogue_core;

failure no_topic(const std::string& name) { return {errc::topic_unknown, name}; }
failure no_group(const std::string& name) { return {errc::group_unknown, name}; }

// -- topics ---------------------------------------------------------------------------------------

/// Answers with the topic's description once the change is durable.
std::function<void(const result<decision>&)>
describe_then(catalogue_pointer self, caf::typed_response_promise<frames::topic_description> to) {
  return [self, to](const result<decision>& outcome) mutable {
    if (!outcome) {
      to.deliver(to_caf(outcome.error()));
      return;
    }
    self->request(topic_of(self, outcome->topic), caf::infinite, describe_atom_v)
      .then([to](frames::topic_description& d) mutable { to.deliver(std::move(d)); },
            [to](caf::error& why) mutable { to.deliver(std::move(why)); });
  };
}

caf::result<frames::topic_description> on_create(catalogue_pointer self,
                                                 const frames::topic_create& wish) {
  auto promise = self->make_response_promise<frames::topic_description>();
  change_catalogue(
    self, [self, wish] { return self->state.core->create_topic(wish, self->state.clocks->wall()); },
    describe_then(self, promise));
  return promise;
}

caf::result<frames::topic_description> on_describe(catalogue_pointer self,
                                                   const frames::topic_describe& wish) {
  auto& s = self->state;
  if (const auto* found = s.core->topic(wish.name)) {
    auto promise = self->make_response_promise<frames::topic_description>();
    decision same;
    same.topic = *found;
    describe_then(self, promise)(same);
    return promise;
  }
  if (!wish.create_if_missing || s.options.create_on_use_queues == 0)
    return to_caf(no_topic(wish.name));
  frames::topic_create create;
  create.name = wish.name;
  create.queues = s.options.create_on_use_queues;
  create.if_missing = true;
  return on_create(self, create);
}

caf::result<frames::topic_names> on_list(catalogue_pointer self) {
  auto& s = self->state;
  struct gathering {
    std::unordered_map<topic_id, std::uint64_t> messages;
    std::size_t missing;
    failure why{errc::none};
  };
  auto promise = self->make_response_promise<frames::topic_names>();
  auto all = std::make_shared<gathering>(gathering{{}, s.shards.size(), failure{errc::none}});
  auto arrived = [self, all, promise]() mutable {
    if (--all->missing > 0) return;
    if (all->why.code != errc::none) {
      promise.deliver(to_caf(all->why));
      return;
    }
    frames::topic_names names;
    for (const auto& [id, topic] : self->state.core->topics())
      names.topics.push_back(
        {topic.name, id, static_cast<std::uint32_t>(topic.queues.size()), all->messages[id]});
    promise.deliver(std::move(names));
  };
  for (const auto& [shard, handles] : s.shards) {
    self->request(handles.shard, caf::infinite, queues_atom_v, queue_ids{})
      .then(
        [all, arrived](const queue_views& views) mutable {
          for (const auto& view : views.queues)
            all->messages[view.topic] += view.next.value - view.start.value;
          arrived();
        },
        [all, arrived](const caf::error& why) mutable {
          all->why = from_caf(why);
          arrived();
        });
  }
  return promise;
}

caf::result<shard_actor> on_route(catalogue_pointer self, queue_id queue) {
  auto& s = self->state;
  if (const auto* found = s.core->owner_of(queue))
    for (const auto& place : found->queues)
      if (place.queue == queue)
        if (auto at = s.shards.find(place.shard); at != s.shards.end()) return at->second.shard;
  return to_caf({errc::queue_unknown, "queue " + std::to_string(queue.value)});
}

// -- groups ---------------------------------------------------------------------------------------

/// Topics come to be by being used, where the node allows it.
void create_missing(catalogue_pointer self, const std::vector<std::string>& topics) {
  auto& s = self->state;
  if (s.options.create_on_use_queues == 0) return;
  for (const auto& name : topics) {
    frames::topic_create create;
    create.name = name;
    create.queues = s.options.create_on_use_queues;
    create.if_missing = true;
    // What fails here fails the joining, which comes next.
    change_catalogue(
      self,
      [self, create] {
        if (self->state.core->topic(create.name) != nullptr) return result<decision>{decision{}};
        return self->state.core->create_topic(create, self->state.clocks->wall());
      },
      [](const result<decision>&) {});
  }
}

caf::result<group_actor> on_join(catalogue_pointer self, const frames::join& wish) {
  auto promise = self->make_response_promise<group_actor>();
  create_missing(self, wish.topics);
  change_catalogue(
    self,
    [self, wish] {
      return self->state.core->join_group(wish.group, wish.topics, self->state.clocks->wall());
    },
    [self, promise](const result<decision>& outcome) mutable {
      if (outcome)
        promise.deliver(group_of(self, outcome->group));
      else
        promise.deliver(to_caf(outcome.error()));
    });
  return promise;
}

caf::result<frames::group_names> on_list_groups(catalogue_pointer self) {
  auto& s = self->state;
  struct gathering {
    frames::group_names names;
    std::size_t missing;
    failure why{errc::none};
  };
  auto promise = self->make_response_promise<frames::group_names>();
  auto all = std::make_shared<gathering>(gathering{{}, s.core->groups().size() + 1});
  auto arrived = [all, promise]() mutable {
    if (--all->missing > 0) return;
    if (all->why.code != errc::none) {
      promise.deliver(to_caf(all->why));
      return;
    }
    std::sort(all->names.groups.begin(), all->names.groups.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    promise.deliver(std::move(all->names));
  };
  for (const auto& [id, record] : s.core->groups()) {
    self->request(group_of(self, record), caf::infinite, describe_atom_v)
      .then(
        [all, arrived](const frames::group_description& d) mutable {
          std::uint64_t lag = 0;
          for (const auto& queue : d.queues) lag += queue.lag;
          all->names.groups.push_back(
            {d.name, d.group, d.mode, d.topics, static_cast<std::uint32_t>(d.members.size()), lag});
          arrived();
        },
        [all, arrived](const caf::error& error) mutable {
          auto why = from_caf(error);
          // Its actor has gone: deleted just now, or there again for who asks next.
          if (why.code != errc::shutting_down) all->why = std::move(why);
          arrived();
        });
  }
  arrived();
  return promise;
}

caf::result<frames::group_description> on_describe_group(catalogue_pointer self,
                                                         const std::string& name) {
  const auto* found = self->state.core->group(name);
  if (found == nullptr) return to_caf(no_group(name));
  return self->delegate(group_of(self, *found), describe_atom_v);
}

caf::result<frames::group_description> on_reset(catalogue_pointer self,
                                                const frames::group_reset& wish) {
  const auto* found = self->state.core->group(wish.group);
  if (found == nullptr) return to_caf(no_group(wish.group));
  auto promise = self->make_response_promise<frames::group_description>();
  const auto actor = group_of(self, *found);
  const auto failed = [promise](caf::error& why) mutable { promise.deliver(std::move(why)); };
  self->request(actor, caf::infinite, reset_atom_v, wish)
    .then(
      [self, actor, promise, failed](caf::ok_atom) mutable {
        self->request(actor, caf::infinite, describe_atom_v)
          .then([promise](frames::group_description& d) mutable { promise.deliver(std::move(d)); },
                failed);
      },
      failed);
  return promise;
}

/// The group's actor goes first (if nobody is in it), then its record and progress.
caf::result<caf::ok_atom> on_remove_group(catalogue_pointer self, const std::string& name) {
  const auto* found = self->state.core->group(name);
  if (found == nullptr) return to_caf(no_group(name));
  auto promise = self->make_response_promise<caf::ok_atom>();
  self->request(group_of(self, *found), caf::infinite, remove_atom_v)
    .then(
      [self, name, promise, id = found->group](caf::ok_atom) mutable {
        change_catalogue(
          self, [self, name] { return self->state.core->delete_group(name); },
          [self, id, promise](const result<decision>& outcome) mutable {
            if (outcome) {
              promise.deliver(caf::ok_atom::value);
              return;
            }
            forget_group(self, id); // It takes nobody any more; another one will.
            promise.deliver(to_caf(outcome.error()));
          });
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

// -- start ----------------------------------------------------------------------------------------

void repair(catalogue_pointer self, shard_id shard, const shard_actor& actor);

/// Repeats what a crash may have left undone in one shard, an entry full at a time.
void repair_some(catalogue_pointer self, shard_id shard, const shard_actor& actor,
                 const core::catalogue_core::inventory& there) {
  auto repairs = self->state.core->repairs(shard, there);
  if (repairs.empty()) return;
  if (repairs.size() > raft::effects_per_entry_max) repairs.resize(raft::effects_per_entry_max);
  logging::info("catalogue", std::to_string(repairs.size()) + " follow-ups repeated in shard " +
                               std::to_string(shard.value));
  self->request(actor, caf::infinite, write_atom_v, effect_list{std::move(repairs)})
    .await([self, shard, actor](entry_index) { repair(self, shard, actor); },
           [self, shard, actor](const caf::error& error) {
             const auto why = from_caf(error);
             if (!is_temporary(why)) return self->quit(error);
             // Reading must go on although the disk is full.
             logging::warning("catalogue", "follow-ups wait: " + why.message());
             put_off(self, [self, shard, actor] { repair(self, shard, actor); });
           });
}

void repair(catalogue_pointer self, shard_id shard, const shard_actor& actor) {
  self->request(actor, caf::infinite, inventory_atom_v)
    .await([self, shard,
            actor](const shard_inventory& found) { repair_some(self, shard, actor, found.there); },
           [self](const caf::error& why) { self->quit(why); });
}

/// Every shard that has queues must be there: what is in it would be taken for deleted.
result<void> check_shards(const catalogue_state& s) {
  for (const auto& [id, topic] : s.core->topics())
    for (const auto& place : topic.queues)
      if (!s.shards.contains(place.shard))
        return {errc::storage_corrupt, "topic " + topic.name + " has queues in shard " +
                                         std::to_string(place.shard.value) +
                                         ", whose folder is missing; put it back"};
  return {};
}

void load(catalogue_pointer self) {
  auto& s = self->state;
  self->request(s.shards.at(shard_id{0}).shard, caf::infinite, load_atom_v)
    .await(
      [self](const catalogue_rows& rows) {
        auto& state = self->state;
        state.core.emplace(state.options.limits, rows.topics, rows.groups, rows.counters.next_id);
        if (auto ok = check_shards(state); !ok) return self->quit(to_caf(ok.error()));
        for (const auto& [shard, handles] : state.shards) repair(self, shard, handles.shard);
        // Their messages grow old whether anybody uses them or not.
        for (const auto& [id, topic] : state.core->topics())
          if (topic.settings.retention_ms != 0) topic_of(self, topic);
      },
      [self](const caf::error& why) { self->quit(why); });
}

} // namespace

catalogue_actor::behavior_type catalogue(catalogue_pointer self, node_actor node,
                                         shard_table shards, std::shared_ptr<const clock> clocks,
                                         catalogue_options options) {
  auto& s = self->state;
  s.node = std::move(node);
  s.shards = std::move(shards);
  s.clocks = std::move(clocks);
  s.options = options;
  // A topic or group that died is made anew when it is asked for next.
  self->set_down_handler([self](const caf::down_msg& down) {
    const auto is_it = [&](const auto& entry) { return entry.second.address() == down.source; };
    std::erase_if(self->state.topics, is_it);
    std::erase_if(self->state.groups, is_it);
    std::erase_if(self->state.leaving,
                  [&](const auto& actor) { return actor.address() == down.source; });
  });
  self->set_exit_handler([self](caf::exit_msg& why) {
    for (const auto& [id, actor] : self->state.topics) self->send_exit(actor, why.reason);
    for (const auto& [id, actor] : self->state.groups) self->send_exit(actor, why.reason);
    for (const auto& actor : self->state.leaving) self->send_exit(actor, why.reason);
    self->quit(std::move(why.reason));
  });
  load(self);
  return {
    [self](create_atom, const frames::topic_create& wish) { return on_create(self, wish); },
    [self](alter_atom, const frames::topic_alter& wish) -> caf::result<frames::topic_description> {
      auto promise = self->make_response_promise<frames::topic_description>();
      change_catalogue(
        self, [self, wish] { return self->state.core->alter_topic(wish); },
        describe_then(self, promise));
      return promise;
    },
    [self](remove_atom, const std::string& name) -> caf::result<caf::ok_atom> {
      auto promise = self->make_response_promise<caf::ok_atom>();
      change_catalogue(
        self, [self, name] { return self->state.core->delete_topic(name); },
        [promise](const result<decision>& outcome) mutable {
          if (outcome)
            promise.deliver(caf::ok_atom::value);
          else
            promise.deliver(to_caf(outcome.error()));
        });
      return promise;
    },
    [self](describe_atom, const frames::topic_describe& wish) { return on_describe(self, wish); },
    [self](list_atom) { return on_list(self); },
    [self](route_atom, queue_id queue) { return on_route(self, queue); },
    [self](activate_atom, queue_id queue) -> caf::result<queue_actor> {
      const auto* found = self->state.core->owner_of(queue);
      if (found == nullptr)
        return to_caf({errc::queue_unknown, "queue " + std::to_string(queue.value)});
      return self->delegate(topic_of(self, *found), activate_atom_v, queue);
    },
    [self](join_atom, const frames::join& wish) { return on_join(self, wish); },
    [self](list_atom, group_tag) { return on_list_groups(self); },
    [self](describe_atom, group_tag, const std::string& name) {
      return on_describe_group(self, name);
    },
    [self](reset_atom, const frames::group_reset& wish) { return on_reset(self, wish); },
    [self](remove_atom, group_tag, const std::string& name) { return on_remove_group(self, name); },
    [self](tick_atom) { try_again(self); },
    [self](status_atom) {
      return catalogue_counts{static_cast<std::uint32_t>(self->state.core->topics().size()),
                              static_cast<std::uint32_t>(self->state.core->groups().size())};
    },
    [self](actors_atom) {
      const auto waiting = static_cast<std::uint32_t>(self->mailbox().size());
      return frames::node_actor_list{{{"catalogue", "scheduled", waiting}}};
    },
  };
}

} // namespace carafe
