#include "cli/shell/commands.hpp"
#include "cli/shell/delivery_text.hpp"
#include "cli/shell/group_changes.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

struct consume_options {
  std::vector<std::string> topics;
  std::string group, member, name;
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
  /// Why every message printed is to be tried again, or given up.
  std::optional<std::string> nack, reject;
};

/// How soon Ctrl-C and a closed stdout are noticed while no message comes.
constexpr std::chrono::milliseconds poll_wait_max{50};
/// Messages written, and then acknowledged, at a time.
constexpr std::size_t poll_count = 4'096;
/// Output that gathers before it is written; a lone message is written at once.
constexpr std::size_t write_bytes = 256 * 1024;

/// Copies messages from a consumer to stdout.
class consumption {
public:
  consumption(const consume_options& options, command_context& context, client::consumer& from)
    : options_(options), context_(context), from_(from), format_(options.format) {
    if (format_ == delivery_format::body && context.terminal.out_is_terminal())
      format_ = delivery_format::body_and_attempt;
  }

  /// Until enough came, nothing came for long enough, Ctrl-C, a closed stdout or an error.
  result<void> run() {
    auto last_message = clock::now();
    while (taken_ < options_.count && goes_on()) {
      auto wait = poll_wait_max;
      if (options_.idle_exit) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          last_message + *options_.idle_exit - clock::now());
        if (left.count() <= 0) break;
        wait = std::min(wait, left);
      }
      const auto most = std::min<std::uint64_t>(poll_count, options_.count - taken_);
      auto messages = from_.poll(static_cast<std::size_t>(most), wait);
      if (!messages) return messages.error();
      if (messages->empty()) continue;
      taken_ += messages->size();
      if (auto passed = pass_on(*messages); !passed) return passed;
      last_message = clock::now();
    }
    return {};
  }

  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

private:
  using clock = std::chrono::steady_clock;

  bool goes_on() {
    return !context_.stop.requested() && context_.terminal.out_error() == 0 &&
           !context_.terminal.out_closed();
  }

  result<void> pass_on(const std::vector<client::delivery>& messages) {
    std::size_t acknowledged = 0;
    for (std::size_t at = 0; at < messages.size(); ++at) {
      append_delivery(pending_, messages[at], format_);
      if (pending_.size() < write_bytes && at + 1 < messages.size()) continue;
      const bool written = context_.terminal.write(pending_);
      pending_.clear();
      // What could not be written is not acknowledged: it comes again to the next consumer.
      if (!written) return {};
      written_ += at + 1 - acknowledged;
      for (; acknowledged <= at; ++acknowledged)
        if (auto done = acknowledge(messages[acknowledged]); !done) return done;
    }
    return {};
  }

  result<void> acknowledge(const client::delivery& d) {
    if (options_.group.empty()) return {};
    auto done = settle(d);
    // The queue, or the message, has a new owner: it is delivered at least once.
    if (!done && done.code() == errc::not_owner) return {};
    return done;
  }

  result<void> settle(const client::delivery& d) {
    if (options_.nack) return from_.nack(d, {.delay = {}, .error = *options_.nack});
    if (options_.reject) return from_.reject(d, *options_.reject);
    return from_.ack(d);
  }

  const consume_options& options_;
  command_context& context_;
  client::consumer& from_;
  delivery_format format_;
  std::string pending_;
  std::uint64_t taken_ = 0;
  std::uint64_t written_ = 0;
};

/// Whether a group of this mode lends single messages.
bool lends(client::group_mode mode) {
  return mode == client::group_mode::shared || mode == client::group_mode::keyed;
}

std::string conflict_in(const consume_options& o) {
  if (!o.queues.empty() && !o.group.empty())
    return "--queue is for reading without a group; a group shares its queues out itself";
  if (!o.queues.empty() && o.topics.size() > 1) return "--queue needs a single topic";
  if (!o.member.empty() && o.group.empty()) return "--member is a name within a --group";
  if (o.mode && o.group.empty()) return "--mode is a --group's";
  const bool whole_queues = o.group.empty() || (o.mode && !lends(*o.mode));
  if (whole_queues && (o.nack || o.reject))
    return "--nack and --reject need a --group of mode shared or keyed";
  if (whole_queues && o.in_flight != 0)
    return "--in-flight needs a --group of mode shared or keyed";
  const bool broadcast = !o.group.empty() && o.mode == client::group_mode::broadcast;
  if (!o.name.empty() && !broadcast) return "--name needs a --group of mode broadcast";
  if (o.group.empty() && o.filter) return "--tags and --where are a --group's";
  if (o.nack && o.reject) return "--nack and --reject exclude each other";
  return {};
}

/// What was not said is as the group is; a new group is ordered, and filters nothing.
result<void> complete(consume_options& o, node_api& node) {
  auto known = node.describe_group(o.group);
  if (!known && known.code() != errc::group_unknown) return known.error();
  const auto& mode = known ? known->mode : "ordered";
  if (!o.mode)
    o.mode = mode == "shared"      ? client::group_mode::shared
             : mode == "keyed"     ? client::group_mode::keyed
             : mode == "broadcast" ? client::group_mode::broadcast
                                   : client::group_mode::ordered;
  if (!o.filter && known) o.filter = known->filter;
  return {};
}

result<client::consumer_options> client_options(const consume_options& o, unix_ms now) {
  client::consumer_options options;
  options.topics = o.topics;
  options.group = o.group;
  options.member = o.member;
  options.durable_name = o.name;
  options.in_flight_max = o.in_flight;
  options.queues = o.queues;
  options.out_of_range = o.out_of_range;
  options.commit_interval = o.commit_interval;
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
  if (!o.group.empty() && (!o.mode || (!o.filter && lends(*o.mode)))) {
    if (auto known = complete(o, *node); !known) return context.fail(known.error());
    if (auto conflict = conflict_in(o); !conflict.empty())
      return context.misused("consume: " + conflict);
  }
  options->mode = o.mode.value_or(client::group_mode::ordered);
  options->filter = o.filter.value_or(client::message_filter{});
  signal_catcher catcher{context.stop};
  auto consumer = node->make_consumer(*options);
  if (!consumer) return context.fail(consumer.error());
  consumption run{o, context, **consumer};
  auto outcome = run.run();
  // The terminal shows ^C in front of what comes next.
  if (context.stop.requested() && context.terminal.err_is_terminal())
    context.terminal.write_error("\n");
  auto closed = (*consumer)->close();
  if (!outcome) return context.fail(outcome.error());
  if (!closed) return context.fail(closed.error());
  if (context.terminal.err_is_terminal() && !context.globals.json) {
    const auto left = o.group.empty() ? "" : "left group " + o.group + " after ";
    context.terminal.write_error(left + counted(run.written(), "message") + '\n');
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
                                      1, 60'000)};
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
                "carafe consume orders --queue 2 --from 2026-11-22T10:00:00Z --idle-exit 1000"};
  c.options = options_of(*o);
  c.run = [o](command_context& context) {
    if (context.globals.json) o->format = delivery_format::json;
    return consume(*o, context);
  };
  return c;
}

} // namespace carafe::shell
