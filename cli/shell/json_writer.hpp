#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

/// Writes one JSON value after another to the end of a string, in the order of the calls.
///
/// Messages are written straight from where they lie into the output's buffer: `consume` prints
/// hundreds of thousands a second.
class json_writer {
public:
  explicit json_writer(std::string& out) : out_(out) {}

  json_writer& begin_object() { return open('{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array() { return open('['); }
  json_writer& end_array() { return close(']'); }

  /// The name of the member whose value comes next.
  json_writer& name(std::string_view name);

  json_writer& null() { return raw("null"); }
  json_writer& boolean(bool value) { return raw(value ? "true" : "false"); }
  json_writer& number(std::uint64_t value) { return raw(std::to_string(value)); }
  json_writer& number(std::int64_t value) { return raw(std::to_string(value)); }
  /// At most 3 digits behind the point. What JSON cannot hold (infinity) is null.
  json_writer& number(double value);
  /// Bytes that are not UTF-8 come out as U+FFFD.
  json_writer& text(std::string_view value);
  json_writer& base64(std::string_view bytes);

  /// A member: `"name": value` if `bytes` is UTF-8, else `"name_base64": "..."`.
  json_writer& bytes_member(std::string_view name, std::string_view bytes);

private:
  json_writer& open(char bracket);
  json_writer& close(char bracket);
  json_writer& raw(std::string_view text);
  void separate();
  void quoted(std::string_view text);

  std::string& out_;
  bool comma_ = false;
};

} // namespace carafe::shell
