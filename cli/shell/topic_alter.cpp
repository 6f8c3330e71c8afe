#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"
#include "config/node_options.hpp"

namespace carafe::shell {

command topic_alter_command() {
  struct options {
    std::string name;
    std::optional<std::chrono::milliseconds> retention, ttl, dedup_window;
    client::topic_change change;
  };
  auto o = std::make_shared<options>();
  command c{.name = "topic alter", .summary = "Add queues to a topic or change its settings."};
  c.details = "With more queues, new messages of a key may go to another queue than its earlier "
              "ones: they are in order with each other, but not with those before. Queues cannot "
              "be taken away.";
  c.examples = {"carafe topic alter orders --queues 8",
                "carafe topic alter orders --retention 30d"};
  c.options = {
    text("NAME", "", o->name, "The topic.").must().completed_by(completes::topic),
    number<std::uint32_t>("--queues", "N", o->change.queues, "New number of queues; never fewer.",
                          1, config::fixed_limits::queues_per_topic_max),
    parsed("--retention", "DURATION", o->retention,
           "How long messages are kept: 90s, 15m, 12h, 7d; 0: as the node's setting.",
           parse_duration),
    parsed("--ttl", "DURATION", o->ttl,
           "How long messages are worth delivering; 0: as long as they are kept.", parse_duration),
    parsed("--dedup-window", "DURATION", o->dedup_window,
           "How long a message's dedup id counts, of those that are stored from now on; "
           "0: ids do not matter.",
           parse_duration),
    parsed("--produce-quota", "SIZE", o->change.produce_bytes_per_second,
           "Bytes a second, such as 10MiB, that all producers of the topic may send "
           "together; over it they wait; 0: no limit.",
           parse_quota),
    parsed("--consume-quota", "SIZE", o->change.consume_bytes_per_second,
           "Bytes a second that all consumers of the topic are sent together, more "
           "slowly if there are more; 0: no limit.",
           parse_quota),
    choice("--compacted", o->change.compacted,
           "Whether the last message of each key outlives retention (yes, no); messages "
           "need a key then.",
           {{"yes", true}, {"no", false}})};
  c.run = [o](command_context& context) {
    const auto ms = [](const std::optional<std::chrono::milliseconds>& given) {
      return given ? std::optional{static_cast<std::uint64_t>(given->count())} : std::nullopt;
    };
    auto& change = o->change;
    change.retention_ms = ms(o->retention);
    change.default_ttl_ms = ms(o->ttl);
    change.dedup_window_ms = ms(o->dedup_window);
    if (change == client::topic_change{})
      return context.misused("topic alter needs --queues, --retention, --ttl, --dedup-window, "
                             "--produce-quota, --consume-quota or --compacted");
    auto topic = context.node()->alter_topic(o->name, change);
    if (!topic) return context.fail(topic.error());
    return context.show(topic_view(*topic));
  };
  return c;
}

} // namespace carafe::shell
