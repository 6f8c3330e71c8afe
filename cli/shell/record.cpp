#include "cli/shell/record.hpp"

#include "cli/shell/json_writer.hpp"
#include "cli/shell/utf8.hpp"
#include "cli/shell/value_text.hpp"

#include <array>

namespace carafe::shell {

namespace {

/// "commit_latency_ms" -> "commit latency".
std::string heading_of(std::string_view name) {
  static constexpr std::array<std::string_view, 3> units{"_ms", "_us", "_bytes"};
  for (auto unit : units)
    if (name.ends_with(unit)) name.remove_suffix(unit.size());
  std::string heading{name};
  for (auto& c : heading)
    if (c == '_') c = ' ';
  return heading;
}

template <class Write>
std::string json_of(Write write) {
  std::string out;
  json_writer writer{out};
  write(writer);
  return out;
}

value number_value(std::uint64_t number, std::string shown) {
  return {.json = std::to_string(number), .shown = std::move(shown), .right = true};
}

value real_value(double number, std::string shown) {
  return {.json = json_of([&](json_writer& w) { w.number(number); }),
          .shown = std::move(shown),
          .right = true};
}

} // namespace

value value::none() { return {.json = "null", .shown = "-", .colour = tone::faint}; }
value value::boolean(bool yes) {
  return {.json = yes ? "true" : "false", .shown = yes ? "yes" : "no"};
}
value value::id(std::uint64_t number) { return number_value(number, std::to_string(number)); }
value value::count(std::uint64_t number) { return number_value(number, count_text(number)); }
value value::size(std::uint64_t bytes) { return number_value(bytes, size_text(bytes)); }
value value::span(std::uint64_t ms) { return number_value(ms, span_text(ms)); }
value value::latency(std::uint64_t us) { return number_value(us, latency_text(us)); }
value value::rate(double per_second) { return real_value(per_second, rate_text(per_second)); }
value value::size_rate(double bytes_per_second) {
  return real_value(bytes_per_second, size_rate_text(bytes_per_second));
}

value value::time(unix_ms time) {
  if (time.value <= 0) return none();
  return text(time_text(time));
}

value value::text(std::string_view text) {
  return {.json = json_of([&](json_writer& w) { w.text(text); }), .shown = std::string{text}};
}

value value::names(const std::vector<std::string>& names) {
  value v;
  v.json = json_of([&](json_writer& w) {
    w.begin_array();
    for (const auto& name : names) w.text(name);
    w.end_array();
  });
  for (const auto& name : names) v.shown += (v.shown.empty() ? "" : ", ") + name;
  return v;
}

value value::object(const record& fields, std::string shown) {
  return {.json = to_json(fields), .shown = std::move(shown), .right = true};
}

value value::table(std::vector<record> rows) {
  value v;
  for (const auto& row : rows) v.json += (v.json.empty() ? "" : ",") + to_json(row);
  v.json = '[' + v.json + ']';
  v.rows = std::make_shared<const std::vector<record>>(std::move(rows));
  return v;
}

value value::in(tone t) && {
  colour = t;
  return std::move(*this);
}

value value::shown_as(std::string text) && {
  shown = std::move(text);
  return std::move(*this);
}

record& record::add(std::string_view name, value content) {
  fields_.push_back({std::string{name}, std::move(content), heading_of(name)});
  return *this;
}

record& record::add_hidden(std::string_view name, value content) {
  fields_.push_back({std::string{name}, std::move(content), {}});
  return *this;
}

record& record::add_shown(std::string_view name, value content) {
  fields_.push_back({std::string{name}, std::move(content), heading_of(name), false});
  return *this;
}

std::string to_json(const record& r) {
  std::string out = "{";
  for (const auto& f : r.fields()) {
    if (!f.in_json) continue;
    if (out.size() > 1) out += ',';
    out += json_of([&](json_writer& w) { w.text(f.name); }) + ':' + f.content.json;
  }
  return out + '}';
}

std::string to_table(const std::vector<record>& rows, bool colours) {
  std::vector<column> columns;
  for (const auto& f : rows.at(0).fields())
    if (!f.heading.empty()) columns.push_back({f.heading, f.content.right});
  // A column of numbers stays on the right when its first row has none.
  for (const auto& row : rows) {
    std::size_t at = 0;
    for (const auto& f : row.fields()) {
      if (f.heading.empty()) continue;
      columns.at(at).right = columns.at(at).right || f.content.right;
      ++at;
    }
  }
  table t{std::move(columns)};
  for (const auto& row : rows) {
    std::vector<cell> cells;
    for (const auto& f : row.fields())
      if (!f.heading.empty()) cells.push_back({f.content.shown, f.content.colour});
    t.add_row(std::move(cells));
  }
  return t.layout(colours);
}

std::string to_details(const record& r, bool colours) {
  std::size_t widest = 0;
  for (const auto& f : r.fields())
    if (!f.content.rows) widest = std::max(widest, f.heading.size());
  std::string out;
  for (const auto& f : r.fields()) {
    if (f.content.rows || f.heading.empty()) continue;
    out += in_tone(f.heading, tone::strong, colours);
    if (!f.content.shown.empty()) out.append(widest - f.heading.size() + 2, ' ');
    out += in_tone(printable(f.content.shown), f.content.colour, colours) + '\n';
  }
  for (const auto& f : r.fields()) {
    if (!f.content.rows || f.heading.empty()) continue;
    out += '\n' + in_tone(f.heading, tone::strong, colours) + '\n';
    out += f.content.rows->empty() ? in_tone("none", tone::faint, colours) + '\n'
                                   : to_table(*f.content.rows, colours);
  }
  return out;
}

} // namespace carafe::shell
