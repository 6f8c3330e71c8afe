#include "cli/shell/console.hpp"

#include "cli/shell/json_writer.hpp"
#include "cli/shell/utf8.hpp"

#include <cerrno>
#include <cstdlib>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

bool wants_colours(bool terminal) {
  const char* refused = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  return terminal && (!refused || !*refused) && kind && std::string_view{kind} != "dumb";
}

/// Writes everything, also to a pipe that somebody made non-blocking.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    auto written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

} // namespace

console::console(streams s)
  : streams_(s),
    in_is_terminal_(::isatty(s.in) != 0),
    out_is_terminal_(::isatty(s.out) != 0),
    err_is_terminal_(::isatty(s.err) != 0),
    out_colours_(wants_colours(out_is_terminal_)),
    err_colours_(wants_colours(err_is_terminal_)) {}

std::size_t console::err_columns() const noexcept {
  winsize size{};
  if (::ioctl(streams_.err, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

bool console::write(std::string_view text) {
  if (out_error_ == 0) out_error_ = write_all(streams_.out, text);
  return out_error_ == 0;
}

void console::write_error(std::string_view text) { write_all(streams_.err, text); }

bool console::out_closed() noexcept {
  if (out_error_ == 0) {
    pollfd state{streams_.out, 0, 0};
    if (::poll(&state, 1, 0) == 1 && (state.revents & (POLLERR | POLLHUP)) != 0) out_error_ = EPIPE;
  }
  return out_error_ == EPIPE;
}

bool console::ask(std::string_view question) {
  write_error(std::string{question} + " [y/N] ");
  std::string answer;
  char c = 0;
  while (::read(streams_.in, &c, 1) == 1 && c != '\n') answer += c;
  if (c != '\n') write_error("\n");
  return answer == "y" || answer == "Y" || answer == "yes";
}

void report(console& out, bool json, std::string_view code, std::string_view sentence,
            std::string_view detail) {
  std::string line;
  if (json) {
    json_writer writer{line};
    writer.begin_object().name("error").begin_object();
    writer.name("code").text(code).name("detail").text(detail.empty() ? sentence : detail);
    writer.end_object().end_object();
  } else {
    line = in_tone("carafe:", tone::bad, out.err_colours()) + ' ';
    if (!code.empty()) line += std::string{code} + ": ";
    line += printable(sentence);
    if (!detail.empty()) line += " (" + printable(detail) + ')';
  }
  out.write_error(line + '\n');
}

void report(console& out, bool json, const failure& why) {
  report(out, json, to_string(why.code), explain(why.code), why.detail);
}

} // namespace carafe::shell
