#include "actors/core/filter_like.hpp"

namespace carafe::core::filters {
namespace {

constexpr auto nowhere = std::string_view::npos;
constexpr std::size_t costly_text_bytes_max = 4'096;

/// Past the character that begins at `from`.
[[nodiscard]] std::size_t past_character(std::string_view text, std::size_t from) noexcept {
  do ++from;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xc0u) == 0x80u);
  return from;
}

} // namespace

std::optional<like_pattern> like_pattern::of(std::string_view pattern, std::optional<char> escape) {
  like_pattern out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    auto c = pattern[i];
    if (escape && c == *escape) {
      if (++i == pattern.size()) return std::nullopt;
      c = pattern[i];
      if (c != '%' && c != '_' && c != *escape) return std::nullopt;
      out.add(c, false);
    } else if (c == '%') {
      out.parts_.emplace_back();
    } else {
      out.add(c, c == '_');
    }
  }
  return out;
}

void like_pattern::add(char c, bool any) {
  auto& to = parts_.back();
  if (any && to.any.empty()) to.any.resize(to.bytes.size());
  any_behind_gap_ |= any && parts_.size() > 1;
  to.bytes += c;
  if (any || !to.any.empty()) to.any.push_back(any);
}

/// Where the part ends that begins at `from`, or nowhere.
std::size_t like_pattern::end_of(const part& p, std::string_view text, std::size_t from) noexcept {
  if (p.any.empty())
    return text.substr(from).starts_with(p.bytes) ? from + p.bytes.size() : nowhere;
  for (std::size_t i = 0; i < p.bytes.size(); ++i) {
    if (from == text.size()) return nowhere;
    if (p.any[i]) {
      from = past_character(text, from);
    } else if (text[from++] != p.bytes[i]) {
      return nowhere;
    }
  }
  return from;
}

/// The part's first place from `from` on is where it ends first, too: so it is never taken back.
std::size_t like_pattern::end_of_first(const part& p, std::string_view text,
                                       std::size_t from) noexcept {
  if (p.any.empty()) {
    const auto at = text.find(p.bytes, from);
    return at == nowhere ? nowhere : at + p.bytes.size();
  }
  for (; from < text.size(); ++from) {
    if (const auto end = end_of(p, text, from); end != nowhere) return end;
  }
  return nowhere;
}

bool like_pattern::ends_with(const part& p, std::string_view text, std::size_t from) noexcept {
  if (p.any.empty()) return text.substr(from).ends_with(p.bytes);
  for (; from < text.size(); ++from) {
    if (end_of(p, text, from) == text.size()) return true;
  }
  return false;
}

std::size_t like_pattern::text_bytes_max() const noexcept {
  return any_behind_gap_ ? costly_text_bytes_max : nowhere;
}

bool like_pattern::matches(std::string_view text) const noexcept {
  auto at = end_of(parts_.front(), text, 0);
  if (parts_.size() == 1) return at == text.size();
  for (std::size_t i = 1; i + 1 < parts_.size() && at != nowhere; ++i)
    at = end_of_first(parts_[i], text, at);
  return at != nowhere && ends_with(parts_.back(), text, at);
}

} // namespace carafe::core::filters
