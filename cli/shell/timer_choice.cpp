#include "cli/shell/timer_choice.hpp"

#include "cli/shell/value_syntax.hpp"

#include <array>

namespace carafe::shell {

namespace {

using namespace std::chrono_literals;

constexpr std::array<std::chrono::milliseconds, 18> delay_levels{
  1s,   5s,   10s,  30s,  1min,  2min,  3min,  4min, 5min,
  6min, 7min, 8min, 9min, 10min, 20min, 30min, 1h,   2h};

} // namespace

std::vector<option> timer_options(timer_choice& choice) {
  return {text("TOPIC", "", choice.topic, "The topic.").must().completed_by(completes::topic),
          parsed("--id", "ID", choice.id, "The message with this id, as its receipt shows it.",
                 parse_message_id),
          name("--name", "NAME", choice.name, "All with this name (produce --timer-name).")};
}

result<client::timer_selection> selection_of(const timer_choice& choice) {
  if (choice.id.has_value() == choice.name.has_value())
    return {errc::invalid_argument, "give --id or --name, one of them"};
  if (choice.id) return client::timer_selection{choice.topic, *choice.id};
  return client::timer_selection{choice.topic, *choice.name};
}

result<client::message_id> parse_message_id(std::string_view text) {
  if (const auto id = client::message_id_from(text)) return *id;
  return {errc::invalid_argument, "'" + std::string{text} +
                                    "' is no message id; a receipt shows one, such as "
                                    "0123456789abcdef-42"};
}

result<std::chrono::milliseconds> parse_delay(std::string_view text) {
  constexpr std::string_view level = "level";
  if (!text.starts_with(level)) return parse_duration(text);
  const auto number = parse_number(text.substr(level.size()), 1, delay_levels.size());
  if (!number)
    return {errc::invalid_argument,
            "'" + std::string{text} + "' is no delay level; there are level1 to level18"};
  return delay_levels[*number - 1];
}

result<unix_ms> parse_instant(std::string_view text) {
  if (text.starts_with('-'))
    return {errc::invalid_argument,
            "'" + std::string{text} + "' is a time ago; give one such as 2026-11-22T10:00:00Z"};
  return parse_time(text, unix_ms{0});
}

} // namespace carafe::shell
