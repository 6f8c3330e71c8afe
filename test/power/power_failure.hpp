#pragma once

/// Whether a node that starts on what the disk kept keeps what a client had been promised.

#include "test/power/recording.hpp"
#include "test/power/told.hpp"

#include <filesystem>
#include <string>

namespace carafe::power {

struct image_check {
  std::string program;
  std::string recorder;
  /// Holds `node`, the directory to start on.
  std::filesystem::path folder;
};

/// Starts the node on an image and reads everything.
/// @throws sim::broken
void check_image(const image_check& where, const recording& r, const told& t);

} // namespace carafe::power
