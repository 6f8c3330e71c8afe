#include "cli/shell/message_search.hpp"

#include "cli/shell/progress_bar.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

namespace carafe::shell {

namespace {

/// Messages taken from the consumer at a time.
constexpr std::size_t poll_count = 1'024;
/// How soon Ctrl-C is noticed while no message comes.
constexpr std::chrono::milliseconds poll_wait{50};
/// What the node may send of what is not wanted: found messages mostly lie far apart.
constexpr std::uint32_t credit_bytes = 64u << 10;
/// So many messages are read on sooner than skipped, which costs a round trip.
constexpr std::uint64_t read_on_max = 500;

/// Reads single messages of one queue, in rising order.
class picker {
public:
  picker(const scan_range& range, queue_number number, node_api& node, command_context& context)
    : range_(range), number_(number), node_(node), context_(context) {}

  /// @returns Nothing if retention took it meanwhile, or Ctrl-C came.
  result<std::optional<client::delivery>> at(offset wanted) {
    if (auto there = go_to(wanted); !there) return there.error();
    const auto patience = context_.globals.timeout.value_or(default_timeout);
    auto last_message = std::chrono::steady_clock::now();
    while (!context_.stop.requested()) {
      for (; read_ < batch_.size() && batch_[read_].offset <= wanted; ++read_) {
        next_ = batch_[read_].offset + 1;
        if (batch_[read_].offset == wanted) return std::optional{std::move(batch_[read_++])};
      }
      if (read_ < batch_.size()) break;
      auto more = consumer_->poll(poll_count, poll_wait);
      if (!more) return more.error();
      const auto now = std::chrono::steady_clock::now();
      if (!more->empty()) last_message = now;
      batch_ = std::move(*more);
      read_ = 0;
      if (!batch_.empty()) continue;
      // It does not come any more.
      if (const auto queues = consumer_->queues(); !queues.empty() && queues[0].next > wanted)
        break;
      if (now - last_message > patience)
        return {errc::timeout, range_.topic + ": the message at offset " +
                                 std::to_string(wanted.value) + " did not come"};
    }
    return std::optional<client::delivery>{};
  }

private:
  result<void> go_to(offset wanted) {
    const start_position start{start_position::kind::at_offset, wanted, {}};
    if (!consumer_) {
      client::consumer_options options;
      options.topics = {range_.topic};
      options.queues = {number_};
      options.start = start;
      options.out_of_range = range_policy::earliest;
      options.credit_bytes = credit_bytes;
      auto made = node_.make_consumer(options);
      if (!made) return made.error();
      consumer_ = std::move(*made);
    } else if (wanted.value > next_.value + read_on_max) {
      batch_.clear();
      read_ = 0;
      if (auto done = consumer_->seek(range_.topic, number_, start); !done) return done;
    } else {
      return {};
    }
    next_ = wanted;
    return {};
  }

  const scan_range& range_;
  queue_number number_;
  node_api& node_;
  command_context& context_;
  std::unique_ptr<client::consumer> consumer_;
  std::vector<client::delivery> batch_;
  std::size_t read_ = 0;
  offset next_;
};

class searcher {
public:
  searcher(const scan_range& range, const std::string& key, std::uint64_t limit, node_api& node,
           command_context& context, const scan_taker& take)
    : range_(range), key_(key), limit_(limit), node_(node), context_(context), take_(take) {}

  result<scan_outcome> run(const std::vector<client::queue_info>& queues) {
    std::uint64_t total = 0;
    for (const auto& queue : queues) total += queue.end.value - queue.earliest.value;
    progress_bar bar{context_.terminal, {.messages_total = total}};
    for (const auto& queue : queues) {
      if (enough_ || outcome_.cut_short) break;
      if (queue.earliest == queue.end) continue;
      if (auto done = search_queue(queue, bar); !done) return done.error();
      passed_ += queue.end.value - queue.earliest.value;
    }
    return outcome_;
  }

private:
  result<void> search_queue(const client::queue_info& queue, progress_bar& bar) {
    client::key_question question{range_.topic, queue.number, key_, queue.earliest,
                                  queue.end,    {},           {},   0};
    question.since = range_.since.value_or(unix_ms{});
    question.before = range_.until.value_or(unix_ms{});
    question.limit = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(limit_, std::numeric_limits<std::uint32_t>::max()));
    picker pick{range_, queue.number, node_, context_};
    for (auto more = true; more && !enough_;) {
      auto places = node_.find_key(question);
      if (!places) return places.error();
      outcome_.scanned += places->looked;
      if (auto done = show(places->offsets, pick, bar); !done) return done;
      if (context_.stop.requested() || context_.terminal.out_error() != 0) {
        outcome_.cut_short = true;
        return {};
      }
      more = places->more;
      question.from = places->next;
      const auto passed = std::min(places->next, queue.end).value - queue.earliest.value;
      if (!context_.globals.json) bar.update(0, passed_ + passed);
    }
    return {};
  }

  result<void> show(const std::vector<offset>& places, picker& pick, progress_bar& bar) {
    for (auto at : places) {
      auto message = pick.at(at);
      if (!message) return message.error();
      if (context_.stop.requested()) return {};
      if (!*message) continue;
      enough_ = !take_(**message, [&bar] { bar.clear(); });
      if (enough_) return {};
    }
    return {};
  }

  const scan_range& range_;
  const std::string& key_;
  std::uint64_t limit_;
  node_api& node_;
  command_context& context_;
  const scan_taker& take_;
  std::uint64_t passed_ = 0;
  bool enough_ = false;
  scan_outcome outcome_;
};

} // namespace

result<scan_outcome> search(const scan_range& range, const std::string& key, std::uint64_t limit,
                            node_api& node, command_context& context, const scan_taker& take) {
  auto topic = topic_with(node, range.topic, range.queues);
  if (!topic) return topic.error();
  std::vector<client::queue_info> queues;
  for (const auto& queue : topic->queues)
    if (range.queues.empty() || std::ranges::find(range.queues, queue.number) != range.queues.end())
      queues.push_back(queue);
  signal_catcher catcher{context.stop};
  return searcher{range, key, limit, node, context, take}.run(queues);
}

} // namespace carafe::shell
