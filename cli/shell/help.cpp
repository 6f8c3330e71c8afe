#include "cli/shell/help.hpp"

#include "cli/shell/command_line.hpp"
#include "cli/shell/table.hpp"
#include "cli/shell/utf8.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

constexpr std::size_t line_columns = 96;
/// Stands for a blank at which a line is not broken.
constexpr char glued = '\x1f';

/// `text` in lines of at most `columns`, each after the first indented.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    auto end = std::min(text.find_first_of(" \n"), text.size());
    auto word = text.substr(0, end);
    auto width = display_width(word);
    if (column > indent && column + 1 + width > line_columns) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
    text.remove_prefix(end);
    if (text.starts_with('\n')) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    if (!text.empty()) text.remove_prefix(1);
  }
  std::replace(out.begin(), out.end(), glued, ' ');
  return out;
}

std::string option_label(const option& o) {
  return o.value.empty() ? o.name : o.name + ' ' + o.value;
}

/// "TOPIC", "[--file F]", ...
std::vector<std::string> usage_labels(const command& c) {
  std::vector<std::string> labels;
  for (const auto& o : c.options) {
    auto label = option_label(o);
    if (o.repeated) label += o.positional() ? "..." : " ...";
    labels.push_back(o.required ? label : '[' + label + ']');
  }
  return labels;
}

std::string option_lines(const std::vector<option>& options, bool colours) {
  std::size_t widest = 0;
  for (const auto& o : options) widest = std::max(widest, option_label(o).size());
  // A few long labels must not squeeze all the texts: they get a line of their own.
  widest = std::min<std::size_t>(widest, 26);
  std::string out;
  for (const auto& o : options) {
    auto label = option_label(o);
    out += "  " + in_tone(label, tone::strong, colours);
    if (label.size() <= widest)
      out.append(widest - label.size() + 2, ' ');
    else
      out += '\n' + std::string(widest + 4, ' ');
    out += wrapped(o.help, widest + 4) + '\n';
  }
  return out;
}

std::string command_page(const command& c, bool colours) {
  std::string out = wrapped(c.summary, 0) + "\n\n";
  auto title = [&](std::string_view text) { return in_tone(text, tone::strong, colours); };
  out += title("Usage") + '\n';
  auto usage = "carafe " + c.name;
  for (auto label : usage_labels(c)) {
    std::replace(label.begin(), label.end(), ' ', glued);
    usage += ' ' + label;
  }
  out += "  " + wrapped(usage, 4) + '\n';
  if (!c.details.empty()) out += '\n' + wrapped(c.details, 0) + '\n';
  std::vector<option> positionals, options;
  for (const auto& o : c.options) (o.positional() ? positionals : options).push_back(o);
  global_options unused;
  auto everywhere = global_option_list(unused);
  if (!positionals.empty())
    out += '\n' + title("Values") + '\n' + option_lines(positionals, colours);
  if (!options.empty()) out += '\n' + title("Options") + '\n' + option_lines(options, colours);
  out += '\n' + title("Options of every command") + '\n' + option_lines(everywhere, colours);
  if (!c.examples.empty()) {
    out += '\n' + title("Examples") + '\n';
    for (const auto& example : c.examples) out += "  " + example + '\n';
  }
  return out;
}

std::string command_list(const std::vector<const command*>& listed, bool colours) {
  std::size_t widest = 0;
  for (const auto* c : listed) widest = std::max(widest, c->name.size());
  std::string out;
  for (const auto* c : listed) {
    out += "  " + in_tone(c->name, tone::strong, colours);
    out.append(widest - c->name.size() + 2, ' ');
    out += wrapped(c->summary, widest + 4) + '\n';
  }
  return out;
}

} // namespace

std::string help_text(const std::vector<command>& commands, const std::vector<std::string>& path,
                      bool colours) {
  std::string name;
  for (const auto& word : path) name += (name.empty() ? "" : " ") + word;
  std::vector<const command*> listed;
  for (const auto& c : commands) {
    if (c.name == name) return command_page(c, colours);
    if (name.empty() || c.name.starts_with(name + ' ')) listed.push_back(&c);
  }
  global_options unused;
  auto title = [&](std::string_view text) { return in_tone(text, tone::strong, colours); };
  std::string out;
  if (name.empty()) {
    out += "carafe talks to a Carafe node: carafe COMMAND [OPTION...]. Without a command it is an\n"
           "interactive shell; commands are the same there.\n\n";
  }
  out += title("Commands") + '\n' + command_list(listed, colours);
  out += '\n' + title("Options of every command") + '\n' +
         option_lines(global_option_list(unused), colours);
  out += "\n'help " + (name.empty() ? "COMMAND" : name + " COMMAND") + "' tells more about one.\n";
  return out;
}

} // namespace carafe::shell
