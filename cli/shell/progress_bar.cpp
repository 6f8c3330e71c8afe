#include "cli/shell/progress_bar.hpp"

#include "cli/shell/value_text.hpp"

#include <algorithm>
#include <utility>

namespace carafe::shell {

namespace {

constexpr std::chrono::milliseconds redraw_interval{100};
constexpr std::size_t bar_columns_max = 30;

} // namespace

std::string progress_line(const progress& p, std::size_t columns) {
  const auto [now, total] = p.messages_total > 0 ? std::pair{p.messages, p.messages_total}
                                                 : std::pair{p.bytes, p.bytes_total};
  const double part =
    total == 0 ? 1.0 : std::min(1.0, static_cast<double>(now) / static_cast<double>(total));
  const double seconds = std::max(p.seconds, 0.001);
  std::string text = ' ' + std::to_string(static_cast<int>(part * 100)) + "%  " +
                     count_text(p.messages) + " messages  " +
                     rate_text(static_cast<double>(p.messages) / seconds) + "  " +
                     size_rate_text(static_cast<double>(p.bytes) / seconds);
  if (part > 0 && part < 1)
    text +=
      "  " + span_text(static_cast<std::uint64_t>(seconds * (1 - part) / part * 1'000)) + " left";
  if (columns < text.size() + 8) return text.substr(0, columns);
  const auto room = std::min(bar_columns_max, columns - text.size() - 2);
  const auto done = static_cast<std::size_t>(part * static_cast<double>(room));
  std::string bar(done, '=');
  if (done < room) bar += '>';
  bar.resize(room, ' ');
  return '[' + bar + ']' + text;
}

progress_bar::progress_bar(console& terminal, progress total)
  : terminal_(terminal), total_(total) {}

void progress_bar::update(std::uint64_t bytes, std::uint64_t messages) {
  if (!terminal_.err_is_terminal()) return;
  const auto now = clock::now();
  // What takes no time needs no bar.
  if (now - drawn_.value_or(begun_) < redraw_interval) return;
  drawn_ = now;
  const std::chrono::duration<double> seconds = now - begun_;
  terminal_.write_error("\r\x1b[K" + progress_line({.bytes = bytes,
                                                    .bytes_total = total_.bytes_total,
                                                    .messages = messages,
                                                    .messages_total = total_.messages_total,
                                                    .seconds = seconds.count()},
                                                   terminal_.err_columns() - 1));
}

void progress_bar::clear() {
  if (!drawn_) return;
  drawn_.reset();
  terminal_.write_error("\r\x1b[K");
}

} // namespace carafe::shell
