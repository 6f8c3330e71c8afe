#include "cli/shell/commands.hpp"
#include "cli/shell/delivery_text.hpp"

namespace carafe::shell {

namespace {

struct request_options {
  std::string topic, body, key, tag;
  std::vector<std::pair<std::string, std::string>> properties;
  std::optional<std::string> reply_topic;
};

exit_code request(const request_options& o, command_context& context) {
  auto node = context.node();
  // Of a topic that is not there yet nobody answers requests.
  if (auto known = node->describe_topic(o.topic); !known) return context.fail(known.error());
  client::requester_options options;
  options.timeout = context.globals.timeout.value_or(default_timeout);
  options.sending.create_topics = false;
  if (o.reply_topic) options.reply_topic = *o.reply_topic;
  auto requester = node->make_requester(options);
  if (!requester) return context.fail(requester.error());
  client::message m;
  m.body = o.body;
  m.key = o.key;
  m.tag = o.tag;
  m.properties = o.properties;
  auto answer = (*requester)->request(o.topic, std::move(m), {});
  if (!answer) return context.fail(answer.error());
  std::string out;
  if (context.globals.json)
    append_delivery(out, *answer, delivery_format::json);
  else if (out = answer->body; !out.empty() && !out.ends_with('\n'))
    out += '\n';
  context.terminal.write(out);
  if (auto why = client::reply_error_of(*answer)) return context.fail("request_failed", *why);
  return exit_code::ok;
}

} // namespace

command request_command() {
  auto o = std::make_shared<request_options>();
  command c{.name = "request", .summary = "Send a request to a topic and print its answer."};
  c.details =
    "The answer comes from whoever answers requests of this topic: 'respond', or a program with "
    "the client library. It is waited for as long as --timeout says (default 10 s); a request that "
    "was not answered by then may still be handled.";
  c.examples = {"carafe request prices tea", "carafe request prices tea --key tea --timeout 500",
                "carafe request prices tea --json"};
  c.options = {
    text("TOPIC", "", o->topic, "Where requests are sent.").must().completed_by(completes::topic),
    text("BODY", "", o->body, "The body of the request.").must(),
    text("--key", "K", o->key, "Its key."),
    text("--tag", "T", o->tag, "Its tag."),
    parsed("--property", "K=V", o->properties, "A property of it.", parse_property).many(),
    name("--reply-topic", "T", o->reply_topic,
         "Where the answer comes (default carafe-replies); it is made if it is missing.")
      .completed_by(completes::topic)};
  c.run = [o](command_context& context) { return request(*o, context); };
  return c;
}

} // namespace carafe::shell
