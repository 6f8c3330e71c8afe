#include "actors/net/session.hpp"

#include <string_view>

namespace carafe {

namespace {

frames::body as_ok(caf::ok_atom) { return frames::ok{}; }

/// The same struct goes on the wire as came from the actor.
template <class T>
auto as_is() {
  return [](const T& answer) { return frames::body{answer}; };
}

bool on_topic(session_pointer self, const frames::frame& f) {
  const auto& catalogue = self->state.context->catalogue;
  const auto describe = as_is<frames::topic_description>();
  if (const auto* wish = std::get_if<frames::topic_describe>(&f.body))
    ask<frames::topic_description>(self, f.request, catalogue, describe, describe_atom_v, *wish);
  else if (const auto* create = std::get_if<frames::topic_create>(&f.body))
    ask<frames::topic_description>(self, f.request, catalogue, describe, create_atom_v, *create);
  else if (const auto* alter = std::get_if<frames::topic_alter>(&f.body))
    ask<frames::topic_description>(self, f.request, catalogue, describe, alter_atom_v, *alter);
  else if (const auto* remove = std::get_if<frames::topic_delete>(&f.body))
    ask<caf::ok_atom>(self, f.request, catalogue, as_ok, remove_atom_v, remove->name);
  else if (std::holds_alternative<frames::topic_list>(f.body))
    ask<frames::topic_names>(self, f.request, catalogue, as_is<frames::topic_names>(), list_atom_v);
  else
    return false;
  return true;
}

bool on_group(session_pointer self, const frames::frame& f) {
  const auto& catalogue = self->state.context->catalogue;
  const auto describe = as_is<frames::group_description>();
  if (std::holds_alternative<frames::group_list>(f.body))
    ask<frames::group_names>(self, f.request, catalogue, as_is<frames::group_names>(), list_atom_v,
                             group_tag{});
  else if (const auto* wish = std::get_if<frames::group_describe>(&f.body))
    ask<frames::group_description>(self, f.request, catalogue, describe, describe_atom_v,
                                   group_tag{}, wish->name);
  else if (const auto* reset = std::get_if<frames::group_reset>(&f.body))
    ask<frames::group_description>(self, f.request, catalogue, describe, reset_atom_v, *reset);
  else if (const auto* put = std::get_if<frames::group_put>(&f.body))
    ask<frames::group_description>(self, f.request, catalogue, describe, alter_atom_v, *put);
  else if (const auto* letters = std::get_if<frames::dead_letters>(&f.body))
    ask<frames::dead_letter_list>(self, f.request, catalogue, as_is<frames::dead_letter_list>(),
                                  graves_atom_v, group_tag{}, letters->group);
  else if (const auto* redrive = std::get_if<frames::redrive>(&f.body))
    ask<frames::redriven>(self, f.request, catalogue, as_is<frames::redriven>(), graves_atom_v,
                          *redrive);
  else if (const auto* forget = std::get_if<frames::group_forget>(&f.body))
    ask<caf::ok_atom>(self, f.request, catalogue, as_ok, forget_atom_v, *forget);
  else if (const auto* remove = std::get_if<frames::group_delete>(&f.body))
    ask<caf::ok_atom>(self, f.request, catalogue, as_ok, remove_atom_v, group_tag{}, remove->name);
  else
    return false;
  return true;
}

bool from_this_machine(std::string_view host) {
  return host.starts_with("127.") || host == "::1" || host.starts_with("::ffff:127.");
}

bool on_node(session_pointer self, const frames::frame& f) {
  const auto& node = self->state.context->node;
  if (std::holds_alternative<frames::node_status>(f.body)) {
    ask<frames::node_status_report>(self, f.request, node, as_is<frames::node_status_report>(),
                                    status_atom_v);
  } else if (std::holds_alternative<frames::node_actors>(f.body)) {
    ask<frames::node_actor_list>(self, f.request, node, as_is<frames::node_actor_list>(),
                                 actors_atom_v);
  } else if (const auto* backup = std::get_if<frames::backup>(&f.body)) {
    if (!from_this_machine(self->state.from.host)) {
      reply_error(self, f.request,
                  {errc::permission_denied,
                   "a backup is written on the node's machine and can be asked "
                   "for only from there"});
      return true;
    }
    ask<frames::backup_done>(self, f.request, node, as_is<frames::backup_done>(), backup_atom_v,
                             backup->path);
  } else {
    return false;
  }
  return true;
}

bool on_message(session_pointer self, const frames::frame& f) {
  if (const auto* find = std::get_if<frames::key_find>(&f.body)) {
    ask<frames::key_found>(self, f.request, self->state.context->catalogue,
                           as_is<frames::key_found>(), find_atom_v, *find);
    return true;
  }
  const auto* why = std::get_if<frames::message_why>(&f.body);
  if (why == nullptr) return false;
  ask<frames::message_story>(self, f.request, self->state.context->catalogue,
                             as_is<frames::message_story>(), why_atom_v, *why);
  return true;
}

bool on_timers(session_pointer self, const frames::frame& f) {
  const auto& catalogue = self->state.context->catalogue;
  const auto changed = as_is<frames::timers_changed>();
  if (const auto* end = std::get_if<frames::timer_end>(&f.body))
    ask<frames::timers_changed>(self, f.request, catalogue, changed, close_atom_v, *end);
  else if (const auto* move = std::get_if<frames::timer_move>(&f.body))
    ask<frames::timers_changed>(self, f.request, catalogue, changed, move_atom_v, *move);
  else if (const auto* list = std::get_if<frames::timer_list>(&f.body))
    ask<frames::timers>(self, f.request, catalogue, as_is<frames::timers>(), list_atom_v, *list);
  else
    return false;
  return true;
}

bool on_schedules(session_pointer self, const frames::frame& f) {
  const auto& catalogue = self->state.context->catalogue;
  const auto listed = as_is<frames::schedules>();
  if (const auto* put = std::get_if<frames::schedule_put>(&f.body))
    ask<frames::schedules>(self, f.request, catalogue, listed, create_atom_v, *put);
  else if (const auto* remove = std::get_if<frames::schedule_delete>(&f.body))
    ask<caf::ok_atom>(self, f.request, catalogue, as_ok, remove_atom_v, *remove);
  else if (const auto* list = std::get_if<frames::schedule_list>(&f.body))
    ask<frames::schedules>(self, f.request, catalogue, listed, list_atom_v, *list);
  else
    return false;
  return true;
}

bool on_producers(session_pointer self, const frames::frame& f) {
  const auto& catalogue = self->state.context->catalogue;
  const auto* wish = std::get_if<frames::producer_request>(&f.body);
  if (wish == nullptr) return false;
  if (const auto* forget = std::get_if<frames::producer_forget>(&wish->what))
    ask<caf::ok_atom>(self, f.request, catalogue, as_ok, forget_atom_v, *forget);
  else
    ask<frames::producer_answer>(self, f.request, catalogue, as_is<frames::producer_answer>(),
                                 alter_atom_v, *wish);
  return true;
}

} // namespace

bool on_admin(session_pointer self, const frames::frame& f) {
  return on_topic(self, f) || on_group(self, f) || on_timers(self, f) || on_producers(self, f) ||
         on_schedules(self, f) || on_message(self, f) || on_node(self, f);
}

} // namespace carafe
