#pragma once

#include "cli/shell/table.hpp"

#include <carafe/result.hpp>

#include <string>
#include <string_view>

namespace carafe::shell {

/// How a command ended, as the process's exit code.
enum class exit_code : int { ok = 0, failed = 1, usage = 2 };

struct streams {
  int in = 0;
  int out = 1;
  int err = 2;
};

/// The three streams of a command and what is at their other ends.
class console {
public:
  /// Looks at the streams and at NO_COLOR and TERM.
  explicit console(streams s);

  [[nodiscard]] int in() const noexcept { return streams_.in; }
  [[nodiscard]] bool in_is_terminal() const noexcept { return in_is_terminal_; }
  [[nodiscard]] bool out_is_terminal() const noexcept { return out_is_terminal_; }
  [[nodiscard]] bool err_is_terminal() const noexcept { return err_is_terminal_; }
  /// Whether stdout wants colours.
  [[nodiscard]] bool colours() const noexcept { return out_colours_; }
  [[nodiscard]] bool err_colours() const noexcept { return err_colours_; }
  /// Columns of the terminal at stderr; 80 if there is none.
  [[nodiscard]] std::size_t err_columns() const noexcept;

  /// Writes all of `text` to stdout at once, waiting while its reader is slow. After the first
  /// error it writes nothing more.
  /// @returns Whether it was written.
  bool write(std::string_view text);
  /// To stderr; what fails there cannot be told anybody.
  void write_error(std::string_view text);

  /// Whether stdout's reader has gone, also when nothing was written since.
  [[nodiscard]] bool out_closed() noexcept;
  /// errno of the write that failed, 0 if none did; EPIPE when the reader has gone.
  [[nodiscard]] int out_error() const noexcept { return out_error_; }

  /// Asks a yes-or-no question on the terminal; anything but `y` or `yes` is no.
  bool ask(std::string_view question);

private:
  streams streams_;
  bool in_is_terminal_ = false;
  bool out_is_terminal_ = false;
  bool err_is_terminal_ = false;
  bool out_colours_ = false;
  bool err_colours_ = false;
  int out_error_ = 0;
};

/// "carafe: topic_unknown: ... (orders)" or, with `json`, {"error":{"code":...,"detail":...}}.
void report(console& out, bool json, std::string_view code, std::string_view sentence,
            std::string_view detail);
void report(console& out, bool json, const failure& why);

} // namespace carafe::shell
