#pragma once

/// Internal to schema/: what a text on the wire may be.

#include <string>
#include <string_view>

namespace carafe {

/// Whether `text` is well-formed UTF-8 (RFC 3629: shortest forms, no surrogates) without a NUL.
[[nodiscard]] bool is_wire_text(std::string_view text) noexcept;

/// `text` with every byte that `is_wire_text` objects to replaced by '?'.
[[nodiscard]] std::string to_wire_text(std::string_view text);

} // namespace carafe
