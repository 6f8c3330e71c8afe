#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

namespace carafe::demo {

/// Numbers of a running program in one line of fixed width, for a script to read at any time.
class progress_file {
public:
  /// @throws std::runtime_error
  explicit progress_file(const std::string& path);
  ~progress_file();
  progress_file(const progress_file&) = delete;
  progress_file& operator=(const progress_file&) = delete;

  void show(std::initializer_list<std::uint64_t> numbers);

private:
  int fd_;
};

} // namespace carafe::demo
