#include "cli/shell/story_words.hpp"

#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>
#include <array>

namespace carafe::shell {

namespace {

using client::group_story;
using client::message_story;
using client::story_event;

template <class Enum, std::size_t N>
std::string_view pick(Enum value, const std::array<std::string_view, N>& names) {
  const auto at = static_cast<std::size_t>(value);
  return at < N ? names[at] : std::string_view{"other"};
}

std::string quoted(const std::string& text) {
  return text.empty() ? std::string{"no reason given"} : '"' + text + '"';
}

std::string who(const std::string& member) {
  return member.empty() ? "a consumer whose name is not known" : member;
}

/// "2026-11-22T10:00:00.123Z, in 3.2 s".
std::string until_text(unix_ms time, unix_ms now) {
  auto out = time_text(time);
  if (time > now) out += ", in " + span_text(static_cast<std::uint64_t>(time.value - now.value));
  return out;
}

std::string failures(const group_story& group) {
  if (group.attempts == 0) return "";
  return "; " + std::to_string(group.attempts) +
         (group.attempts == 1 ? " delivery has failed" : " deliveries have failed") +
         ", the last with " + quoted(group.error);
}

std::string in_transaction(const story_event& event) {
  return event.transaction ? ", with transaction " + client::to_string(*event.transaction) : "";
}

/// What stored it, if that was not its producer.
std::string origin_of(const story_event& event) {
  if (event.schedule.empty()) return in_transaction(event);
  return ", sent by schedule " + event.schedule + " for " + time_text(event.due);
}

/// Whether the group has had it, before it was set to another place.
bool was_met(const group_story& group) {
  using kind = story_event::kind;
  return std::ranges::any_of(group.events, [](const story_event& e) {
    return e.what == kind::lent || e.what == kind::acknowledged || e.what == kind::dead;
  });
}

std::string letter_words(const group_story& group) {
  switch (group.letter_is) {
  case group_story::letter_state::none:
    return "";
  case group_story::letter_state::open:
    return "; its dead letter is " + letter_of(group);
  case group_story::letter_state::purged:
    return "; its dead letter, " + letter_of(group) + ", was purged";
  case group_story::letter_state::redriven:
    return "; its dead letter, " + letter_of(group) + ", was redriven";
  case group_story::letter_state::lost:
    return "; its dead letter, " + letter_of(group) + ", grew older than its topic keeps them";
  }
  return "";
}

} // namespace

std::string_view name_of(story_event::kind what) noexcept {
  static constexpr std::array<std::string_view, 26> names{
    "other",      "stored",   "stored_for_later", "moved",        "fired",
    "cancelled",  "dropped",  "deleted",          "began",        "reset",
    "lent",       "returned", "failed",           "acknowledged", "filtered",
    "expired",    "dead",     "redriven",         "purged",       "copied",
    "gone",       "prepared", "committed",        "rolled_back",  "letter_moved",
    "letter_lost"};
  return pick(what, names);
}

std::string_view name_of(group_story::state now) noexcept {
  static constexpr std::array<std::string_view, 15> names{
    "unread",  "ready", "behind",  "lent", "waiting", "dying",     "acknowledged", "filtered",
    "expired", "dead",  "skipped", "lost", "done",    "unstarted", "held_up"};
  return pick(now, names);
}

std::string_view name_of(message_story::state now) noexcept {
  static constexpr std::array<std::string_view, 8> names{
    "unknown", "pending", "stored", "deleted", "cancelled", "dropped", "prepared", "rolled_back"};
  return pick(now, names);
}

std::string_view name_of(group_story::letter_state now) noexcept {
  static constexpr std::array<std::string_view, 5> names{"none", "open", "purged", "redriven",
                                                         "lost"};
  return pick(now, names);
}

tone tone_of(group_story::state now) noexcept {
  using state = group_story::state;
  if (now == state::acknowledged || now == state::done) return tone::good;
  if (now == state::dead || now == state::lost || now == state::expired) return tone::bad;
  if (now == state::waiting || now == state::dying || now == state::behind) return tone::warning;
  return tone::plain;
}

std::string letter_of(const group_story& group) {
  if (group.letter_is == group_story::letter_state::none) return "";
  return "%DLQ%" + group.group + '/' + std::to_string(group.letter_number.value) + '/' +
         std::to_string(group.letter.value);
}

std::string words_of(const story_event& event, const message_story& story) {
  using kind = story_event::kind;
  const auto at = std::to_string(event.offset.value);
  switch (event.what) {
  case kind::stored:
    return "stored at offset " + at + " of queue " + std::to_string(story.number.value) +
           ", as durable as '" + std::string{durability_name(story.reached)} + "' says" +
           origin_of(event);
  case kind::stored_for_later:
    return "stored for later, until " + time_text(event.due);
  case kind::moved:
    return "moved to another time, " + time_text(event.due);
  case kind::fired:
    return "its time had come (" + time_text(event.due) + "): from then on at offset " + at +
           " of queue " + std::to_string(story.number.value);
  case kind::cancelled:
    return "cancelled before its time";
  case kind::dropped:
    return "dropped: at its time it could not be read";
  case kind::deleted:
    return "deleted by retention: its queue begins at offset " + at;
  case kind::began:
    return "the group begins here at offset " + at;
  case kind::reset:
    return "the group was set to offset " + at;
  case kind::lent:
    return "leased to " + who(event.member) + ", delivery " + std::to_string(event.attempt);
  case kind::returned:
    return "given back, which is no failure";
  case kind::failed:
    return "delivery " + std::to_string(event.attempt) + " failed with " + quoted(event.error) +
           "; again at " + time_text(event.due);
  case kind::acknowledged:
    return (event.offset.value == 0 ? "acknowledged"
                                    : "acknowledged, with everything below offset " + at) +
           in_transaction(event);
  case kind::filtered:
    return event.offset.value == 0 ? "left out by the group's filter"
                                   : "passed over, with the group at offset " + at +
                                       ": it does not pass the group's filter";
  case kind::expired:
    return event.offset.value == 0
             ? "expired: its time to live was over"
             : "expired: its time to live was over, and nobody was sent it from then on";
  case kind::dead:
    return "dead after " + std::to_string(event.attempt) +
           (event.attempt == 1 ? " failed delivery" : " failed deliveries") + ", with " +
           quoted(event.error) + "; its dead letter is at offset " + at;
  case kind::redriven:
    return "redriven from the dead letter at offset " + at;
  case kind::purged:
    return "its dead letter was purged";
  case kind::copied:
    return "copied for the group, since retention was about to pass it";
  case kind::gone:
    return "nothing of it was left to deliver";
  case kind::prepared:
    return "prepared" + in_transaction(event) + " of producers " + event.member +
           ": nobody sees it before the commit";
  case kind::committed:
    return "committed" + in_transaction(event);
  case kind::rolled_back:
    return "rolled back" + in_transaction(event);
  case kind::letter_moved:
    return "the dead letter was written again, since retention was about to pass it: it is at "
           "offset " +
           at;
  case kind::letter_lost:
    return "its dead letter grew older than its topic keeps them";
  case kind::other:
    break;
  }
  return "something that this version of the shell does not know";
}

std::string words_of(const group_story& group, const message_story& story) {
  using state = group_story::state;
  const auto at = std::to_string(group.offset.value);
  switch (group.now) {
  case state::unread:
    return "not read yet: the group reads on at offset " + at +
           (group.member.empty() ? "" : ", by " + group.member);
  case state::held_up:
    return "not read yet: so many messages of the group wait for their next delivery or behind one "
           "of their key (--waiting-max) that it takes no new ones; it reads on at offset " +
           at;
  case state::ready:
    return "waits for a consumer with room" + failures(group);
  case state::behind:
    return "parked behind the message at offset " + at + ", which has the same key" +
           failures(group);
  case state::lent:
    return "leased to " + who(group.member) + " until " + until_text(group.until, story.told) +
           failures(group);
  case state::waiting:
    return "waits for its next delivery at " + until_text(group.until, story.told) +
           failures(group) + letter_words(group);
  case state::dying:
    return "dead: its dead letter is being written" + failures(group);
  case state::acknowledged:
    return "acknowledged" + letter_words(group);
  case state::filtered:
    return "left out by the group's filter";
  case state::expired:
    return "expired: not delivered";
  case state::dead:
    return "dead" + failures(group) + letter_words(group);
  case state::skipped:
    return was_met(group) ? "not delivered again: the group was set behind it"
                          : "never delivered: the group begins behind it";
  case state::lost:
    return "never delivered: retention took it first";
  case state::done:
    return "done with; the log does not tell how (any more, or yet)";
  case state::unstarted:
    return "the group has not begun to read the queue";
  }
  return "in a state that this version of the shell does not know";
}

std::string words_of(const message_story& story) {
  using state = message_story::state;
  switch (story.now) {
  case state::unknown:
    return story.known_from.value == 0
             ? "there is no such message"
             : "no such message is known; the log goes back to " + time_text(story.known_from);
  case state::pending:
    return "waits for its time, " + until_text(story.due, story.told);
  case state::stored:
    return "can be read";
  case state::deleted:
    return "deleted by retention";
  case state::cancelled:
    return "cancelled: nobody got it";
  case state::dropped:
    return "dropped: nobody got it";
  case state::prepared:
    return "waits for its transaction's commit; 'tx list' shows it";
  case state::rolled_back:
    return "rolled back: nobody gets it";
  }
  return "in a state that this version of the shell does not know";
}

} // namespace carafe::shell
