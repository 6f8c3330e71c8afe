#include "cli/shell/commands.hpp"
#include "cli/shell/dead_letters.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

std::string story_of(const client::delivery& letter, std::string_view what) {
  std::string last;
  for (const auto& [name, text] : letter.properties)
    if (name == what) last = text;
  return last;
}

value number_of(const client::delivery& letter, std::string_view what) {
  const auto text = story_of(letter, what);
  auto parsed = parse_number(text, 0, std::numeric_limits<std::uint64_t>::max());
  return parsed ? value::id(*parsed) : value::none();
}

value time_of(const client::delivery& letter, std::string_view what) {
  const auto text = story_of(letter, what);
  auto ms = parse_number(text, 0, std::uint64_t{1} << 62);
  return ms ? value::time(unix_ms{static_cast<std::int64_t>(*ms)}) : value::none();
}

record letter_view(const client::delivery& letter) {
  record r;
  r.add("queue", value::id(letter.number.value)).add("offset", value::id(letter.offset.value));
  r.add("source_topic", value::text(story_of(letter, "carafe-dead-topic")));
  r.add("source_queue", number_of(letter, "carafe-dead-queue"));
  r.add("source_offset", number_of(letter, "carafe-dead-offset"));
  r.add("key", letter.key.empty() ? value::none() : value::text(letter.key));
  r.add("attempts", number_of(letter, "carafe-dead-attempts"));
  r.add("last_failed", time_of(letter, "carafe-dead-last-failed-ms"));
  return std::move(r.add("error", value::text(story_of(letter, "carafe-dead-error"))));
}

} // namespace

command dlq_list_command() {
  auto choice = std::make_shared<letter_choice>();
  choice->count = 100;
  command c{.name = "dlq list", .summary = "List a group's dead letters."};
  c.details =
    "Messages that failed as often as the group allows, or were rejected, lie in the topic "
    "%DLQ%GROUP with what became of them. Those that were brought back or purged are not "
    "listed. Without --count the oldest 100.";
  c.examples = {"carafe dlq list mailers", "carafe dlq list mailers --count 1000 --json"};
  c.options = letter_options(*choice);
  c.run = [choice](command_context& context) {
    auto node = context.node();
    auto letters = chosen_letters(*choice, *node);
    if (!letters) return context.fail(letters.error());
    auto read = read_letters(*choice, *letters, context, *node);
    if (!read) return context.fail(read.error());
    std::ranges::sort(*read, [](const auto& a, const auto& b) {
      return std::pair{a.number, a.offset} < std::pair{b.number, b.offset};
    });
    std::vector<record> rows;
    for (const auto& letter : *read) rows.push_back(letter_view(letter));
    return context.show(rows, "no dead letters");
  };
  return c;
}

} // namespace carafe::shell
