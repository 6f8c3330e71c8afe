#include "cli/shell/message_view.hpp"

#include "cli/shell/record.hpp"
#include "cli/shell/utf8.hpp"

namespace carafe::shell {

namespace {

value text_or_none(const std::string& text) {
  return text.empty() ? value::none() : value::text(text);
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (true) {
    const auto end = text.find('\n');
    out += printable(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

} // namespace

std::string message_details(const client::delivery& d, bool colours) {
  record r;
  r.add("topic", value::text(d.topic));
  r.add("queue", value::id(d.number.value));
  r.add("offset", value::id(d.offset.value));
  r.add("key", text_or_none(d.key));
  r.add("tag", text_or_none(d.tag));
  r.add("born", value::time(d.born));
  r.add("broker_time", value::time(d.broker_time));
  r.add("id", d.id.producer.value == 0 ? value::none() : value::text(client::to_string(d.id)));
  r.add("body_bytes", value::size(d.body.size()));
  if (d.expired) r.add("expired", value::text("its time to live is over"));
  std::vector<record> properties;
  for (const auto& [name, content] : d.properties) {
    record row;
    row.add("name", value::text(name));
    row.add("value", value::text(content));
    properties.push_back(std::move(row));
  }
  r.add("properties", value::table(std::move(properties)));
  auto out = to_details(r, colours) + '\n';
  out += in_tone(d.body.empty() ? "no body" : "content",
                 d.body.empty() ? tone::faint : tone::strong, colours);
  out += '\n' + printable_lines(d.body);
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

} // namespace carafe::shell
