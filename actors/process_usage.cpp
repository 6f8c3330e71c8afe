#include "actors/process_usage.hpp"

#include <fstream>
#include <string>
#include <sys/resource.h>

namespace carafe {

namespace {

/// The number after `name` in a file of lines "name: number …".
std::uint64_t number_in(const char* path, const std::string& name) {
  std::ifstream file{path};
  for (std::string word; file >> word;) {
    std::uint64_t number = 0;
    if (word == name && file >> number) return number;
  }
  return 0;
}

std::uint64_t ms_of(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000 +
         static_cast<std::uint64_t>(time.tv_usec) / 1'000;
}

} // namespace

process_usage usage_of_this_process() {
  constexpr std::uint64_t kib = 1'024;
  process_usage used;
  rusage counted{};
  ::getrusage(RUSAGE_SELF, &counted);
  used.cpu_ms = ms_of(counted.ru_utime) + ms_of(counted.ru_stime);
  used.memory_bytes = number_in("/proc/self/status", "RssAnon:") * kib;
  // Not write_bytes: that counts a whole folio of the page cache whenever a page of it is dirtied.
  used.disk_written_bytes = number_in("/proc/self/io", "wchar:");
  return used;
}

} // namespace carafe
