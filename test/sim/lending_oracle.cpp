#include "test/sim/lending_oracle.hpp"

#include <algorithm>

namespace carafe::sim {

lending_oracle::lending_oracle(options o, const oracle& messages,
                               std::shared_ptr<const test::rig_clock> clocks)
  : options_(std::move(o)), messages_(&messages), clocks_(std::move(clocks)) {}

moment lending_oracle::now() {
  const auto wall = clocks_->wall().value;
  return {++moments_, clocks_->now_ms, wall, std::max(wall, clock_set_.wall_most_ms)};
}

void lending_oracle::may_have(const delivery_settings& how) {
  limits_.lease_ms = std::min(limits_.lease_ms, how.lease_ms);
  limits_.attempts_least = std::min(limits_.attempts_least, how.attempts_max);
  limits_.attempts_most = std::max(limits_.attempts_most, how.attempts_max);
  limits_.member_most = std::max<std::uint64_t>(limits_.member_most, how.member_in_flight_max);
  limits_.group_most = std::max<std::uint64_t>(limits_.group_most, how.in_flight_max);
  limits_.all.push_back(how);
}

lending_oracle::known_message& lending_oracle::know(const message_place& place) {
  return known_[place];
}

lending_oracle::known_message* lending_oracle::find(const message_place& place) {
  const auto at = known_.find(place);
  return at == known_.end() ? nullptr : &at->second;
}

bool lending_oracle::gone(const message_place& place) const {
  const auto at = known_.find(place);
  const bool kept = at != known_.end() && at->second.redrives > 0;
  return !kept && place.at < options_.earliest(place.queue);
}

std::string lending_oracle::text(const message_place& place) const {
  return "group " + options_.group + ": queue " + std::to_string(place.queue.value) + ", offset " +
         std::to_string(place.at.value);
}

void lending_oracle::note(const message_place& place, const char* what, holder who) const {
  if (!options_.note) return;
  options_.note(text(place) + what +
                (who.number == 0 ? "" : ", membership " + std::to_string(who.number)));
}

/// Whether what was asked for then may have been answered before the queue was begun anew.
bool lending_oracle::stale(queue_id queue, const moment& asked) const {
  const auto at = forgotten_.find(queue);
  return resetting_ || asked.number < reset_.number ||
         (at != forgotten_.end() && asked.number < at->second.number);
}

// -- members --------------------------------------------------------------------------------------

holder lending_oracle::joining(std::uint32_t in_flight_max, holder before) {
  const auto who = before.number == 0 ? holder{++holders_} : before;
  wishes_[who] = in_flight_max == 0 ? ~std::uint32_t{0} : in_flight_max;
  return who;
}

void lending_oracle::renewed(holder who, const moment& asked) {
  for (auto& [place, m] : known_) {
    const auto at = m.held.find(who);
    if (at == m.held.end() || at->second.since.number > asked.number || !sure(at->second)) continue;
    at->second.sure_until_ms = std::max(at->second.sure_until_ms, lease_end(place.queue, asked));
  }
}

void lending_oracle::presented(holder who, const message_place& place, const moment& asked) {
  if (stale(place.queue, asked)) return;
  auto& m = know(place);
  const auto at = m.held.find(who);
  hold mine;
  mine.since = at == m.held.end() ? now() : at->second.since;
  mine.lent = at != m.held.end() && at->second.lent;
  mine.presented = true;
  mine.sure_until_ms = lease_end(place.queue, asked);
  if (at != m.held.end() && at->second.since.number > asked.number) return; // Lent anew meanwhile.
  std::erase_if(m.held, [](const auto& each) { return each.second.old; });
  if (m.settling) return; // By somebody else.
  m.held.erase(who);
  check_alone(who, mine, place, asked);
  m.held[who] = mine;
  note(place, " is presented", who);
}

bool lending_oracle::lost(holder who, const message_place& place, const moment& asked) {
  auto* m = find(place);
  if (m == nullptr) return true;
  const auto at = m->held.find(who);
  if (at == m->held.end()) return true;
  if (at->second.since.number > asked.number) return false;
  expect(!sure(at->second) || at->second.old || stale(place.queue, asked) || gone(place),
         text(place) + " is called lost while its lease runs");
  m->held.erase(at);
  note(place, " is lost", who);
  return true;
}

void lending_oracle::settling(const message_place& place) {
  lives_.settling(place);
  auto& m = know(place);
  m.settling = true;
  m.given_up = now();
  note(place, " is settled");
  m.owed = false;
  ++m.settles;
  m.held.clear();
}

void lending_oracle::settled(const message_place& place, const moment& asked) {
  auto& m = know(place);
  m.settles -= std::min(m.settles, 1u);
  if (stale(place.queue, asked)) return;
  // It may have come while the message was dead still.
  const bool of_this_life = m.redrives == 0 || m.revived.number < asked.number;
  // A reset group passes over what was gone by then; its copy, lent before, may come late.
  const bool passed_over = reset_.number > 0 && gone(place);
  if (of_this_life && !passed_over) lives_.settled(place);
  if (m.settling && !m.settled && of_this_life) m.settled = now();
  note(place, " is settled, and that is answered");
}

void lending_oracle::give_up(holder who, known_message& m) {
  m.held.erase(who);
  m.given_up = now();
}

void lending_oracle::failing(holder who, const message_place& place) {
  lives_.failing(place);
  give_up(who, know(place));
  note(place, " fails", who);
}

std::uint64_t lending_oracle::least_pause(std::uint32_t attempt) const {
  auto least = ~std::uint64_t{0};
  for (const auto& how : limits_.all)
    for (std::size_t i = 0; i < how.backoff_ms.size(); ++i) {
      const bool fits =
        attempt == 0 || i == std::min<std::size_t>(attempt, how.backoff_ms.size()) - 1;
      const auto pause = how.backoff_ms[i];
      if (fits) least = std::min(least, pause - pause / 100 * how.jitter_percent);
    }
  return least;
}

void lending_oracle::failed(const message_place& place, std::uint32_t attempt,
                            std::optional<std::uint64_t> delay_ms, const moment& asked) {
  if (stale(place.queue, asked)) return;
  auto& m = know(place);
  if (m.redrives > 0) return; // Which of its lives it was is not told.
  lives_.failed(place, attempt);
  if (attempt > m.failed) {
    m.failed = attempt;
    m.failed_known = now();
  }
  const auto pause = delay_ms ? *delay_ms : least_pause(attempt);
  m.not_before_ms = asked.wall_ms + static_cast<std::int64_t>(pause);
  m.pause_asked = asked;
  m.pause_known = now();
  note(place, " has failed, and that is answered");
}

void lending_oracle::rejecting(holder who, const message_place& place) {
  lives_.rejecting(place);
  auto& m = know(place);
  m.rejecting = true;
  give_up(who, m);
  note(place, " is rejected", who);
}

void lending_oracle::returning(holder who, const message_place& place) {
  auto& m = know(place);
  give_up(who, m);
  m.counts = false;
  m.given_back = now();
  note(place, " is given back", who);
}

void lending_oracle::left(holder who, bool lost) {
  for (auto& [place, m] : known_)
    if (m.held.erase(who) > 0) {
      note(place, lost ? " was with a member that is lost" : " was with a member that leaves", who);
      if (!lost) m.counts = false;
    }
}

// -- what ends or begins anew ---------------------------------------------------------------------

void lending_oracle::changing() {
  changing_ = true;
  for (auto& [place, m] : known_) {
    m.counts = false;
    for (auto& [who, h] : m.held) h.old = true;
  }
}

void lending_oracle::changed() {
  changing();
  changing_ = false;
  changed_ = now();
  if (options_.note) options_.note("group " + options_.group + " is changed, or not");
}

std::uint64_t lending_oracle::lease_end(queue_id queue, const moment& asked) const {
  const auto at = left_.find(queue);
  const bool sure = at == left_.end() || at->second.number < asked.number;
  return sure ? asked.ms + limits_.lease_ms : 0;
}

void lending_oracle::end_leases(queue_id queue) {
  for (auto& [place, m] : known_)
    if (place.queue == queue)
      for (auto& [who, h] : m.held) h.sure_until_ms = 0;
}

void lending_oracle::may_leave(const std::vector<queue_id>& queues) {
  for (const auto queue : queues) {
    left_[queue].number = ~std::uint64_t{0};
    note({queue, offset{0}}, " and all others may be left");
    end_leases(queue);
  }
}

void lending_oracle::stays_with(const std::vector<queue_id>& queues) {
  for (const auto queue : queues) {
    if (!left_.contains(queue)) continue;
    left_[queue] = now();
    note({queue, offset{0}}, " and all others are read again");
    end_leases(queue);
  }
}

void lending_oracle::node_died() {
  if (resetting_) reset();
  if (changing_) changed();
  for (auto& [place, m] : known_) {
    std::erase_if(m.held,
                  [this](const auto& each) { return !options_.keyed || !sure(each.second); });
    for (auto& [who, h] : m.held) h = {now(), lease_end(place.queue, now()), false, true, true};
    m.counts = false;
    m.settles = 0;
  }
}

void lending_oracle::forget(queue_id queue) {
  lives_.unsure(queue);
  for (auto& [place, m] : known_)
    if (place.queue == queue) {
      m = {};
      m.unsure = true;
    }
  forgotten_[queue] = now();
}

void lending_oracle::clock_set() { clock_set_ = now(); }

void lending_oracle::resetting() {
  lives_.resetting();
  resetting_ = true;
  if (options_.note) options_.note("group " + options_.group + " is to be reset");
}

void lending_oracle::lost_power(queue_id queue) { forget(queue); }

void lending_oracle::ends_at(queue_id queue, offset end) {
  lives_.ends_at(queue, end);
  std::erase_if(known_, [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  });
}

void lending_oracle::reset() {
  lives_.reset();
  resetting_ = false;
  if (options_.note) options_.note("group " + options_.group + " is reset, or not");
  reset_ = now();
  for (auto& [place, m] : known_) {
    const auto settles = m.settles;
    m = {};
    m.settles = settles;
    m.unsure = true;
  }
}

// -- dead letters ---------------------------------------------------------------------------------

bool lending_oracle::letter(const letter_told& told) {
  if (!letters_.insert(told.letter).second) return false;
  lives_.letter(told);
  auto& m = know(told.source);
  if (told.first && !letters_.insert(*told.first).second) {
    note(told.source, " has its dead letter elsewhere");
    return true;
  }
  note(told.source, " has a dead letter");
  if (told.last_failed_ms <= reset_.wall_most_ms) m.unsure = true; // It may have lived again.
  if (m.unsure || resetting_) return true;
  ++m.letters;
  m.owed = false;
  const auto where = text(told.source);
  expect(m.letters <= 1 + m.redrives, where + " has two dead letters");
  expect(m.rejecting || told.attempts >= limits_.attempts_least,
         where + " died after " + std::to_string(told.attempts) + " attempts; it has " +
           std::to_string(limits_.attempts_least));
  expect(!m.settled || told.last_failed_ms <= m.settled->wall_most_ms,
         where + " was settled, and died later");
  if (m.letters > m.redrives) m.died = now();
  return true;
}

void lending_oracle::forget_letters(queue_id graves) {
  std::erase_if(letters_, [graves](const auto& letter) { return letter.queue == graves; });
}

void lending_oracle::redriving(const message_place& source) {
  lives_.redriving(source);
  auto& m = know(source);
  note(source, " is to be brought back");
  if (m.settles > 0) m.unsure = true; // It may finish this life or the last.
  ++m.redrives;
  m.redriving = now();
  m.revived.number = ~std::uint64_t{0};
  m.settling = m.counts = false;
  m.failed = 0;
  m.settled.reset();
  m.passed.reset();
  m.died.reset();
  m.not_before_ms.reset();
}

void lending_oracle::redriven(const message_place& source, errc code, const message_place& letter) {
  lives_.redrive_over(source);
  if (code == errc::none) lives_.redriven(source, letter);
  auto& m = know(source);
  note(source, code == errc::none ? " is brought back" : " is not brought back");
  m.revived = now();
  if (code == errc::none) m.owed = !m.settling && m.letters <= m.redrives;
}

void lending_oracle::purged(const message_place& source, const message_place& letter) {
  lives_.purged(source, letter);
}

void lending_oracle::check_story(const message_place& place,
                                 const std::optional<message_name>& name,
                                 const frames::message_story& whole,
                                 const frames::group_story& told, std::uint64_t asked_ms) const {
  life_book::question asked;
  asked.place = place;
  asked.known = name.has_value();
  asked.passes = !name || options_.passes(*name);
  asked.keyed = options_.keyed;
  asked.resetting = resetting_;
  asked.limits = {limits_.attempts_least, limits_.attempts_most};
  if (const auto at = known_.find(place); at != known_.end())
    for (const auto& [who, h] : at->second.held)
      asked.held |= h.lent && !h.old && sure(h) && h.since.ms <= asked_ms && !at->second.settling;
  lives_.check(asked, whole, told);
}

void lending_oracle::check_finished(queue_id queue) const {
  const auto earliest = options_.earliest(queue);
  for (const auto& [base, batch] : messages_->batches_of(queue))
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      const message_place place{queue, base + i};
      if (place.at < earliest || !options_.passes({batch.producer, batch.first + i})) continue;
      const auto at = known_.find(place);
      const bool known = at != known_.end();
      if (known && at->second.unsure) continue;
      const bool finished = known && (at->second.settling || at->second.letters > 0);
      expect(finished || (known && at->second.redrives > 0),
             text(place) + " is lost: nobody settled it, and it has no dead letter");
      expect(!known || !at->second.owed, text(place) + " was brought back, and is lost");
    }
}

} // namespace carafe::sim
