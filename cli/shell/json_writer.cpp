#include "cli/shell/json_writer.hpp"

#include "cli/shell/utf8.hpp"

#include <array>
#include <cmath>
#include <cstdio>

namespace carafe::shell {

void json_writer::separate() {
  if (comma_) out_ += ',';
}

json_writer& json_writer::open(char bracket) {
  separate();
  out_ += bracket;
  comma_ = false;
  return *this;
}

json_writer& json_writer::close(char bracket) {
  out_ += bracket;
  comma_ = true;
  return *this;
}

json_writer& json_writer::raw(std::string_view text) {
  separate();
  out_ += text;
  comma_ = true;
  return *this;
}

json_writer& json_writer::name(std::string_view name) {
  separate();
  quoted(name);
  out_ += ':';
  comma_ = false;
  return *this;
}

json_writer& json_writer::number(double value) {
  if (!std::isfinite(value)) return null();
  std::array<char, 352> buffer; // The longest double has 309 digits before the point.
  int length = std::snprintf(buffer.data(), buffer.size(), "%.3f", value);
  std::string_view text{buffer.data(), static_cast<std::size_t>(length)};
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return raw(text);
}

json_writer& json_writer::text(std::string_view value) {
  separate();
  quoted(value);
  comma_ = true;
  return *this;
}

void json_writer::quoted(std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out_ += '"';
  std::size_t plain = 0; // Start of what can be copied as it is.
  std::size_t at = 0;
  auto copy_plain = [&] { out_.append(text, plain, at - plain); };
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c >= 0x80) {
      auto next = first_character(text.substr(at));
      if (!next.valid) {
        copy_plain();
        out_ += "\xef\xbf\xbd";
        plain = at + 1;
      }
      at += next.bytes;
      continue;
    }
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
      ++at;
      continue;
    }
    copy_plain();
    switch (c) {
    case '"':
      out_ += "\\\"";
      break;
    case '\\':
      out_ += "\\\\";
      break;
    case '\n':
      out_ += "\\n";
      break;
    case '\r':
      out_ += "\\r";
      break;
    case '\t':
      out_ += "\\t";
      break;
    default:
      out_ += "\\u00";
      out_ += hex[c >> 4];
      out_ += hex[c & 15];
    }
    plain = ++at;
  }
  copy_plain();
  out_ += '"';
}

json_writer& json_writer::base64(std::string_view bytes) {
  static constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  separate();
  comma_ = true;
  out_ += '"';
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8 | (i < count ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i)
      out_ += i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
  }
  out_ += '"';
  return *this;
}

json_writer& json_writer::bytes_member(std::string_view name_text, std::string_view bytes) {
  if (is_utf8(bytes)) return name(name_text).text(bytes);
  return name(std::string{name_text} + "_base64").base64(bytes);
}

} // namespace carafe::shell
