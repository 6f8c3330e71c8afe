#pragma once

/// A command described as data: parsing, help, completion and the test of the documentation all
/// read the same description.

#include "cli/shell/console.hpp"
#include "cli/shell/interruption.hpp"
#include "cli/shell/node_api.hpp"
#include "cli/shell/record.hpp"
#include "cli/shell/value_syntax.hpp"

#include <carafe/result.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace carafe::shell {

/// Options that every command takes.
struct global_options {
  std::string node = "127.0.0.1:7470";
  bool json = false;
  std::optional<std::chrono::milliseconds> timeout;
};

/// How long a request to the node may take without `--timeout`.
inline constexpr std::chrono::milliseconds default_timeout{10'000};

/// What a running command works with.
struct command_context {
  console& terminal;
  node_source& nodes;
  interruption& stop;
  const global_options& globals;
  unix_ms now;
  /// In a script: the commands come from stdin, so a command cannot read it.
  bool stdin_taken = false;

  /// @param timeout_if_none What a request may take when `--timeout` is not given.
  [[nodiscard]] std::shared_ptr<node_api>
  node(std::chrono::milliseconds timeout_if_none = default_timeout) const;

  /// Shows one record: a JSON object, or its details.
  exit_code show(const record& r) const;
  /// Shows a list: a JSON object a line, or a table; `if_empty` to people when there is nothing.
  exit_code show(const std::vector<record>& rows, std::string_view if_empty) const;
  /// Says that something was done, for people; programs get `r`.
  exit_code done(const record& r, std::string_view sentence) const;
  /// Whether a person is there to be asked before something is lost.
  [[nodiscard]] bool asks() const noexcept;
  /// Reports and gives `exit_code::failed`.
  exit_code fail(const failure& why) const;
  exit_code fail(std::string_view code, std::string_view sentence) const;
  /// The command line was wrong in a way that only the command could see.
  exit_code misused(std::string_view sentence) const;
};

/// What tab completion offers for a value.
enum class completes : std::uint8_t { nothing, topic, group, path, choice, command };

struct option {
  /// "--queues", or in capitals for a positional value: "NAME".
  std::string name{};
  /// What the help calls its value: "N". Empty: a flag.
  std::string value{};
  std::string help{};
  /// Takes one value; the error's detail says what is wrong with it.
  std::function<result<void>(const std::string&)> take{};
  completes completion = completes::nothing;
  std::vector<std::string> choices{};
  bool required = false;
  bool repeated = false;

  [[nodiscard]] bool positional() const noexcept { return !name.starts_with("--"); }
  [[nodiscard]] bool flag() const noexcept { return !positional() && value.empty(); }

  [[nodiscard]] option must() &&;
  /// Any number of times; a repeated positional value takes all that follow.
  [[nodiscard]] option many() &&;
  [[nodiscard]] option completed_by(completes what) &&;
};

struct command {
  /// "topic create".
  std::string name{};
  /// One line, for the list of commands.
  std::string summary{};
  /// More for `help COMMAND`; may be empty.
  std::string details{};
  std::vector<std::string> examples{};
  std::vector<option> options{};
  std::function<exit_code(command_context&)> run{};
};

/// What a command says that would ask before something is lost, and cannot.
[[nodiscard]] std::string nobody_to_ask(std::string_view command_name);

// -- options by the kind of their value -----------------------------------------------------------
//
// `target` gets the value; it is usually a member of the command's own option struct, which its
// `run` keeps alive. Targets may be std::optional.

option flag(std::string name, bool& target, std::string help);

/// An option whose text goes through `parse`, as those of value_syntax.hpp.
template <class Target, class Parse>
option parsed(std::string name, std::string value, Target& target, std::string help, Parse parse) {
  option o{.name = std::move(name), .value = std::move(value), .help = std::move(help)};
  o.take = [&target, parse](const std::string& text) -> result<void> {
    auto parsed_value = parse(text);
    if (!parsed_value) return parsed_value.error();
    if constexpr (requires { target.push_back(std::move(parsed_value).value()); } &&
                  !std::is_same_v<Target, std::string>)
      target.push_back(std::move(parsed_value).value());
    else
      target = std::move(parsed_value).value();
    return {};
  };
  return o;
}

/// A name: not empty.
template <class Target>
option name(std::string option_name, std::string value, Target& target, std::string help) {
  return parsed(std::move(option_name), std::move(value), target, std::move(help),
                [](const std::string& text) -> result<std::string> {
                  if (text.empty()) return {errc::invalid_argument, "a name is not empty"};
                  return text;
                });
}

template <class Target>
option text(std::string name, std::string value, Target& target, std::string help) {
  return parsed(std::move(name), std::move(value), target, std::move(help),
                [](const std::string& text) { return result<std::string>{text}; });
}

/// The most that a number of this type holds.
template <class Number>
constexpr std::uint64_t most() {
  if constexpr (std::is_integral_v<Number>)
    return std::numeric_limits<Number>::max();
  else
    return static_cast<std::uint64_t>(std::numeric_limits<typename Number::rep>::max());
}

/// A whole number from `min` to `max`, as an integer, a strong type or a duration.
template <class Number, class Target>
option number(std::string name, std::string value, Target& target, std::string help,
              std::uint64_t min = 0, std::uint64_t max = most<Number>()) {
  return parsed(std::move(name), std::move(value), target, std::move(help),
                [min, max](const std::string& text) -> result<Number> {
                  auto n = parse_number(text, min, max);
                  if (!n) return n.error();
                  if constexpr (std::is_integral_v<Number>)
                    return static_cast<Number>(*n);
                  else
                    return Number{static_cast<typename Number::rep>(*n)};
                });
}

/// One of a few words.
template <class Choice>
option choice(std::string name, Choice& target, std::string help,
              std::initializer_list<std::pair<std::string, std::type_identity_t<Choice>>> choices) {
  std::vector<std::pair<std::string, Choice>> known{choices};
  std::string names;
  for (const auto& [word, meaning] : known) names += (names.empty() ? "" : "|") + word;
  auto o = parsed(std::move(name), names, target, std::move(help),
                  [known, names](const std::string& typed) -> result<Choice> {
                    for (const auto& [word, meaning] : known)
                      if (word == typed) return Choice{meaning};
                    return {errc::invalid_argument, "'" + typed + "' is none of " + names};
                  });
  for (const auto& [word, meaning] : known) o.choices.push_back(word);
  o.completion = completes::choice;
  return o;
}

} // namespace carafe::shell
