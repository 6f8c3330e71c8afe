#include "cli/shell/line_editor.hpp"

#include "cli/shell/utf8.hpp"

#include <histedit.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

constexpr int history_lines = 1'000;

std::atomic<int> pending_signal = 0;
/// Readable while a signal is pending, whichever thread took it and whatever the editor was doing.
std::atomic<int> signal_event = -1;

extern "C" void carafe_editor_on_signal(int signal) {
  const int kept = errno;
  pending_signal.store(signal);
  const std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(signal_event, &one, sizeof one);
  errno = kept;
}

int take_signal() {
  std::uint64_t count = 0;
  [[maybe_unused]] auto got = ::read(signal_event, &count, sizeof count);
  return pending_signal.exchange(0);
}

/// While a line is read, signals are for the editor.
class editor_signals {
public:
  editor_signals() {
    if (signal_event < 0) signal_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct sigaction action = {};
    action.sa_handler = carafe_editor_on_signal;
    for (std::size_t at = 0; at < watched.size(); ++at)
      ::sigaction(watched[at], &action, &before_[at]);
  }
  ~editor_signals() {
    for (std::size_t at = 0; at < watched.size(); ++at)
      ::sigaction(watched[at], &before_[at], nullptr);
  }
  editor_signals(const editor_signals&) = delete;
  editor_signals& operator=(const editor_signals&) = delete;

private:
  static constexpr std::array<int, 4> watched{SIGINT, SIGTERM, SIGHUP, SIGWINCH};
  std::array<struct sigaction, watched.size()> before_{};
};

/// Candidates below each other in columns, as wide as the terminal.
std::string in_columns(const std::vector<std::string>& candidates, std::size_t terminal_columns) {
  std::size_t widest = 0;
  for (const auto& c : candidates) widest = std::max(widest, display_width(c));
  const auto columns = std::max<std::size_t>(1, terminal_columns / (widest + 2));
  const auto rows = (candidates.size() + columns - 1) / columns;
  std::string out;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t at = row; at < candidates.size(); at += rows) {
      out += printable(candidates[at]);
      if (at + rows < candidates.size())
        out.append(widest + 2 - display_width(candidates[at]), ' ');
    }
    out += '\n';
  }
  return out;
}

} // namespace

struct line_editor::editing {
  std::string prompt;
  std::filesystem::path history_path;
  completer complete;
  EditLine* line = nullptr;
  History* history = nullptr;
  /// The signal that ended the line, or 0.
  int ended_by = 0;

  static editing& of(EditLine* line) {
    void* self = nullptr;
    ::el_get(line, EL_CLIENTDATA, &self);
    return *static_cast<editing*>(self);
  }

  static char* show_prompt(EditLine* line) { return of(line).prompt.data(); }

  /// One character from the terminal, or -1 when a signal came.
  static int read_character(EditLine* line, wchar_t* character) {
    std::string bytes;
    for (;;) {
      std::array<pollfd, 2> watched{{{signal_event, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}}};
      if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return -1;
      if (watched[0].revents != 0) {
        of(line).ended_by = take_signal();
        if (of(line).ended_by != SIGWINCH) return -1;
        of(line).ended_by = 0;
        ::el_resize(line);
      }
      if (watched[1].revents == 0) continue;
      char byte = 0;
      const auto count = ::read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return static_cast<int>(count);
      bytes += byte;
      auto decoded = first_character(bytes);
      // A valid beginning of a longer character is not valid by itself.
      if (!decoded.valid && bytes.size() < 4 && static_cast<unsigned char>(bytes[0]) >= 0xc2)
        continue;
      *character = static_cast<wchar_t>(decoded.valid ? decoded.code : U'?');
      return 1;
    }
  }

  static unsigned char on_tab(EditLine* line, int) {
    auto& self = of(line);
    const auto* typed = ::el_line(line);
    const std::string before{typed->buffer,
                             static_cast<std::size_t>(typed->cursor - typed->buffer)};
    const auto found = self.complete(before);
    if (found.candidates.empty()) return CC_REFRESH_BEEP;
    const auto begun = before.substr(before.size() - found.replaced);
    auto text = common_prefix(found.candidates);
    const bool only = found.candidates.size() == 1;
    if (!only && text.size() <= begun.size()) {
      winsize size{};
      const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
      std::fputc('\n', stdout);
      std::fputs(in_columns(found.candidates, known ? size.ws_col : 80).c_str(), stdout);
      std::fflush(stdout);
      return CC_REDISPLAY;
    }
    if (only && ends_word(text)) text += ' ';
    // libedit counts in characters.
    int characters = 0;
    for (char c : begun) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    ::el_deletestr(line, characters);
    ::el_insertstr(line, text.c_str());
    return CC_REFRESH;
  }

  void open_history() {
    history = ::history_init();
    HistEvent event;
    ::history(history, &event, H_SETSIZE, history_lines);
    ::history(history, &event, H_SETUNIQUE, 1);
    if (history_path.empty()) return;
    std::error_code error;
    std::filesystem::create_directories(history_path.parent_path(), error);
    // What was typed is nobody else's business.
    ::umask(::umask(0) | 077);
    if (std::filesystem::exists(history_path, error))
      ::history(history, &event, H_LOAD, history_path.c_str());
  }

  void append_history(const std::string& text) {
    HistEvent event;
    ::history(history, &event, H_ENTER, text.c_str());
    if (history_path.empty()) return;
    // Appending keeps the lines of shells that run at the same time.
    std::FILE* file = std::fopen(history_path.c_str(), "a");
    if (!file) return;
    ::fseek(file, 0, SEEK_END);
    ::history(history, &event, H_NSAVE_FP, std::size_t{1}, file);
    std::fclose(file);
  }
};

line_editor::line_editor(std::string prompt, std::filesystem::path history, completer complete)
  : editing_(std::make_unique<editing>()) {
  editing_->prompt = std::move(prompt);
  editing_->history_path = std::move(history);
  editing_->complete = std::move(complete);
  // libedit converts with the locale's encoding; numbers stay in the C locale.
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
  auto* line = ::el_init("carafe", stdin, stdout, stderr);
  CARAFE_ASSERT(line != nullptr);
  editing_->line = line;
  editing_->open_history();
  ::el_set(line, EL_CLIENTDATA, editing_.get());
  ::el_set(line, EL_PROMPT_ESC, &editing::show_prompt, '\1');
  ::el_set(line, EL_EDITOR, "emacs");
  ::el_set(line, EL_HIST, &::history, editing_->history);
  ::el_set(line, EL_GETCFN, &editing::read_character);
  ::el_set(line, EL_ADDFN, "carafe-complete", "Complete the word at the cursor", &editing::on_tab);
  ::el_set(line, EL_BIND, "^I", "carafe-complete", nullptr);
  ::el_set(line, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  // The user's own ~/.editrc has the last word.
  ::el_source(line, nullptr);
}

line_editor::~line_editor() {
  HistEvent answer;
  // Rewritten once a shell, so that the file keeps its size.
  if (!editing_->history_path.empty()) {
    ::history(editing_->history, &answer, H_CLEAR);
    ::history(editing_->history, &answer, H_LOAD, editing_->history_path.c_str());
    ::history(editing_->history, &answer, H_SAVE, editing_->history_path.c_str());
  }
  ::el_end(editing_->line);
  ::history_end(editing_->history);
}

line_editor::event line_editor::read(std::string& line) {
  editor_signals watching;
  editing_->ended_by = 0;
  take_signal();
  // libedit shows the prompt and only then takes the terminal. A Ctrl-D that came between the two
  // would be kept by the terminal as a NUL, and do nothing.
  ::el_set(editing_->line, EL_PREP_TERM, 1);
  int count = 0;
  const char* typed = ::el_gets(editing_->line, &count);
  const int signal = editing_->ended_by;
  if (signal == SIGINT) {
    std::fputs("^C\n", stdout);
    std::fflush(stdout);
    ::el_reset(editing_->line);
    return event::interrupted;
  }
  if (!typed || count <= 0 || signal != 0) {
    std::fputc('\n', stdout);
    std::fflush(stdout);
    return event::end;
  }
  line.assign(typed, static_cast<std::size_t>(count));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
  return event::line;
}

void line_editor::remember(const std::string& line) { editing_->append_history(line); }

} // namespace carafe::shell
