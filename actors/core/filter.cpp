#include "actors/core/filter.hpp"

#include "actors/core/filter_grammar.hpp"
#include "actors/core/filter_machine.hpp"

#include <algorithm>
#include <string>

namespace carafe::core {

using namespace filters;

namespace {

constexpr std::uint16_t not_wanted = 0xffff;

[[nodiscard]] value text_or_null(std::string_view text) noexcept {
  return text.empty() ? value::null() : value::of(text);
}

/// A message on its own.
struct message_row {
  const program& of;
  const message_view& message;

  [[nodiscard]] value tag() const noexcept { return text_or_null(message.tag); }
  [[nodiscard]] value key() const noexcept { return text_or_null(message.key); }
  [[nodiscard]] value property(std::uint16_t number) const noexcept {
    auto found = value::null();
    for (const auto& [name, text] : message.properties)
      if (name == of.properties[number]) found = value::of(text); // The last of a name counts.
    return found;
  }
};

/// A message among others of its batch.
class batch_row {
public:
  batch_row(const program& of, const batch_reader& batch)
    : batch_(batch), wanted_(batch.names().size()), places_(of.properties.size()) {
    std::transform(
      batch.names().begin(), batch.names().end(), wanted_.begin(),
      [&](std::string_view name) { return of.property_of(name).value_or(not_wanted); });
    any_wanted_ =
      std::any_of(wanted_.begin(), wanted_.end(), [](auto w) { return w != not_wanted; });
  }

  /// Whether messages can differ in a property that is looked at.
  [[nodiscard]] bool any_wanted() const noexcept { return any_wanted_; }

  void go_to(std::uint32_t at) noexcept {
    at_ = at;
    properties_found_ = !any_wanted_;
  }

  [[nodiscard]] value tag() const { return text_or_null(batch_.tag(at_)); }
  [[nodiscard]] value key() const { return text_or_null(batch_.key(at_)); }
  [[nodiscard]] value property(std::uint16_t number) {
    if (!properties_found_) find_properties();
    const auto place = places_[number];
    return place == 0 ? value::null() : value::of(batch_.property_value(place - 1));
  }

private:
  void find_properties() {
    properties_found_ = true;
    std::fill(places_.begin(), places_.end(), 0u);
    const auto range = batch_.properties(at_);
    for (auto place = range.first; place < range.end; ++place) {
      const auto number = wanted_[batch_.property_name(place)];
      if (number != not_wanted) places_[number] = place + 1; // The last of a name counts.
    }
  }

  const batch_reader& batch_;
  /// For each name of the batch which of the program's properties it is.
  std::vector<std::uint16_t> wanted_;
  /// For each of the program's properties the message's place of it, plus 1; 0: it has none.
  std::vector<std::uint32_t> places_;
  bool any_wanted_ = false;
  bool properties_found_ = false;
  std::uint32_t at_ = 0;
};

} // namespace

result<filter> filter::parse(filter_kind kind, std::string_view text) {
  if (text.size() > filter_bytes_max)
    return {errc::filter_invalid, std::to_string(text.size()) + " bytes; a filter has at most " +
                                    std::to_string(filter_bytes_max)};
  auto parsed = kind == filter_kind::tags ? parse_tags(text) : parse_sql(text);
  if (!parsed) return parsed.error();
  return filter{std::move(*parsed)};
}

bool filter::matches(const message_view& message) const {
  auto row = message_row{program_, message};
  return machine{program_, row}.run() == truth::yes;
}

void filter::select(const batch_reader& batch, std::vector<message_run>& out) const {
  out.clear();
  auto row = batch_row{program_, batch};
  const auto matches_at = [&](std::uint32_t at) {
    row.go_to(at);
    return machine{program_, row}.run() == truth::yes;
  };
  const auto all_alike = !row.any_wanted() && !program_.uses_tag && !program_.uses_key;
  if (all_alike) {
    if (matches_at(0)) out.push_back({0, batch.count()});
    return;
  }
  for (std::uint32_t at = 0; at < batch.count(); ++at) {
    if (!matches_at(at)) continue;
    if (!out.empty() && out.back().first + out.back().count == at) {
      ++out.back().count;
    } else {
      out.push_back({at, 1});
    }
  }
}

} // namespace carafe::core
