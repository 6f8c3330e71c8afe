#include "actors/core/story.hpp"
#include "actors/core/story_entry.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace carafe::core {

namespace {

using frames::story_event;
using kind = story_event::kind;
using letter_state = frames::group_story::letter_state;

/// Where the letter at `at` is from this entry on.
std::optional<story_subject::letter_place> moved_to(const effects::settled& e, offset at,
                                                    const decoded_entry& entry) {
  std::uint64_t place = 0;
  for (const auto& range : e.ranges) {
    if (range.first <= at && at < range.end()) {
      place += at.value - range.first.value;
      break;
    }
    place += range.count;
  }
  for (const auto& other : entry.effects)
    if (const auto* batch = std::get_if<effects::batch>(&other);
        batch != nullptr && batch->queue == e.queue && place < batch->count)
      return story_subject::letter_place{e.queue, batch->base + place};
  return std::nullopt;
}

story_event move_to(const story_subject::letter_place& place, story_event news) {
  news.queue = place.queue;
  news.at = place.at;
  return news;
}

} // namespace

// -- in a group -----------------------------------------------------------------------------------

/// The group reads from `next` on.
void story::begin_at(part& in, offset next, event e) const {
  e.at = next;
  in.events.push(std::move(e));
  in.attempts = 0;
  in.error.clear();
  in.copied = false;
  if (*subject_.at >= next)
    in.now = part::stage::unread;
  else if (!in.finished())
    in.now = part::stage::skipped;
}

void story::on(const effects::commit& e, const decoded_entry& entry) {
  using reason = effects::commit::reason;
  auto& in = parts_.at(e.group);
  const bool first = !in.mentioned;
  in.mentioned = true;
  if (e.why == reason::began && !first) return; // It had begun.
  if (e.why == reason::began) return begin_at(in, e.next, happened(kind::began, entry));
  // Of earlier versions every commit is by a consumer; one of a group that lends never is.
  const bool set = e.why == reason::reset || in.lends;
  const bool done = in.finished();
  if (set || (done && *subject_.at >= e.next))
    return begin_at(in, e.next,
                    happened(set && first && in.lends ? kind::began : kind::reset, entry));
  if (done || *subject_.at >= e.next) return;
  passed_by(in, e.next, entry);
}

void story::passed_by(part& in, offset next, const decoded_entry& entry) const {
  auto news = happened_in(in.passes ? kind::acknowledged : kind::filtered, entry);
  news.at = next;
  in.now = in.passes ? part::stage::acknowledged : part::stage::filtered;
  if (in.passes && expires_ && *expires_ <= news.time) {
    // Whether it was delivered while there was time is in nobody's log.
    auto over = news;
    over.what = kind::expired;
    over.time = *expires_;
    in.events.push(std::move(over));
    in.now = part::stage::passed;
  }
  in.events.push(std::move(news));
}

void story::on(const effects::lent& e, const decoded_entry& entry) {
  auto& in = parts_.at(e.group);
  in.mentioned = true;
  // It may be written after what ended it; and again, without a name, with what was learnt of it.
  if (in.finished() || (in.now == part::stage::lent && e.member.empty())) return;
  is_there(in);
  if (in.now == part::stage::lent) in.events.push(happened(kind::returned, entry));
  in.now = part::stage::lent;
  in.member = e.member;
  auto news = happened(kind::lent, entry);
  news.member = e.member;
  news.attempt = in.attempts + 1;
  in.events.push(std::move(news));
}

void story::on(const effects::waiting& e, const decoded_entry& entry) {
  auto& in = parts_.at(e.group);
  in.mentioned = true;
  const auto& row = e.row;
  const bool letter = row.letter_queue.value != 0 && row.stored.value == 0;
  if (row.attempts == 0 && letter) {
    in.now = part::stage::waiting;
    in.attempts = 0;
    in.error.clear();
    in.due = row.due;
    in.letter = story_subject::letter_place{row.letter_queue, row.letter};
    in.letter_is = letter_state::redriven;
    in.copied = true; // Its letter has it.
    auto news = happened(kind::redriven, entry);
    news.queue = row.letter_queue;
    news.at = row.letter;
    in.events.push(std::move(news));
    return;
  }
  if (row.attempts <= in.attempts) return;                     // Only more is known of it.
  if (in.finished() && in.now != part::stage::skipped) return; // By a transaction, just before.
  is_there(in);
  in.now = part::stage::waiting;
  in.attempts = row.attempts;
  in.error = row.error;
  in.due = row.due;
  auto news = happened(kind::failed, entry);
  news.attempt = row.attempts;
  news.error = row.error;
  news.due = row.due;
  in.events.push(std::move(news));
}

void story::on(const effects::returned& e, const decoded_entry& entry) {
  auto& in = parts_.at(e.group);
  if (in.now != part::stage::lent) return;
  in.now = in.attempts > 0 ? part::stage::waiting : part::stage::unread;
  in.events.push(happened(kind::returned, entry));
}

void story::on(const effects::kept& e, const decoded_entry& entry) {
  auto& in = parts_.at(e.group);
  in.mentioned = true;
  if (in.finished()) return;
  is_there(in);
  in.copied = true;
  in.events.push(happened(kind::copied, entry));
}

void story::on(const effects::settled& e, const decoded_entry& entry) {
  using reason = effects::settled::reason;
  auto& in = parts_.at(e.group);
  if (e.queue != subject_.queue || !holds(e.ranges, *subject_.at)) { // Its letter, or others'.
    if (in.letter_is == letter_state::open)
      letter_ended(e, in, entry);
    else if (e.why == reason::moved && in.letter_is == letter_state::none)
      look_for_letter(e, in, entry);
    return;
  }
  in.mentioned = true;
  // Whoever has it already may be done with it when nothing is left of it here; and a dead letter
  // may be under way when a reset passes its message.
  const bool returned = in.now == part::stage::gone && e.why == reason::acknowledged;
  const bool buried = in.now == part::stage::skipped && e.why == reason::dead;
  if (in.finished() && !returned && !buried) return;
  if (e.why != reason::gone && !returned) is_there(in);
  switch (e.why) {
  case reason::acknowledged:
    in.now = part::stage::acknowledged;
    in.events.push(happened_in(kind::acknowledged, entry));
    return;
  case reason::filtered:
    in.now = part::stage::filtered;
    in.events.push(happened(kind::filtered, entry));
    return;
  case reason::expired:
    in.now = part::stage::expired;
    in.events.push(happened(kind::expired, entry));
    return;
  case reason::moved: // It is a letter itself.
    in.now = part::stage::passed;
    if (const auto place = moved_to(e, *subject_.at, entry))
      in.events.push(move_to(*place, happened(kind::letter_moved, entry)));
    return;
  case reason::gone:
    in.now = part::stage::gone;
    in.events.push(happened(kind::gone, entry));
    return;
  case reason::dead:
    return died(e.group, in, entry);
  }
}

/// Its open letter is not so any more, or lies elsewhere.
void story::letter_ended(const effects::settled& e, part& in, const decoded_entry& entry) {
  using reason = effects::settled::reason;
  if (e.why == reason::moved) {
    const auto place = moved_to(e, in.letter->at, entry);
    if (!place) return;
    in.letter = place;
    subject_.groups[e.group] = in.letter;
    changed_ = true;
    in.events.push(move_to(*place, happened(kind::letter_moved, entry)));
    return;
  }
  const bool lost = e.why == reason::gone;
  in.letter_is = lost ? letter_state::lost : letter_state::purged;
  in.events.push(happened(lost ? kind::letter_lost : kind::purged, entry));
}

/// Letters were written again, and the log does not go back to when they were first: they say
/// whose they are.
void story::look_for_letter(const effects::settled& e, part& in, const decoded_entry& entry) {
  for (const auto& other : entry.effects) {
    const auto* batch = std::get_if<effects::batch>(&other);
    if (batch == nullptr || batch->queue != e.queue) continue;
    const auto reader = open_stored(*batch);
    for (std::uint32_t i = 0; reader && i < reader->count(); ++i) {
      std::map<std::string_view, std::string_view> says;
      for (const auto& [name, value] : reader->message(i).properties) says[name] = value;
      if (number_in(says["carafe-dead-queue-id"]) != subject_.queue.value ||
          number_in(says["carafe-dead-offset"]) != subject_.at->value)
        continue;
      in.mentioned = true;
      in.letter = story_subject::letter_place{e.queue, batch->base + i};
      in.letter_is = letter_state::open;
      subject_.groups[e.group] = in.letter;
      changed_ = true;
      in.now = part::stage::dead;
      in.attempts = static_cast<std::uint32_t>(number_in(says["carafe-dead-attempts"]));
      in.error = says["carafe-dead-error"];
      in.events.push(move_to(*in.letter, happened(kind::letter_moved, entry)));
      return;
    }
  }
}

/// The same entry has its letter, which says why.
void story::died(group_id group, part& in, const decoded_entry& entry) {
  auto news = happened(kind::dead, entry);
  news.attempt = in.attempts;
  for (const auto& other : entry.effects) {
    const auto* batch = std::get_if<effects::batch>(&other);
    if (batch == nullptr || batch->producer != no_producer || batch->count != 1) continue;
    news.queue = batch->queue;
    news.at = batch->base;
    in.letter = story_subject::letter_place{batch->queue, batch->base};
    in.letter_is = letter_state::open;
    subject_.groups[group] = in.letter;
    changed_ = true;
    const auto reader = open_stored(*batch);
    if (!reader) break;
    for (const auto& [name, value] : reader->message(0).properties) {
      if (name == "carafe-dead-attempts")
        news.attempt = static_cast<std::uint32_t>(number_in(value));
      if (name == "carafe-dead-error") news.error = value;
    }
    break;
  }
  in.now = part::stage::dead;
  in.attempts = news.attempt;
  in.error = news.error;
  in.events.push(std::move(news));
}

} // namespace carafe::core
