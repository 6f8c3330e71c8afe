#include "actors/catalogue.hpp"
#include "actors/error_bridge.hpp"
#include "actors/in_use.hpp"
#include "actors/logging.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace carafe {

namespace {

using decision = catalogue_state::decision;

failure no_group(const std::string& name) { return {errc::group_unknown, name}; }

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

} // namespace

caf::result<group_actor> join_group(catalogue_pointer self, const frames::join& wish) {
  auto promise = self->make_response_promise<group_actor>();
  const auto known = self->state.core->rejoin_group(wish.group, wish.rejoins, wish.mode);
  if (!known) create_missing(self, wish.topics);
  change_catalogue(
    self,
    [self, wish]() -> result<decision> {
      const auto& core = *self->state.core;
      const auto now = self->state.clocks->wall();
      if (!wish.member_id.empty() && !core::check_group_name(wish.member_id))
        return {errc::invalid_argument,
                "a member's id is 1 to 127 letters, digits, '.', '_' or '-', the first no '.' or "
                "'-'; not '" +
                  wish.member_id.substr(0, 200) + "'"};
      const auto again = core.rejoin_group(wish.group, wish.rejoins, wish.mode);
      auto joined = again ? result<decision>{*again}
                          : core.join_group(wish.group, wish.topics, now, wish.mode, wish.filter);
      // It may fit what the group is in a moment.
      if (joined.code() == errc::subscription_mismatch &&
          self->state.handed_over.contains(wish.group))
        return changed_just_now(wish.group);
      if (!joined || wish.name.empty()) return joined;
      return core.name_consumer(std::move(*joined), wish.name, now);
    },
    [self, promise](const result<decision>& outcome) mutable {
      if (outcome)
        promise.deliver(group_of(self, outcome->group));
      else
        promise.deliver(to_caf(outcome.error()));
    });
  return promise;
}

caf::result<frames::group_names> list_groups(catalogue_pointer self) {
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
          // Those that are away and have a seat do not count.
          const auto there =
            std::ranges::count_if(d.members, [](const auto& m) { return !m.kept_until; });
          all->names.groups.push_back(
            {d.name, d.group, d.mode, d.topics, static_cast<std::uint32_t>(there), lag});
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

caf::result<frames::group_description> describe_group_of(catalogue_pointer self,
                                                         const std::string& name) {
  const auto* found = self->state.core->group(name);
  if (found == nullptr) return to_caf(no_group(name));
  return self->delegate(group_of(self, *found), describe_atom_v);
}

caf::result<frames::group_description> reset_group_of(catalogue_pointer self,
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

namespace {

/// Describes the group once the change is durable; its actor learns of it.
std::function<void(const result<decision>&)>
tell_then(catalogue_pointer self, caf::typed_response_promise<frames::group_description> to) {
  return [self, to](const result<decision>& outcome) mutable {
    if (!outcome) {
      to.deliver(to_caf(outcome.error()));
      return;
    }
    const auto actor = group_of(self, outcome->group);
    self->send(actor, alter_atom_v, outcome->group);
    self->request(actor, caf::infinite, describe_atom_v)
      .then([to](frames::group_description& d) mutable { to.deliver(std::move(d)); },
            [to](caf::error& why) mutable { to.deliver(std::move(why)); });
  };
}

} // namespace

namespace {

bool becomes_another(const group_record& there, const frames::group_put& wish) {
  const auto sorted = [](std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  };
  return there.mode != wish.mode || sorted(there.topics) != sorted(wish.topics) ||
         there.filter != wish.filter;
}

/// Consumers keep for that long what they were lent, whatever leases are from now on.
void remember_leases(catalogue_pointer self, const group_record& before) {
  if (!core::lends_messages(before.mode)) return;
  auto& s = self->state;
  const auto now = s.clocks->monotonic();
  std::erase_if(s.leases_end, [now](const auto& each) { return each.second <= now; });
  auto& end = s.leases_end[before.group];
  end = std::max(end, mono_ms{now.value + before.delivery.lease_ms});
}

/// One change of the group, of perhaps several, has come to pass or to nothing.
void over(catalogue_pointer self, const std::string& group) {
  auto& all = self->state.handed_over;
  all.erase(all.find(group));
}

} // namespace

caf::result<frames::group_description> put_group(catalogue_pointer self,
                                                 const frames::group_put& wish) {
  auto promise = self->make_response_promise<frames::group_description>();
  const auto decide = [self, wish] {
    return self->state.core->put_group(wish, self->state.clocks->wall());
  };
  const auto* there = self->state.core->group(wish.name);
  if (there == nullptr || wish.version != there->version) {
    change_catalogue(self, decide, tell_then(self, promise));
    return promise;
  }
  if (!becomes_another(*there, wish)) {
    change_catalogue(self, decide,
                     [self, before = *there, promise](const result<decision>& outcome) {
                       if (outcome) remember_leases(self, before);
                       tell_then(self, promise)(outcome);
                     });
    return promise;
  }
  // Nobody's work is interrupted for what cannot be.
  if (const auto may = decide(); !may) {
    promise.deliver(to_caf(may.error()));
    return promise;
  }
  group_change change;
  change.lends = core::lends_messages(wish.mode);
  change.with_members =
    there->mode == wish.mode || (change.lends && core::lends_messages(there->mode));
  change.topics = wish.topics;
  // Its actor goes: another one serves what it is then, which members join in its place.
  self->state.handed_over.insert(wish.name);
  self->request(group_of(self, *there), caf::infinite, hand_over_atom_v, change)
    .then(
      [self, decide, promise, name = wish.name, before = *there](caf::ok_atom) {
        const auto done = [self, name, before, promise](const result<decision>& outcome) {
          over(self, name);
          remember_leases(self, before);
          forget_group(self, before.group, true);
          tell_then(self, promise)(outcome);
        };
        change_catalogue(self, decide, done);
      },
      [self, name = wish.name, promise](caf::error& why) mutable {
        over(self, name);
        promise.deliver(std::move(why));
      });
  return promise;
}

namespace {

/// The group's actor, if it is one that has dead letters.
result<delivery_actor> delivery_of(catalogue_pointer self, const std::string& name) {
  const auto* found = self->state.core->group(name);
  if (found == nullptr) return no_group(name);
  if (!core::lends_messages(found->mode))
    return {errc::unsupported,
            "a group of mode " + found->mode + " has no dead letters; " + name + " is one"};
  return caf::actor_cast<delivery_actor>(group_of(self, *found));
}

} // namespace

caf::result<frames::dead_letter_list> list_dead_letters(catalogue_pointer self,
                                                        const std::string& name) {
  auto actor = delivery_of(self, name);
  if (!actor) return to_caf(actor.error());
  return self->delegate(*actor, graves_atom_v);
}

caf::result<frames::redriven> redrive_letters(catalogue_pointer self, const frames::redrive& wish) {
  auto actor = delivery_of(self, wish.group);
  if (!actor) return to_caf(actor.error());
  return self->delegate(*actor, graves_atom_v, wish);
}

caf::result<topic_record> dead_letters_of_group(catalogue_pointer self, const std::string& name) {
  auto promise = self->make_response_promise<topic_record>();
  change_catalogue(
    self,
    [self, name] { return self->state.core->make_dead_letters(name, self->state.clocks->wall()); },
    [promise](const result<decision>& outcome) mutable {
      if (outcome)
        promise.deliver(outcome->topic);
      else
        promise.deliver(to_caf(outcome.error()));
    });
  return promise;
}

caf::result<caf::ok_atom> save_seat(catalogue_pointer self, const member_seat& seat) {
  auto promise = self->make_response_promise<caf::ok_atom>();
  change_catalogue(
    self,
    [self, seat] {
      const auto& s = self->state;
      return seat.gone
               ? s.core->drop_seat(seat.group, seat.member)
               : s.core->keep_queues(seat.group, seat.member, seat.queues, s.clocks->wall());
    },
    [promise](const result<decision>& outcome) mutable {
      if (outcome)
        promise.deliver(caf::ok_atom::value);
      else
        promise.deliver(to_caf(outcome.error()));
    });
  return promise;
}

caf::result<caf::ok_atom> forget_consumer(catalogue_pointer self,
                                          const frames::group_forget& wish) {
  if (const auto* group = self->state.core->group(wish.group); group && group->mode == "ordered")
    return self->delegate(group_of(self, *group), forget_atom_v, wish.name);
  const auto known = self->state.core->forget_consumer(wish.group, wish.name);
  if (!known) return to_caf(known.error());
  auto promise = self->make_response_promise<caf::ok_atom>();
  const auto actor = caf::actor_cast<broadcast_actor>(group_of(self, known->group));
  self->request(actor, caf::infinite, forget_atom_v, wish.name)
    .then(
      [self, wish, promise, actor, consumer = *known->consumer](caf::ok_atom) {
        change_catalogue(
          self, [self, wish] { return self->state.core->forget_consumer(wish.group, wish.name); },
          [self, promise, actor, consumer](const result<decision>& outcome) mutable {
            if (outcome) {
              promise.deliver(caf::ok_atom::value);
              return;
            }
            self->send(actor, alter_atom_v, consumer); // It stays, and may be joined as again.
            promise.deliver(to_caf(outcome.error()));
          });
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

namespace {

using deletion = caf::typed_response_promise<caf::ok_atom>;

/// @param letters Its topic of dead letters, which goes with it; empty: that stays.
void delete_record(catalogue_pointer self, const group_record& group, const std::string& letters,
                   deletion promise) {
  change_catalogue(
    self, [self, name = group.name] { return self->state.core->delete_group(name); },
    [self, id = group.group, letters, promise](const result<decision>& outcome) mutable {
      if (!outcome) {
        forget_group(self, id); // It takes nobody any more; another one will.
        promise.deliver(to_caf(outcome.error()));
        return;
      }
      self->state.leases_end.erase(id);
      if (letters.empty()) {
        promise.deliver(caf::ok_atom::value);
        return;
      }
      change_catalogue(
        self, [self, letters] { return self->state.core->delete_topic(letters); },
        [letters, promise](const result<decision>& gone) mutable {
          // The group is deleted all the same.
          if (!gone) logging::warning("catalogue", letters + " stays: " + gone.error().message());
          promise.deliver(caf::ok_atom::value);
        });
    });
}

/// Nothing dies in it any more. What was brought back or purged must not be open again for another
/// group of the name, so its letters go with it, if none is open.
void delete_stopped(catalogue_pointer self, const group_record& group, deletion promise) {
  const auto letters = core::dead_letters_of(group.name);
  if (!core::lends_messages(group.mode) || self->state.core->topic(letters) == nullptr)
    return delete_record(self, group, {}, std::move(promise));
  self
    ->request(caf::actor_cast<delivery_actor>(group_of(self, group)), caf::infinite, graves_atom_v)
    .then(
      [self, group, letters, promise](const frames::dead_letter_list& list) {
        const bool any =
          std::ranges::any_of(list.queues, [](const auto& q) { return !q.open.empty(); });
        delete_record(self, group, any ? std::string{} : letters, promise);
      },
      [self, group, promise](const caf::error&) { delete_record(self, group, {}, promise); });
}

} // namespace

caf::result<caf::ok_atom> delete_group(catalogue_pointer self, const std::string& name) {
  const auto* found = self->state.core->group(name);
  if (found == nullptr) return to_caf(no_group(name));
  auto promise = self->make_response_promise<caf::ok_atom>();
  self->request(group_of(self, *found), caf::infinite, remove_atom_v)
    .then([self, group = *found, promise](caf::ok_atom) { delete_stopped(self, group, promise); },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

} // namespace carafe
