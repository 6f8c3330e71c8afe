#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"
#include "config/node_options.hpp"

namespace carafe::shell {

command topic_create_command() {
  struct options {
    std::string name;
    std::uint32_t queues = 4;
    durability mode = durability::fsync;
    std::chrono::milliseconds retention{0}, ttl{0}, dedup_window{0};
    std::uint64_t produce_quota = 0, consume_quota = 0;
    bool if_missing = false, compacted = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "topic create", .summary = "Create a topic."};
  c.details = "Queues are the topic's parallelism: messages of one key stay in order in one queue, "
              "and each queue has one consumer of a group at a time.";
  c.examples = {"carafe topic create orders",
                "carafe topic create clicks --queues 16 --durability interval --retention 12h"};
  c.options = {
    text("NAME", "", o->name, "The new topic.").must(),
    number<std::uint32_t>("--queues", "N", o->queues, "Number of queues (default 4).", 1,
                          config::fixed_limits::queues_per_topic_max),
    choice("--durability", o->mode,
           "What an acknowledged message has survived: fsync (default): power failure; interval: "
           "power failure but for the last moments; memory: the node's crash.",
           {{"fsync", durability::fsync},
            {"interval", durability::interval},
            {"memory", durability::memory}}),
    parsed("--retention", "DURATION", o->retention,
           "How long messages are kept: 90s, 15m, 12h, 7d; 0 (default): as the node's setting.",
           parse_duration),
    parsed("--ttl", "DURATION", o->ttl,
           "How long messages are worth delivering; 0 (default): as long as they are kept.",
           parse_duration),
    parsed("--dedup-window", "DURATION", o->dedup_window,
           "How long a message's dedup id counts, at most 30d: another of this id is not stored in "
           "the same queue; 0 (default): ids do not matter.",
           parse_duration),
    parsed("--produce-quota", "SIZE", o->produce_quota,
           "Bytes a second, such as 10MiB, that all producers of the topic may send together; over "
           "it they wait; 0 (default): no limit.",
           parse_quota),
    parsed("--consume-quota", "SIZE", o->consume_quota,
           "Bytes a second that all consumers of the topic are sent together, more slowly if there "
           "are more; 0 (default): no limit.",
           parse_quota),
    flag("--compacted", o->compacted,
         "Keep the last message of each key for good, whatever the retention; messages need a key, "
         "and one with an empty body ends it."),
    flag("--if-missing", o->if_missing,
         "No error if the topic is there already with as many queues and this durability.")};
  c.run = [o](command_context& context) {
    client::topic_settings settings;
    settings.mode = o->mode;
    settings.retention_ms = static_cast<std::uint64_t>(o->retention.count());
    settings.default_ttl_ms = static_cast<std::uint64_t>(o->ttl.count());
    settings.dedup_window_ms = static_cast<std::uint64_t>(o->dedup_window.count());
    settings.produce_bytes_per_second = o->produce_quota;
    settings.consume_bytes_per_second = o->consume_quota;
    settings.compacted = o->compacted;
    auto topic = context.node()->create_topic(o->name, o->queues, settings, o->if_missing);
    if (!topic) return context.fail(topic.error());
    return context.done(topic_view(*topic), "topic " + topic->name + ": " +
                                              counted(topic->queues.size(), "queue") + ", " +
                                              std::string{durability_name(topic->settings.mode)});
  };
  return c;
}

} // namespace carafe::shell
