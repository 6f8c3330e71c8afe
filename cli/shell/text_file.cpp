#include "cli/shell/text_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

/// No file that a command reads whole is larger.
constexpr std::size_t bytes_max = 64u << 20;

file_error error_of(const std::string& path, int error) {
  return {path + ": " + std::strerror(error)};
}

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      return errno;
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

} // namespace

std::variant<std::string, file_error> read_text_file(const std::string& path, int fd_of_dash) {
  const bool opened = path != "-";
  const int fd = opened ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC) : fd_of_dash;
  if (fd < 0) return error_of(path, errno);
  std::string text;
  std::string piece(64 * 1024, '\0');
  int error = 0;
  while (error == 0 && text.size() <= bytes_max) {
    const auto count = ::read(fd, piece.data(), piece.size());
    if (count == 0) break;
    if (count > 0)
      text.append(piece, 0, static_cast<std::size_t>(count));
    else if (errno != EINTR)
      error = errno;
  }
  if (opened) ::close(fd);
  if (error == 0 && text.size() > bytes_max) error = EFBIG;
  if (error != 0) return error_of(path, error);
  return text;
}

std::optional<file_error> write_text_file(const std::string& path, const std::string& text,
                                          bool overwrite) {
  struct stat there = {};
  if (overwrite && ::lstat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
    return file_error{path + ": it is no regular file, and is not replaced"};
  const auto written = overwrite ? path + ".part-" + std::to_string(::getpid()) : path;
  const int fd = ::open(written.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return error_of(written, errno);
  int error = write_all(fd, text);
  if (error == 0 && S_ISREG(there.st_mode) && ::fchmod(fd, there.st_mode & 07777) != 0)
    error = errno;
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && overwrite && std::rename(written.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return std::nullopt;
  ::unlink(written.c_str());
  return error_of(path, error);
}

} // namespace carafe::shell
