#include "cli/shell/delivery_text.hpp"

#include "cli/shell/json_writer.hpp"
#include "cli/shell/utf8.hpp"
#include "cli/shell/value_text.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

using property = std::pair<std::string, std::string>;

/// Writes the properties whose values are text, or those whose values are not, as one object. Of
/// properties with the same name the last counts: an object has each name once.
void append_properties(json_writer& w, const std::vector<property>& properties, bool text) {
  w.begin_object();
  for (auto at = properties.begin(); at != properties.end(); ++at) {
    auto again = [&](const property& later) { return later.first == at->first; };
    if (is_utf8(at->second) != text || std::any_of(at + 1, properties.end(), again)) continue;
    w.name(at->first);
    if (text)
      w.text(at->second);
    else
      w.base64(at->second);
  }
  w.end_object();
}

void append_json(std::string& out, const client::delivery& d) {
  json_writer w{out};
  w.begin_object().name("topic").text(d.topic);
  w.name("queue").number(std::uint64_t{d.number.value}).name("offset").number(d.offset.value);
  w.name("attempt").number(std::uint64_t{d.attempt});
  if (d.key.empty())
    w.name("key").null();
  else
    w.bytes_member("key", d.key);
  if (d.tag.empty())
    w.name("tag").null();
  else
    w.name("tag").text(d.tag);
  w.name("properties");
  append_properties(w, d.properties, true);
  if (std::any_of(d.properties.begin(), d.properties.end(),
                  [](const property& p) { return !is_utf8(p.second); })) {
    w.name("properties_base64");
    append_properties(w, d.properties, false);
  }
  w.name("born").text(time_text(d.born)).name("broker_time").text(time_text(d.broker_time));
  append_id(w, d.id);
  if (d.expired) w.name("expired").boolean(true);
  w.bytes_member("body", d.body).end_object();
}

/// Numbers stand under each other as long as they are not too long.
void append_number(std::string& out, std::uint64_t number, std::size_t columns) {
  const auto digits = std::to_string(number);
  if (digits.size() < columns) out.append(columns - digits.size(), ' ');
  out += digits;
}

void append_line(std::string& out, const client::delivery& d) {
  append_number(out, d.number.value, 4);
  out += "  ";
  append_number(out, d.offset.value, 8);
  out += "  " + time_text(d.broker_time);
  out += "  " + (d.key.empty() ? "-" : printable(d.key));
  out += "  " + (d.tag.empty() ? "-" : printable(d.tag));
  out += "  " + printable(d.body);
}

} // namespace

void append_id(json_writer& w, const client::message_id& id) {
  w.name("id");
  if (id.producer.value != 0)
    w.text(client::to_string(id));
  else
    w.null();
}

void append_delivery(std::string& out, const client::delivery& d, delivery_format format) {
  if (format == delivery_format::json)
    append_json(out, d);
  else if (format == delivery_format::line)
    append_line(out, d);
  else
    out += d.body;
  if (format == delivery_format::body_and_attempt && d.attempt > 1)
    out += "  (attempt " + std::to_string(d.attempt) + ')';
  const bool shown = format == delivery_format::line || format == delivery_format::body_and_attempt;
  if (shown && d.expired) out += "  (expired)";
  out += '\n';
}

} // namespace carafe::shell
