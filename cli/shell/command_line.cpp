#include "cli/shell/command_line.hpp"

#include "cli/shell/suggestion.hpp"
#include "cli/shell/words.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace carafe::shell {

namespace {

const option* find_option(const std::vector<option>& options, std::string_view name) {
  auto at = std::find_if(options.begin(), options.end(),
                         [&](const option& o) { return !o.positional() && o.name == name; });
  return at == options.end() ? nullptr : &*at;
}

/// The words of a command's name that follow `path`, or none if it does not begin with `path`.
std::vector<std::string> words_after(const command& c, const std::vector<std::string>& path) {
  auto words = *split_line(c.name);
  if (words.size() < path.size() || !std::equal(path.begin(), path.end(), words.begin())) return {};
  return {words.begin() + static_cast<std::ptrdiff_t>(path.size()), words.end()};
}

/// Reads one word after another into a state.
class command_line_reader {
public:
  command_line_reader(const std::vector<command>& commands, const std::vector<option>& globals)
    : commands_(commands), globals_(globals) {}

  void read(const std::string& word) {
    if (state_.awaiting) {
      state_.awaiting = nullptr;
      state_.arguments.push_back(word);
    } else if (!state_.options_over && word.size() > 1 && word.front() == '-') {
      read_option(word);
    } else if (!state_.chosen && state_.unknown_command.empty()) {
      read_command_word(word);
    } else {
      state_.positionals.push_back(word);
      state_.arguments.push_back(word);
    }
  }

  command_line_state finish() && { return std::move(state_); }

private:
  void read_option(const std::string& word) {
    if (word == "--") {
      state_.options_over = true;
      state_.arguments.push_back(word);
      return;
    }
    if (word == "-h" || word == "--help") {
      state_.help_wanted = true;
      return;
    }
    auto equals = word.find('=');
    auto name = word.substr(0, equals);
    const auto* known = find_option(globals_, name);
    if (!known && state_.chosen) known = find_option(state_.chosen->options, name);
    state_.arguments.push_back(name);
    if (!known) {
      if (state_.unknown_option.empty()) state_.unknown_option = name;
      return;
    }
    state_.given_options.push_back(name);
    if (known->flag() && equals != std::string::npos) state_.flag_with_value = name;
    // Two words instead of one: CLI11 would take an empty value for none.
    if (equals != std::string::npos)
      state_.arguments.push_back(word.substr(equals + 1));
    else if (!known->flag())
      state_.awaiting = known;
  }

  void read_command_word(const std::string& word) {
    auto path = state_.path;
    path.push_back(word);
    bool known = false;
    for (const auto& c : commands_) {
      if (c.name == word && path.size() == 1) known = true;
      auto rest = words_after(c, path);
      if (!rest.empty()) known = true;
      if (rest.empty() && *split_line(c.name) == path) {
        state_.chosen = &c;
        known = true;
      }
    }
    if (known)
      state_.path = std::move(path);
    else
      state_.unknown_command = word;
  }

  const std::vector<command>& commands_;
  const std::vector<option>& globals_;
  command_line_state state_;
};

std::vector<std::string> option_names(const std::vector<option>& options) {
  std::vector<std::string> names;
  for (const auto& o : options)
    if (!o.positional()) names.push_back(o.name);
  return names;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& w : words) out += (out.empty() ? "" : std::string{between}) + w;
  return out;
}

/// Whether everything is there once, as far as it may be only once.
std::optional<usage_error> check_counts(const command& c, const command_line_state& state) {
  std::size_t places = 0;
  for (const auto& o : c.options) {
    const auto& given = state.given_options;
    if (!o.flag() && !o.repeated && std::count(given.begin(), given.end(), o.name) > 1)
      return usage_error{c.name + ": " + o.name + " is given more than once"};
    if (o.positional() && o.repeated)
      places = state.positionals.size();
    else if (o.positional())
      ++places;
  }
  if (state.positionals.size() > places)
    return usage_error{c.name + ": '" + state.positionals[places] + "' is one value too many"};
  return std::nullopt;
}

/// What is wrong with the words themselves, before any value is looked at.
std::optional<usage_error> check_words(const std::vector<command>& commands,
                                       const std::vector<option>& globals,
                                       const command_line_state& state) {
  auto known_words = next_words(commands, state.path);
  auto path = joined(state.path, " ");
  if (!state.unknown_command.empty()) {
    auto place = path.empty() ? "no command '" : path + " has no command '";
    auto guess = did_you_mean(state.unknown_command, known_words);
    if (guess.empty())
      guess = path.empty() ? "; 'help' lists them" : "; it has " + joined(known_words, ", ");
    return usage_error{place + state.unknown_command + "'" + guess};
  }
  if (!state.unknown_option.empty()) {
    auto names = option_names(globals);
    names.push_back("--help");
    if (state.chosen)
      for (auto& name : option_names(state.chosen->options)) names.push_back(std::move(name));
    auto guess = did_you_mean(state.unknown_option, names);
    if (guess.empty()) guess = "; 'help" + (path.empty() ? "" : " " + path) + "' lists them";
    return usage_error{(path.empty() ? "" : path + " has ") + "no option '" + state.unknown_option +
                       "'" + guess};
  }
  if (!state.chosen && !state.path.empty())
    return usage_error{path + " needs one of: " + joined(known_words, ", ")};
  if (state.awaiting)
    return usage_error{state.awaiting->name + " needs a value: " + state.awaiting->value};
  if (!state.flag_with_value.empty()) return usage_error{state.flag_with_value + " takes no value"};
  return state.chosen ? check_counts(*state.chosen, state) : std::nullopt;
}

void declare(CLI::App& app, const option& o, bool last_counts) {
  CLI::callback_t take = [&o](const CLI::results_t& values) {
    for (const auto& text : values)
      if (auto taken = o.take(text); !taken)
        throw CLI::ValidationError(o.name, taken.error().detail);
    return true;
  };
  CLI::Option* declared = nullptr;
  if (o.flag()) {
    declared = app.add_flag_callback(o.name, [&o] { (void)o.take({}).ok(); });
  } else {
    declared = app.add_option(o.name, take);
    // Otherwise CLI11 would split a value in brackets, such as a JSON array.
    declared->allow_extra_args(o.positional() && o.repeated);
    if (o.positional() && o.repeated) declared->expected(1, CLI::detail::expected_max_vector_size);
    if (o.repeated)
      declared->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    else if (last_counts)
      declared->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  declared->required(o.required);
}

} // namespace

std::vector<option> global_option_list(global_options& target) {
  std::vector<option> options;
  options.push_back(parsed("--node", "HOST:PORT", target.node,
                           "The node to talk to (default $CARAFE_NODE, else 127.0.0.1:7470).",
                           parse_address));
  options.push_back(
    flag("--json", target.json,
         "Results as JSON, one object a line on stdout; errors as JSON on stderr."));
  options.push_back(number<std::chrono::milliseconds>(
    "--timeout", "MS", target.timeout, "How long a request to the node may take (default 10000).",
    1, 86'400'000));
  return options;
}

command_line_state read_command_line(const std::vector<command>& commands,
                                     const std::vector<option>& globals,
                                     const std::vector<std::string>& words) {
  command_line_reader reader{commands, globals};
  for (const auto& word : words) reader.read(word);
  return std::move(reader).finish();
}

std::vector<std::string> next_words(const std::vector<command>& commands,
                                    const std::vector<std::string>& path) {
  std::vector<std::string> words;
  for (const auto& c : commands) {
    auto rest = words_after(c, path);
    if (rest.empty()) continue;
    if (std::find(words.begin(), words.end(), rest.front()) == words.end())
      words.push_back(rest.front());
  }
  return words;
}

parsed_command_line parse_command_line(const std::vector<command>& commands,
                                       global_options& globals,
                                       const std::vector<std::string>& words) {
  const auto global_list = global_option_list(globals);
  auto state = read_command_line(commands, global_list, words);
  if (state.help_wanted && state.unknown_command.empty()) return help_request{state.path};
  if (auto wrong = check_words(commands, global_list, state)) return *wrong;

  CLI::App app;
  app.set_help_flag();
  for (const auto& o : global_list) declare(app, o, true);
  if (state.chosen)
    for (const auto& o : state.chosen->options) declare(app, o, false);
  try {
    // CLI11 takes its arguments from the back.
    std::vector<std::string> reversed{state.arguments.rbegin(), state.arguments.rend()};
    app.parse(reversed);
  } catch (const CLI::ParseError& e) {
    auto path = joined(state.path, " ");
    return usage_error{(path.empty() ? "" : path + ": ") + e.what()};
  }
  if (!state.chosen) return no_command{};
  return ready_command{state.chosen};
}

} // namespace carafe::shell
