#include "cli/shell/child_process.hpp"
#include "cli/shell/commands.hpp"
#include "cli/shell/group_changes.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

struct respond_options {
  std::string topic, group;
  std::optional<std::string> exec;
  bool echo = false;
  child_limits limits;
  std::string from = "earliest";
  std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t in_flight = 8;
};

/// How soon Ctrl-C is noticed while no request comes.
constexpr std::chrono::milliseconds poll_wait{50};
constexpr std::uint64_t output_bytes_most = 64u << 20;

/// Handles the messages of a topic one after another.
class responding {
public:
  responding(const respond_options& options, command_context& context, client::consumer& from,
             client::producer& through)
    : options_(options), context_(context), from_(from), through_(through) {}

  result<void> run() {
    while (!context_.stop.requested() && handled_ < options_.count) {
      auto messages = from_.poll(1, poll_wait);
      if (!messages) return messages.error();
      for (const auto& d : *messages)
        if (auto done = handle(d); !done) return done;
    }
    return {};
  }

  void summarize() const {
    record r;
    r.add("topic", value::text(options_.topic));
    r.add("group", value::text(options_.group));
    r.add("handled", value::count(handled_));
    r.add("answered", value::count(answered_));
    r.add("errors", value::count(errors_));
    r.add("unanswerable", value::count(unanswerable_));
    if (context_.globals.json) {
      context_.terminal.write(to_json(r) + '\n');
      return;
    }
    auto line = counted(handled_, "message") + " handled, " + count_text(answered_) + " answered";
    if (errors_ > 0) line += ", " + count_text(errors_) + " of them with an error";
    if (unanswerable_ > 0)
      line += ", " + count_text(unanswerable_) + " with an answer that could not be delivered";
    context_.terminal.write_error(line + '\n');
  }

private:
  result<void> handle(const client::delivery& d) {
    auto answer = answer_to(d);
    // What was cut short comes again, to whoever is there next.
    if (!answer) return {};
    if (client::reply_address_of(d)) {
      auto sent = client::reply(through_, d, std::move(*answer));
      // A requester whose reply topic is gone is not to hold up the others.
      if (!sent && is_retriable(sent.code())) return sent.error();
      ++(sent ? answered_ : unanswerable_);
    }
    ++handled_;
    auto done = from_.ack(d);
    return done || done.code() == errc::not_owner ? result<void>{} : done;
  }

  /// Nothing: Ctrl-C came before there was an answer.
  std::optional<client::message> answer_to(const client::delivery& d) {
    client::message answer;
    if (!options_.exec) {
      answer.body = d.body;
      return answer;
    }
    auto ran = run_child(*options_.exec, d.body, options_.limits, context_.stop);
    if (ran.how == child_outcome::end::interrupted) return std::nullopt;
    if (!ran.good()) {
      ++errors_;
      const auto why = ran.text(options_.limits);
      answer.properties.emplace_back(client::reply_error_property, why);
      if (!context_.globals.json)
        context_.terminal.write_error(d.topic + '/' + std::to_string(d.number.value) + '/' +
                                      std::to_string(d.offset.value) + ": " + why + '\n');
    }
    if (ran.how != child_outcome::end::output_too_large) answer.body = std::move(ran.output);
    return answer;
  }

  const respond_options& options_;
  command_context& context_;
  client::consumer& from_;
  client::producer& through_;
  std::uint64_t handled_ = 0, answered_ = 0, errors_ = 0, unanswerable_ = 0;
};

/// A member of the group as it is; a new group is shared, so that several can answer.
result<client::consumer_options> member_of(const respond_options& o, node_api& node,
                                           const start_position& start) {
  client::consumer_options options;
  options.topics = {o.topic};
  options.group = o.group;
  options.start = start;
  auto known = node.describe_group(o.group);
  if (!known && known.code() != errc::group_unknown) return known.error();
  options.mode = known ? mode_named(known->mode) : client::group_mode::shared;
  if (known) options.filter = known->filter;
  // What waits here while one is handled cannot be handled elsewhere.
  if (options.mode == client::group_mode::shared || options.mode == client::group_mode::keyed)
    options.in_flight_max = o.in_flight;
  return options;
}

exit_code respond(const respond_options& o, command_context& context) {
  if (o.exec.has_value() == o.echo)
    return context.misused("respond: give --exec CMD or --echo, and not both");
  if (o.exec && o.exec->empty()) return context.misused("respond: --exec is empty");
  if (o.limits.time_max.count() == 0) return context.misused("respond: --exec-timeout is above 0");
  auto start = parse_start(o.from, context.now);
  if (!start) return context.misused("respond: --from: " + start.error().detail);
  auto node = context.node();
  auto options = member_of(o, *node, *start);
  if (!options) return context.fail(options.error());
  client::producer_options sending;
  sending.create_topics = false; // A request does not say which topics are made.
  auto producer = node->make_producer(sending);
  if (!producer) return context.fail(producer.error());
  signal_catcher catcher{context.stop};
  auto consumer = node->make_consumer(*options);
  if (!consumer) return context.fail(consumer.error());
  responding work{o, context, **consumer, **producer};
  auto outcome = work.run();
  if (context.stop.requested() && context.terminal.err_is_terminal())
    context.terminal.write_error("\n");
  auto closed = (*consumer)->close();
  work.summarize();
  if (!outcome) return context.fail(outcome.error());
  return closed ? exit_code::ok : context.fail(closed.error());
}

} // namespace

command respond_command() {
  auto o = std::make_shared<respond_options>();
  command c{.name = "respond",
            .summary = "Answer the requests of a topic with a program's output."};
  c.details =
    "Runs CMD in /bin/sh for each message, one after another, with the message's body on stdin; "
    "what it writes to stdout is the answer. If it fails, the answer says so. A message is "
    "acknowledged when its answer is stored; messages that are no requests are handled too, and "
    "get no answer. Ctrl-C and SIGTERM end the program under way, leave the group and exit 0.";
  c.examples = {"carafe respond prices --group pricers --exec 'jq .price'",
                "carafe respond prices --group pricers --echo",
                "carafe respond prices --group pricers --exec ./price --exec-timeout 2s"};
  c.options = {
    text("TOPIC", "", o->topic, "The topic of the requests.").must().completed_by(completes::topic),
    name("--group", "G", o->group,
         "Answer as a member of this group: its members share the work. A new one is shared.")
      .must()
      .completed_by(completes::group),
    text("--exec", "CMD", o->exec, "The program that makes the answers."),
    flag("--echo", o->echo, "The answer is the request's body."),
    parsed("--exec-timeout", "DURATION", o->limits.time_max,
           "A program that is not done after so long is killed (default 30s).", parse_duration),
    parsed("--output-max", "N", o->limits.output_bytes_max,
           "A program that writes more is killed: bytes, or such as 256KiB (default 1MiB).",
           [](const std::string& text) { return parse_size(text, 1, output_bytes_most); }),
    text("--from", "PLACE", o->from,
         "Where a new group begins: earliest (default), latest, an offset, a time or a time ago."),
    number<std::uint32_t>("--in-flight", "N", o->in_flight,
                          "Messages this one has at a time in a shared or keyed group (default 8).",
                          1),
    number<std::uint64_t>("--count", "N", o->count, "End after so many messages.", 1)};
  c.run = [o](command_context& context) { return respond(*o, context); };
  return c;
}

} // namespace carafe::shell
