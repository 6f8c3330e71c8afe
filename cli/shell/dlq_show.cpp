#include "cli/shell/commands.hpp"
#include "cli/shell/dead_letters.hpp"
#include "cli/shell/delivery_text.hpp"

namespace carafe::shell {

command dlq_show_command() {
  auto choice = std::make_shared<letter_choice>();
  command c{.name = "dlq show", .summary = "Show dead letters whole, with body and properties."};
  c.details = "One JSON object a line, as 'consume --format json' shows messages; the properties "
              "carafe-dead-... tell what became of them.";
  c.examples = {"carafe dlq show mailers --offset 12"};
  c.options = letter_options(*choice);
  c.run = [choice](command_context& context) {
    auto node = context.node();
    auto letters = chosen_letters(*choice, *node);
    if (!letters) return context.fail(letters.error());
    auto read = read_letters(*choice, *letters, context, *node);
    if (!read) return context.fail(read.error());
    if (read->empty())
      return context.fail({errc::not_found, "no such dead letter of group " + choice->group});
    std::string text;
    for (const auto& letter : *read) append_delivery(text, letter, delivery_format::json);
    return context.terminal.write(text) ? exit_code::ok : exit_code::failed;
  };
  return c;
}

} // namespace carafe::shell
