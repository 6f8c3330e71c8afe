#include "cli/shell/commands.hpp"
#include "cli/shell/consumption.hpp"
#include "cli/shell/group_changes.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

struct consume_options {
  std::vector<std::string> topics;
  std::string group, member, member_id, name;
  std::optional<std::string> from;
  std::vector<queue_number> queues;
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
  std::optional<std::chrono::milliseconds> idle_exit;
  delivery_format format = delivery_format::body;
  range_policy out_of_range = range_policy::error;
  std::optional<std::chrono::milliseconds> commit_interval;
  std::optional<client::group_mode> mode;
  std::optional<client::message_filter> filter;
  std::uint32_t in_flight = 0;
  bool expired = false;
  /// Why every message printed is to be tried again, or given up.
  std::optional<std::string> nack, reject;
};

result<void> settle(const consume_options& options, client::consumer& from,
                    const client::delivery& d) {
  if (options.nack) return from.nack(d, {.delay = {}, .error = *options.nack});
  if (options.reject) return from.reject(d, *options.reject);
  return from.ack(d);
}

/// How the options have messages printed and settled.
consumption consumption_of(const consume_options& o, const command_context& context,
                           client::consumer& from) {
  consumption how{.count = o.count, .idle_exit = o.idle_exit, .format = o.format};
  if (how.format == delivery_format::body && context.terminal.out_is_terminal())
    how.format = delivery_format::body_and_attempt;
  if (!o.group.empty())
    how.settle = [&o, &from](const client::delivery& d) { return settle(o, from, d); };
  return how;
}

/// Whether a group of this mode lends single messages.
bool lends(client::group_mode mode) {
  return mode == client::group_mode::shared || mode == client::group_mode::keyed;
}

std::string conflict_in(const consume_options& o) {
  if (!o.queues.empty() && !o.group.empty())
    return "--queue is for reading without a group; a group shares its queues out itself";
  if (!o.queues.empty() && o.topics.size() > 1) return "--queue needs a single topic";
  if (!o.member.empty() && o.group.empty()) return "--member is a name within a --group";
  if (!o.member_id.empty() && o.group.empty()) return "--member-id is an id within a --group";
  if (o.mode && o.group.empty()) return "--mode is a --group's";
  const bool whole_queues = o.group.empty() || (o.mode && !lends(*o.mode));
  if (whole_queues && (o.nack || o.reject))
    return "--nack and --reject need a --group of mode shared or keyed";
  if (whole_queues && o.in_flight != 0)
    return "--in-flight needs a --group of mode shared or keyed";
  const bool broadcast = !o.group.empty() && o.mode == client::group_mode::broadcast;
  if (!o.name.empty() && !broadcast) return "--name needs a --group of mode broadcast";
  if (!o.group.empty() && o.expired) return "--expired is for reading without a group";
  if (o.nack && o.reject) return "--nack and --reject exclude each other";
  return {};
}

/// What was not said is as the group is; a new group is ordered, and filters nothing.
result<void> complete(consume_options& o, node_api& node) {
  auto known = node.describe_group(o.group);
  if (!known && known.code() != errc::group_unknown) return known.error();
  if (!o.mode) o.mode = mode_named(known ? known->mode : "ordered");
  if (!o.filter && known) o.filter = known->filter;
  return {};
}

result<client::consumer_options> client_options(const consume_options& o, unix_ms now) {
  client::consumer_options options;
  options.topics = o.topics;
  options.group = o.group;
  options.member = o.member;
  options.member_id = o.member_id;
  options.durable_name = o.name;
  options.in_flight_max = o.in_flight;
  options.queues = o.queues;
  options.out_of_range = o.out_of_range;
  options.commit_interval = o.commit_interval;
  options.expired = o.expired;
  if (!o.from) return options;
  auto start = parse_start(*o.from, now);
  if (!start) return start.error();
  options.start = *start;
  return options;
}

exit_code consume(consume_options& o, command_context& context) {
  // Only there do consumers have names.
  if (!o.name.empty() && !o.mode) o.mode = client::group_mode::broadcast;
  if (auto conflict = conflict_in(o); !conflict.empty())
    return context.misused("consume: " + conflict);
  auto options = client_options(o, context.now);
  if (!options) return context.misused("consume: --from: " + options.error().detail);
  auto node = context.node();
  if (!o.group.empty() && (!o.mode || !o.filter)) {
    if (auto known = complete(o, *node); !known) return context.fail(known.error());
    if (auto conflict = conflict_in(o); !conflict.empty())
      return context.misused("consume: " + conflict);
  }
  options->mode = o.mode.value_or(client::group_mode::ordered);
  options->filter = o.filter.value_or(client::message_filter{});
  signal_catcher catcher{context.stop};
  auto consumer = node->make_consumer(*options);
  if (!consumer) return context.fail(consumer.error());
  const auto written = copy_to_stdout(**consumer, consumption_of(o, context, **consumer), context);
  if (!written) return context.fail(written.error());
  if (context.terminal.err_is_terminal() && !context.globals.json) {
    const auto left = o.group.empty() ? "" : "left group " + o.group + " after ";
    context.terminal.write_error(left + counted(*written, "message") + '\n');
  }
  return exit_code::ok;
}

std::vector<option> options_of(consume_options& o) {
  std::vector<option> all{
    text("TOPIC", "", o.topics, "The topics.").must().many().completed_by(completes::topic),
    name("--group", "G", o.group,
         "Consume as a member of this group: its members share the work, and what was printed is "
         "done.")
      .completed_by(completes::group),
    text("--from", "PLACE", o.from,
         "earliest (default), latest, an offset, a time (2026-11-22T10:00:00Z) or a time ago "
         "(-15m). With a group: where it has no committed offset."),
    number<queue_number>("--queue", "Q", o.queues, "Only the queue of this number; no group.")
      .many(),
    number<std::uint64_t>("--count", "N", o.count, "End after so many messages.", 1),
    number<std::chrono::milliseconds>("--idle-exit", "MS", o.idle_exit,
                                      "End when no message came for so long.", 1, 86'400'000),
    choice("--format", o.format, "body (default): the body and a newline; json: an object a line.",
           {{"body", delivery_format::body}, {"json", delivery_format::json}}),
    choice("--out-of-range", o.out_of_range,
           "What to do when the place is below retention or past the end (default error).",
           {{"error", range_policy::error},
            {"earliest", range_policy::earliest},
            {"latest", range_policy::latest}}),
    text("--member", "NAME", o.member, "This consumer's name in 'group describe'."),
    name("--member-id", "ID", o.member_id,
         "In an ordered group: when this consumer ends, its queues are kept for a while "
         "(member-grace-ms) for whoever comes with this id; nobody else's move."),
    name("--name", "N", o.name,
         "In a broadcast group: the offsets are kept under this name, and who comes with it later "
         "goes on there. Implies --mode broadcast."),
    choice(
      "--mode", o.mode,
      "The group's mode; it is made so if there is none (default: as it is, a new one ordered).",
      {{"ordered", client::group_mode::ordered},
       {"shared", client::group_mode::shared},
       {"keyed", client::group_mode::keyed},
       {"broadcast", client::group_mode::broadcast}}),
    number<std::uint32_t>(
      "--in-flight", "N", o.in_flight,
      "Messages this consumer has at a time in a shared or keyed group (default "
      "and most: the group's setting).",
      1),
    text("--nack", "ERROR", o.nack,
         "Every message printed has failed with this error and is to be tried again; shared and "
         "keyed."),
    text("--reject", "ERROR", o.reject,
         "Every message printed is given up with this error; shared and keyed."),
    number<std::chrono::milliseconds>("--commit-interval-ms", "N", o.commit_interval,
                                      "Committed at least so often (default 100; shared and keyed "
                                      "5).",
                                      1, 60'000),
    flag("--expired", o.expired,
         "Messages whose time to live is over, too, and marked so; no group.")};
  for (auto& each : filter_options(o.filter)) all.push_back(std::move(each));
  return all;
}

} // namespace

command consume_command() {
  auto o = std::make_shared<consume_options>();
  command c{.name = "consume", .summary = "Print the messages of topics as they come."};
  c.details =
    "Without --group it reads every message from --from on and commits nothing. With --group a "
    "message is acknowledged once it was written to stdout; Ctrl-C and SIGTERM commit, leave the "
    "group and exit 0, as does a closed stdout.";
  c.examples = {"carafe consume orders --from latest",
                "carafe consume orders --count 10 --format json",
                "carafe consume orders refunds --group billing --member desk-1",
                "carafe consume orders --group mailers --mode shared --in-flight 10",
                "carafe consume prices --group caches --name desk-1",
                "carafe consume orders --where \"region = 'eu' AND amount > 100\"",
                "carafe consume orders --queue 2 --from 2026-11-22T10:00:00Z --idle-exit 1000"};
  c.options = options_of(*o);
  c.run = [o](command_context& context) {
    if (context.globals.json) o->format = delivery_format::json;
    return consume(*o, context);
  };
  return c;
}

} // namespace carafe::shell
