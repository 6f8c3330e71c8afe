#include "cli/shell/completion.hpp"

#include "cli/shell/command_line.hpp"
#include "cli/shell/words.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

/// The interactive shell knows these besides the commands.
constexpr std::string_view builtin = "exit";

std::vector<std::string> values_of(const option& o, const std::string& begun, name_source& names) {
  switch (o.completion) {
  case completes::topic:
    return names.topics();
  case completes::group:
    return names.groups();
  case completes::path:
    return names.paths(begun);
  case completes::choice:
    return o.choices;
  case completes::nothing:
  case completes::command:
    break;
  }
  return {};
}

std::vector<std::string> option_candidates(const std::vector<option>& globals,
                                           const command_line_state& state) {
  std::vector<std::string> found{"--help"};
  auto add = [&](const std::vector<option>& options) {
    for (const auto& o : options) {
      const auto& given = state.given_options;
      bool used = std::find(given.begin(), given.end(), o.name) != given.end();
      if (!o.positional() && (!used || o.repeated)) found.push_back(o.name);
    }
  };
  if (state.chosen) add(state.chosen->options);
  add(globals);
  return found;
}

const option* positional_at(const command& c, std::size_t at) {
  const option* last = nullptr;
  for (const auto& o : c.options) {
    if (!o.positional()) continue;
    if (at == 0) return &o;
    --at;
    last = &o;
  }
  return last && last->repeated ? last : nullptr;
}

std::vector<std::string> positional_candidates(const std::vector<command>& commands,
                                               const command_line_state& state,
                                               const std::string& begun, name_source& names) {
  const auto& positionals = state.positionals;
  const auto* o = positional_at(*state.chosen, positionals.size());
  if (!o) return {};
  if (o->completion == completes::command) return next_words(commands, positionals);
  auto found = values_of(*o, begun, names);
  // A topic that is already named is not named again.
  std::erase_if(found, [&](const std::string& name) {
    return o->repeated &&
           std::find(positionals.begin(), positionals.end(), name) != positionals.end();
  });
  return found;
}

} // namespace

completion complete(const std::vector<command>& commands, std::string_view before_cursor,
                    name_source& names) {
  auto scanned = scan_line(before_cursor);
  std::string begun;
  std::size_t begin = before_cursor.size();
  if (scanned.in_word) {
    begun = scanned.words.back().text;
    begin = scanned.words.back().begin;
    scanned.words.pop_back();
  }
  std::vector<std::string> before;
  for (auto& w : scanned.words) before.push_back(std::move(w.text));

  global_options unused;
  const auto globals = global_option_list(unused);
  auto state = read_command_line(commands, globals, before);
  std::vector<std::string> found;
  std::string fixed; // "--durability=", when the value is typed into the same word.
  if (!state.awaiting && !state.options_over && begun.starts_with("--") &&
      begun.find('=') != std::string::npos) {
    fixed = begun.substr(0, begun.find('=') + 1);
    before.push_back(fixed.substr(0, fixed.size() - 1));
    state = read_command_line(commands, globals, before);
    begun.erase(0, fixed.size());
  }
  if (state.awaiting)
    found = values_of(*state.awaiting, begun, names);
  else if (!fixed.empty() || !state.unknown_command.empty())
    found = {};
  else if (!state.options_over && begun.starts_with('-'))
    found = option_candidates(globals, state);
  else if (state.chosen)
    found = positional_candidates(commands, state, begun, names);
  else {
    found = next_words(commands, state.path);
    if (state.path.empty()) found.emplace_back(builtin);
  }

  completion result{.replaced = before_cursor.size() - begin, .candidates = {}};
  for (const auto& word : found)
    if (word.starts_with(begun)) result.candidates.push_back(fixed + quoted_word(word));
  std::sort(result.candidates.begin(), result.candidates.end());
  return result;
}

std::string common_prefix(const std::vector<std::string>& candidates) {
  if (candidates.empty()) return {};
  auto prefix = candidates.front();
  for (const auto& c : candidates) {
    auto [here, there] = std::mismatch(prefix.begin(), prefix.end(), c.begin(), c.end());
    prefix.erase(here, prefix.end());
  }
  // Never half a UTF-8 character.
  while (!prefix.empty() && candidates.front().size() > prefix.size() &&
         (static_cast<unsigned char>(candidates.front()[prefix.size()]) & 0xc0) == 0x80)
    prefix.pop_back();
  return prefix;
}

bool ends_word(std::string_view candidate) {
  return !candidate.ends_with('/') && !candidate.ends_with('=');
}

} // namespace carafe::shell
