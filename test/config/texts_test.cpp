#include "config/texts.hpp"

#include "config/ini_file.hpp"
#include "config/settings.hpp"
#include "test/build_paths.hpp"
#include "test/config/loading.hpp"

#include <catch2/catch.hpp>

#include <sstream>

using namespace carafe;
using namespace carafe::config;
using namespace carafe::test;

namespace {

std::string content_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream{std::string{source_dir} + "/" + path, std::ios::binary}.rdbuf();
  return text.str();
}

} // namespace

TEST_CASE("the example file is what the table of settings gives") {
  INFO("write it anew with: carafed --print-example-config > config/carafed.conf");
  CHECK(content_of("config/carafed.conf") == example_config());
}

TEST_CASE("the example file holds every setting once, at its default, and nothing else") {
  const auto path = std::string{source_dir} + "/config/carafed.conf";
  const auto file = read_ini(path);
  REQUIRE(file.ok());
  CHECK(file->entries.size() == settings.size());
  for (const auto& entry : file->entries) {
    INFO(entry.key);
    CHECK(entry.key.starts_with("carafe."));
    CHECK(find_setting(entry.key.substr(7)) != nullptr);
  }
  // Loaded over other values, it brings every default back.
  node_options options;
  options.node_name = "x";
  for (const auto& what : settings)
    if (what.max > 0 && what.min < what.max)
      static_cast<void>(assign_text(options, what, std::to_string(what.max), "here"));
  REQUIRE(options != node_options{});
  for (const auto& entry : file->entries)
    REQUIRE(assign(options, *find_setting(entry.key.substr(7)), entry.value, "here").ok());
  CHECK(options == node_options{});
  CHECK(load_arguments({"--config-file=" + path}).node() == node_options{});
}

TEST_CASE("the example file and the help give unit, range, default and sentence of each setting") {
  const system_config system;
  // Lines are broken between words.
  auto flat = [](std::string text) {
    for (const std::string_view gap : {"\n      ", "\n; "})
      for (auto at = text.find(gap); at != std::string::npos; at = text.find(gap))
        text.replace(at, gap.size(), " ");
    return text;
  };
  const auto help = flat(help_text(system));
  const auto example = flat(example_config());
  for (const auto& what : settings) {
    INFO(what.key);
    const auto value = value_text(what, node_options{});
    for (const auto* text : {&help, &example}) {
      CHECK(text->find(what.about) != std::string::npos);
      CHECK(text->find("Unit: " + std::string{what.unit} + ". Allowed: " + range_text(what) +
                       ". Default: " + (value.empty() ? "empty" : value)) != std::string::npos);
    }
    CHECK(help.find("--carafe." + std::string{what.key} + "=") != std::string::npos);
  }
  for (const auto& key : system.caf_keys()) CHECK(help.find("--" + key + "=") != std::string::npos);
}

TEST_CASE("the page about configuration holds the table of settings") {
  INFO("replace it with the output of: carafed --print-settings-table");
  const auto page = content_of("docs/configuration.md");
  CHECK(page.find("\n\n" + settings_table() + "\n") != std::string::npos);
}

TEST_CASE("no line of the texts for people is longer than 100 columns") {
  std::istringstream lines{example_config()};
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("the effective settings read back to the same") {
  const auto done = load_arguments(
    {"--carafe.data-dir=a \"b\" \\c", "--carafe.segment-bytes=16388KiB", "--carafe.log-level=debug",
     "--carafe.retention-ms=1", "--stream.max-batch-delay=1500us", "--scheduler.policy=sharing",
     "--logger.console-format=%m \"x\"", "--logger.component-blacklist=a,b"});
  INFO(done.detail());
  REQUIRE(done.what.ok());
  const auto text = effective_config(*done.system);
  INFO(text);
  const auto again = load_file(text);
  INFO(again.detail());
  REQUIRE(again.what.ok());
  CHECK(again.node() == done.node());
  CHECK(effective_config(*again.system) == text);
}
