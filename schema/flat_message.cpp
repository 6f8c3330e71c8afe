#include "schema/flat_message.hpp"

#include <string_view>

namespace carafe {

std::string why_unreadable(const kj::Exception& what) {
  const auto description = what.getDescription();
  std::string_view text{description.begin(), description.size()};
  // `expected CONDITION [VALUES]; SENTENCE`, or only a sentence.
  if (text.starts_with("expected ")) {
    const auto sentence = text.rfind("; ");
    text = sentence == text.npos ? "it is not well formed" : text.substr(sentence + 2);
  }
  return "not a Cap'n Proto message: " + std::string{text};
}

} // namespace carafe
