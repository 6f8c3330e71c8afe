#include "cli/shell/commands.hpp"
#include "cli/shell/consumption.hpp"
#include "cli/shell/group_changes.hpp"
#include "cli/shell/message_match.hpp"

namespace carafe::shell {

namespace {

struct tail_options {
  std::string topic;
  std::string from = "latest";
  std::vector<queue_number> queues;
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
  range_policy out_of_range = range_policy::error;
  message_match match;
  std::optional<client::message_filter> filter;
};

exit_code tail(const tail_options& o, command_context& context) {
  auto start = parse_start(o.from, context.now);
  if (!start) return context.misused("topic tail: --from: " + start.error().detail);
  auto node = context.node();
  // A topic that is only looked at is not made by that.
  if (auto known = node->describe_topic(o.topic); !known) return context.fail(known.error());
  client::consumer_options options;
  options.topics = {o.topic};
  options.queues = o.queues;
  options.start = *start;
  options.out_of_range = o.out_of_range;
  options.filter = o.filter.value_or(client::message_filter{});
  options.expired = true;
  signal_catcher catcher{context.stop};
  auto consumer = node->make_consumer(options);
  if (!consumer) return context.fail(consumer.error());
  consumption how{.count = o.count,
                  .format = context.globals.json ? delivery_format::json : delivery_format::line};
  if (!o.match.empty()) how.wanted = [&o](const client::delivery& d) { return o.match(d); };
  const auto written = copy_to_stdout(**consumer, how, context);
  return written ? exit_code::ok : context.fail(written.error());
}

} // namespace

command topic_tail_command() {
  auto o = std::make_shared<tail_options>();
  command c{.name = "topic tail", .summary = "Follow a topic, a message a line, until Ctrl-C."};
  c.details = "Queue, offset, time, key, tag and body of each message as it is stored. It reads "
              "without a group, so it moves nobody's offsets. Messages whose time to live is over "
              "are marked.";
  c.examples = {"carafe topic tail orders", "carafe topic tail orders --from -15m --key 42",
                "carafe topic tail orders --property region=eu --json",
                "carafe topic tail orders --where \"amount > 100\""};
  c.options = {
    text("TOPIC", "", o->topic, "The topic.").must().completed_by(completes::topic),
    text("--from", "PLACE", o->from,
         "latest (default), earliest, an offset, a time (2026-11-22T10:00:00Z) or a time ago "
         "(-15m)."),
    number<queue_number>("--queue", "Q", o->queues, "Only the queue of this number.").many(),
    number<std::uint64_t>("--count", "N", o->count, "End after so many messages.", 1),
    choice("--out-of-range", o->out_of_range,
           "What to do when the place is below retention or past the end (default error).",
           {{"error", range_policy::error},
            {"earliest", range_policy::earliest},
            {"latest", range_policy::latest}})};
  for (auto& each : match_options(o->match)) c.options.push_back(std::move(each));
  for (auto& each : filter_options(o->filter)) c.options.push_back(std::move(each));
  c.run = [o](command_context& context) { return tail(*o, context); };
  return c;
}

} // namespace carafe::shell
