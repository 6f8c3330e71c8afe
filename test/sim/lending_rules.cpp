#include "test/sim/content.hpp"
#include "test/sim/lending_oracle.hpp"

#include <algorithm>

namespace carafe::sim {

void lending_oracle::delivered(holder who, const lent_message& what) {
  ++deliveries_;
  const auto at = now();
  const auto& place = what.place;
  expect(options_.passes(what.name), text(place) + " does not pass the group's filter");
  auto& m = know(place);
  note(place, (" is lent, attempt " + std::to_string(what.attempt)).c_str(), who);
  const bool fresh = !stale(place.queue, what.fence);
  hold mine{at, 0, true};
  // `keyed`: it may have waited for the log, and its lease has run meanwhile.
  if (fresh && !options_.keyed && m.given_up.number < what.fence.number)
    mine.sure_until_ms = lease_end(place.queue, what.fence);
  if (fresh) {
    check_finality(m, what);
    check_attempt(m, what);
    check_pause(m, what);
    check_alone(who, mine, place, what.fence);
    if (options_.keyed) check_key_order(what);
  }
  if (what.attempt >= m.attempt || !m.counts) {
    m.attempt = what.attempt;
    m.attempted = at;
    const auto begun = std::max({m.redriving.number, m.given_back.number, changed_.number});
    m.counts = fresh && !changing_ && begun < what.fence.number;
  }
  m.held[who] = mine;
  check_limits(who);
}

void lending_oracle::check_finality(const known_message& m, const lent_message& what) const {
  const auto since = [&what](const std::optional<moment>& known) {
    return known && known->number < what.fence.number;
  };
  const auto where = text(what.place);
  expect(!since(m.settled), where + " was settled, and is lent again");
  expect(!since(m.died), where + " is dead, and is lent again");
  expect(!since(m.passed), where + " is lent after a later one of its key");
}

void lending_oracle::check_attempt(const known_message& m, const lent_message& what) const {
  const auto where = text(what.place) + " came as attempt " + std::to_string(what.attempt);
  expect(what.attempt >= 1 && what.attempt <= limits_.attempts_most,
         where + " of " + std::to_string(limits_.attempts_most));
  const bool told = m.counts && m.attempted.number < what.fence.number;
  expect(!told || what.attempt > m.attempt, where + " after attempt " + std::to_string(m.attempt));
  const bool failed = m.failed > 0 && m.failed_known.number < what.fence.number;
  expect(!failed || what.attempt > m.failed,
         where + " after attempt " + std::to_string(m.failed) + ", which failed");
}

void lending_oracle::check_pause(const known_message& m, const lent_message& what) const {
  if (!m.not_before_ms || m.pause_known.number > what.fence.number) return;
  if (clock_set_.number > m.pause_asked.number) return; // What is due is told by the wall clock.
  const auto early = *m.not_before_ms - clocks_->wall().value;
  expect(early <= 0,
         text(what.place) + " came " + std::to_string(early) + " ms before its pause was over");
}

/// A lease is in force from when `fence` was asked for, or a little later.
void lending_oracle::check_alone(holder who, const hold& mine, const message_place& place,
                                 const moment& fence) {
  const auto clashes = [&](const known_message& m, bool same) {
    return std::ranges::any_of(m.held, [&](const auto& each) {
      const auto& [other, h] = each;
      if (same && other == who && h.presented) return false;
      if (mine.presented && h.old) return false; // Whoever presents it first has it.
      return sure(h) && (h.since.number < fence.number || sure(mine));
    });
  };
  expect(!clashes(know(place), true), text(place) + " is lent to two members");
  const auto name = messages_->message_at(place.queue, place.at);
  if (!options_.keyed || !name || key_of(*name).empty()) return;
  const auto first = known_.lower_bound({place.queue, offset{0}});
  for (auto at = first; at != known_.end() && at->first.queue == place.queue; ++at) {
    if (at->first.at == place.at || !clashes(at->second, false)) continue;
    const auto other = messages_->message_at(place.queue, at->first.at);
    expect(!other || key_of(*other) != key_of(*name) || gone(at->first),
           text(place) + " is lent while offset " + std::to_string(at->first.at.value) +
             " of its key is");
  }
}

/// Those of its key before it must be finished: whatever nobody has settled must be a dead letter.
void lending_oracle::check_key_order(const lent_message& what) {
  const auto key = key_of(what.name);
  if (key.empty()) return;
  std::optional<offset> earliest;
  for (const auto& [base, batch] : messages_->batches_of(what.place.queue))
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      const message_place place{what.place.queue, base + i};
      if (place.at >= what.place.at) return;
      const message_name name{batch.producer, batch.first + i};
      if (key_of(name) != key || !options_.passes(name)) continue;
      const auto* m = find(place);
      if (m != nullptr && (m->settling || m->unsure || m->passed || m->redrives > 0)) continue;
      if (!earliest) earliest = options_.earliest(place.queue);
      if (place.at >= *earliest) know(place).passed = now();
    }
}

void lending_oracle::check_limits(holder who) const {
  std::uint64_t mine = 0, all = 0;
  const auto count = [&](bool all_of_them) {
    mine = all = 0;
    for (const auto& [place, m] : known_)
      for (const auto& [other, h] : m.held)
        if (h.lent && sure(h) && (all_of_them || !(gone(place) || m.settling || m.settles > 0))) {
          ++all;
          if (other == who) ++mine;
        }
  };
  const auto most = std::min<std::uint64_t>(wishes_.at(who), limits_.member_most);
  count(true);
  if (mine > most || all > limits_.group_most) count(false);
  expect(mine <= most, "group " + options_.group + ": a member has " + std::to_string(mine) +
                         " messages; its limit is " + std::to_string(most));
  expect(all <= limits_.group_most, "group " + options_.group + ": members have " +
                                      std::to_string(all) + " messages; their limit is " +
                                      std::to_string(limits_.group_most));
}

} // namespace carafe::sim
