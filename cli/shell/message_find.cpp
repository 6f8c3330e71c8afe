#include "cli/shell/commands.hpp"
#include "cli/shell/delivery_text.hpp"
#include "cli/shell/message_match.hpp"
#include "cli/shell/message_scan.hpp"
#include "cli/shell/message_search.hpp"
#include "cli/shell/views.hpp"
#include "schema/batch.hpp"

namespace carafe::shell {

namespace {

struct find_options {
  std::string topic;
  message_match match;
  scan_times times;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
  bool all_queues = false;
};

exit_code find(const find_options& o, command_context& context) {
  if (o.match.empty())
    return context.misused("message find: give --key, --tag or --property; 'consume' shows all");
  scan_range range{.topic = o.topic};
  if (auto read = read_times(o.times, context.now, range); !read)
    return context.misused("message find: " + read.error().detail);
  auto node = context.node();
  if (o.match.key && !o.all_queues) {
    auto topic = node->describe_topic(o.topic);
    if (!topic) return context.fail(topic.error());
    range.queues = {queue_of_key(*o.match.key, static_cast<std::uint32_t>(topic->queues.size()))};
  }
  const auto format = context.globals.json ? delivery_format::json : delivery_format::line;
  std::uint64_t found = 0;
  std::string line;
  const scan_taker take = [&](const client::delivery& d, const std::function<void()>& clear) {
    if (!o.match(d)) return true;
    line.clear();
    append_delivery(line, d, format);
    clear();
    ++found;
    return context.terminal.write(line) && found < o.limit;
  };
  // A node of an earlier version has no index of keys.
  auto scanned = result<scan_outcome>{errc::unsupported};
  if (o.match.key && !o.match.key->empty())
    scanned = search(range, *o.match.key, o.match.only_key() ? o.limit : 0, *node, context, take);
  if (scanned.code() == errc::unsupported) scanned = scan(range, *node, context, take);
  if (!scanned) return context.fail(scanned.error());
  if (scanned->cut_short && context.stop.requested())
    return context.fail("interrupted", "stopped by Ctrl-C after " +
                                         counted(scanned->scanned, "message") + "; " +
                                         counted(found, "message") + " found so far");
  if (!context.globals.json && (found == 0 || context.terminal.err_is_terminal()))
    context.terminal.write_error(counted(found, "message") + " found among " +
                                 counted(scanned->scanned, "message") + '\n');
  return exit_code::ok;
}

} // namespace

command message_find_command() {
  auto o = std::make_shared<find_options>();
  command c{.name = "message find", .summary = "Look for messages of a key, tag or property."};
  c.details =
    "Reads the topic, or the part of it between --since and --until, and prints what fits all "
    "conditions; it ends where the topic ended when it began. For a key the node looks into its "
    "index, and only messages of the key are read, queue by queue. A key is looked for in its own "
    "queue only: messages that were sent to a chosen queue, or before the topic got more queues, "
    "need "
    "--all-queues.";
  c.examples = {"carafe message find --topic orders --key 42",
                "carafe message find --topic orders --property region=eu --tag paid --since -2h",
                "carafe message find --topic orders --key 42 --limit 1 --json"};
  c.options = {name("--topic", "T", o->topic, "The topic.").must().completed_by(completes::topic)};
  for (auto& each : match_options(o->match)) c.options.push_back(std::move(each));
  for (auto& each : time_options(o->times)) c.options.push_back(std::move(each));
  c.options.push_back(
    number<std::uint64_t>("--limit", "N", o->limit, "End after so many that fit.", 1));
  c.options.push_back(
    flag("--all-queues", o->all_queues, "Look for a key in every queue, not only in its own."));
  c.run = [o](command_context& context) { return find(*o, context); };
  return c;
}

} // namespace carafe::shell
