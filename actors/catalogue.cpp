#include "actors/catalogue.hpp"

#include "actors/error_bridge.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

namespace carafe {

namespace {

using decision = catalogue_state::decision;
using core::catalogue_core;

failure no_topic(const std::string& name) { return {errc::topic_unknown, name}; }

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
            all->messages[view.topic] += view.next.value - view.earliest.value;
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

} // namespace

failure no_such_queue(const topic_record& topic, queue_number number) {
  const auto count = topic.queues.size();
  return {errc::queue_unknown, topic.name + " has " + std::to_string(count) +
                                 (count == 1 ? " queue" : " queues") + ", and no queue " +
                                 std::to_string(number.value)};
}

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
    std::erase_if(self->state.stories,
                  [&](const auto& actor) { return actor.address() == down.source; });
    std::erase_if(self->state.finders,
                  [&](const auto& actor) { return actor.address() == down.source; });
    std::erase_if(self->state.leaving,
                  [&](const auto& actor) { return actor.address() == down.source; });
  });
  self->set_exit_handler([self](caf::exit_msg& why) {
    for (const auto& [id, actor] : self->state.topics) self->send_exit(actor, why.reason);
    for (const auto& [id, actor] : self->state.groups) self->send_exit(actor, why.reason);
    for (const auto& actor : self->state.leaving) self->send_exit(actor, why.reason);
    self->send_exit(self->state.schedules, why.reason);
    for (const auto& actor : self->state.stories) self->send_exit(actor, why.reason);
    for (const auto& actor : self->state.finders) self->send_exit(actor, why.reason);
    self->quit(std::move(why.reason));
  });
  load_catalogue(self);
  // They fail together: without it no schedule would send anything, and nobody would notice.
  const catalogue_actor me{self};
  s.schedules =
    options.schedules.own_threads
      ? self->spawn<caf::linked + caf::detached>(carafe::schedules, me, s.shards, s.clocks,
                                                 options.schedules)
      : self->spawn<caf::linked>(carafe::schedules, me, s.shards, s.clocks, options.schedules);
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
    [self](join_atom, const frames::join& wish) { return join_group(self, wish); },
    [self](list_atom, group_tag) { return list_groups(self); },
    [self](describe_atom, group_tag, const std::string& name) {
      return describe_group_of(self, name);
    },
    [self](reset_atom, const frames::group_reset& wish) { return reset_group_of(self, wish); },
    [self](alter_atom, const frames::group_put& wish) { return put_group(self, wish); },
    [self](save_atom, const member_seat& seat) { return save_seat(self, seat); },
    [self](graves_atom, const std::string& name) { return dead_letters_of_group(self, name); },
    [self](graves_atom, group_tag, const std::string& name) {
      return list_dead_letters(self, name);
    },
    [self](graves_atom, const frames::redrive& wish) { return redrive_letters(self, wish); },
    [self](remove_atom, group_tag, const std::string& name) { return delete_group(self, name); },
    [self](close_atom, const frames::timer_end& wish) { return end_timers_of(self, wish); },
    [self](move_atom, const frames::timer_move& wish) { return move_timers_of(self, wish); },
    [self](list_atom, const frames::timer_list& wish) { return list_timers_of(self, wish); },
    [self](why_atom, const frames::message_why& wish) { return tell_story(self, wish); },
    [self](find_atom, const frames::key_find& wish) { return find_key(self, wish); },
    [self](forget_atom, const frames::group_forget& wish) { return forget_consumer(self, wish); },
    [self](create_atom, const frames::schedule_put& wish) {
      return self->delegate(self->state.schedules, create_atom_v, wish);
    },
    [self](remove_atom, const frames::schedule_delete& wish) {
      return self->delegate(self->state.schedules, remove_atom_v, wish);
    },
    [self](list_atom, const frames::schedule_list& wish) {
      return self->delegate(self->state.schedules, list_atom_v, wish);
    },
    [self](alter_atom, const frames::producer_request& wish) {
      return ask_of_producers(self, wish);
    },
    [self](forget_atom, const frames::producer_forget& wish) {
      return forget_producer(self, wish);
    },
    [self](tick_atom) { try_again(self); },
    [self](resolve_atom, const tx_question& wish) { return resolve_transaction(self, wish); },
    [self](settle_atom, const tx_settled& what) { settle_by_transaction(self, what); },
    [self](status_atom) {
      return catalogue_counts{static_cast<std::uint32_t>(self->state.core->topics().size()),
                              static_cast<std::uint32_t>(self->state.core->groups().size())};
    },
    [self](actors_atom) {
      const auto& mine = self->state;
      const auto waiting = static_cast<std::uint32_t>(self->mailbox().size());
      // Its own mailbox is short: what comes to it comes through here.
      return frames::node_actor_list{
        {{"catalogue", "scheduled", waiting},
         {"schedules", mine.options.schedules.own_threads ? "detached" : "scheduled", 0}}};
    },
  };
}

} // namespace carafe
