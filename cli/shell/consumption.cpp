#include "cli/shell/consumption.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace carafe::shell {

namespace {

/// How soon Ctrl-C and a closed stdout are noticed while no message comes.
constexpr std::chrono::milliseconds poll_wait_max{50};
/// Messages written, and then settled, at a time.
constexpr std::size_t poll_count = 4'096;
/// Output that gathers before it is written; a lone message is written at once.
constexpr std::size_t write_bytes = 256 * 1024;

class copier {
public:
  copier(const consumption& how, command_context& context, client::consumer& from)
    : how_(how), context_(context), from_(from) {}

  result<void> run() {
    auto last_message = clock::now();
    while (taken_ < how_.count && goes_on()) {
      auto wait = poll_wait_max;
      if (how_.idle_exit) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          last_message + *how_.idle_exit - clock::now());
        if (left.count() <= 0) break;
        wait = std::min(wait, left);
      }
      const auto most = std::min<std::uint64_t>(poll_count, how_.count - taken_);
      auto messages = from_.poll(static_cast<std::size_t>(most), wait);
      if (!messages) return messages.error();
      if (how_.wanted)
        std::erase_if(*messages, [this](const client::delivery& d) { return !how_.wanted(d); });
      if (messages->empty()) continue;
      taken_ += messages->size();
      if (auto passed = pass_on(*messages); !passed) return passed;
      last_message = clock::now();
    }
    return {};
  }

  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

private:
  using clock = std::chrono::steady_clock;

  bool goes_on() {
    return !context_.stop.requested() && context_.terminal.out_error() == 0 &&
           !context_.terminal.out_closed();
  }

  result<void> pass_on(const std::vector<client::delivery>& messages) {
    std::size_t settled = 0;
    for (std::size_t at = 0; at < messages.size(); ++at) {
      append_delivery(pending_, messages[at], how_.format);
      if (pending_.size() < write_bytes && at + 1 < messages.size()) continue;
      const bool written = context_.terminal.write(pending_);
      pending_.clear();
      // What could not be written is not settled: it comes again to the next consumer.
      if (!written) return {};
      written_ += at + 1 - settled;
      for (; settled <= at; ++settled)
        if (auto done = settle(messages[settled]); !done) return done;
    }
    return {};
  }

  result<void> settle(const client::delivery& d) {
    if (!how_.settle) return {};
    auto done = how_.settle(d);
    // The queue, or the message, has a new owner: it is delivered at least once.
    if (!done && done.code() == errc::not_owner) return {};
    return done;
  }

  const consumption& how_;
  command_context& context_;
  client::consumer& from_;
  std::string pending_;
  std::uint64_t taken_ = 0;
  std::uint64_t written_ = 0;
};

} // namespace

result<std::uint64_t> copy_to_stdout(client::consumer& from, const consumption& how,
                                     command_context& context) {
  copier run{how, context, from};
  auto outcome = run.run();
  // The terminal shows ^C in front of what comes next.
  if (context.stop.requested() && context.terminal.err_is_terminal())
    context.terminal.write_error("\n");
  auto closed = from.close();
  if (!outcome) return outcome.error();
  if (!closed) return closed.error();
  return run.written();
}

} // namespace carafe::shell
