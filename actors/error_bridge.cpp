#include "actors/error_bridge.hpp"

#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

#include <string>

namespace carafe {

namespace {

constexpr auto category = caf::atom("carafe");

/// CAF's own word for why an actor ended or a request failed.
std::string name_of(const caf::error& why) {
  if (why.category() == caf::atom("exit"))
    return to_string(static_cast<caf::exit_reason>(why.code()));
  if (why.category() == caf::atom("system")) return to_string(static_cast<caf::sec>(why.code()));
  return "code " + std::to_string(why.code());
}

} // namespace

caf::error to_caf(const failure& why) {
  static_assert(static_cast<int>(errc::config_unreadable) < 256, "caf::error's code has 8 bits");
  return caf::error{static_cast<std::uint8_t>(why.code), category, caf::make_message(why.detail)};
}

failure from_caf(const caf::error& why) {
  if (why.category() == category) {
    std::string detail;
    if (why.context().match_elements<std::string>()) detail = why.context().get_as<std::string>(0);
    return {errc_from_number(why.code()), std::move(detail)};
  }
  if (why == caf::sec::request_timeout) return {errc::timeout, "inside the node"};
  if (why == caf::sec::request_receiver_down)
    return {errc::shutting_down, "the part of the node that would answer has stopped"};
  return {errc::internal, name_of(why)};
}

} // namespace carafe
