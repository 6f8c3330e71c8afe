#include "test/sim/timer_oracle.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace carafe::sim {

namespace {

std::string id_text(const message_name& name) {
  char text[48];
  std::snprintf(text, sizeof text, "%016" PRIx64 "-%" PRIu64, name.producer.value,
                name.number.value);
  return text;
}

std::string later(const message_name& name) { return to_string(name) + " for later"; }

} // namespace

timer_oracle::life& timer_oracle::find(const message_name& name, const char* what) {
  const auto at = lives_.find(name);
  expect(at != lives_.end(), later(name) + " was " + what + ", and never sent");
  return at->second;
}

// -- sending --------------------------------------------------------------------------------------

void timer_oracle::sent(const later_message& what) {
  auto& known = lives_[what.name];
  known.sent = what;
  if (what.deliver_at > 0) known.dues.insert(what.deliver_at);
  if (what.timer.empty()) return;
  // What is under way for all of the name may reach it.
  const auto& name = names_[what.timer];
  known.may_have_ended = name.ends_open > 0 || name.unclear;
  known.unclear_dues = name.dues;
  known.dues.insert(name.dues.begin(), name.dues.end());
}

void timer_oracle::stored(const message_name& name, std::int64_t stored_ms, std::uint64_t place) {
  auto& known = find(name, "stored");
  known.stored_ms = stored_ms;
  note_(later(name) + " is stored, number " + std::to_string(place) + " of queue " +
        std::to_string(known.sent.queue.value) + ", for " + std::to_string(*known.dues.begin()));
  if (known.stored_at == 0) known.stored_at = ++moments_;
  if (known.sent.deliver_at <= 0) known.dues.insert(stored_ms - known.sent.deliver_at);
  const auto [at, fresh] = places_.emplace(std::pair{known.sent.queue, place}, name);
  expect(fresh || at->second == name, later(name) + " has number " + std::to_string(place) +
                                        " of its queue's, which " + to_string(at->second) + " has");
  if (known.seen) check_time(known);
}

void timer_oracle::refused(const message_name& name) {
  auto& known = find(name, "refused");
  known.refused = true;
  expect(!known.seen, later(name) + " was refused, and is delivered");
}

// -- cancelling and moving ------------------------------------------------------------------------

timer_wish timer_oracle::asking(std::vector<message_name> which, std::string timer,
                                std::optional<std::int64_t> to) {
  const timer_wish wish{++moments_, std::move(which), std::move(timer), to};
  note_(later(wish.which.front()) + (wish.timer.empty() ? "" : ", and all of " + wish.timer) +
        (to ? ", is to be moved to " + std::to_string(*to) : ", is to be cancelled"));
  if (!wish.timer.empty()) {
    auto& name = names_[wish.timer];
    if (to)
      name.dues.insert(*to);
    else
      ++name.ends_open;
  }
  for (const auto& name : wish.which) {
    auto& known = find(name, "meant");
    known.touched = wish.number;
    if (to) {
      ++known.moves_open;
      known.dues.insert(*to);
    } else {
      ++known.ends_open;
    }
  }
  return wish;
}

bool timer_oracle::over(life& known, const timer_wish& wish) {
  const bool alone = known.touched == wish.number && known.ends_open + known.moves_open == 1;
  known.touched = ++moments_;
  --(wish.to ? known.moves_open : known.ends_open);
  return alone;
}

void timer_oracle::end(life& known, const std::string& how) {
  expect(known.unsure || known.ended == 0, later(known.sent.name) + " was cancelled twice");
  known.ended = ++moments_;
  expect(known.unsure || !known.seen, later(known.sent.name) + " " + how + ", and is delivered");
}

bool timer_oracle::waits(const life& known, std::uint64_t since) const {
  return known.stored_ms && known.stored_at < since && !known.unsure && known.ended == 0 &&
         !known.may_have_ended && *known.dues.begin() > wall_most_ms_;
}

void timer_oracle::answered(const timer_wish& wish, std::uint32_t count) {
  note_(later(wish.which.front()) + (wish.to ? ": moved: " : ": cancelled: ") +
        std::to_string(count));
  if (wish.to) return moved(wish);
  if (!wish.timer.empty()) return cancelled_by_name(wish, count);
  auto& known = find(wish.which.front(), "cancelled");
  over(known, wish);
  expect(count == 1, later(known.sent.name) + " was cancelled " + std::to_string(count) + " times");
  end(known, "was cancelled in time");
  if (!known.sent.timer.empty()) ++names_[known.sent.timer].ended;
}

void timer_oracle::moved(const timer_wish& wish) {
  for (const auto& name : wish.which) {
    auto& known = find(name, "moved");
    const bool alone = over(known, wish);
    if (!wish.timer.empty()) continue;
    expect(known.unsure || known.ended == 0 || known.ended > wish.number,
           later(name) + " was moved after it was cancelled");
    if (!alone || known.unsure) continue;
    known.dues = known.unclear_dues;
    known.dues.insert(*wish.to);
  }
}

void timer_oracle::cancelled_by_name(const timer_wish& wish, std::uint32_t count) {
  names_[wish.timer].ended += count;
  --names_[wish.timer].ends_open;
  // Those that waited all the time must be among them.
  std::uint32_t sure = 0;
  for (const auto& name : wish.which) {
    auto& known = find(name, "cancelled");
    if (!over(known, wish) || !waits(known, wish.number)) continue;
    ++sure;
    end(known, "was cancelled by name");
  }
  std::uint32_t possible = 0;
  for (auto& [name, known] : lives_) {
    if (known.sent.timer != wish.timer || known.refused) continue;
    ++possible;
    known.may_have_ended |= known.ended == 0;
  }
  const auto where = "the cancelling of " + wish.timer + " has ended " + std::to_string(count);
  expect(sure <= count, where + ", and " + std::to_string(sure) + " waited");
  expect(count <= possible, where + ", and only " + std::to_string(possible) + " were sent");
}

void timer_oracle::too_late(const timer_wish& wish) {
  note_(later(wish.which.front()) + ": it is too late");
  if (!wish.to && !wish.timer.empty()) --names_[wish.timer].ends_open;
  for (const auto& name : wish.which) {
    auto& known = find(name, "answered");
    const bool alone = over(known, wish);
    expect(!alone || !waits(known, wish.number),
           later(name) + " waits for its time, and a request to " + (wish.to ? "move" : "cancel") +
             " it was answered with timer_unknown");
  }
}

void timer_oracle::unclear(const timer_wish& wish) {
  for (const auto& name : wish.which) {
    auto& known = find(name, "asked for");
    over(known, wish);
    if (wish.to)
      known.unclear_dues.insert(*wish.to);
    else
      known.may_have_ended |= known.ended == 0;
  }
  if (wish.to) return;
  const auto& timer = wish.timer.empty() ? lives_.at(wish.which.front()).sent.timer : wish.timer;
  if (timer.empty()) return;
  names_[timer].unclear = true;
  if (wish.timer.empty()) return;
  // It may reach those that are sent meanwhile.
  for (auto& [name, known] : lives_)
    if (known.sent.timer == timer) known.may_have_ended |= known.ended == 0;
}

// -- what comes -----------------------------------------------------------------------------------

void timer_oracle::check_time(const life& known) const {
  if (!known.stored_ms || known.unsure) return;
  expect(known.dues.contains(known.seen_due),
         later(known.sent.name) + " was delivered for " + std::to_string(known.seen_due) +
           ", a time that it does not have; one that it has is " +
           std::to_string(*known.dues.begin()));
}

void timer_oracle::delivered(const watcher::message& what) {
  const auto& view = what.view;
  std::map<std::string, std::string> says;
  for (const auto& [name, value] : view.properties)
    says.insert_or_assign(std::string{name}, std::string{value});
  const auto name = name_in(view.body);
  auto& known = find(name, "delivered");
  const auto which = later(name);
  note_(which + " comes at offset " + std::to_string(what.place.at.value) + " of queue " +
        std::to_string(what.place.queue.value) + ", at " + std::to_string(what.time.value));
  expect(view.body == body_of(name) && view.key == key_of(name) && view.tag == tag_of(name) &&
           says["carafe-timer"] == known.sent.timer && says["carafe-timer-id"] == id_text(name) &&
           view.deliver_at == 0,
         which + " is not what was sent");
  expect(what.place.queue == known.sent.queue, which + " is in another queue");
  expect(!known.refused, which + " was refused, and is delivered");
  expect(!known.seen, which + " is delivered at offset " + std::to_string(what.place.at.value) +
                        ", and at offset " + std::to_string(known.seen ? known.seen->at.value : 0));
  expect(known.unsure || known.ended == 0, which + " was cancelled in time, and is delivered");
  ++deliveries_;
  known.seen = what.place;
  known.seen_at = ++moments_;
  known.seen_due = std::stoll(says["carafe-timer-due-ms"]);
  // Of a message that was due the clock may be set back before it is stored.
  expect(what.time.value >= known.seen_due || moved_from_ms_ >= known.seen_due,
         which + " came at " + std::to_string(what.time.value) + ", which is before its time, " +
           std::to_string(known.seen_due));
  expect(known.seen_due <= wall_most_ms_, which + " came before any clock had shown its time");
  check_time(known);
}

void timer_oracle::listed(const listing& asked, const frames::timers& what) {
  std::set<message_name> there;
  std::int64_t last = 0;
  for (const auto& each : what.pending) {
    const message_name name{each.producer, each.sequence};
    const auto& known = find(name, "listed");
    expect(there.insert(name).second || known.moves_open > 0 || known.touched > asked.number,
           later(name) + " is listed twice");
    expect(each.due.value >= last, later(name) + " is listed behind a later one");
    last = each.due.value;
    expect(each.queue == known.sent.queue && each.name == known.sent.timer &&
             each.key == key_of(name) && each.body_bytes == body_of(name).size(),
           later(name) + " is listed as another one");
    if (known.unsure) continue;
    expect(known.ended == 0 || known.ended > asked.number,
           later(name) + " was cancelled, and is listed");
    expect(!known.seen || known.seen_at > asked.number,
           later(name) + " was delivered, and is listed");
    expect(!known.stored_ms || known.dues.contains(each.due.value) || known.touched > asked.number,
           later(name) + " is listed with a time that it does not have");
  }
  for (const auto& [name, known] : lives_)
    if (waits(known, asked.number) && known.touched < asked.number &&
        known.ends_open + known.moves_open == 0)
      expect(there.contains(name), later(name) + " waits for its time, and is not listed");
}

// -- what is lost ---------------------------------------------------------------------------------

void timer_oracle::lost_end(shard_id shard) {
  for (auto& [name, known] : lives_)
    if (known.sent.shard == shard) {
      known.unsure = true;
      if (!known.sent.timer.empty()) names_[known.sent.timer].unclear = true;
    }
  std::erase_if(places_, [this, shard](const auto& each) {
    return lives_.at(each.second).sent.shard == shard;
  });
}

void timer_oracle::ends_at(queue_id queue, offset end) {
  for (auto& [name, known] : lives_)
    if (known.seen && known.seen->queue == queue && known.seen->at >= end) known.seen.reset();
}

// -- the end --------------------------------------------------------------------------------------

void timer_oracle::check_finished(std::uint64_t missed) const {
  std::uint64_t missing = 0;
  std::string which;
  for (const auto& [name, known] : lives_) {
    if (known.refused || known.unsure || known.seen || known.ended > 0 || known.may_have_ended)
      continue;
    if (!known.stored_ms) continue; // Its producer has given up.
    ++missing;
    which = later(name);
  }
  expect(missing <= missed, which + " is lost: its time is past, it was not cancelled, and it was "
                                    "not delivered");
  if (missed == 0) check_names();
}

/// As many as answers said were ended were not delivered.
void timer_oracle::check_names() const {
  for (const auto& [timer, told] : names_) {
    if (told.unclear) continue;
    std::uint64_t silent = 0;
    for (const auto& [name, known] : lives_)
      silent += known.sent.timer == timer && known.stored_ms && !known.seen ? 1 : 0;
    expect(silent == told.ended, "of the messages for later named " + timer + " " +
                                   std::to_string(silent) + " were not delivered, and " +
                                   std::to_string(told.ended) + " were cancelled");
  }
}

std::vector<message_name> timer_oracle::named(const std::string& timer) const {
  std::vector<message_name> out;
  for (const auto& [name, known] : lives_)
    if (known.sent.timer == timer) out.push_back(name);
  return out;
}

std::vector<message_name> timer_oracle::unseen() const {
  std::vector<message_name> out;
  for (const auto& [name, known] : lives_)
    if (!known.refused && !known.seen) out.push_back(name);
  return out;
}

} // namespace carafe::sim
