#pragma once

#include "cli/shell/console.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace carafe::shell {

struct progress {
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t messages = 0;
  /// If it is known, it tells how far it is, and not the bytes.
  std::uint64_t messages_total = 0;
  double seconds = 0;
};

/// "[=======>     ]  58%  1,234,567 messages  410,000/s  39.1 MiB/s  12 s left", at most `columns`.
[[nodiscard]] std::string progress_line(const progress& p, std::size_t columns);

/// One line on the terminal at stderr, redrawn a few times a second.
class progress_bar {
public:
  /// Without a terminal at stderr nothing is ever drawn. @param total Its totals count.
  progress_bar(console& terminal, progress total);
  ~progress_bar() { clear(); }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  void update(std::uint64_t bytes, std::uint64_t messages);
  /// Takes the line away, so that something else can be written.
  void clear();

private:
  using clock = std::chrono::steady_clock;

  console& terminal_;
  const progress total_;
  const clock::time_point begun_ = clock::now();
  std::optional<clock::time_point> drawn_;
};

} // namespace carafe::shell
