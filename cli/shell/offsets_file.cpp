#include "cli/shell/offsets_file.hpp"

#include "cli/shell/json_writer.hpp"
#include "cli/shell/value_syntax.hpp"
#include "cli/shell/value_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <set>

namespace carafe::shell {

namespace {

using nlohmann::json;

constexpr std::string_view format_name = "carafe group offsets";
constexpr std::uint64_t format_version = 1;

std::string numbered(std::string_view name, std::size_t at) {
  return std::string{name} + '[' + std::to_string(at) + ']';
}

/// Takes the file apart, and keeps the first thing that is not as it should be.
class offsets_reader {
public:
  result<group_offsets> read(std::string_view text) {
    const auto file = parse(text);
    group_offsets offsets;
    if (good() && has_format(file)) {
      offsets.group = text_of(file["group"], "group");
      offsets.mode = mode_in(file["mode"]);
      offsets.topics = topics_in(file["topics"]);
      offsets.exported = time_of(file["exported"], "exported");
      offsets.queues = queues_in(file["queues"], offsets.topics);
    }
    if (!good()) return {errc::invalid_argument, why_};
    return offsets;
  }

private:
  [[nodiscard]] bool good() const { return why_.empty(); }

  /// @returns `holds`.
  bool check(bool holds, std::string otherwise) {
    if (!holds && good()) why_ = std::move(otherwise);
    return holds;
  }

  /// Of two members of one name JSON readers take either: such a file is not understood.
  json parse(std::string_view text) {
    std::vector<std::set<std::string>> names;
    const json::parser_callback_t look = [&](int, json::parse_event_t event, json& value) {
      if (event == json::parse_event_t::object_start) names.emplace_back();
      if (event == json::parse_event_t::object_end) names.pop_back();
      if (event == json::parse_event_t::key) {
        const auto name = value.get<std::string>();
        check(names.back().insert(name).second, name + " is there twice in one object");
      }
      return true;
    };
    try {
      return json::parse(text, look);
    } catch (const json::parse_error& wrong) {
      // Of the library's own words only the place is of use.
      const auto at = std::min<std::size_t>(wrong.byte, text.size());
      const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      check(false, "it is not JSON: see line " + std::to_string(line) +
                     "; give a file that 'group export' has written");
      return {};
    } catch (const json::exception&) {
      check(false, "it is not JSON; give a file that 'group export' has written");
      return {};
    }
  }

  bool has_format(const json& file) {
    const auto is = [&file](const char* name, const json& wanted) {
      return file.is_object() && file.contains(name) && file[name] == wanted;
    };
    return check(is("format", format_name), "it is no file of 'group export': its format is not '" +
                                              std::string{format_name} + '\'') &&
           check(is("version", format_version), "its version is not " +
                                                  std::to_string(format_version) +
                                                  ", the one that this carafe reads") &&
           has_members(file, "",
                       {"format", "version", "group", "mode", "topics", "exported", "queues"});
  }

  /// Whether it is an object with these members and no other.
  bool has_members(const json& value, const std::string& path,
                   std::initializer_list<std::string_view> names) {
    if (!check(value.is_object(), path + " is not an object")) return false;
    const auto full = [&path](std::string_view name) {
      return (path.empty() ? "" : path + '.') + std::string{name};
    };
    for (const auto& [name, member] : value.items())
      check(std::ranges::find(names, name) != names.end(),
            full(name) + " is not a field of this format");
    for (auto name : names) check(value.contains(name), full(name) + " is missing");
    return good();
  }

  std::string text_of(const json& value, const std::string& path) {
    const bool fits = value.is_string() && !value.get_ref<const std::string&>().empty();
    return check(fits, path + " is not a text, or an empty one") ? value.get<std::string>() : "";
  }

  std::uint64_t number_of(const json& value, const std::string& path, std::uint64_t most) {
    const bool fits = value.is_number_unsigned() && value.get<std::uint64_t>() <= most;
    return check(fits, path + " is not a whole number from 0 to " + std::to_string(most))
             ? value.get<std::uint64_t>()
             : 0;
  }

  unix_ms time_of(const json& value, const std::string& path) {
    const auto time = parse_time(text_of(value, path), unix_ms{});
    return check(time.ok(), path + (time ? "" : ": " + time.error().detail)) ? *time : unix_ms{};
  }

  std::string mode_in(const json& value) {
    auto mode = text_of(value, "mode");
    check(mode == "ordered" || mode == "shared" || mode == "keyed",
          "mode is none of ordered, shared and keyed");
    return mode;
  }

  std::vector<std::string> topics_in(const json& list) {
    std::vector<std::string> topics;
    if (!check(list.is_array(), "topics is not a list")) return topics;
    for (const auto& each : list) {
      const auto path = numbered("topics", topics.size());
      auto name = text_of(each, path);
      check(std::ranges::find(topics, name) == topics.end(),
            path + ": " + name + " is there twice");
      topics.push_back(std::move(name));
    }
    return topics;
  }

  group_offsets::queue queue_in(const json& value, const std::string& path,
                                const std::vector<std::string>& topics) {
    group_offsets::queue q;
    if (!has_members(value, path, {"topic", "queue", "committed"})) return q;
    q.topic = text_of(value["topic"], path + ".topic");
    check(std::ranges::find(topics, q.topic) != topics.end(),
          path + ".topic: " + q.topic + " is none of the file's topics");
    const auto number =
      number_of(value["queue"], path + ".queue", std::numeric_limits<std::uint32_t>::max());
    q.number = queue_number{static_cast<std::uint32_t>(number)};
    if (!value["committed"].is_null())
      q.committed = offset{number_of(value["committed"], path + ".committed",
                                     std::numeric_limits<std::uint64_t>::max())};
    return q;
  }

  std::vector<group_offsets::queue> queues_in(const json& list,
                                              const std::vector<std::string>& topics) {
    std::vector<group_offsets::queue> queues;
    if (!check(list.is_array(), "queues is not a list")) return queues;
    std::set<std::pair<std::string, queue_number>> seen;
    for (const auto& each : list) {
      const auto path = numbered("queues", queues.size());
      queues.push_back(queue_in(each, path, topics));
      if (!good()) break;
      const auto& q = queues.back();
      check(seen.insert({q.topic, q.number}).second,
            path + ": queue " + q.topic + '/' + std::to_string(q.number.value) + " is there twice");
    }
    return queues;
  }

  std::string why_;
};

} // namespace

group_offsets offsets_of(const client::group_info& group, unix_ms now) {
  group_offsets offsets{group.name, group.mode, group.topics, now, {}};
  for (const auto& q : group.queues) offsets.queues.push_back({q.topic, q.number, q.committed});
  return offsets;
}

std::string to_text(const group_offsets& offsets) {
  std::string out = "{\n";
  const auto member = [&out](std::string_view name, const auto& write) {
    out += "  \"" + std::string{name} + "\": ";
    json_writer w{out};
    write(w);
    out += ",\n";
  };
  member("format", [](json_writer& w) { w.text(format_name); });
  member("version", [](json_writer& w) { w.number(format_version); });
  member("group", [&](json_writer& w) { w.text(offsets.group); });
  member("mode", [&](json_writer& w) { w.text(offsets.mode); });
  member("topics", [&](json_writer& w) {
    w.begin_array();
    for (const auto& topic : offsets.topics) w.text(topic);
    w.end_array();
  });
  member("exported", [&](json_writer& w) { w.text(time_text(offsets.exported)); });
  out += "  \"queues\": [";
  for (const auto& q : offsets.queues) {
    out += &q == offsets.queues.data() ? "\n    " : ",\n    ";
    json_writer w{out};
    w.begin_object().name("topic").text(q.topic);
    w.name("queue").number(std::uint64_t{q.number.value}).name("committed");
    if (q.committed)
      w.number(q.committed->value);
    else
      w.null();
    w.end_object();
  }
  out += offsets.queues.empty() ? "]\n}\n" : "\n  ]\n}\n";
  return out;
}

result<group_offsets> parse_offsets(std::string_view text) { return offsets_reader{}.read(text); }

failure offsets_of_names(const std::string& group) {
  return {errc::unsupported, "group " + group +
                               " is a broadcast one: its offsets are those of its named consumers; "
                               "'group reset --name' moves them"};
}

} // namespace carafe::shell
