#include "cli/shell/story_view.hpp"

#include "cli/shell/story_words.hpp"
#include "cli/shell/utf8.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <utility>

namespace carafe::shell {

namespace {

using client::group_story;
using client::message_story;
using client::story_event;

value text_or_none(const std::string& text) {
  return text.empty() ? value::none() : value::text(text);
}

record event_row(const story_event& event, const message_story& story) {
  record row;
  row.add("time", value::time(event.time));
  row.add("event", value::text(name_of(event.what)));
  row.add("words", value::text(words_of(event, story)));
  row.add("offset", value::id(event.offset.value));
  row.add("attempt", value::id(event.attempt));
  row.add("consumer", text_or_none(event.member));
  row.add("error", text_or_none(event.error));
  row.add("due", value::time(event.due));
  row.add("transaction",
          event.transaction ? value::text(client::to_string(*event.transaction)) : value::none());
  row.add("schedule", text_or_none(event.schedule));
  return row;
}

value events_value(const std::vector<story_event>& events, const message_story& story) {
  std::vector<record> rows;
  rows.reserve(events.size());
  for (const auto& event : events) rows.push_back(event_row(event, story));
  return value::table(std::move(rows));
}

record group_row(const group_story& group, const message_story& story) {
  using state = group_story::state;
  const bool has_until = group.now == state::lent || group.now == state::waiting;
  const bool has_offset =
    group.now == state::behind || group.now == state::unread || group.now == state::held_up;
  record row;
  row.add("group", value::text(group.group));
  row.add("name", text_or_none(group.consumer));
  row.add("mode", value::text(group.mode));
  row.add("state", value::text(name_of(group.now)));
  row.add("words", value::text(words_of(group, story)));
  row.add("consumer", text_or_none(group.member));
  row.add("until", has_until ? value::time(group.until) : value::none());
  row.add("offset", has_offset ? value::id(group.offset.value) : value::none());
  row.add("attempts", value::id(group.attempts));
  row.add("error", text_or_none(group.error));
  row.add("letter", text_or_none(letter_of(group)));
  row.add("letter_state", value::text(name_of(group.letter_is)));
  row.add("events", events_value(group.events, story));
  row.add("events_left_out", value::id(group.events_left_out));
  return row;
}

std::string line(const std::string& when, const std::string& words, tone t, bool colours) {
  constexpr std::size_t time_width = 24; // As `time_text` writes it.
  auto out =
    "  " + when + std::string(when.size() < time_width ? time_width - when.size() : 0, ' ');
  return out + "  " + in_tone(printable(words), t, colours) + '\n';
}

std::string lines(const std::vector<story_event>& events, std::uint32_t left_out,
                  const message_story& story, bool colours) {
  std::string out;
  // Where a long list was cut is told where it was: the node keeps the first of them and the last.
  constexpr std::size_t cut_at = 50;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (left_out > 0 && i == cut_at)
      out += line("...", std::to_string(left_out) + " more are left out", tone::faint, colours);
    out += line(time_text(events[i].time), words_of(events[i], story), tone::plain, colours);
  }
  return out;
}

std::string title_of(const message_story& story) {
  std::string out = story.topic;
  if (story.has_place)
    out += '/' + std::to_string(story.number.value) + '/' + std::to_string(story.offset.value);
  if (story.id.producer.value != 0) out += ", id " + client::to_string(story.id);
  return out;
}

} // namespace

record story_view(const message_story& story, const std::optional<letter_origin>& origin) {
  record r;
  r.add("topic", value::text(story.topic));
  r.add("queue", story.queue.value == 0 ? value::none() : value::id(story.number.value));
  r.add_hidden("queue_id", story.queue.value == 0 ? value::none() : value::id(story.queue.value));
  r.add("offset", story.has_place ? value::id(story.offset.value) : value::none());
  r.add("id",
        story.id.producer.value == 0 ? value::none() : value::text(client::to_string(story.id)));
  r.add("durability", value::text(durability_name(story.reached)));
  r.add("state", value::text(name_of(story.now)));
  r.add("words", value::text(words_of(story)));
  r.add("due", value::time(story.due));
  r.add("told", value::time(story.told));
  r.add("known_from", value::time(story.known_from));
  r.add("events", events_value(story.events, story));
  std::vector<record> groups;
  for (const auto& group : story.groups) groups.push_back(group_row(group, story));
  r.add("groups", value::table(std::move(groups)));
  r.add("groups_left_out", value::id(story.groups_left_out));
  r.add("dead_letter_of",
        origin && !origin->gone ? value::text(to_string(origin->place)) : value::none());
  return r;
}

std::string story_text(const message_story& story, const std::optional<letter_origin>& origin,
                       bool colours) {
  auto out = in_tone(printable(title_of(story)), tone::strong, colours) + '\n';
  if (story.known_from.value != 0)
    out += line("...", "the log from before " + time_text(story.known_from) + " is gone",
                tone::faint, colours);
  out += lines(story.events, 0, story, colours);
  out += line("now", words_of(story), tone::plain, colours);
  if (origin)
    out +=
      line("is",
           "the dead letter of " + to_string(origin->place) +
             (origin->gone ? ", in a topic that was deleted" : ", whose life 'message why' tells"),
           tone::plain, colours);
  for (const auto& group : story.groups) {
    auto title = "group " + group.group + " (" + group.mode + ")";
    if (!group.consumer.empty()) title += ", consumer " + group.consumer;
    out += '\n' + in_tone(printable(title), tone::strong, colours) + '\n';
    out += lines(group.events, group.events_left_out, story, colours);
    out += line("now", words_of(group, story), tone_of(group.now), colours);
  }
  if (story.groups_left_out > 0)
    out += "\n" + counted(story.groups_left_out, "group") +
           " more read the topic: name one with --group\n";
  return out;
}

} // namespace carafe::shell
