#include "cli/shell/commands.hpp"
#include "cli/shell/message_place.hpp"
#include "cli/shell/message_reading.hpp"
#include "cli/shell/message_scan.hpp"
#include "cli/shell/story_view.hpp"

namespace carafe::shell {

namespace {

struct why_options {
  std::string name;
  std::optional<std::string> topic, since;
  std::string group;
};

/// The node may have to read much of its log.
constexpr std::chrono::minutes patience{5};

/// Whose dead letter it is. Who asks about a message is told what is known of it even if it cannot
/// be read, and soon.
std::optional<letter_origin> origin_of(const client::message_story& story, node_api& node) {
  constexpr std::string_view dead_letters{"%DLQ%"};
  constexpr std::chrono::seconds reading_at_most{2};
  if (story.now != client::message_story::state::stored || !story.topic.starts_with(dead_letters))
    return std::nullopt;
  const auto letter = read_at({story.topic, story.number, story.offset}, node, reading_at_most);
  return letter ? origin_of(*letter, node) : std::nullopt;
}

exit_code why(const why_options& o, command_context& context) {
  auto name = parse_message_name(o.name);
  if (!name) return context.misused("message why: " + name.error().detail);
  scan_range range{.topic = o.topic.value_or("")};
  if (auto read = read_times({o.since, std::nullopt}, context.now, range); !read)
    return context.misused("message why: " + read.error().detail);
  client::story_question question;
  question.group = o.group;
  if (const auto* place = std::get_if<message_place>(&*name)) {
    if (o.topic || range.since)
      return context.misused("message why: " + o.name +
                             " says where the message is; --topic and --since are for ids");
    question.topic = place->topic;
    question.which = client::story_question::place{place->number, place->offset};
  } else {
    if (!o.topic)
      return context.misused("message why: an id does not tell the topic; give --topic");
    question.topic = *o.topic;
    question.which = client::story_question::id{std::get<client::message_id>(*name),
                                                range.since.value_or(unix_ms{})};
  }
  const auto node = context.node(patience);
  auto story = node->why(question);
  if (!story) return context.fail(story.error());
  // Of a message that is not there nothing is told but where that was.
  if (const auto* place = std::get_if<message_place>(&*name); place && !story->has_place) {
    story->has_place = true;
    story->number = place->number;
    story->offset = place->offset;
  }
  const auto origin = origin_of(*story, *node);
  if (context.globals.json) return context.show(story_view(*story, origin));
  context.terminal.write(story_text(*story, origin, context.terminal.colours()));
  return exit_code::ok;
}

} // namespace

command message_why_command() {
  auto o = std::make_shared<why_options>();
  command c{.name = "message why", .summary = "Tell what became of one message, and why."};
  c.details = "Its whole life: when it was stored, until when it waited, who had it, what failed, "
              "where its dead letter is, and how it is now in each group. The node tells it from "
              "its log and its groups; nothing is sampled.";
  c.examples = {"carafe message why orders/3/17", "carafe message why orders/3/17 --group billing",
                "carafe message why 940e0e438147c1d0-1 --topic orders --since -2h"};
  c.options = {
    text("ID", "", o->name, "TOPIC/QUEUE/OFFSET, or an id such as 940e0e438147c1d0-1.").must(),
    name("--topic", "T", o->topic, "Where a message of this id is looked for.")
      .completed_by(completes::topic),
    name("--group", "G", o->group, "Only what became of it in this group.")
      .completed_by(completes::group),
    name("--since", "TIME", o->since, "Look for the id from this time on.")};
  c.run = [o](command_context& context) { return why(*o, context); };
  return c;
}

} // namespace carafe::shell
