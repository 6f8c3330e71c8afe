#include "actors/client/direct_requester.hpp"

#include "actors/client/message_property.hpp"

#include <algorithm>
#include <future>
#include <iterator>
#include <random>

namespace carafe::client {
namespace {

using std::chrono::steady_clock;

std::uint64_t random_number() {
  auto device = std::random_device{};
  return std::uint64_t{device()} << 32 | device();
}

void tell(std::vector<request_book::failed>&& all) {
  for (auto& each : all) each.done(each.why);
}

result<void> check(const requester_options& options) {
  auto wrong = [](const char* why) { return result<void>{errc::invalid_argument, why}; };
  if (options.reply_topic.empty()) return wrong("no reply_topic");
  if (options.timeout <= std::chrono::milliseconds{0}) return wrong("timeout is not above 0");
  if (options.in_flight_max == 0) return wrong("in_flight_max is 0");
  return {};
}

result<topic_info> reply_topic(const client& node, const requester_options& options) {
  auto topic = node.describe_topic(options.reply_topic);
  if (topic || topic.code() != errc::topic_unknown) return topic;
  topic =
    node.create_topic(options.reply_topic, options.reply_queues, options.reply_settings, true);
  // Somebody was quicker, with other settings.
  if (topic.code() == errc::topic_exists) return node.describe_topic(options.reply_topic);
  return topic;
}

} // namespace

direct_requester::direct_requester(requester_options options, std::uint64_t nonce,
                                   std::string reply_to, std::unique_ptr<producer> requests,
                                   std::unique_ptr<consumer> answers)
  : options_(std::move(options)),
    reply_to_(std::move(reply_to)),
    book_(nonce, options_.in_flight_max),
    answers_(std::move(answers)),
    requests_(std::move(requests)),
    receiver_([this] { receive(); }),
    watcher_([this] { watch(); }) {}

direct_requester::~direct_requester() {
  end({errc::disconnected, "the requester is closed"});
  answers_->stop();
  receiver_.join();
  watcher_.join();
  // Its callbacks, the last of which come now, find nobody in the book.
  requests_.reset();
}

result<delivery> direct_requester::request(const std::string& topic, message m,
                                           std::optional<std::chrono::milliseconds> within) {
  if (on_own_thread())
    return {errc::invalid_argument, "request was called from a callback; use request_async"};
  auto promise = std::make_shared<std::promise<result<delivery>>>();
  auto future = promise->get_future();
  auto sent = request_async(
    topic, std::move(m), [promise](const result<delivery>& answer) { promise->set_value(answer); },
    within);
  if (!sent) return sent.error();
  return future.get();
}

result<void> direct_requester::request_async(const std::string& topic, message m, callback done,
                                             std::optional<std::chrono::milliseconds> within) {
  const auto deadline = steady_clock::now() + within.value_or(options_.timeout);
  auto id = std::string{};
  {
    auto guard = std::lock_guard{mutex_};
    if (ended_) return *ended_;
    const auto first = book_.next_deadline();
    auto opened = book_.open(deadline, std::move(done));
    if (!opened) return opened.error();
    id = std::move(*opened);
    if (!first || deadline < *first) changed_.notify_all();
  }
  m.properties.emplace_back(reply_to_property, reply_to_);
  m.properties.emplace_back(correlation_id_property, id);
  auto sent = requests_->send_async(
    topic, std::move(m), [this, id](const result<receipt>& outcome) { on_sent(id, outcome); });
  if (sent) return {};
  auto guard = std::lock_guard{mutex_};
  // If its time ended meanwhile, `done` has been told so.
  return book_.close(id) ? sent : result<void>{};
}

std::size_t direct_requester::in_flight() const {
  auto guard = std::lock_guard{mutex_};
  return book_.in_flight();
}

std::uint64_t direct_requester::late() const {
  auto guard = std::lock_guard{mutex_};
  return book_.late();
}

bool direct_requester::on_own_thread() const {
  const auto here = std::this_thread::get_id();
  return here == receiver_.get_id() || here == watcher_.get_id();
}

void direct_requester::receive() {
  auto outcome = answers_->run([this](const delivery& d) {
    on_answer(d);
    return true;
  });
  end(outcome ? failure{errc::disconnected, "the requester is closed"} : outcome.error());
}

void direct_requester::on_answer(const delivery& d) {
  const auto* id = find_property(d, correlation_id_property);
  const auto* for_whom = find_property(d, reply_to_property);
  // Where answers come to the topic of the requests, so do these.
  if (!id || (for_whom && *for_whom == reply_to_)) return;
  auto done = std::optional<callback>{};
  {
    auto guard = std::lock_guard{mutex_};
    done = book_.answered(*id);
  }
  if (done) (*done)(d);
}

void direct_requester::on_sent(const std::string& correlation_id, const result<receipt>& outcome) {
  auto guard = std::lock_guard{mutex_};
  if (outcome) return book_.stored(correlation_id);
  // The connection's thread, which this is, must not wait for what a callback does.
  if (auto done = book_.close(correlation_id)) {
    unsent_.push_back({std::move(*done), outcome.error()});
    changed_.notify_all();
  }
}

void direct_requester::watch() {
  auto guard = std::unique_lock{mutex_};
  while (true) {
    auto over = book_.expire(steady_clock::now());
    std::move(unsent_.begin(), unsent_.end(), std::back_inserter(over));
    unsent_.clear();
    if (!over.empty()) {
      guard.unlock();
      tell(std::move(over));
      guard.lock();
    } else if (ended_) {
      return;
    } else if (const auto next = book_.next_deadline()) {
      changed_.wait_until(guard, *next);
    } else {
      changed_.wait(guard);
    }
  }
}

void direct_requester::end(const failure& why) {
  auto all = std::vector<request_book::failed>{};
  {
    auto guard = std::lock_guard{mutex_};
    if (!ended_) ended_ = why;
    all = book_.fail_all(*ended_);
    changed_.notify_all();
  }
  tell(std::move(all));
}

result<std::unique_ptr<requester>> open_requester(const client& node, requester_options options) {
  if (auto good = check(options); !good) return good.error();
  auto topic = reply_topic(node, options);
  if (!topic) return topic.error();
  const auto nonce = random_number();
  auto number = options.reply_queue.value_or(
    queue_number{static_cast<std::uint32_t>(nonce % topic->queues.size())});
  auto reading = consumer_options{};
  reading.topics = {options.reply_topic};
  reading.queues = {number};
  reading.start.at = start_position::kind::latest;
  // What retention takes while the connection is lost, nobody waits for any more.
  reading.out_of_range = range_policy::latest;
  auto answers = node.make_consumer(std::move(reading));
  if (!answers) return answers.error();
  options.sending.delivery_timeout = std::min(options.sending.delivery_timeout, options.timeout);
  auto requests = node.make_producer(options.sending);
  if (!requests) return requests.error();
  auto reply_to = options.reply_topic + '/' + std::to_string(number.value);
  return std::unique_ptr<requester>{std::make_unique<direct_requester>(
    std::move(options), nonce, std::move(reply_to), std::move(*requests), std::move(*answers))};
}

} // namespace carafe::client
