#pragma once

#include <carafe/result.hpp>

#include <cstddef>
#include <string>

namespace carafe {

/// Why a group that has consumers is not deleted.
[[nodiscard]] inline failure in_use_by(std::size_t consumers) {
  return {errc::group_in_use, consumers == 1 ? std::string{"1 consumer is in it"}
                                             : std::to_string(consumers) + " consumers are in it"};
}

/// Why one that has consumers gets no mode that these do not know.
[[nodiscard]] inline failure mode_in_use_by(std::size_t consumers) {
  auto why = in_use_by(consumers);
  why.detail += ", who could not go on in another mode; stop them first";
  return why;
}

/// What those are told who come to a group's actor that serves nobody any more.
[[nodiscard]] inline failure deleted_just_now(const std::string& group) {
  return {errc::group_unknown, group + " was deleted just now"};
}
/// In a moment another actor serves the group.
[[nodiscard]] inline failure changed_just_now(const std::string& group) {
  return {errc::shard_unavailable, group + " is being changed"};
}

} // namespace carafe
