#include "cli/shell/commands.hpp"
#include "cli/shell/lag_tracker.hpp"
#include "cli/shell/value_text.hpp"

namespace carafe::shell {

namespace {

struct lag_options {
  std::string group;
  bool watch = false;
  std::optional<std::chrono::milliseconds> interval;
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

constexpr std::chrono::milliseconds interval_default{2'000};
constexpr std::chrono::milliseconds interval_min{100};
constexpr std::chrono::milliseconds interval_max{3'600'000};

value rate_or_none(const std::optional<lag_flow>& flow, double lag_flow::*which) {
  return flow ? value::rate((*flow).*which) : value::none();
}

value change_value(const std::optional<lag_flow>& flow) {
  if (!flow) return value::none();
  const auto change = flow->change_per_second;
  return value::rate(change).in(change > 0 ? tone::warning : change < 0 ? tone::good : tone::plain);
}

value drain_value(const std::optional<lag_flow>& flow) {
  return flow && flow->drain_ms ? value::span(*flow->drain_ms) : value::none();
}

value lag_value(std::uint64_t lag) {
  return value::count(lag).in(lag == 0 ? tone::good : tone::warning);
}

/// @param flows  With rates: none of them before the second look.
record lag_view(const client::group_info& group, const lag_tracker* flows) {
  std::uint64_t lag = 0;
  std::vector<record> queues;
  for (const auto& q : group.queues) {
    lag += q.lag;
    record row;
    row.add("topic", value::text(q.topic));
    row.add("queue", value::id(q.number.value));
    row.add("committed", q.committed ? value::id(q.committed->value) : value::none());
    row.add("end", value::id(q.end.value));
    row.add("lag", lag_value(q.lag));
    if (flows) {
      const auto flow = flows->of(q.topic, q.number);
      row.add("lag_change_per_second", change_value(flow));
      row.add("drain_ms", drain_value(flow));
    }
    queues.push_back(std::move(row));
  }
  record r;
  r.add("group", value::text(group.name));
  r.add("mode", value::text(group.mode));
  r.add("lag", lag_value(lag));
  if (flows) {
    const auto flow = flows->total();
    r.add("messages_in_per_second", rate_or_none(flow, &lag_flow::in_per_second));
    r.add("messages_done_per_second", rate_or_none(flow, &lag_flow::done_per_second));
    r.add("lag_change_per_second", change_value(flow));
    r.add("drain_ms", drain_value(flow));
  }
  r.add("queues", value::table(std::move(queues)));
  return r;
}

mono_ms mono_now() {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(steady_clock::now().time_since_epoch());
  return mono_ms{static_cast<std::uint64_t>(now.count())};
}

exit_code watch(const lag_options& o, command_context& context) {
  const auto interval = o.interval.value_or(interval_default);
  const bool redraws = context.terminal.out_is_terminal() && !context.globals.json;
  auto node = context.node();
  lag_tracker flows;
  signal_catcher catcher{context.stop};
  for (std::uint64_t look = 1;; ++look) {
    auto group = node->describe_group(o.group);
    // An answer that Ctrl-C cut off is none to complain about.
    if (context.stop.requested()) return exit_code::ok;
    if (!group) return context.fail(group.error());
    flows.observe(*group, mono_now());
    if (redraws)
      context.terminal.write("\x1b[H\x1b[J");
    else if (look > 1 && !context.globals.json)
      context.terminal.write("\n");
    context.show(lag_view(*group, &flows));
    if (redraws)
      context.terminal.write("\nevery " + span_text(static_cast<std::uint64_t>(interval.count())) +
                             "; Ctrl-C ends\n");
    if (look == o.count) return exit_code::ok;
    context.stop.wait(-1, interval);
    if (context.stop.requested() || context.terminal.out_error() != 0 ||
        context.terminal.out_closed())
      return exit_code::ok;
  }
}

exit_code lag(const lag_options& o, command_context& context) {
  if (!o.watch && (o.interval || o.count != std::numeric_limits<std::uint64_t>::max()))
    return context.misused("group lag: --interval and --count are for --watch");
  if (o.interval && (*o.interval < interval_min || *o.interval > interval_max))
    return context.misused("group lag: --interval is from 100ms to 1h");
  if (o.watch) return watch(o, context);
  auto group = context.node()->describe_group(o.group);
  if (!group) return context.fail(group.error());
  return context.show(lag_view(*group, nullptr));
}

} // namespace

command group_lag_command() {
  auto o = std::make_shared<lag_options>();
  command c{.name = "group lag",
            .summary = "Show how far behind a group is, once or again and again."};
  c.details =
    "With --watch it also tells how many messages came and were done a second, how the lag "
    "changes, and when nothing is left if it goes on like this. Rates are those of the last ten "
    "looks.";
  c.examples = {"carafe group lag billing", "carafe group lag billing --watch --interval 5s",
                "carafe group lag billing --watch --count 2 --json"};
  c.options = {text("GROUP", "", o->group, "The group.").must().completed_by(completes::group),
               flag("--watch", o->watch, "Look again and again, until Ctrl-C."),
               parsed("--interval", "DURATION", o->interval, "Time between two looks (default 2s).",
                      parse_duration),
               number<std::uint64_t>("--count", "N", o->count, "End after so many looks.", 1)};
  c.run = [o](command_context& context) { return lag(*o, context); };
  return c;
}

} // namespace carafe::shell
