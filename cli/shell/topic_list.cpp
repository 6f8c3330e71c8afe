#include "cli/shell/commands.hpp"

#include <algorithm>

namespace carafe::shell {

command topic_list_command() {
  command c{.name = "topic list", .summary = "List the topics."};
  c.examples = {"carafe topic list", "carafe topic list --json"};
  c.run = [](command_context& context) {
    auto topics = context.node()->list_topics();
    if (!topics) return context.fail(topics.error());
    std::sort(topics->begin(), topics->end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    std::vector<record> rows;
    for (const auto& t : *topics) {
      record row;
      row.add("topic", value::text(t.name));
      row.add_hidden("topic_id", value::id(t.topic.value));
      row.add("queues", value::count(t.queues));
      row.add("messages", value::count(t.messages));
      rows.push_back(std::move(row));
    }
    return context.show(rows, "no topics; 'topic create NAME' makes one");
  };
  return c;
}

} // namespace carafe::shell
