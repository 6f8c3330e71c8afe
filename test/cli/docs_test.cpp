#include "cli/shell/command_line.hpp"
#include "cli/shell/commands.hpp"
#include "cli/shell/entry_view.hpp"
#include "test/build_paths.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

/// docs/shell.md by its headings, without their marks.
std::map<std::string, std::string> sections() {
  std::ifstream file{std::filesystem::path{carafe::test::source_dir} / "docs" / "shell.md"};
  REQUIRE(file);
  std::map<std::string, std::string> found;
  std::string heading;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("##")) {
      heading.clear();
      for (char c : line.substr(line.find(' ') + 1))
        if (c != '`') heading += c;
    } else {
      found[heading] += line + '\n';
    }
  }
  return found;
}

bool mentions(const std::string& section, const std::string& name) {
  return std::regex_search(section, std::regex{"`" + name + "[` ]"});
}

std::set<std::string> documented_options(const std::string& section) {
  static const std::regex row{R"(\n\| `(--[a-z-]+))"};
  std::set<std::string> found;
  for (std::sregex_iterator at{section.begin(), section.end(), row}, end; at != end; ++at)
    found.insert((*at)[1]);
  return found;
}

void collect_names(const nlohmann::json& value, std::set<std::string>& names) {
  if (value.is_object())
    for (const auto& [name, content] : value.items()) {
      names.insert(name);
      // A property's name is the user's.
      if (!name.starts_with("properties")) collect_names(content, names);
    }
  if (value.is_array())
    for (const auto& content : value) collect_names(content, names);
}

/// Names of all fields in JSON lines.
std::set<std::string> names_in(const std::string& lines) {
  std::set<std::string> names;
  std::istringstream in{lines};
  for (std::string line; std::getline(in, line);) collect_names(nlohmann::json::parse(line), names);
  return names;
}

std::shared_ptr<fake_state> everything() {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"] = fake_topic("orders", 3, 3);
  client::group_info group;
  group.name = "billing";
  group.mode = "shared";
  group.members.resize(1);
  group.queues.resize(1);
  state->groups["billing"] = group;
  state->status.shards.resize(1);
  auto odd = fake_delivery(1, "\xff");
  odd.key = "\xff";
  odd.tag = "odd";
  odd.properties = {{"p", "\xff"}};
  state->deliveries = {fake_delivery(0, "x"), odd};
  state->story.events.resize(1);
  state->story.groups.resize(1);
  state->story.groups[0].events.resize(1);
  state->producers = {{"importer", 3, unix_ms{1}, unix_ms{2}}};
  return state;
}

} // namespace

TEST_CASE("docs/shell.md documents every command and option, and no other") {
  const auto documented = sections();
  std::set<std::string> names;
  for (const auto& c : all_commands()) {
    INFO(c.name);
    names.insert(c.name);
    REQUIRE(documented.contains(c.name));
    std::set<std::string> options;
    for (const auto& o : c.options)
      if (!o.positional()) options.insert(o.name);
    const auto& section = documented.at(c.name);
    for (const auto& name : options) {
      INFO(name);
      CHECK(mentions(section, name));
    }
    for (const auto& name : documented_options(section)) {
      INFO(name);
      CHECK(options.contains(name));
    }
  }
  global_options unused;
  for (const auto& o : global_option_list(unused))
    CHECK(mentions(documented.at("Every command"), o.name));
}

TEST_CASE("docs/shell.md documents every JSON field") {
  const auto documented = sections();
  const std::vector<std::pair<std::string, std::string>> runs{
    {"topic create", "topic create new"},
    {"topic list", "topic list"},
    {"topic describe", "topic describe orders"},
    {"topic alter", "topic alter orders --queues 4"},
    {"topic delete", "topic delete new --yes"},
    {"group list", "group list"},
    {"group describe", "group describe billing"},
    {"group lag", "group lag billing --watch --count 1"},
    {"group create", "group create new --topics orders --mode keyed"},
    {"group alter", "group alter billing --attempts 3"},
    {"group reset", "group reset billing --to latest"},
    {"group delete", "group delete billing --yes"},
    {"produce", "produce orders --body x"},
    {"produce", "produce orders --body x --receipts"},
    {"producer list", "producer list"},
    {"producer forget", "producer forget importer --yes"},
    {"consume", "consume orders --count 2"},
    {"respond", "respond orders --group billing --echo --count 1"},
    {"topic tail", "topic tail orders --count 2"},
    {"message get", "message get orders/2/0"},
    {"message find", "message find --topic orders --tag odd --limit 1"},
    {"schedule create", "schedule create s --topic t --cron @daily"},
    {"schedule list", "schedule list"},
    {"schedule describe", "schedule describe s"},
    {"schedule pause", "schedule pause s"},
    {"schedule resume", "schedule resume s"},
    {"schedule delete", "schedule delete s"},
    {"message why", "message why orders/2/1"},
    {"node status", "node status"},
    {"node actors", "node actors"},
    {"log backup", "log backup copy"},
    {"bench", "bench produce --count 10"},
    {"version", "version"}};
  // These say that they answer as another command does.
  const std::map<std::string, std::string> same{{"topic create", "topic describe"},
                                                {"topic alter", "topic describe"},
                                                {"group create", "group describe"},
                                                {"group alter", "group describe"},
                                                {"group describe", "group list"},
                                                {"group reset", "group describe"},
                                                {"schedule create", "schedule describe"},
                                                {"schedule describe", "schedule list"},
                                                {"schedule pause", "schedule describe"},
                                                {"schedule resume", "schedule describe"},
                                                {"topic tail", "consume"},
                                                {"message get", "consume"},
                                                {"message find", "consume"}};
  auto state = everything();
  for (const auto& [name, line] : runs) {
    const auto ran = run_line(state, line + " --json");
    INFO(line);
    REQUIRE(ran.code == exit_code::ok);
    auto text = documented.at(name);
    for (auto at = same.find(name); at != same.end(); at = same.find(at->second))
      text += documented.at(at->second);
    for (const auto& field : names_in(ran.out)) {
      INFO(field);
      CHECK(mentions(text, field));
    }
  }
}

TEST_CASE("docs/shell.md documents every field of a log entry") {
  const auto section = sections().at("log dump");
  decoded_entry entry;
  entry.effects = {effects::batch{},          effects::commit{},
                   effects::queue_opened{},   effects::queue_closed{},
                   effects::queue_start{},    effects::topic_put{},
                   effects::topic_deleted{},  effects::group_put{},
                   effects::group_deleted{},  effects::progress_dropped{},
                   effects::settled{},        effects::lent{},
                   effects::waiting{},        effects::timers_ended{},
                   effects::timer_moved{},    effects::kept{},
                   effects::tx_prepared{},    effects::tx_ended{},
                   effects::tx_applied{},     effects::producer_put{},
                   effects::schedule_put{},   effects::schedule_deleted{},
                   effects::schedule_fired{}, effects::returned{}};
  const auto written = to_json(entry_view(entry, shard_id{0}, "log-1.mdb"));
  for (const auto& field : names_in(written)) {
    INFO(field);
    CHECK(mentions(section, field));
  }
  const auto told = nlohmann::json::parse(written);
  for (const auto& effect : told.at("effects")) {
    const std::string name = effect.at("effect");
    INFO(name);
    CHECK(mentions(section, name));
  }
  CHECK(told.at("effects").size() == std::variant_size_v<effects::effect>);
}
