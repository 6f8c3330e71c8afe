#include "config/ini_file.hpp"

#include <caf/detail/parser/read_ini.hpp>
#include <caf/parser_state.hpp>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace carafe::config {

namespace {

constexpr std::size_t file_bytes_max = 1 << 20;
constexpr std::size_t depth_max = 32;

/// Leaves CAF's parser, which recurses and has no limit of its own; never leaves this file.
struct nested_too_deep {};

/// Gets what CAF's parser finds. Only the scopes below use it.
struct collector {
  std::string_view text;
  const caf::string_parser_state* at = nullptr;
  ini_file found;
  /// The last one seen, for errors in its value.
  std::string key;

  /// CAF's own count misses a newline at the very start.
  [[nodiscard]] std::size_t line() const {
    return 1 + static_cast<std::size_t>(std::count(text.data(), at->i, '\n'));
  }
};

/// A map, a section or a list: the shape that CAF's parser expects of its consumers.
class scope {
public:
  explicit scope(collector& out) : out_(out) {}

  void key(std::string name) {
    key_ = prefix_.empty() ? std::move(name) : prefix_ + "." + name;
    line_ = out_.line();
    if (!is_muted_) out_.key = key_;
  }

  scope begin_map() {
    scope inner{out_, this};
    // Keys before the first section are in a section that CAF calls "global".
    if (parent_ != nullptr || key_ != "global") inner.prefix_ = key_;
    // No setting is a list of maps, so what such a map holds does not matter.
    inner.is_muted_ = is_muted_ || is_list_;
    if (!inner.is_muted_ && !inner.prefix_.empty())
      out_.found.sections.push_back({inner.prefix_, line_});
    return inner;
  }

  scope begin_list() {
    scope inner{out_, this};
    inner.is_muted_ = is_muted_;
    inner.is_list_ = true;
    return inner;
  }

  void end_map() {
    if (parent_->is_list_) parent_->value(caf::config_value::dictionary{});
  }

  void end_list() { parent_->value(std::move(items_)); }

  template <class T>
  void value(T&& x) {
    caf::config_value wrapped{std::forward<T>(x)};
    if (is_list_)
      items_.push_back(std::move(wrapped));
    else if (!is_muted_)
      out_.found.entries.push_back({key_, std::move(wrapped), line_});
  }

private:
  scope(collector& out, scope* parent) : out_(out), parent_(parent), depth_(parent->depth_ + 1) {
    if (depth_ > depth_max) throw nested_too_deep{};
  }

  collector& out_;
  scope* parent_ = nullptr;
  std::size_t depth_ = 0;
  std::string prefix_;
  std::string key_;
  std::size_t line_ = 0;
  bool is_muted_ = false;
  bool is_list_ = false;
  caf::config_value::list items_;
};

/// @param key  The last one seen; maybe none.
std::string reason(const caf::string_parser_state& state, const std::string& key) {
  switch (state.code) {
  case caf::pec::unexpected_eof:
    return "the file ends in the middle of something";
  case caf::pec::unexpected_newline:
    return "the line ends in the middle of something";
  case caf::pec::fractional_timespan:
    return "a duration must be a whole number";
  case caf::pec::too_many_characters:
    return "an atom has at most 10 characters";
  default:
    return std::string{"unexpected character '"} + state.current() + "'" +
           (key.empty() ? "" : ", the last key before it is " + key) +
           "; texts stand in double quotes";
  }
}

bool is_overflow(caf::pec code) {
  return code == caf::pec::integer_overflow || code == caf::pec::integer_underflow ||
         code == caf::pec::timespan_overflow || code == caf::pec::exponent_overflow ||
         code == caf::pec::exponent_underflow;
}

result<void> refuse_duplicates(const ini_file& file, std::string_view name) {
  std::unordered_map<std::string_view, std::size_t> lines;
  for (const auto& entry : file.entries) {
    const auto [first, is_new] = lines.emplace(entry.key, entry.line);
    if (!is_new)
      return {errc::config_unreadable, entry.key + " is set twice (" + place(name, first->second) +
                                         " and " + place(name, entry.line) + "); keep one of them"};
  }
  return {};
}

} // namespace

std::string place(std::string_view name, std::size_t line) {
  return std::string{name} + ":" + std::to_string(line);
}

result<ini_file> parse_ini(std::string_view text, std::string_view name) {
  // CAF's parser takes a NUL for the end and would pass over all that follows.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    const auto before = text.substr(0, nul);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return {errc::config_unreadable,
            place(name, static_cast<std::size_t>(line)) + ": not a text file (NUL byte)"};
  }
  if (text.empty()) return ini_file{};
  const caf::string_view caf_text{text.data(), text.size()};
  caf::string_parser_state state{caf_text.begin(), caf_text.end()};
  collector out{text, &state, {}, {}};
  try {
    caf::detail::parser::read_ini(state, scope{out});
  } catch (const nested_too_deep&) {
    return {errc::config_unreadable, place(name, out.line()) + ": nested too deep"};
  }
  if (state.code != caf::pec::success) {
    const auto where = place(name, out.line());
    if (is_overflow(state.code))
      return {errc::config_out_of_range,
              out.key + " (" + where + "): the number is out of range for every setting"};
    return {errc::config_unreadable, where + ": " + reason(state, out.key)};
  }
  if (auto checked = refuse_duplicates(out.found, name); !checked) return checked.error();
  return std::move(out.found);
}

result<ini_file> read_ini(const std::string& path) {
  auto unreadable = [&path](const std::string& why) {
    return failure{errc::config_unreadable, path + ": " + why};
  };
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (!in) return unreadable(std::generic_category().message(errno));
  std::string text(file_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return unreadable(std::generic_category().message(errno));
  if (!in.eof()) return unreadable("longer than " + std::to_string(file_bytes_max) + " bytes");
  text.resize(static_cast<std::size_t>(in.gcount()));
  // Files from other systems end their lines with CR LF, which CAF's parser does not take.
  std::string lines;
  lines.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') lines += text[i];
  return parse_ini(lines, path);
}

} // namespace carafe::config
