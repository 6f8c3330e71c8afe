#include "cli/shell/commands.hpp"
#include "cli/shell/line_input.hpp"
#include "cli/shell/tx_choice.hpp"
#include "cli/shell/views.hpp"

#include <cerrno>
#include <cstring>

namespace carafe::shell {

namespace {

struct tx_produce_options {
  std::string topic;
  std::string group;
  std::vector<std::string> bodies;
  std::string key;
  std::string tag;
  bool commit = false;
  bool rollback = false;
  bool leave_open = false;
  std::chrono::milliseconds check_first{0};
  std::chrono::milliseconds check_every{0};
};

/// How it ends, by what was asked for: exactly one of the three.
std::string conflict_in(const tx_produce_options& o, const command_context& context) {
  if (static_cast<int>(o.commit) + static_cast<int>(o.rollback) + static_cast<int>(o.leave_open) !=
      1)
    return "give --commit, --rollback or --leave-open, one of them";
  if (o.bodies.empty() && context.stdin_taken)
    return "stdin holds the commands; give the messages with --body";
  return {};
}

result<void> send(client::transaction& t, const tx_produce_options& o, std::string_view body) {
  client::message m;
  m.body = body;
  m.key = o.key;
  m.tag = o.tag;
  return t.send(o.topic, std::move(m));
}

/// @returns How many, or what is wrong; nothing was sent to the node yet.
result<std::uint64_t> add_messages(client::transaction& t, const tx_produce_options& o,
                                   command_context& context) {
  for (const auto& body : o.bodies)
    if (auto ok = send(t, o, body); !ok) return ok.error();
  if (!o.bodies.empty()) return o.bodies.size();
  line_input input{context.terminal.in(), line_input::unit::line, context.stop};
  for (std::uint64_t count = 0;;) {
    switch (input.next()) {
    case line_input::event::piece:
      if (auto ok = send(t, o, input.piece()); !ok) return ok.error();
      ++count;
      continue;
    case line_input::event::end:
      return count;
    case line_input::event::woken:
      if (!context.stop.requested()) continue;
      return {errc::invalid_argument, "interrupted; nothing was sent"};
    case line_input::event::too_large:
      return {errc::message_too_large, "line " + std::to_string(input.number())};
    case line_input::event::failed:
      return {errc::invalid_argument,
              std::string{"reading the input failed: "} + std::strerror(input.error())};
    }
  }
}

exit_code tx_produce(const tx_produce_options& o, command_context& context) {
  if (auto conflict = conflict_in(o, context); !conflict.empty())
    return context.misused("tx produce: " + conflict);
  client::transaction_options options;
  options.group = o.group;
  options.check_first = o.check_first;
  options.check_every = o.check_every;
  auto producer = context.node()->make_transaction_producer(options);
  if (!producer) return context.fail(producer.error());
  signal_catcher catcher{context.stop};
  auto t = (*producer)->begin();
  auto count = add_messages(*t, o, context);
  if (!count) return context.fail(count.error());
  if (*count == 0) return context.fail("input_empty", "there is no message");
  if (auto ok = t->prepare(); !ok) return context.fail(ok.error());
  auto ended = result<void>{};
  if (o.commit) ended = t->commit();
  if (o.rollback) ended = t->rollback();
  if (!ended) return context.fail(ended.error());
  const std::string outcome = o.commit ? "committed" : o.rollback ? "rolled back" : "open";
  const auto name = client::to_string(*t->name());
  record r;
  r.add("transaction", value::text(name)).add("outcome", value::text(outcome));
  r.add("messages", value::count(*count));
  return context.done(r, name + " is " + outcome + ": " + counted(*count, "message"));
}

} // namespace

command tx_produce_command() {
  auto o = std::make_shared<tx_produce_options>();
  command c{.name = "tx produce", .summary = "Send messages in one transaction, one a line."};
  c.details =
    "Nobody sees them before the end of the input, and then all of them or none. With --leave-open "
    "they stay unseen until tx commit or tx rollback; a producer of the group that is connected is "
    "asked for the outcome too.";
  c.examples = {"printf 'debit\\ncredit\\n' | carafe tx produce ledger --group bank --commit",
                "carafe tx produce orders --group shop --body 42 --leave-open"};
  c.options = {
    text("TOPIC", "", o->topic, "The topic.").must().completed_by(completes::topic),
    name("--group", "GROUP", o->group, "The producer group that can tell the outcome.").must(),
    text("--body", "TEXT", o->bodies, "Send this message, and read no input.").many(),
    text("--key", "K", o->key, "The key of all messages: they go to one queue, in order."),
    text("--tag", "T", o->tag, "The tag of all messages."),
    flag("--commit", o->commit, "Commit it."),
    flag("--rollback", o->rollback, "Roll it back."),
    flag("--leave-open", o->leave_open, "Leave it to the check, or to tx commit and tx rollback."),
    parsed("--check-first", "DURATION", o->check_first,
           "Ask the group's producers after so long (default 6s).", parse_duration),
    parsed("--check-every", "DURATION", o->check_every,
           "… and then so often (default 30s), 15 times in all.", parse_duration)};
  c.run = [o](command_context& context) { return tx_produce(*o, context); };
  return c;
}

} // namespace carafe::shell
