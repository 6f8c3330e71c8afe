#include "cli/shell/command.hpp"

namespace carafe::shell {

std::shared_ptr<node_api> command_context::node(std::chrono::milliseconds timeout_if_none) const {
  client::connect_options options;
  options.node = globals.node;
  options.timeout = globals.timeout.value_or(timeout_if_none);
  return nodes(options);
}

exit_code command_context::show(const record& r) const {
  terminal.write(globals.json ? to_json(r) + '\n' : to_details(r, terminal.colours()));
  return exit_code::ok;
}

exit_code command_context::show(const std::vector<record>& rows, std::string_view if_empty) const {
  std::string out;
  if (globals.json) {
    for (const auto& row : rows) out += to_json(row) + '\n';
  } else if (!rows.empty()) {
    out = to_table(rows, terminal.colours());
  } else {
    terminal.write_error(std::string{if_empty} + '\n');
  }
  terminal.write(out);
  return exit_code::ok;
}

exit_code command_context::done(const record& r, std::string_view sentence) const {
  terminal.write((globals.json ? to_json(r) : std::string{sentence}) + '\n');
  return exit_code::ok;
}

bool command_context::asks() const noexcept {
  return terminal.in_is_terminal() && !stdin_taken && !globals.json;
}

exit_code command_context::fail(const failure& why) const {
  report(terminal, globals.json, why);
  return exit_code::failed;
}

exit_code command_context::fail(std::string_view code, std::string_view sentence) const {
  report(terminal, globals.json, code, sentence, {});
  return exit_code::failed;
}

exit_code command_context::misused(std::string_view sentence) const {
  report(terminal, globals.json, globals.json ? "usage" : "", sentence, {});
  return exit_code::usage;
}

std::string nobody_to_ask(std::string_view command_name) {
  return std::string{command_name} + ": nobody is there to be asked; give --yes";
}

option option::must() && {
  required = true;
  return std::move(*this);
}

option option::many() && {
  repeated = true;
  return std::move(*this);
}

option option::completed_by(completes what) && {
  completion = what;
  return std::move(*this);
}

option flag(std::string name, bool& target, std::string help) {
  option o{.name = std::move(name), .help = std::move(help)};
  o.take = [&target](const std::string&) -> result<void> {
    target = true;
    return {};
  };
  return o;
}

} // namespace carafe::shell
