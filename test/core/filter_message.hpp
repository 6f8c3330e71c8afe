#pragma once

/// Messages for tests of filters.

#include "actors/core/filter.hpp"
#include "schema/batch.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::test {

using property_list = std::vector<std::pair<std::string, std::string>>;

/// What a filter can look at.
struct filtered_message {
  property_list properties;
  std::string tag;
  std::string key;

  /// Calls `look(message_view)`.
  template <class Look>
  auto as_view(Look look) const {
    const std::vector<std::pair<std::string_view, std::string_view>> list(properties.begin(),
                                                                          properties.end());
    auto view = message_view{};
    view.tag = tag;
    view.key = key;
    view.body = "body";
    view.properties = list;
    return look(view);
  }
};

[[nodiscard]] inline bool matches(const core::filter& f, const filtered_message& message) {
  return message.as_view([&](const message_view& view) { return f.matches(view); });
}

[[nodiscard]] inline core::filter sql(std::string_view text) {
  auto parsed = core::filter::parse(core::filter_kind::sql, text);
  INFO(text << ": " << (parsed ? "" : parsed.error().detail));
  REQUIRE(parsed.ok());
  return *parsed;
}

/// A filter tells only what is true: an expression whose opposite is not true either is unknown.
[[nodiscard]] inline std::string_view verdict(std::string_view text,
                                              const filtered_message& message) {
  if (matches(sql(text), message)) return "TRUE";
  return matches(sql("NOT (" + std::string{text} + ")"), message) ? "FALSE" : "UNKNOWN";
}

} // namespace carafe::test
