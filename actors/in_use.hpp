#pragma once

#include <carafe/result.hpp>

#include <cstddef>
#include <string>

namespace carafe {

/// Why a group that has consumers is neither deleted nor made another one.
[[nodiscard]] inline failure in_use_by(std::size_t consumers) {
  return {errc::group_in_use, consumers == 1 ? std::string{"1 consumer is in it"}
                                             : std::to_string(consumers) + " consumers are in it"};
}

} // namespace carafe
