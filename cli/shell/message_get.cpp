#include "cli/shell/commands.hpp"
#include "cli/shell/delivery_text.hpp"
#include "cli/shell/message_place.hpp"
#include "cli/shell/message_reading.hpp"
#include "cli/shell/message_scan.hpp"
#include "cli/shell/message_view.hpp"
#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

struct get_options {
  std::string name;
  std::optional<std::string> topic;
  scan_times times;
  bool body = false;
};

result<client::delivery> find_id(client::message_id id, const scan_range& range,
                                 command_context& context, node_api& node) {
  std::optional<client::delivery> found;
  auto scanned =
    scan(range, node, context, [&](const client::delivery& d, const std::function<void()>&) {
      if (d.id == id) found = d;
      return !found;
    });
  if (!scanned) return scanned.error();
  if (found) return std::move(*found);
  auto where = client::to_string(id) + " is none of the " + counted(scanned->scanned, "message");
  if (scanned->cut_short) return {errc::not_found, where + " that were looked at until Ctrl-C"};
  where += " that " + range.topic + " keeps";
  if (range.since) where += " since " + time_text(*range.since);
  if (range.until) where += " before " + time_text(*range.until);
  return {errc::not_found, where};
}

exit_code get(const get_options& o, command_context& context) {
  auto name = parse_message_name(o.name);
  if (!name) return context.misused("message get: " + name.error().detail);
  const auto* place = std::get_if<message_place>(&*name);
  scan_range range{.topic = o.topic.value_or("")};
  if (auto read = read_times(o.times, context.now, range); !read)
    return context.misused("message get: " + read.error().detail);
  if (place && (o.topic || range.since || range.until))
    return context.misused("message get: " + o.name +
                           " says where the message is; --topic, --since and --until are for ids");
  if (!place && !o.topic)
    return context.misused("message get: an id does not tell the topic; give --topic");
  auto node = context.node();
  auto message = place ? read_at(*place, *node, context.globals.timeout.value_or(default_timeout))
                       : find_id(std::get<client::message_id>(*name), range, context, *node);
  if (!message) return context.fail(message.error());
  std::string out;
  if (o.body)
    out = message->body;
  else if (context.globals.json)
    append_delivery(out, *message, delivery_format::json);
  else
    out = message_details(*message, context.terminal.colours());
  context.terminal.write(out);
  return exit_code::ok;
}

} // namespace

command message_get_command() {
  auto o = std::make_shared<get_options>();
  command c{.name = "message get", .summary = "Show one message, with all that belongs to it."};
  c.details = "By its place, TOPIC/QUEUE/OFFSET, it is read at once. By its id, as receipts and "
              "--json tell it, the topic is looked through from its beginning, or from --since on.";
  c.examples = {"carafe message get orders/3/17", "carafe message get orders/3/17 --body >17.bin",
                "carafe message get 940e0e438147c1d0-1 --topic orders --since -2h"};
  c.options = {
    text("ID", "", o->name, "TOPIC/QUEUE/OFFSET, or an id such as 940e0e438147c1d0-1.").must(),
    name("--topic", "T", o->topic, "Where a message of this id is looked for.")
      .completed_by(completes::topic)};
  for (auto& each : time_options(o->times)) c.options.push_back(std::move(each));
  c.options.push_back(flag("--body", o->body, "Only the body, byte by byte."));
  c.run = [o](command_context& context) { return get(*o, context); };
  return c;
}

} // namespace carafe::shell
