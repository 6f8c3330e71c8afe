#pragma once

/// Disk space for a log's next segment, taken before it is needed.

#include "storage/file.hpp"

#include <cstdint>
#include <filesystem>

namespace carafe::storage {

/// An empty file that owns the disk blocks of a segment, so that a log can go on in a new one
/// although the disk has become full meanwhile. Kept over restarts.
class spare_segment {
public:
  /// @param reserve_bytes  What is to stay free on the file system, for everything else.
  spare_segment(const std::filesystem::path& folder, std::uint64_t segment_bytes,
                std::uint64_t reserve_bytes);

  [[nodiscard]] bool is_there() const noexcept { return there_; }

  /// Takes the space, if there is enough.
  void take();

  /// Makes it the empty file `path`, where there is none, if it is there.
  void become(const std::filesystem::path& path);

private:
  std::filesystem::path path_;
  std::uint64_t segment_bytes_;
  std::uint64_t reserve_bytes_;
  bool there_ = false;
};

} // namespace carafe::storage
