#include "actors/core/catalogue_core.hpp"
#include "actors/error_bridge.hpp"
#include "actors/group.hpp"
#include "actors/logging.hpp"

#include <utility>

namespace carafe {

namespace {

using self_pointer = group_actor::stateful_pointer<group_state>;

constexpr auto save_again_after = std::chrono::milliseconds{500};

/// The first seat of which the catalogue knows something else.
std::optional<member_seat> unsaved(const group_state& s) {
  const auto seats = s.core->seats();
  for (const auto& [id, queues] : seats) {
    const auto at = s.saved_seats.find(id);
    if (at == s.saved_seats.end() || at->second != queues)
      return member_seat{s.record.group, id, queues, false};
  }
  for (const auto& [id, queues] : s.saved_seats)
    if (!seats.contains(id)) return member_seat{s.record.group, id, {}, true};
  return std::nullopt;
}

void arm(self_pointer self, member_id member) {
  const auto grace = self->state.options.grace_ms;
  const auto now = self->state.clocks->wall();
  self->state.kept_until[member] = unix_ms{now.value + static_cast<std::int64_t>(grace)};
  self->delayed_send(self, std::chrono::milliseconds{grace}, deadline_atom_v, member);
}

void tell_saved(self_pointer self, const result<caf::ok_atom>& outcome) {
  for (const auto& each : std::exchange(self->state.when_saved, {})) each(outcome);
}

} // namespace

void save_seats(self_pointer self) {
  auto& s = self->state;
  if (s.gone) return tell_saved(self, *s.gone);
  if (s.saving) return;
  const auto seat = unsaved(s);
  if (!seat) return tell_saved(self, caf::ok_atom::value);
  s.saving = true;
  self->request(s.catalogue, caf::infinite, save_atom_v, *seat)
    .then(
      [self, seat = *seat](caf::ok_atom) {
        auto& state = self->state;
        if (seat.gone)
          state.saved_seats.erase(seat.member);
        else
          state.saved_seats[seat.member] = seat.queues;
        state.saving = false;
        save_seats(self);
      },
      [self](const caf::error& error) {
        const auto why = from_caf(error);
        // The group is going; or the disk is full, and it is tried again until it is not.
        tell_saved(self, why);
        if (why.code == errc::group_unknown) return;
        if (!is_retriable(why.code))
          logging::warning("group",
                           self->state.record.name + ": members' queues: " + why.message());
        self->delayed_send(self, save_again_after, deadline_atom_v, member_id{0});
      });
}

void restore_seats(self_pointer self, const std::vector<group_record>& seats) {
  auto& s = self->state;
  for (const auto& seat : seats) {
    const auto id = core::seat_id(seat);
    s.saved_seats[id] = seat.queues;
    core::group_core::member m;
    m.id = m.name = id;
    m.joined = seat.created;
    const auto member = next_member();
    s.core->restore(member, std::move(m), seat.queues);
    arm(self, member);
  }
  save_seats(self);
}

void begin_grace(self_pointer self, member_id member) {
  const auto& members = self->state.core->members();
  const auto at = members.find(member);
  if (at != members.end() && !at->second.id.empty()) arm(self, member);
}

void on_grace_over(self_pointer self, member_id member) {
  auto& s = self->state;
  if (member.value == 0) {
    s.saving = false;
    save_seats(self);
    return;
  }
  s.kept_until.erase(member);
  carry_out(self, s.core->grace_over(member));
}

caf::result<caf::ok_atom> forget_seat(self_pointer self, const std::string& id) {
  auto& s = self->state;
  const auto member = s.core->seated(id);
  auto effects = s.core->forget(id);
  if (!effects) return to_caf(effects.error());
  s.kept_until.erase(*member);
  carry_out(self, *effects);
  auto answer = owe<caf::ok_atom>(self);
  auto promise = answer.promise();
  s.when_saved.push_back(
    [answer](const result<caf::ok_atom>& outcome) mutable { answer.give(outcome); });
  save_seats(self);
  return promise;
}

} // namespace carafe
