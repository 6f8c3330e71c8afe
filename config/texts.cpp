#include "config/texts.hpp"

#include "config/settings.hpp"

#include <algorithm>

namespace carafe::config {

namespace {

constexpr std::size_t columns = 100;

/// Breaks `text` between words, each line beginning with `prefix`.
std::string wrapped(std::string_view text, std::string_view prefix) {
  std::string out;
  std::string line{prefix};
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (line.size() + word.size() > columns) {
      out += line.substr(0, line.size() - 1) + "\n";
      line = prefix;
    }
    line.append(word).append(" ");
  }
  return out + line.substr(0, line.size() - 1) + "\n";
}

std::string facts(const setting& what) {
  const auto value = value_text(what, node_options{});
  return "Unit: " + std::string{what.unit} + ". Allowed: " + range_text(what) +
         ". Default: " + (value.empty() ? "empty" : value) + ".";
}

std::string code(const std::string& text) { return text.empty() ? "empty" : "`" + text + "`"; }

} // namespace

std::string help_text(const system_config& system) {
  std::string text = "Usage: carafed [--config-file=FILE] [--KEY=VALUE]...\n\n"
                     "Options:\n"
                     "  --config-file=FILE\n"
                     "      Read settings from FILE; the command line overrides it.\n"
                     "  --dump-config\n"
                     "      Check the settings, print the effective ones as a config file, exit.\n"
                     "  --print-example-config\n"
                     "      Print an annotated config file with every setting at its default.\n"
                     "  --print-settings-table\n"
                     "      Print the table of settings in Markdown.\n"
                     "  --version\n"
                     "  --help, -h\n\n"
                     "Settings:\n";
  for (const auto& what : settings) {
    text += "  --" + std::string{section} + "." + std::string{what.key} + "=VALUE\n";
    text += wrapped(what.about, "      ") + wrapped(facts(what), "      ");
  }
  return text + "\nSettings of the actor runtime (CAF), rarely needed:\n" + system.caf_help();
}

std::string example_config() {
  std::string text =
    "; Every setting of carafed at its default. Start a node with it:\n"
    ";\n"
    ";     carafed --config-file=carafed.conf\n"
    ";\n"
    "; The command line overrides this file: --carafe.data-dir=/var/lib/carafe.\n"
    "; Sizes are integers (bytes) or texts such as \"64MiB\"; times are integers\n"
    "; (milliseconds). An unknown key, a wrong type or a value that is not allowed\n"
    "; is an error (exit code 78). CAF's own sections, for example [scheduler], may\n"
    "; follow; `carafed --help` lists them.\n\n[" +
    std::string{section} + "]\n";
  for (const auto& what : settings)
    text += "\n" + wrapped(what.about, "; ") + wrapped(facts(what), "; ") + std::string{what.key} +
            " = " + file_text(what, node_options{}) + "\n";
  return text;
}

std::string settings_table() {
  std::string text = "| key | unit | allowed | default | meaning |\n|---|---|---|---|---|\n";
  for (const auto& what : settings)
    text += "| `" + std::string{what.key} + "` | " + std::string{what.unit} + " | " +
            range_text(what) + " | " + code(value_text(what, node_options{})) + " | " +
            std::string{what.about} + " |\n";
  return text;
}

std::string effective_config(const system_config& system) {
  std::string text = "[" + std::string{section} + "]\n";
  for (const auto& what : settings)
    text += std::string{what.key} + " = " + file_text(what, system.node) + "\n";
  for (const auto& [name, values] : caf::content(system)) {
    const auto* keys = caf::get_if<caf::config_value::dictionary>(&values);
    if (keys == nullptr || keys->empty()) continue;
    text += "\n[" + name + "]\n";
    for (const auto& [key, value] : *keys) text += key + " = " + caf_text(value) + "\n";
  }
  return text;
}

} // namespace carafe::config
