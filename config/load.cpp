#include "config/load.hpp"

#include "config/ini_file.hpp"
#include "config/nearest.hpp"
#include "config/settings.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace carafe::config {

namespace {

constexpr std::string_view command_line = "command line";

struct flag {
  std::string_view name;
  command what;
};

constexpr std::array<flag, 5> flags{{{"help", command::help},
                                     {"version", command::version},
                                     {"print-example-config", command::print_example},
                                     {"print-settings-table", command::print_table},
                                     {"dump-config", command::dump_config}}};

/// `--name=value` in its parts.
struct argument {
  std::string_view name;
  std::optional<std::string_view> value;
};

class loader {
public:
  explicit loader(system_config& to) : to_(to) {}

  result<void> read_file(const std::string& path) {
    auto file = read_ini(path);
    if (!file) return file.error();
    for (const auto& found : file->sections)
      if (auto known = check_section(found, path); !known) return known;
    for (const auto& entry : file->entries) {
      const auto where = place(path, entry.line);
      if (const auto* what = ours(entry.key)) {
        origins_[what->key] = where;
        if (auto done = assign(to_.node, *what, entry.value, where); !done) return done;
      } else if (!is_known(entry.key)) {
        return unknown(entry.key, where);
      } else if (auto done = to_.set_caf(entry.key, entry.value, where); !done) {
        return done;
      }
    }
    return {};
  }

  result<void> take(const argument& arg) {
    if (const auto* what = ours(arg.name)) {
      origins_[what->key] = command_line;
      if (!arg.value)
        return {errc::config_wrong_type,
                std::string{arg.name} + " (command line): no value; write --" +
                  std::string{arg.name} + "=VALUE; allowed: " + range_text(*what)};
      return assign_text(to_.node, *what, *arg.value, command_line);
    }
    if (!is_known(arg.name)) return unknown(arg.name, command_line);
    return to_.set_caf_text(arg.name, arg.value, command_line);
  }

  /// After everything was read.
  result<void> finish() {
    if (const auto found = find_conflict(to_.node))
      return {errc::config_out_of_range, std::string{section} + ": " + found->text + " (" +
                                           origin(found->first) + ", " + origin(found->second) +
                                           ")"};
    // Nothing left to parse; lets CAF bring the old names of its own settings up to date.
    std::istringstream nothing;
    if (auto error = to_.parse(caf::actor_system_config::string_list{}, nothing))
      return {errc::config_unreadable, caf::to_string(error)};
    return {};
  }

private:
  static const setting* ours(std::string_view key) {
    if (!key.starts_with(section) || !key.substr(section.size()).starts_with('.')) return nullptr;
    return find_setting(key.substr(section.size() + 1));
  }

  [[nodiscard]] std::vector<std::string> known_keys() const {
    auto keys = to_.caf_keys();
    for (const auto& what : settings)
      keys.push_back(std::string{section} + "." + std::string{what.key});
    return keys;
  }

  [[nodiscard]] bool is_known(std::string_view key) const {
    const auto keys = to_.caf_keys();
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  }

  [[nodiscard]] failure unknown(std::string_view key, std::string_view where) const {
    auto known = known_keys();
    const bool is_argument = where == command_line;
    if (is_argument) {
      known.emplace_back("config-file");
      for (const auto& f : flags) known.emplace_back(f.name);
    }
    const auto meant = nearest(key, known);
    std::string text{key};
    text.append(" (").append(where).append("): unknown");
    if (!meant.empty()) text += "; did you mean " + meant + "?";
    return {errc::config_unknown_key, text};
  }

  result<void> check_section(const ini_section& found, const std::string& path) const {
    if (found.name == section || to_.has_caf_section(found.name)) return {};
    std::vector<std::string> known{std::string{section}};
    for (const auto& key : to_.caf_keys()) known.push_back(key.substr(0, key.find('.')));
    const auto meant = nearest(found.name, known);
    return {errc::config_unknown_key, "section " + found.name + " (" + place(path, found.line) +
                                        "): unknown" +
                                        (meant.empty() ? "" : "; did you mean " + meant + "?")};
  }

  [[nodiscard]] std::string origin(std::string_view key) const {
    const auto at = origins_.find(key);
    return std::string{key} + ": " + (at == origins_.end() ? "default" : at->second);
  }

  system_config& to_;
  /// Where each setting that is not at its default was set.
  std::map<std::string_view, std::string> origins_;
};

result<std::vector<argument>> split(int argc, const char* const* argv) {
  std::vector<argument> arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view text{argv[i]};
    if (text == "-h") text = "--help";
    if (!text.starts_with("--") || text.size() == 2)
      return {errc::config_unknown_key,
              std::string{text} + " (command line): unexpected; settings are written --KEY=VALUE"};
    text.remove_prefix(2);
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
      arguments.push_back({text, std::nullopt});
    else
      arguments.push_back({text.substr(0, equals), text.substr(equals + 1)});
  }
  return arguments;
}

} // namespace

result<command> load(system_config& to, int argc, const char* const* argv) {
  auto arguments = split(argc, argv);
  if (!arguments) return arguments.error();
  auto what = command::run;
  std::optional<std::string> path;
  std::vector<argument> rest;
  for (const auto& arg : *arguments) {
    const auto* f = std::find_if(flags.begin(), flags.end(),
                                 [&arg](const flag& known) { return known.name == arg.name; });
    if (f != flags.end() && !arg.value) {
      if (f->what != command::dump_config) return f->what;
      what = f->what;
    } else if (arg.name == "config-file") {
      if (!arg.value || arg.value->empty())
        return {errc::config_wrong_type,
                "config-file (command line): no file; write --config-file=FILE"};
      path = *arg.value;
    } else {
      rest.push_back(arg);
    }
  }
  loader reading{to};
  if (path) {
    if (auto done = reading.read_file(*path); !done) return done.error();
    to.config_file_path = *path;
  }
  for (const auto& arg : rest)
    if (auto done = reading.take(arg); !done) return done.error();
  if (auto done = reading.finish(); !done) return done.error();
  return what;
}

} // namespace carafe::config
