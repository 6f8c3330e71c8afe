#include "actors/client/direct_consumer.hpp"

#include "actors/client/group_consumer.hpp"
#include "actors/client/shared_consumer.hpp"
#include "actors/client/solo_consumer.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {
namespace {

/// Only a bound: a message or `stop` ends the waiting.
constexpr std::chrono::hours run_wait{1};
constexpr std::chrono::milliseconds ordered_commit_interval{100};
/// The limit of what may be in flight waits for it.
constexpr std::chrono::milliseconds shared_commit_interval{5};

/// Whether a group of this mode lends single messages.
bool lends(group_mode mode) { return mode == group_mode::shared || mode == group_mode::keyed; }

result<std::vector<queue_name>> wanted_queues(const connection& c,
                                              const consumer_options& options) {
  auto found = std::vector<queue_name>{};
  for (auto& topic : options.topics) {
    auto answer = c.ask(frames::topic_describe{topic, true}, on_loss::resend);
    if (!answer) return answer.error();
    auto told = std::get_if<frames::topic_description>(&*answer);
    if (!told) return {errc::internal, "the answer is no description of " + topic};
    for (auto& each : told->queues) {
      auto& only = options.queues;
      if (only.empty() || std::find(only.begin(), only.end(), each.number) != only.end())
        found.push_back({topic, each.number, each.queue});
    }
    for (auto number : options.queues) {
      if (number.value >= told->queues.size())
        return {errc::queue_unknown, topic + "/" + std::to_string(number.value)};
    }
  }
  return found;
}

} // namespace

direct_consumer::direct_consumer(std::shared_ptr<connection> c, std::shared_ptr<receiver> core,
                                 std::string group)
  : connection_(std::move(c)), core_(std::move(core)), group_(std::move(group)) {}

direct_consumer::~direct_consumer() { static_cast<void>(core_->close()); }

result<std::vector<delivery>> direct_consumer::poll(std::size_t max,
                                                    std::chrono::milliseconds wait) {
  return core_->poll(max, wait);
}

result<void> direct_consumer::run(const std::function<bool(const delivery&)>& handle) {
  // One message at a time: what was not handed to `handle` still counts as not handed out.
  while (!core_->interrupted()) {
    auto got = core_->poll(1, run_wait);
    if (!got) return got.error();
    if (got->empty()) continue;
    auto& d = got->front();
    if (!handle(d)) return {};
    auto acknowledged = core_->ack(d);
    if (!acknowledged && acknowledged.code() != errc::not_owner) return acknowledged;
  }
  core_->clear_interrupt();
  return {};
}

void direct_consumer::stop() { core_->interrupt(); }

result<void> direct_consumer::ack(const delivery& d) { return core_->ack(d); }

result<void> direct_consumer::nack(const delivery& d, const nack_options& how) {
  return core_->nack(d, how);
}

result<void> direct_consumer::reject(const delivery& d, const std::string& error) {
  return core_->reject(d, error);
}

result<void> direct_consumer::commit() { return core_->commit(); }

result<void> direct_consumer::seek(const std::string& topic, queue_number number,
                                   const start_position& to) {
  return core_->seek(topic, number, to);
}

result<void> direct_consumer::pause(const std::string& topic, queue_number number) {
  return core_->set_paused(topic, number, true);
}

result<void> direct_consumer::resume(const std::string& topic, queue_number number) {
  return core_->set_paused(topic, number, false);
}

std::vector<consumer::owned_queue> direct_consumer::queues() const { return core_->queues(); }

result<void> direct_consumer::close() { return core_->close(); }

result<void> check(const consumer_options& options) {
  auto wrong = [](const char* why) { return result<void>{errc::invalid_argument, why}; };
  if (options.topics.empty()) return wrong("no topic");
  if (options.credit_bytes == 0) return wrong("credit_bytes is 0");
  if (!options.queues.empty() && !options.group.empty())
    return wrong("queues are chosen by the group; leave `queues` empty");
  if (!options.queues.empty() && options.topics.size() != 1)
    return wrong("`queues` needs exactly one topic");
  if (options.commit_interval && *options.commit_interval < std::chrono::milliseconds{0})
    return wrong("commit_interval is below 0");
  if (options.group.empty() && options.mode != group_mode::ordered)
    return wrong("a mode is a group's; name one");
  if (options.in_flight_max != 0 && !lends(options.mode))
    return wrong("in_flight_max is for groups of mode shared or keyed");
  if (options.expired && !options.group.empty())
    return wrong("a group is not sent what has expired; leave `expired` false");
  if (!options.durable_name.empty() && options.mode != group_mode::broadcast)
    return wrong("durable_name is for groups of mode broadcast");
  return {};
}

result<std::unique_ptr<consumer>> open_consumer(std::shared_ptr<connection> c,
                                                consumer_options options) {
  if (auto good = check(options); !good) return good.error();
  if (c->wire().loop().on_thread())
    return {errc::invalid_argument, "make_consumer was called from a callback"};
  const auto lent = lends(options.mode);
  if (!options.commit_interval)
    options.commit_interval = lent ? shared_commit_interval : ordered_commit_interval;
  // The consumer is made first: it is closed if it does not open.
  auto opened = [&c, group = options.group](auto core,
                                            auto&&... how) -> result<std::unique_ptr<consumer>> {
    auto made = std::make_unique<direct_consumer>(std::move(c), core, group);
    if (auto good = core->open(how...); !good) return good.error();
    return std::unique_ptr<consumer>{std::move(made)};
  };
  auto& wire = c->wire();
  if (lent) return opened(std::make_shared<shared_consumer>(wire, std::move(options)));
  if (!options.group.empty())
    return opened(std::make_shared<group_consumer>(wire, std::move(options)));
  // One that knows no filters sends expired messages anyway.
  if (options.filter.how != message_filter::kind::none && wire.version() < frames::sparse_version)
    return {errc::unsupported, "this node is too old for a filter without a group"};
  auto queues = wanted_queues(*c, options);
  if (!queues) return queues.error();
  return opened(std::make_shared<solo_consumer>(wire, std::move(options)), *queues);
}

} // namespace carafe::client
