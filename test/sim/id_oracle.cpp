#include "test/sim/id_oracle.hpp"

#include "test/sim/content.hpp"

namespace carafe::sim {

namespace {

std::string text(const message_place& at) {
  return "offset " + std::to_string(at.at.value) + " of queue " + std::to_string(at.queue.value);
}

} // namespace

void id_oracle::window(std::uint64_t ms) {
  const auto window = static_cast<std::int64_t>(ms);
  least_window_ms_ = least_window_ms_ == 0 ? window : std::min(least_window_ms_, window);
  most_window_ms_ = std::max(most_window_ms_, window);
}

void id_oracle::sent(const call& what) { lives_[what.name].sent = what; }

id_oracle::life& id_oracle::find(const message_name& name, const char* what) {
  const auto at = lives_.find(name);
  expect(at != lives_.end(), to_string(name) + " was " + what + ", and never sent");
  return at->second;
}

void id_oracle::unanswered(const message_name& name) { find(name, "lost").unanswered = true; }

void id_oracle::stored(const message_name& name, offset at, unix_ms time) {
  auto& known = find(name, "stored");
  note_(to_string(name) + ", with id '" + known.sent.id + "', is stored at " +
        text({known.sent.queue, at}));
  known.stored = true;
  place(known, at, time);
}

void id_oracle::stored_somewhere(const message_name& name) { find(name, "stored").stored = true; }

void id_oracle::place(const life& what, offset at, unix_ms time) {
  auto& known = lives_.at(what.sent.name);
  const message_place where{known.sent.queue, at};
  const auto which = to_string(known.sent.name) + " with id '" + known.sent.id + "'";
  expect(!known.place || *known.place == at,
         which + " is at " + text(where) + ", and at offset " +
           std::to_string(known.place ? known.place->value : 0));
  expect(!known.repeated || known.unanswered,
         which + " is at " + text(where) + ", and its client was told that it is a duplicate");
  known.place = at;
  const auto [there, fresh] =
    places_.emplace(where, known_place{known.sent.name, known.sent.id, time, known_ + 1});
  expect(there->second.name == known.sent.name && there->second.time == time,
         which + " is at " + text(where) + ", and so is " + to_string(there->second.name) +
           ", or its time is another one");
  if (!fresh) return;
  ++known_;
  if (known.sent.id.empty()) return;
  auto& same = same_[{known.sent.queue, known.sent.id}];
  same[at] = time;
  check_window(same, at, known.sent.id);
  const auto [first, last] = claims_.equal_range(where);
  for (auto each = first; each != last; ++each) check(each->second, there->second);
}

void id_oracle::check_window(const std::map<offset, unix_ms>& same, offset at,
                             const std::string& id) const {
  for (auto here = same.begin(); here != same.end(); ++here) {
    const auto next = std::next(here);
    if (next == same.end() || (here->first != at && next->first != at)) continue;
    expect(next->second.value - here->second.value >= least_window_ms_,
           "of id '" + id + "' a message is stored at offset " + std::to_string(next->first.value) +
             ", " + std::to_string(next->second.value - here->second.value) +
             " ms after the one at offset " + std::to_string(here->first.value));
  }
}

void id_oracle::repeated(const message_name& name, offset at, const knowledge& when_sent,
                         std::optional<std::int64_t> least_ms) {
  auto& known = find(name, "told to be a duplicate");
  const claim said{name, {known.sent.queue, at}, when_sent, least_ms};
  note_(to_string(name) + ", with id '" + known.sent.id + "', is a duplicate of " + text(said.at));
  expect(!known.sent.id.empty(), to_string(name) + " is told to be a duplicate, and has no id");
  expect(!known.seen || known.unanswered,
         to_string(name) + " is there, and its client was told that it is a duplicate");
  known.repeated = true;
  ++duplicates_;
  claims_.emplace(said.at, said);
  if (const auto original = places_.find(said.at); original != places_.end())
    check(said, original->second);
}

void id_oracle::check(const claim& said, const known_place& original) const {
  const auto which = to_string(said.name) + ", with id '" + lives_.at(said.name).sent.id +
                     "', is told to be a duplicate of " + text(said.at);
  expect(original.name != said.name, which + ", which is itself");
  expect(original.id == lives_.at(said.name).sent.id,
         which + ", which is " + to_string(original.name) + " with id '" + original.id + "'");
  // What is being stored counts however long that takes.
  if (original.known > said.when_sent.number) return;
  expect(!said.least_ms || original.time.value + most_window_ms_ > *said.least_ms,
         which + ", which is older than the window");
}

void id_oracle::delivered(const watcher::message& what) {
  const auto name = name_in(what.view.body);
  auto& known = find(name, "delivered");
  expect(what.place.queue == known.sent.queue && what.view.body == body_of(name) &&
           what.view.key == key_of(name) && what.view.tag == tag_of(name) &&
           what.view.dedup_id == known.sent.id,
         to_string(name) + " at " + text(what.place) + " is not what was sent");
  place(known, what.place.at, what.time);
  known.seen = true;
  ++deliveries_;
}

void id_oracle::ends_at(queue_id queue, offset end) {
  note_("queue " + std::to_string(queue.value) + " ends at offset " + std::to_string(end.value));
  for (auto& [name, known] : lives_) {
    if (known.sent.queue != queue || (known.place && *known.place < end)) continue;
    known.place.reset();
    known.stored = known.seen = false;
  }
  std::erase_if(places_, [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  });
  std::erase_if(claims_, [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  });
  for (auto& [of, same] : same_)
    if (of.first == queue) same.erase(same.lower_bound(end), same.end());
}

void id_oracle::check_finished(const std::function<offset(queue_id)>& missed_below) const {
  std::map<queue_id, offset> begins;
  const auto begin_of = [&begins, &missed_below](queue_id queue) {
    const auto [at, fresh] = begins.try_emplace(queue);
    if (fresh) at->second = missed_below(queue);
    return at->second;
  };
  for (const auto& [name, known] : lives_) {
    if (!known.stored || known.seen) continue;
    const auto begin = begin_of(known.sent.queue);
    expect(known.place ? *known.place < begin : begin > offset{0},
           to_string(name) + " was acknowledged and is lost");
  }
  for (const auto& [at, said] : claims_)
    expect(places_.contains(at) || at.at < begin_of(at.queue), to_string(said.name) +
                                                                 " is told to be a duplicate of " +
                                                                 text(at) + ", where nothing is");
}

} // namespace carafe::sim
