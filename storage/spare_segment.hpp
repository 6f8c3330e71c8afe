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
  spare_segment(const std::filesystem::path& folder, std::uint64_t segment_bytes);

  [[nodiscard]] bool is_there() const noexcept { return there_; }

  /// Takes the space, if `reserve_bytes` stay free on the file system.
  /// @returns Whether it is there. On a file system that cannot reserve space: whether it is free
  ///          now, which is all that can be had.
  bool take(std::uint64_t reserve_bytes);

  /// Makes it the empty file `path`, where there is none, if it is there.
  void become(const std::filesystem::path& path);

private:
  std::filesystem::path path_;
  std::uint64_t segment_bytes_;
  bool there_ = false;
  bool cannot_reserve_ = false;
};

} // namespace carafe::storage
