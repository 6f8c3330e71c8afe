#include "cli/shell/message_scan.hpp"

#include "cli/shell/progress_bar.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>
#include <map>

namespace carafe::shell {

namespace {

/// Messages taken from the consumer at a time.
constexpr std::size_t poll_count = 4'096;
/// How soon Ctrl-C is noticed while no message comes.
constexpr std::chrono::milliseconds poll_wait{50};
/// What the node may send ahead, of all queues together, and of each.
constexpr std::uint32_t credit_bytes_total = 32u << 20;
constexpr std::uint32_t credit_bytes_min = 256u << 10;
constexpr std::uint32_t credit_bytes_max = 8u << 20;

/// From where to where one queue is read.
struct span {
  offset next;
  offset end;
};
using spans = std::map<queue_number, span>;

client::consumer_options reading(const scan_range& range, const spans& wanted) {
  client::consumer_options options;
  options.topics = {range.topic};
  for (const auto& [number, s] : wanted) options.queues.push_back(number);
  options.out_of_range = range_policy::earliest;
  options.expired = true;
  return options;
}

/// Where in these queues the first message from `time` on is: the node's index knows.
result<std::map<queue_number, offset>> positions_at(unix_ms time, const scan_range& range,
                                                    const spans& wanted, node_api& node) {
  auto options = reading(range, wanted);
  options.start = {start_position::kind::at_time, {}, time};
  // Only the positions are of interest, not what is there.
  options.credit_bytes = 1;
  auto consumer = node.make_consumer(options);
  if (!consumer) return consumer.error();
  std::map<queue_number, offset> found;
  for (const auto& queue : (*consumer)->queues()) found[queue.number] = queue.next;
  if (auto closed = (*consumer)->close(); !closed) return closed.error();
  return found;
}

result<spans> spans_of(const scan_range& range, node_api& node) {
  auto topic = topic_with(node, range.topic, range.queues);
  if (!topic) return topic.error();
  spans wanted;
  for (const auto& queue : topic->queues) {
    const auto& only = range.queues;
    if (!only.empty() && std::ranges::find(only, queue.number) == only.end()) continue;
    if (queue.earliest < queue.end) wanted[queue.number] = {queue.earliest, queue.end};
  }
  if (range.since && !wanted.empty()) {
    auto from = positions_at(*range.since, range, wanted, node);
    if (!from) return from.error();
    for (const auto& [number, at] : *from) wanted[number].next = std::max(wanted[number].next, at);
  }
  if (range.until && !wanted.empty()) {
    auto to = positions_at(*range.until, range, wanted, node);
    if (!to) return to.error();
    for (const auto& [number, at] : *to) wanted[number].end = std::min(wanted[number].end, at);
  }
  std::erase_if(wanted, [](const auto& each) { return each.second.next >= each.second.end; });
  return wanted;
}

/// Reads the spans of a topic to their ends.
class scanner {
public:
  scanner(const scan_range& range, spans left, command_context& context)
    : range_(range), left_(std::move(left)), context_(context) {
    for (const auto& [number, s] : left_) total_ += s.end.value - s.next.value;
  }

  result<scan_outcome> run(node_api& node, const scan_taker& take) {
    if (left_.empty()) return outcome_;
    auto consumer = open(node);
    if (!consumer) return consumer.error();
    const auto patience = context_.globals.timeout.value_or(default_timeout);
    progress_bar bar{context_.terminal, {.messages_total = total_}};
    auto last_message = std::chrono::steady_clock::now();
    while (!left_.empty() && !enough_) {
      if (context_.stop.requested() || context_.terminal.out_error() != 0) {
        outcome_.cut_short = true;
        break;
      }
      auto messages = (*consumer)->poll(poll_count, poll_wait);
      if (!messages) return messages.error();
      const auto now = std::chrono::steady_clock::now();
      if (!messages->empty()) last_message = now;
      if (now - last_message > patience)
        return {errc::timeout,
                range_.topic + ": " + counted(left_.size(), "queue") + " not read to the end"};
      look_at(*messages, **consumer, bar, take);
      if (messages->empty()) follow_positions(**consumer);
      if (!context_.globals.json) bar.update(bytes_, outcome_.scanned);
    }
    return outcome_;
  }

private:
  result<std::unique_ptr<client::consumer>> open(node_api& node) const {
    auto options = reading(range_, left_);
    const auto share = credit_bytes_total / static_cast<std::uint32_t>(left_.size());
    options.credit_bytes = std::clamp(share, credit_bytes_min, credit_bytes_max);
    if (left_.size() == 1)
      options.start = {start_position::kind::at_offset, left_.begin()->second.next, {}};
    else if (range_.since)
      options.start = {start_position::kind::at_time, {}, *range_.since};
    return node.make_consumer(options);
  }

  void look_at(const std::vector<client::delivery>& messages, client::consumer& from,
               progress_bar& bar, const scan_taker& take) {
    const std::function<void()> clear = [&bar] { bar.clear(); };
    for (const auto& d : messages) {
      const auto at = left_.find(d.number);
      if (at == left_.end()) continue;
      auto& [next, end] = at->second;
      if (d.offset < end) {
        ++outcome_.scanned;
        bytes_ += d.body.size();
        next = d.offset + 1;
        enough_ = !take(d, clear);
        if (enough_) return;
      }
      if (d.offset + 1 >= end) finish(at, from);
    }
  }

  /// What retention took meanwhile does not come any more.
  void follow_positions(client::consumer& from) {
    for (const auto& queue : from.queues()) {
      const auto at = left_.find(queue.number);
      if (at != left_.end() && queue.next >= at->second.end) finish(at, from);
    }
  }

  void finish(spans::iterator at, client::consumer& from) {
    // No more credit for what is not wanted. It only saves work, so its outcome does not matter.
    (void)from.pause(range_.topic, at->first).ok();
    left_.erase(at);
  }

  const scan_range& range_;
  spans left_;
  command_context& context_;
  std::uint64_t total_ = 0, bytes_ = 0;
  bool enough_ = false;
  scan_outcome outcome_;
};

} // namespace

std::vector<option> time_options(scan_times& times) {
  return {text("--since", "TIME", times.since,
               "Only messages stored from this time (2026-11-22T10:00:00Z) or time ago (-15m) on."),
          text("--until", "TIME", times.until, "Only messages stored before this time.")};
}

result<void> read_times(const scan_times& times, unix_ms now, scan_range& range) {
  auto read = [now](const std::optional<std::string>& text, const std::string& name,
                    std::optional<unix_ms>& to) -> result<void> {
    if (!text) return {};
    auto time = parse_time(*text, now);
    if (!time) return {time.error().code, name + ": " + time.error().detail};
    to = *time;
    return {};
  };
  if (auto good = read(times.since, "--since", range.since); !good) return good;
  if (auto good = read(times.until, "--until", range.until); !good) return good;
  if (range.since && range.until && *range.since >= *range.until)
    return {errc::invalid_argument, "--since is not before --until"};
  return {};
}

result<client::topic_info> topic_with(node_api& node, const std::string& topic,
                                      const std::vector<queue_number>& queues) {
  auto known = node.describe_topic(topic);
  if (!known) return known;
  for (auto number : queues)
    if (number.value >= known->queues.size())
      return {errc::queue_unknown,
              topic + " has " + counted(known->queues.size(), "queue") + ", numbered from 0"};
  return known;
}

result<scan_outcome> scan(const scan_range& range, node_api& node, command_context& context,
                          const scan_taker& take) {
  auto wanted = spans_of(range, node);
  if (!wanted) return wanted.error();
  signal_catcher catcher{context.stop};
  return scanner{range, std::move(*wanted), context}.run(node, take);
}

} // namespace carafe::shell
