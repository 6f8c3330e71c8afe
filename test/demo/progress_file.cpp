#include "test/demo/progress_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

namespace carafe::demo {

progress_file::progress_file(const std::string& path)
  : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
  if (fd_ < 0) throw std::runtime_error{path + ": " + std::strerror(errno)};
}

progress_file::~progress_file() { ::close(fd_); }

void progress_file::show(std::initializer_list<std::uint64_t> numbers) {
  std::string line;
  for (const auto number : numbers) {
    std::array<char, 24> text;
    std::snprintf(text.data(), text.size(), "%20llu ", static_cast<unsigned long long>(number));
    line += text.data();
  }
  line += '\n';
  if (::pwrite(fd_, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size()))
    throw std::runtime_error{std::string{"progress file: "} + std::strerror(errno)};
}

} // namespace carafe::demo
