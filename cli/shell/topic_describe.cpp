#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command topic_describe_command() {
  auto name = std::make_shared<std::string>();
  command c{.name = "topic describe", .summary = "Show a topic's settings and its queues."};
  c.examples = {"carafe topic describe orders"};
  c.options = {text("NAME", "", *name, "The topic.").must().completed_by(completes::topic)};
  c.run = [name](command_context& context) {
    auto topic = context.node()->describe_topic(*name);
    if (!topic) return context.fail(topic.error());
    return context.show(topic_view(*topic));
  };
  return c;
}

} // namespace carafe::shell
