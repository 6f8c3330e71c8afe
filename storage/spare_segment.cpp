#include "storage/spare_segment.hpp"

#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>

namespace carafe::storage {

namespace {

constexpr const char* spare_name = "spare.segment";
/// Of `stat`.
constexpr std::uint64_t block_bytes = 512;

bool owns(const std::filesystem::path& path, std::uint64_t bytes) {
  struct stat about {};
  return ::stat(path.c_str(), &about) == 0 &&
         static_cast<std::uint64_t>(about.st_blocks) * block_bytes >= bytes;
}

} // namespace

spare_segment::spare_segment(const std::filesystem::path& folder, std::uint64_t segment_bytes)
  : path_(folder / spare_name), segment_bytes_(segment_bytes), there_(owns(path_, segment_bytes)) {}

bool spare_segment::take(std::uint64_t reserve_bytes) {
  if (there_) return true;
  const auto free = free_space(path_.parent_path());
  if (!free || *free < segment_bytes_ + reserve_bytes) return false;
  if (cannot_reserve_) return true;
  auto made = file::open(path_, O_CREAT | O_RDWR);
  const bool reserved = made && made->reserve_behind(segment_bytes_);
  there_ = reserved && owns(path_, segment_bytes_);
  if (there_) return true;
  // Whatever was in the way of it is met, and told, when it is needed.
  static_cast<void>(remove_file(path_));
  // A file system that cannot reserve says that it did.
  cannot_reserve_ = reserved;
  return reserved;
}

void spare_segment::become(const std::filesystem::path& path) {
  if (there_) static_cast<void>(std::rename(path_.c_str(), path.c_str()));
  there_ = false;
}

} // namespace carafe::storage
