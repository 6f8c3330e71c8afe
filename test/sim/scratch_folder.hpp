#pragma once

#include <filesystem>

namespace carafe::sim {

/// A folder that is gone when this is.
class scratch_folder {
public:
  scratch_folder();
  ~scratch_folder();
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
  std::filesystem::path path_;
};
/// Before the process ends without unwinding.
void remove_scratch_folders() noexcept;

} // namespace carafe::sim
