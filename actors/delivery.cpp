#include "actors/delivery.hpp"

#include "actors/core/delivery_batches.hpp"
#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/queue.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace carafe {

namespace {

using core::delivery_core;

/// Leases and pauses end to this precision.
constexpr std::uint64_t tick_ms_min = 20;
/// Somebody may set the machine's clock meanwhile.
constexpr std::uint64_t tick_ms_max = 1'000;
/// What failed for the disk or a damaged batch is tried again so much later.
constexpr std::uint64_t errands_again_ms = 500;
/// What the catalogue said to an actor that had ended.
constexpr auto told_again_after = std::chrono::milliseconds{100};
/// Of one request to settle.
constexpr std::size_t settled_max = 65'536;

/// xorshift64*: a few numbers for jitter.
std::uint64_t roll(std::uint64_t& state, std::uint64_t below) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dull % below;
}

void arm_tick(delivery_pointer self) {
  auto& s = self->state;
  const auto at = now(self);
  auto wait = s.core->next(at);
  if (!s.failed_errands.empty())
    wait = std::min(wait.value_or(tick_ms_max),
                    s.errands_after > at.mono ? s.errands_after.value - at.mono.value : 0);
  if (!wait) return;
  const auto ms = std::clamp(*wait, tick_ms_min, tick_ms_max);
  const mono_ms then{at.mono.value + ms};
  if (s.tick_at && *s.tick_at <= then) return;
  s.tick_at = then;
  self->delayed_send(self, std::chrono::milliseconds{ms}, tick_atom_v);
}

// -- effects --------------------------------------------------------------------------------------

void on(delivery_pointer self, const delivery_core::lend& e) {
  auto& s = self->state;
  const auto to = s.members.find(e.member);
  if (to == s.members.end()) return;
  auto cut = core::cut_batch(*e.batch, e.ranges, to->second.takes_others, s.options.limits);
  if (!cut) { // It was checked when it came; its lease ends, and then it is tried again.
    logging::error("delivery", s.record.name + ": " + cut.error().message());
    s.core->charged(e.member, e.bytes, 0);
    return;
  }
  const auto& queue = s.queues.at(e.queue);
  auto& encoded = cut->encoded;
  lending out;
  out.bytes = encoded.bytes.size();
  out.what.topic = queue.topic;
  out.what.number = queue.number;
  out.what.queue = e.queue;
  out.what.ranges = e.ranges;
  out.what.attempt = e.attempt;
  out.what.broker_time = e.batch->time;
  out.what.producer = e.batch->what.producer;
  out.what.first = e.batch->what.first;
  out.what.base = e.batch->what.base;
  out.what.compression = encoded.compression;
  out.what.checksum = encoded.checksum;
  out.what.batch = std::move(encoded.bytes);
  if (cut->with_others) out.what.batch_count = encoded.count;
  s.core->charged(e.member, e.bytes, out.bytes);
  if (s.record.mode == "keyed")
    s.outboxes[queue.shard].gathering.held.push_back({e.member, e.number, std::move(out)});
  else
    self->send(to->second.session, leased_atom_v, to->second.reader, std::move(out));
}

void on(delivery_pointer self, const delivery_core::pull& e) {
  const auto& queue = self->state.queues.at(e.queue);
  if (queue.reader.value != 0 && !queue.learning)
    self->send(queue.actor, demand_atom_v, queue.reader, e.bytes);
}

void on(delivery_pointer self, const delivery_core::look& e) {
  run(self, {e.queue, e.at, std::nullopt, false});
}

void on(delivery_pointer self, const delivery_core::write& e) {
  write(self, e.queue, e.what, !e.may_wait);
}

void on(delivery_pointer self, const delivery_core::bury& e) {
  run(self, {e.queue, e.row.at, e.row, false});
}

/// Whoever was lent something, for people.
void name_holders(delivery_pointer self, delivery_core::effects_list& effects) {
  for (std::size_t i = 0; i + 1 < effects.size(); ++i) {
    auto* write = std::get_if<delivery_core::write>(&effects[i]);
    const auto* lend = std::get_if<delivery_core::lend>(&effects[i + 1]);
    if (write == nullptr || lend == nullptr) continue;
    auto* lent = std::get_if<effects::lent>(&write->what);
    const auto to = self->state.members.find(lend->member);
    if (lent == nullptr || to == self->state.members.end()) continue;
    lent->member = to->second.name.empty() ? to->second.client : to->second.name;
  }
}

} // namespace

core::instant now(delivery_pointer self) {
  const auto& clocks = *self->state.clocks;
  return {clocks.monotonic(), clocks.wall()};
}

void put_off(delivery_pointer self, const delivery_state::errand& what, const failure& why) {
  auto& s = self->state;
  if (what.dead)
    burial_ended(self, what,
                 {errc::too_many_requests, "its dead letter is not written yet: " + why.message()});
  if (s.failed_errands.empty()) {
    logging::warning("delivery", s.record.name + ": " + why.message() + "; tried again");
    s.errands_after = mono_ms{s.clocks->monotonic().value + errands_again_ms};
  }
  s.failed_errands.push_back(what);
  arm_tick(self);
}

void carry_out(delivery_pointer self, delivery_core::effects_list effects) {
  if (self->state.ended) return; // Whoever serves the group now begins from what the log has.
  name_holders(self, effects);
  for (const auto& effect : effects) std::visit([self](const auto& e) { on(self, e); }, effect);
  arm_tick(self);
}

namespace {

// -- members --------------------------------------------------------------------------------------

void leave(delivery_pointer self, member_id id, bool lost) {
  auto& s = self->state;
  auto at = s.members.find(id);
  if (at == s.members.end()) return;
  s.watched.remove(self, at->second.session.address());
  s.member_readers.erase(at->second.reader);
  s.members.erase(at);
  carry_out(self, s.core->leave(id, lost, now(self)));
}

caf::result<frames::joined> on_join(delivery_pointer self, const join_request& request,
                                    const session_actor& session) {
  auto& s = self->state;
  if (s.gone) return to_caf(*s.gone);
  if (s.owed.ending()) return to_caf({errc::shard_unavailable, "the group's actor stops"});
  if (s.members.size() >= s.options.members_max)
    return to_caf(
      {errc::too_many_members, "a group has at most " + std::to_string(s.options.members_max)});
  const auto id = next_member();
  delivery_state::member m;
  m.session = session;
  m.reader = next_reader();
  m.name = request.wish.member.empty() ? request.wish.member_id : request.wish.member;
  m.client = request.client;
  m.address = request.address;
  m.takes_others = request.takes_others;
  m.start = request.wish.start;
  m.out_of_range = request.wish.out_of_range;
  m.joined = s.clocks->wall();
  const auto reader = m.reader;
  s.members.emplace(id, std::move(m));
  s.member_readers.emplace(reader, id);
  s.watched.add(self, session);
  // The answer must leave before the first message does.
  auto promise = self->make_response_promise<frames::joined>();
  promise.deliver(
    frames::joined{id, s.record.group, subscription_id{reader.value}, s.record.delivery.lease_ms});
  const auto most = request.wish.in_flight_max;
  carry_out(self,
            s.core->join(id, most == 0 ? s.record.delivery.member_in_flight_max : most, now(self)));
  std::vector<queue_id> all;
  for (const auto& [queue, state] : s.queues) all.push_back(queue);
  for (const auto queue : all) begin_reading(self, queue);
  return promise;
}

// -- what becomes of messages ---------------------------------------------------------------------

caf::result<caf::ok_atom> on_settle(delivery_pointer self, const frames::settle& request) {
  auto& s = self->state;
  // What an ending actor knows is not what the log says.
  if (s.owed.ending() || !s.members.contains(request.member))
    return to_caf({errc::member_unknown, "it has left, or was lost"});
  std::size_t count = request.failed.size();
  for (const auto* list : {&request.done, &request.returned})
    for (const auto& each : *list) count += each.ranges.size();
  if (count > settled_max)
    return to_caf({errc::invalid_argument, std::to_string(count) + " ranges; at most " +
                                             std::to_string(settled_max) + " at a time"});
  failure why{errc::none};
  std::set<shard_id> shards;
  const auto known = [&](queue_id queue) {
    const auto at = s.queues.find(queue);
    if (at == s.queues.end()) {
      why = {errc::queue_unknown, "queue " + std::to_string(queue.value)};
      return false;
    }
    shards.insert(at->second.shard);
    return at->second.known && !at->second.resetting;
  };
  const auto take = [&](result<delivery_core::effects_list> outcome) {
    if (outcome)
      carry_out(self, std::move(*outcome));
    else
      why = outcome.error();
  };
  // What can be done is, whatever becomes of the rest.
  for (const auto& each : request.done) {
    if (!known(each.queue)) continue;
    // Until its letter is written a crash would bring it back.
    if (s.core->burying(each.queue, each.ranges))
      why = {errc::too_many_requests, "a message becomes a dead letter just now"};
    if (s.core->past_end(each.queue, each.ranges))
      why = {errc::invalid_argument,
             "messages past the end of queue " + std::to_string(each.queue.value)};
    take(s.core->settle(request.member, each.queue, each.ranges, now(self)));
  }
  std::vector<delivery_state::burial_place> dying;
  for (const auto& each : request.failed) {
    if (!known(each.queue)) continue;
    const std::vector<offset_range> message{{each.at, 1}};
    if (s.core->burying(each.queue, message)) {
      dying.emplace_back(each.queue, each.at); // Told before.
      continue;
    }
    if (each.dead)
      take(s.core->reject(request.member, each.queue, each.at, each.error, now(self)));
    else
      take(s.core->nack(request.member, each.queue, each.at, each.delay_ms, each.error, now(self)));
    if (s.core->burying(each.queue, message)) dying.emplace_back(each.queue, each.at);
  }
  for (const auto& each : request.returned)
    if (known(each.queue))
      carry_out(self, s.core->give_back(request.member, each.queue, each.ranges, now(self)));
  auto answer = owe<caf::ok_atom>(self);
  auto promise = answer.promise();
  const auto told = when_all(dying.size() + 1, [answer, why](const failure& written) mutable {
    const auto& worst = written.code == errc::none ? why : written;
    answer.give(worst.code == errc::none ? result<caf::ok_atom>{caf::ok_atom::value} : worst);
  });
  for (const auto& [queue, at] : dying) when_buried(self, queue, at, told);
  when_all_written(self, shards, told);
  return promise;
}

/// The log has it already; but whatever this actor has written about these messages since comes
/// behind that, so it is written again.
void on_transaction(delivery_pointer self, const consumed_messages& what) {
  auto& s = self->state;
  if (s.ended) { // For who serves the group next, whom the catalogue will know in a moment.
    self->delayed_send(s.catalogue, told_again_after, settle_atom_v, tx_settled{{what}});
    return;
  }
  const auto queue = s.queues.find(what.queue);
  if (s.owed.ending() || queue == s.queues.end() || !queue->second.known) return;
  auto ranges = what.ranges;
  std::erase_if(ranges, [&](const auto& range) { return s.core->burying(what.queue, {range}); });
  auto outcome = s.core->settle(member_id{0}, what.queue, ranges, now(self));
  if (outcome) carry_out(self, std::move(*outcome));
}

caf::result<frames::renewed> on_renew(delivery_pointer self, const frames::renew& request) {
  auto& s = self->state;
  if (s.owed.ending() || !s.members.contains(request.member))
    return to_caf({errc::member_unknown, "it has left, or was lost"});
  frames::renewed out;
  std::set<shard_id> shards;
  s.core->renew(request.member, now(self));
  for (const auto& each : request.held) {
    auto lost = s.core->reclaim(request.member, each.queue, each.ranges, now(self));
    if (!lost.empty()) out.lost.push_back({each.queue, std::move(lost)});
    if (const auto at = s.queues.find(each.queue); at != s.queues.end())
      shards.insert(at->second.shard);
  }
  if (s.record.mode != "keyed" || shards.empty()) return out;
  // Some may be on their way to it: until the log knows, a crash would lend them to others.
  auto answer = owe<frames::renewed>(self);
  auto promise = answer.promise();
  when_all_written(self, shards, [answer, out](const failure& written) mutable {
    answer.give(written.code == errc::none ? result<frames::renewed>{std::move(out)} : written);
  });
  return promise;
}

/// Answered when the log knows what it gave back: a restart would keep that for it otherwise; as
/// happens if it comes when this actor has ended.
caf::result<caf::ok_atom> on_leave(delivery_pointer self, member_id member) {
  leave(self, member, false);
  std::set<shard_id> shards;
  for (const auto& [id, queue] : self->state.queues) shards.insert(queue.shard);
  auto answer = owe<caf::ok_atom>(self);
  auto promise = answer.promise();
  when_all_written(self, shards, [answer](const failure&) mutable {
    answer.give(caf::ok_atom::value); // It has left, whatever the disk says.
  });
  return promise;
}

void on_tick(delivery_pointer self) {
  auto& s = self->state;
  if (s.tick_at && s.clocks->monotonic() < *s.tick_at) return; // A sooner one came in its place.
  s.tick_at.reset();
  if (!s.gone) carry_out(self, s.core->tick(now(self)));
  if (s.ended || s.clocks->monotonic() < s.errands_after) return;
  for (const auto& errand : std::exchange(s.failed_errands, {})) run(self, errand);
}

void on_down(delivery_pointer self, const caf::actor_addr& source) {
  auto& s = self->state;
  s.watched.ended(source);
  std::vector<member_id> gone;
  for (const auto& [id, member] : s.members)
    if (member.session.address() == source) gone.push_back(id);
  for (const auto id : gone) leave(self, id, true);
  std::vector<core::reader_id> ended;
  for (const auto& [reader, queue] : s.readers)
    if (s.queues.at(queue).actor.address() == source) ended.push_back(reader);
  for (const auto reader : ended)
    reading_ended(self, reader, {errc::shard_unavailable, "the queue's actor stopped"});
}

/// Asks every shard what was done before anything else is handled.
void load_progress(delivery_pointer self, std::vector<topic_record> topics) {
  auto& s = self->state;
  auto all = std::make_shared<progress_rows>();
  auto missing = std::make_shared<std::size_t>(s.shards.size());
  for (const auto& [shard, handles] : s.shards) {
    self->request(handles.shard, caf::infinite, progress_atom_v, s.record.group)
      .await(
        [self, all, missing, topics](const progress_rows& rows) {
          all->rows.insert(all->rows.end(), rows.rows.begin(), rows.rows.end());
          if (--*missing > 0) return;
          for (const auto& topic : topics) add_queues(self, topic, *all);
          arm_tick(self);
        },
        [self](const caf::error& why) { self->quit(why); });
  }
}

failure not_ordered() {
  return {errc::unsupported, "a shared or keyed group settles single messages; its queues have no "
                             "owners"};
}

} // namespace

delivery_actor::behavior_type delivery(delivery_pointer self, group_record record,
                                       std::vector<topic_record> topics, shard_table shards,
                                       catalogue_actor catalogue,
                                       std::shared_ptr<const clock> clocks, group_options options,
                                       std::uint64_t lease_left) {
  auto& s = self->state;
  s.record = std::move(record);
  s.shards = std::move(shards);
  s.catalogue = std::move(catalogue);
  s.clocks = std::move(clocks);
  s.options = options;
  s.dice = s.record.group.value * 0x9e3779b97f4a7c15ull |
           static_cast<std::uint64_t>(s.clocks->wall().value) | 1;
  delivery_core::options how;
  how.group = s.record.group;
  how.keyed = s.record.mode == "keyed";
  how.how = s.record.delivery;
  how.lease_left_ms = lease_left;
  s.core.emplace(how, [self](std::uint64_t below) { return roll(self->state.dice, below); });
  self->set_down_handler([self](const caf::down_msg& down) { on_down(self, down.source); });
  auto wanted = core::parse_filter(s.record.filter);
  if (wanted) {
    s.wanted = std::move(*wanted);
    load_progress(self, std::move(topics));
  } else { // It was understood when the group was made.
    logging::error("delivery", s.record.name + ": " + wanted.error().message());
    self->quit(to_caf(wanted.error()));
  }
  return {
    [self](join_atom, const join_request& request, const session_actor& session) {
      return on_join(self, request, session);
    },
    [self](leave_atom, member_id member) { return on_leave(self, member); },
    [](release_atom, member_id, queue_id, generation) -> caf::result<caf::ok_atom> {
      return to_caf(not_ordered());
    },
    [](commit_atom, const frames::commit&) -> caf::result<caf::ok_atom> {
      return to_caf(not_ordered());
    },
    [self](describe_atom) { return describe_group(self); },
    [self](reset_atom, const frames::group_reset& wish) { return reset_group(self, wish); },
    [self](remove_atom) { return remove_group(self); },
    [self](hand_over_atom, const group_change& change) { return hand_over(self, change); },
    [self](close_atom) {
      burials_ended(self, std::nullopt, {errc::shard_unavailable, "the group's actor stops"});
      self->state.owed.end(self);
    },
    [self](alter_atom, const topic_record& topic, const shard_table& shards_now) {
      if (self->state.gone) return; // The next actor begins with what there is then.
      self->state.shards = shards_now;
      add_queues(self, topic, {});
    },
    [self](alter_atom, const group_record& changed) {
      // Another filter comes with another actor.
      self->state.record = changed;
      self->state.core->alter(changed.delivery);
    },
    [self](remove_atom, const topic_record& topic) { remove_topic(self, topic); },
    [self](deadline_atom, queue_id, generation) { leaving_overdue(self); },
    [](deadline_atom, member_id) {},
    [](forget_atom, const std::string&) -> caf::result<caf::ok_atom> {
      return to_caf({errc::unsupported, "nothing is kept for members of shared and keyed groups"});
    },
    [](start_atom, queue_id, generation) {},
    [self](settle_atom, const consumed_messages& what) { on_transaction(self, what); },
    [self](deliver_atom, core::reader_id reader, const storage::stored_batch& batch) {
      on_batch(self, reader, batch);
    },
    [self](want_atom, core::reader_id reader, const want& what) {
      auto& state = self->state;
      if (auto at = state.readers.find(reader); at != state.readers.end())
        carry_out(self, state.core->wanted(at->second, what.bytes, what.returned));
    },
    [](alter_atom, core::reader_id, const core::topic_expiry&) {}, // The topic's record says it.
    [self](ended_atom, core::reader_id reader, const failure& why) {
      reading_ended(self, reader, why);
    },
    [self](why_atom, queue_id queue, offset at) { return where_is(self, queue, at); },
    [self](settle_atom, const frames::settle& request) { return on_settle(self, request); },
    [self](renew_atom, const frames::renew& request) { return on_renew(self, request); },
    [self](graves_atom) { return dead_letters(self); },
    [self](graves_atom, const frames::redrive& wish) { return redrive(self, wish); },
    [self](demand_atom, core::reader_id reader, std::uint64_t bytes) {
      auto& state = self->state;
      if (state.gone) return;
      if (auto at = state.member_readers.find(reader); at != state.member_readers.end())
        carry_out(self, state.core->demand(at->second, bytes, now(self)));
    },
    [self](flushed_atom, shard_id shard) {
      auto& box = self->state.outboxes[shard];
      box.armed = box.soon = false;
      flush(self, shard);
    },
    [self](subscribe_atom, queue_id queue) { begin_reading(self, queue); },
    [self](tick_atom) { on_tick(self); },
  };
}

} // namespace carafe
