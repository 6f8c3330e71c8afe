#include "config/system_config.hpp"

#include <caf/deep_to_string.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <system_error>
#include <thread>

namespace carafe::config {

namespace {

/// CAF divides by these, or stands still without them.
constexpr std::array<std::string_view, 6> not_zero{"scheduler.max-threads",
                                                   "scheduler.max-throughput",
                                                   "middleman.max-consecutive-reads",
                                                   "work-stealing.aggressive-steal-interval",
                                                   "work-stealing.moderate-steal-interval",
                                                   "work-stealing.relaxed-steal-interval"};

struct caf_words {
  std::string_view key;
  std::string_view allowed;
};

/// CAF replaces other words by its default.
constexpr std::array<caf_words, 2> words{
  {{"scheduler.policy", "'stealing' 'sharing'"}, {"middleman.network-backend", "'default'"}}};

caf::string_view to_caf(std::string_view text) { return {text.data(), text.size()}; }
std::string to_std(caf::string_view text) { return {text.begin(), text.end()}; }

std::string timespan_text(caf::timespan time) {
  const auto ns = time.count();
  if (ns % 1'000'000'000 == 0) return std::to_string(ns / 1'000'000'000) + "s";
  if (ns % 1'000'000 == 0) return std::to_string(ns / 1'000'000) + "ms";
  if (ns % 1'000 == 0) return std::to_string(ns / 1'000) + "us";
  return std::to_string(ns) + "ns";
}

std::string about_key(std::string_view key, std::string_view where) {
  return std::string{key}.append(" (").append(where).append("): ");
}

failure wrong_type(const caf::config_option& option, const std::string& found,
                   std::string_view where) {
  return {errc::config_wrong_type, about_key(to_std(option.full_name()), where) + "expected " +
                                     to_std(option.type_name()) + ", found " + found};
}

bool needs_some(std::string_view key) {
  return std::find(not_zero.begin(), not_zero.end(), key) != not_zero.end();
}

failure out_of_range(std::string_view key, const caf::config_value& value, std::string_view allowed,
                     std::string_view where) {
  return {errc::config_out_of_range, about_key(key, where) + caf_text(value) +
                                       " is out of range; allowed: " + std::string{allowed}};
}

/// What CAF does not check itself.
result<void> check_range(std::string_view key, const caf::config_value& value,
                         std::string_view where) {
  const auto* number = caf::get_if<std::int64_t>(&value);
  const auto* time = caf::get_if<caf::timespan>(&value);
  if (number && *number == 0 && needs_some(key)) return out_of_range(key, value, "1..", where);
  if (time && time->count() < 0) return out_of_range(key, value, "0s..", where);
  for (const auto& word : words)
    if (word.key == key && word.allowed.find(caf_text(value)) == std::string_view::npos)
      return out_of_range(key, value, word.allowed, where);
  return {};
}

} // namespace

std::string caf_text(const caf::config_value& value) {
  // CAF's own text of a duration is rounded.
  if (const auto* time = caf::get_if<caf::timespan>(&value)) return timespan_text(*time);
  return caf::deep_to_string(value);
}

system_config::system_config() {
  config_file_path.clear();
  // A thread without work sleeps at once, and work for it wakes it. Without any it looks every
  // 200 ms (CAF: 10 ms) what it could take from others: an idle node costs a tenth as much.
  set("work-stealing.moderate-poll-attempts", 0);
  set("work-stealing.relaxed-sleep-duration", caf::timespan{std::chrono::milliseconds{200}});
  // CAF would take four on smaller machines.
  set("scheduler.max-threads", std::uint64_t{std::max(2u, std::thread::hardware_concurrency())});
  set("middleman.workers", 0);
}

const caf::config_option* system_config::find_caf(std::string_view key) const {
  const auto dot = key.find('.');
  if (dot == std::string_view::npos) return nullptr;
  // "global" holds CAF's command line flags (help and so on), of which ours take the place.
  if (key.substr(0, dot) == "global") return nullptr;
  return custom_options_.qualified_name_lookup(to_caf(key.substr(0, dot)),
                                               to_caf(key.substr(dot + 1)));
}

bool system_config::has_caf_section(std::string_view name) const {
  return name != "global" &&
         std::any_of(custom_options_.begin(), custom_options_.end(),
                     [name](const auto& option) { return option.category() == to_caf(name); });
}

std::vector<std::string> system_config::caf_keys() const {
  std::vector<std::string> keys;
  for (const auto& option : custom_options_)
    if (option.category() != "global") keys.push_back(to_std(option.full_name()));
  return keys;
}

result<void> system_config::set_caf(std::string_view key, const caf::config_value& value,
                                    std::string_view where) {
  const auto* option = find_caf(key);
  if (option == nullptr) return {errc::config_unknown_key, about_key(key, where) + "unknown"};
  const auto found = std::string{value.type_name()} + " " + caf_text(value);
  if (option->check(value)) {
    const bool is_number = caf::holds_alternative<std::int64_t>(value);
    if (is_number && option->type_name() == "uint64")
      return out_of_range(key, value, needs_some(key) ? "1.." : "0..", where);
    return wrong_type(*option, found, where);
  }
  if (auto checked = check_range(key, value, where); !checked) return checked;
  set(to_caf(key), value);
  return {};
}

result<void> system_config::set_caf_text(std::string_view key, std::optional<std::string_view> text,
                                         std::string_view where) {
  const auto* option = find_caf(key);
  if (option == nullptr) return {errc::config_unknown_key, about_key(key, where) + "unknown"};
  if (!text) {
    if (option->is_flag()) return set_caf(key, caf::config_value{true}, where);
    return wrong_type(*option, "nothing; write --" + std::string{key} + "=VALUE", where);
  }
  if (option->type_name() == "uint64") {
    std::int64_t number = 0;
    const auto* end = text->data() + text->size();
    const auto [at, error] = std::from_chars(text->data(), end, number);
    if (at == end && error == std::errc{}) return set_caf(key, caf::config_value{number}, where);
  }
  auto value = option->parse(to_caf(*text));
  if (!value) return wrong_type(*option, "\"" + std::string{*text} + "\"", where);
  return set_caf(key, *value, where);
}

std::string system_config::caf_help() const {
  std::string text;
  for (const auto& option : custom_options_) {
    if (option.category() == "global") continue;
    text += "  --" + to_std(option.full_name()) + "=<" + to_std(option.type_name()) + ">\n      " +
            to_std(option.description()) + "\n";
  }
  return text;
}

} // namespace carafe::config
