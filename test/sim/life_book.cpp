#include "test/sim/life_book.hpp"

#include <algorithm>
#include <set>

namespace carafe::sim {

namespace {

using kind = frames::story_event::kind;
using state = frames::group_story::state;

std::uint64_t count_of(const frames::group_story& told, kind what) {
  return static_cast<std::uint64_t>(
    std::ranges::count(told.events, what, &frames::story_event::what));
}

bool has(const frames::group_story& told, kind what, const message_place& letter) {
  return std::ranges::any_of(told.events, [&](const auto& event) {
    return event.what == what && event.queue == letter.queue && event.at == letter.at;
  });
}

/// Done with, in whatever way.
bool is_over(state now) {
  return now == state::acknowledged || now == state::filtered || now == state::dead ||
         now == state::done || now == state::skipped || now == state::lost;
}

} // namespace

void life_book::settled(const message_place& place) {
  auto& known = lives_[place];
  if (!known.redriving) known.settled = true;
}

void life_book::failed(const message_place& place, std::uint32_t attempt) {
  auto& known = lives_[place];
  if (known.redrives_asked == 0) known.failed = std::max(known.failed, attempt);
}

void life_book::letter(const letter_told& told) {
  auto& known = lives_[told.source];
  if (told.first)
    known.moved.push_back(told.letter);
  else
    known.letters.push_back({told.letter, told.attempts});
}

void life_book::redriving(const message_place& place) {
  auto& known = lives_[place];
  ++known.redrives_asked;
  known.redriving = true;
  known.settled = false;
  known.failed = 0;
}

void life_book::redriven(const message_place& place, const message_place& letter) {
  lives_[place].redriven.push_back(letter);
}

void life_book::purged(const message_place& place, const message_place& letter) {
  lives_[place].purged.push_back(letter);
}

void life_book::reset() {
  for (auto& [place, known] : lives_) {
    known.settled = false;
    known.failed = 0;
  }
}

void life_book::unsure(queue_id queue) {
  for (auto& [place, known] : lives_) {
    if (place.queue != queue) continue;
    known.settled = false;
    known.failed = 0;
    known.letters.clear();
    known.moved.clear();
    known.redriven.clear();
    known.purged.clear();
  }
}

void life_book::ends_at(queue_id queue, offset end) {
  std::erase_if(lives_, [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  });
}

/// Deliveries and failures follow each other, whoever caused them.
void life_book::check_steps(const std::string& where, const frames::group_story& told) {
  std::uint32_t failures = 0, before_reset = 0;
  bool over = false;
  for (const auto& event : told.events) {
    const auto attempt = std::to_string(event.attempt);
    switch (event.what) {
    case kind::began:
    case kind::reset:
    case kind::redriven:
      before_reset = failures;
      failures = 0;
      over = false;
      break;
    case kind::lent:
      expect(!over, where + " was lent when it was over");
      expect(event.attempt == failures + 1, where + " was lent as delivery " + attempt + " after " +
                                              std::to_string(failures) + " failures");
      break;
    case kind::failed:
      expect(!over, where + " failed when it was over");
      expect(event.attempt == failures + 1, where + " failed as delivery " + attempt + " after " +
                                              std::to_string(failures) + " failures");
      failures = event.attempt;
      break;
    case kind::dead:
      // Its letter may have been under way when the group was reset.
      expect(!over && (event.attempt == failures + 1 || event.attempt == before_reset + 1),
             where + " died after delivery " + attempt + " and " + std::to_string(failures) +
               " failures before that");
      over = true;
      break;
    case kind::acknowledged:
    case kind::filtered:
      expect(!over, where + " was over twice");
      over = true;
      break;
    default:
      break;
    }
  }
}

/// Nothing is told that nobody did.
void life_book::check_claims(const std::string& where, const life& known, const question& asked,
                             const frames::group_story& told) const {
  const std::set<std::string> errors{"it went wrong", "its lease ended", "its consumer was lost"};
  expect(count_of(told, kind::acknowledged) <= known.settles_sent,
         where + " was acknowledged, and nobody did that");
  expect(count_of(told, kind::redriven) <= known.redrives_asked,
         where + " was redriven, and nobody asked for that");
  expect(count_of(told, kind::expired) == 0, where + " expired");
  expect(!asked.known || asked.passes || count_of(told, kind::lent) == 0,
         where + " does not pass the filter, and was lent");
  expect(!asked.known || !asked.passes || count_of(told, kind::filtered) == 0,
         where + " passes the filter, and was left out");
  std::uint32_t by_members = 0;
  unix_ms last{};
  for (const auto& event : told.events) {
    expect(event.time >= last, where + ": times fall");
    last = event.time;
    if (event.what == kind::lent)
      expect(event.member.starts_with("worker "), where + " was lent to '" + event.member + "'");
    if (event.what == kind::dead)
      expect(known.rejects_sent > 0 || event.attempt >= asked.limits.least,
             where + " died after " + std::to_string(event.attempt) + " attempts");
    if (event.what != kind::failed) continue;
    expect(errors.contains(event.error), where + " failed with '" + event.error + "'");
    expect(event.attempt < asked.limits.most, where + " failed too often");
    if (event.error == "it went wrong") ++by_members;
  }
  expect(by_members <= known.fails_sent, where + " failed more often than members said");
  if (told.now == state::behind)
    expect(asked.keyed && told.at < asked.place.at, where + " is behind another");
  expect(told.now != state::expired, where + " expired");
}

/// What was answered is told.
void life_book::check_answered(const std::string& where, const life& known, const question& asked,
                               const frames::message_story& whole,
                               const frames::group_story& told) const {
  const bool all_told = whole.known_from.value == 0 && told.events_left_out == 0;
  if (known.settled && !asked.resetting) {
    expect(is_over(told.now) &&
             (!all_told || told.now == state::acknowledged || told.now == state::dead),
           where + " was settled, and its story says otherwise");
  }
  if (asked.held && !asked.resetting)
    expect(told.now == state::lent, where + " is held, and its story says otherwise");
  if (!all_told) return;
  // It may have been lent to the same consumer again before it said so: then that one failed.
  if (known.failed > 0)
    expect(std::ranges::any_of(told.events,
                               [&](const auto& event) {
                                 return (event.what == kind::failed || event.what == kind::dead) &&
                                        event.attempt >= known.failed &&
                                        event.error == "it went wrong";
                               }),
           where + " failed as delivery " + std::to_string(known.failed) +
             ", and its story does not tell that");
  for (const auto& letter : known.letters)
    expect(std::ranges::any_of(told.events,
                               [&](const auto& event) {
                                 return event.what == kind::dead &&
                                        event.queue == letter.at.queue &&
                                        event.at == letter.at.at &&
                                        event.attempt == letter.attempts;
                               }),
           where + " has a dead letter that its story does not tell");
  for (const auto& letter : known.moved)
    expect(has(told, kind::letter_moved, letter),
           where + " has a dead letter that was moved, and that is not told");
  for (const auto& letter : known.redriven)
    expect(has(told, kind::redriven, letter), where + " was redriven, and that is not told");
  if (!known.purged.empty() && resets_ == 0)
    expect(count_of(told, kind::purged) > 0, where + ": its letter was purged");
  if (told.now == state::dead)
    expect(told.letter_is != frames::group_story::letter_state::none, where + " has no letter");
}

void life_book::check(const question& asked, const frames::message_story& whole,
                      const frames::group_story& told) const {
  static const life nothing{};
  const auto at = lives_.find(asked.place);
  const auto& known = at == lives_.end() ? nothing : at->second;
  std::string where = "the story of offset " + std::to_string(asked.place.at.value) + " of queue " +
                      std::to_string(asked.place.queue.value) + " in " + told.group + " (state " +
                      std::to_string(static_cast<int>(told.now)) + ", events";
  for (const auto& event : told.events) where += ' ' + std::to_string(static_cast<int>(event.what));
  where += ')';
  const bool deleted = whole.now == frames::message_story::state::deleted;
  expect(told.now != state::lost || deleted, where + " says lost, and it can be read");
  expect(count_of(told, kind::gone) == 0 || deleted, where + " says gone, and it can be read");
  expect(told.now != state::skipped || deleted || resets_ > 0, where + " says skipped");
  expect(told.now != state::done || whole.known_from.value != 0 || !told.events.empty() ||
           asked.resetting || deleted || known.settles_sent > 0 || !asked.passes || !asked.known,
         where + " says done, and nobody did anything");
  check_claims(where, known, asked, told);
  if (whole.known_from.value == 0 && told.events_left_out == 0) check_steps(where, told);
  check_answered(where, known, asked, whole, told);
}

} // namespace carafe::sim
