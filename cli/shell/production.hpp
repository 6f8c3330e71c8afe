#pragma once

#include "cli/shell/answers.hpp"
#include "cli/shell/command.hpp"
#include "cli/shell/line_input.hpp"
#include "cli/shell/progress_bar.hpp"
#include "cli/shell/quota_notice.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::shell {

struct produce_options {
  std::string topic;
  std::optional<std::string> body, file, key, key_separator;
  std::string tag;
  std::vector<std::pair<std::string, std::string>> properties;
  std::chrono::milliseconds linger{0};
  std::uint64_t batch_bytes = 64 * 1024;
  codec compression = codec::none;
  bool receipts = false, whole = false, create = false;
  std::optional<queue_number> queue;
  std::uint8_t priority = priority_default;
  std::chrono::milliseconds ttl{0};
  std::optional<std::chrono::milliseconds> delay;
  std::optional<unix_ms> deliver_at;
  std::optional<std::string> timer_name;
  std::optional<std::string> producer, dedup_id;
  /// Of a named producer: the sequence of the first message, or line.
  std::optional<std::uint64_t> sequence_from;
  /// Each key is the message's dedup id, too.
  bool dedup_keys = false;
  /// Messages a second; 0: as fast as they come.
  double rate = 0;
};

/// Sends an input's messages and follows what becomes of them. The first failure ends the reading:
/// what was given before is still waited for, nothing after it is sent.
class production {
public:
  /// What the producer's `room_timeout` must be, so that Ctrl-C is seen while the node is away.
  static constexpr std::chrono::milliseconds room_wait{100};
  /// Without `--timeout` it waits for a quota as long as people like.
  static constexpr std::chrono::milliseconds quota_wait = std::chrono::hours{24 * 365};

  /// @param quota What `producer` hears of quotas.
  production(const produce_options& options, command_context& context,
             std::unique_ptr<client::producer> producer, std::shared_ptr<quota_notice> quota);

  /// Sends `--body`.
  void send_body();
  /// Sends what `fd` gives. @param bytes_total Its size if it is a file, for the progress bar.
  void send_input(int fd, std::optional<std::uint64_t> bytes_total);

  /// Waits for all answers, reports failures and the summary.
  exit_code finish();

private:
  bool send(std::string_view piece, std::uint64_t line);
  result<void> give(const client::message& m, std::uint64_t line);
  bool split_key(std::string_view& body, std::uint64_t line, client::message& m);
  void stop_at_input(line_input& input, line_input::event why);
  void pace(std::uint64_t sent);
  /// Receipts that have come, and that a quota holds messages up.
  void tell_news();
  void tell_interrupted();
  result<void> wait_for_answers();
  void report_failures();
  void summarize(double seconds);
  [[nodiscard]] bool goes_on() const noexcept;
  [[nodiscard]] std::string place(std::uint64_t line) const;

  using clock = std::chrono::steady_clock;

  const produce_options& options_;
  command_context& context_;
  answers answers_;
  std::shared_ptr<quota_notice> quota_;
  /// After the answers, so that it is gone (and calls nobody) before they are.
  std::unique_ptr<client::producer> producer_;
  const clock::time_point begun_ = clock::now();
  std::uint64_t given_ = 0;
  /// Why the reading ended early, if the node was not the cause.
  struct input_failure {
    std::string code, sentence;
  };
  std::optional<input_failure> input_failure_;
};

} // namespace carafe::shell
