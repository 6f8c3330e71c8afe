#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"
#include "config/node_options.hpp"

namespace carafe::shell {

command topic_alter_command() {
  struct options {
    std::string name;
    std::optional<std::uint32_t> queues;
    std::optional<std::chrono::milliseconds> retention, ttl, dedup_window;
    std::optional<std::uint64_t> produce_quota, consume_quota;
  };
  auto o = std::make_shared<options>();
  command c{.name = "topic alter", .summary = "Add queues to a topic or change its settings."};
  c.details = "With more queues, new messages of a key may go to another queue than its earlier "
              "ones: they are in order with each other, but not with those before. Queues cannot "
              "be taken away.";
  c.examples = {"carafe topic alter orders --queues 8",
                "carafe topic alter orders --retention 30d"};
  c.options = {text("NAME", "", o->name, "The topic.").must().completed_by(completes::topic),
               number<std::uint32_t>("--queues", "N", o->queues,
                                     "New number of queues; never fewer.", 1,
                                     config::fixed_limits::queues_per_topic_max),
               parsed("--retention", "DURATION", o->retention,
                      "How long messages are kept: 90s, 15m, 12h, 7d; 0: as the node's setting.",
                      parse_duration),
               parsed("--ttl", "DURATION", o->ttl,
                      "How long messages are worth delivering to shared and keyed groups; 0: as "
                      "long as they are kept.",
                      parse_duration),
               parsed("--dedup-window", "DURATION", o->dedup_window,
                      "How long a message's dedup id counts, of those that are stored from now on; "
                      "0: ids do not matter.",
                      parse_duration),
               parsed("--produce-quota", "SIZE", o->produce_quota,
                      "Bytes a second, such as 10MiB, that all producers of the topic may send "
                      "together; over it they wait; 0: no limit.",
                      parse_quota),
               parsed("--consume-quota", "SIZE", o->consume_quota,
                      "Bytes a second that all consumers of the topic are sent together, more "
                      "slowly if there are more; 0: no limit.",
                      parse_quota)};
  c.run = [o](command_context& context) {
    const bool of_messages = o->retention || o->ttl || o->dedup_window;
    if (!o->queues && !of_messages && !o->produce_quota && !o->consume_quota)
      return context.misused("topic alter needs --queues, --retention, --ttl, --dedup-window, "
                             "--produce-quota or --consume-quota");
    std::optional<std::uint64_t> retention_ms, ttl_ms, dedup_ms;
    if (o->retention) retention_ms = static_cast<std::uint64_t>(o->retention->count());
    if (o->ttl) ttl_ms = static_cast<std::uint64_t>(o->ttl->count());
    if (o->dedup_window) dedup_ms = static_cast<std::uint64_t>(o->dedup_window->count());
    auto topic = context.node()->alter_topic(o->name, o->queues, retention_ms, ttl_ms, dedup_ms,
                                             {o->produce_quota, o->consume_quota});
    if (!topic) return context.fail(topic.error());
    return context.show(topic_view(*topic));
  };
  return c;
}

} // namespace carafe::shell
