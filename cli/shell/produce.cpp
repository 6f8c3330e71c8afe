#include "cli/shell/commands.hpp"
#include "cli/shell/production.hpp"
#include "cli/shell/timer_choice.hpp"
#include "cli/shell/views.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace carafe::shell {

namespace {

/// A new topic has as many queues as `topic create` gives it.
constexpr std::uint32_t created_queues = 4;
constexpr std::uint64_t batch_bytes_min = 1024;
constexpr std::uint64_t batch_bytes_most = 8u << 20;

/// Where the messages come from; closes what it opened.
class input_file {
public:
  explicit input_file(int fd, bool owned) : fd_(fd), owned_(owned) {}
  ~input_file() {
    if (owned_) ::close(fd_);
  }
  input_file(const input_file&) = delete;
  input_file& operator=(const input_file&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }

  /// Bytes from the current position on, if it is a regular file.
  [[nodiscard]] std::optional<std::uint64_t> size() const {
    struct stat info {};
    if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    auto at = ::lseek(fd_, 0, SEEK_CUR);
    return static_cast<std::uint64_t>(std::max<off_t>(info.st_size - std::max<off_t>(at, 0), 0));
  }

  [[nodiscard]] bool is_folder() const {
    struct stat info {};
    return ::fstat(fd_, &info) == 0 && S_ISDIR(info.st_mode);
  }

private:
  int fd_;
  bool owned_;
};

std::string conflict_in(const produce_options& o, const command_context& context) {
  if (o.body && o.file) return "--body and --file are two inputs; give one";
  if (o.body && o.whole) return "--whole is for an input; --body is one message anyway";
  if (o.key && o.key_separator)
    return "--key and --key-separator are two sources of keys; give one";
  if (o.delay && o.deliver_at) return "--delay and --deliver-at are two times; give one";
  if (o.timer_name && !o.delay && !o.deliver_at)
    return "--timer-name is for messages for later; give --delay or --deliver-at";
  if (o.key_separator && o.key_separator->empty()) return "--key-separator is empty";
  if (o.sequence_from && !o.producer)
    return "--sequence-from is for producers with a name; give --producer";
  if (o.dedup_id && !o.body && !o.whole)
    return "--dedup-id is of one message; give --body or --whole";
  if (o.dedup_id && o.dedup_keys) return "--dedup-id and --dedup-keys are two sources; give one";
  if (o.dedup_keys && !o.key && !o.key_separator)
    return "--dedup-keys takes the keys; give --key or --key-separator";
  const bool reads_stdin = !o.body && o.file.value_or("-") == "-";
  if (reads_stdin && context.stdin_taken)
    return "stdin holds the commands; give the messages with --file or --body";
  return {};
}

/// Finds the topic, or creates it if that is wanted, so that a wrong name is known before anything
/// is read.
result<client::topic_info> find_topic(node_api& node, const produce_options& o) {
  auto topic = node.describe_topic(o.topic, true);
  if (!topic && topic.code() == errc::topic_unknown && o.create)
    topic = node.create_topic(o.topic, created_queues, {}, true);
  // Somebody was quicker, with another number of queues.
  if (!topic && topic.code() == errc::topic_exists) topic = node.describe_topic(o.topic);
  if (topic && o.queue && o.queue->value >= topic->queues.size())
    return {errc::queue_unknown,
            o.topic + " has " + counted(topic->queues.size(), "queue") + ", numbered from 0"};
  return topic;
}

exit_code produce(const produce_options& o, command_context& context) {
  if (auto conflict = conflict_in(o, context); !conflict.empty())
    return context.misused("produce: " + conflict);
  const bool reads_file = o.file && *o.file != "-";
  input_file input{
    reads_file ? ::open(o.file->c_str(), O_RDONLY | O_CLOEXEC) : context.terminal.in(), reads_file};
  if (input.fd() < 0 || (reads_file && input.is_folder()))
    return context.fail("input_unreadable",
                        *o.file + ": " + std::strerror(input.fd() < 0 ? errno : EISDIR));
  auto node = context.node();
  auto topic = find_topic(*node, o);
  if (!topic) return context.fail(topic.error());
  client::producer_options options;
  options.linger = o.linger;
  options.batch_bytes = static_cast<std::uint32_t>(o.batch_bytes);
  options.compression = o.compression;
  options.room_timeout = production::room_wait;
  options.stop_at_failure = true;
  options.name = o.producer.value_or("");
  if (context.globals.timeout)
    options.delivery_timeout = *context.globals.timeout;
  else
    options.quota_wait = production::quota_wait;
  auto quota = std::make_shared<quota_notice>(context.stop);
  options.on_throttled = [quota](const failure& why, std::chrono::milliseconds wait) {
    quota->heard(why, wait);
  };
  auto producer = node->make_producer(options);
  if (!producer) return context.fail(producer.error());

  signal_catcher catcher{context.stop};
  production run{o, context, std::move(producer).value(), quota};
  if (o.body) {
    run.send_body();
  } else {
    if (!reads_file && context.terminal.in_is_terminal() && !context.globals.json)
      context.terminal.write_error("one message a line; Ctrl-D ends\n");
    run.send_input(input.fd(), input.size());
  }
  return run.finish();
}

std::vector<option> options_of(produce_options& o) {
  return {
    text("TOPIC", "", o.topic, "The topic.").must().completed_by(completes::topic),
    text("--body", "TEXT", o.body, "Send this one message, and read no input."),
    text("--file", "F", o.file, "Read the messages from this file (default -, stdin).")
      .completed_by(completes::path),
    flag("--whole", o.whole, "The whole input is one message, newlines and all."),
    text("--key", "K", o.key, "The key of all messages: they go to one queue, in order."),
    parsed(
      "--key-separator", "S", o.key_separator,
      "Each line is a key, S, and a body; \\t means a tab.",
      [](const std::string& text) { return result<std::string>{text == "\\t" ? "\t" : text}; }),
    text("--tag", "T", o.tag, "The tag of all messages."),
    parsed("--property", "K=V", o.properties, "A property of all messages.", parse_property).many(),
    number<queue_number>("--queue", "Q", o.queue,
                         "Send to the queue of this number, whatever the key."),
    number<std::uint8_t>("--priority", "N", o.priority,
                         "0 to 9 (default 4): in shared groups higher goes first.", 0,
                         priority_max),
    parsed("--ttl", "DURATION", o.ttl,
           "The messages are not delivered when they are older (default: as the topic says).",
           parse_duration),
    parsed("--delay", "DURATION", o.delay,
           "Deliver the messages so long after they are stored: such as 90s, 24h, or level1 to "
           "level18.",
           parse_delay),
    parsed("--deliver-at", "TIME", o.deliver_at,
           "Deliver the messages at this time, such as 2026-11-22T10:00:00Z.", parse_instant),
    name("--timer-name", "NAME", o.timer_name,
         "A name to cancel or move them by (timer cancel --name)."),
    name("--producer", "NAME", o.producer,
         "Send as the producer of this name: what an earlier run has stored is not stored again."),
    number<std::uint64_t>("--sequence-from", "N", o.sequence_from,
                          "The number of the first message, or line (default 1).", 1,
                          std::uint64_t{1} << 62),
    text("--dedup-id", "ID", o.dedup_id,
         "The message's id: where the topic has a dedup window, another of this id is not stored."),
    flag("--dedup-keys", o.dedup_keys, "The key of each message is its dedup id, too."),
    parsed(
      "--batch-bytes", "N", o.batch_bytes,
      "A batch is sent when it is so large: bytes, or such as 256KiB (default 64KiB).",
      [](const std::string& text) { return parse_size(text, batch_bytes_min, batch_bytes_most); }),
    number<std::chrono::milliseconds>("--linger-ms", "N", o.linger,
                                      "A batch waits so long for more messages (default 0).", 0,
                                      60'000),
    choice("--compression", o.compression, "How batches are compressed (default none).",
           {{"none", codec::none}, {"lz4", codec::lz4}, {"zstd", codec::zstd}}),
    parsed("--rate", "MSG_PER_S", o.rate,
           "Send at most so many messages a second, 0.001 to 1000000000.", parse_rate),
    flag("--receipts", o.receipts, "Print where each message was stored."),
    flag("--create", o.create, "Create the topic, with 4 queues, if there is none.")};
}

} // namespace

command produce_command() {
  auto o = std::make_shared<produce_options>();
  command c{.name = "produce", .summary = "Send messages to a topic, one a line."};
  c.details =
    "Batches are sent as soon as the connection allows. Each message is stored once, also when the "
    "connection breaks and a batch is sent again. The first message that fails ends the reading; "
    "those before it are waited for. With --timeout a message fails after so long; without it "
    "after "
    "30 s, but for the time that a quota holds it up.";
  c.examples = {"printf 'first\\nsecond\\n' | carafe produce orders",
                "carafe produce orders --body '{\"order\": 42}' --key 42 --receipts",
                "carafe produce orders --file orders.tsv --key-separator '\\t' --compression zstd",
                "carafe produce invoices --whole --file invoice.pdf --property name=invoice.pdf"};
  c.options = options_of(*o);
  c.run = [o](command_context& context) { return produce(*o, context); };
  return c;
}

} // namespace carafe::shell
