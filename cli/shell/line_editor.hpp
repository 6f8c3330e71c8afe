#pragma once

#include "cli/shell/completion.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace carafe::shell {

/// Reads lines from the terminal at stdin with editing, history and Tab completion (libedit).
class line_editor {
public:
  using completer = std::function<completion(std::string_view before_cursor)>;

  enum class event : std::uint8_t {
    line,
    /// Ctrl-C: the typed line was dropped.
    interrupted,
    /// Ctrl-D, SIGTERM, SIGHUP or the terminal has gone.
    end,
  };

  /// @param prompt  Escape sequences in it stand between \1 characters.
  /// @param history Where lines are kept; empty: nowhere.
  line_editor(std::string prompt, std::filesystem::path history, completer complete);
  ~line_editor();

  /// Without its newline.
  event read(std::string& line);
  /// Adds a line to the history and its file.
  void remember(const std::string& line);

private:
  struct editing;
  std::unique_ptr<editing> editing_;
};

} // namespace carafe::shell
