#include "actors/client/shared_consumer.hpp"

#include <algorithm>
#include <utility>

namespace carafe::client {
namespace {

using std::chrono::steady_clock;

/// So many settled messages are sent without waiting for more.
constexpr std::uint64_t gathered_full = 4'096;

/// `text` without what is past the limit, cut between two characters.
std::string cut(std::string text) {
  if (text.size() <= delivery_error_bytes_max) return text;
  auto end = delivery_error_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

result<void> no_queues() {
  return {errc::unsupported,
          "messages of shared and keyed groups come singly, no queue is this consumer's"};
}

} // namespace

shared_consumer::shared_consumer(link& wire, consumer_options options)
  : receiver(wire, std::move(options)),
    membership_(
      *this,
      [this] {
        early_.clear();
        auto frame = join_of(options_);
        frame.credit_bytes = inbox_.begin_credit();
        return frame;
      },
      [this](const frames::joined& joined) { on_joined(joined); }),
    inbox_(options_.credit_bytes) {}

std::shared_ptr<shared_consumer> shared_consumer::self() {
  return std::static_pointer_cast<shared_consumer>(shared_from_this());
}

bool shared_consumer::hand_out(std::size_t max, std::vector<delivery>& out,
                               std::vector<frames::credit>&) {
  while (out.size() < max && inbox_.has_more()) {
    auto finished = inbox_.hand_out(max - out.size(), out);
    if (!finished) {
      give_up_first(finished.error());
      return !out.empty();
    }
    if (!*finished) break;
    if (!membership_.joined()) continue;
    if (auto bytes = inbox_.take_credit()) return_credit(bytes);
  }
  return !out.empty();
}

void shared_consumer::return_credit(std::uint32_t bytes) {
  // A node may use the same number on the next connection, whose credit takes this into account.
  link_.loop().post([this, self = self(), episode = episodes_, bytes] {
    auto locked = std::lock_guard{mutex_};
    if (episode == episodes_) link_.send(frames::credit{now_.subscription, bytes});
  });
}

void shared_consumer::give_up_first(const failure& why) {
  auto batch = inbox_.drop_first();
  auto place = batch.topic + "/" + std::to_string(batch.number.value);
  for (auto& range : batch.ranges) {
    for (auto at = range.first; at < range.end(); at = at + 1)
      book_.fail({batch.queue, at, false, {}, cut(why.message())});
  }
  on_gathered();
  report({why.code, place + (why.detail.empty() ? "" : ": " + why.detail)});
}

result<void> shared_consumer::ack(const delivery& d) {
  auto guard = std::lock_guard{mutex_};
  if (closed_) return *dead_;
  switch (book_.ack(d.queue, d.offset)) {
  case lease_book::answer::repeated:
    break;
  case lease_book::answer::foreign:
    return {errc::invalid_argument, "this message was not handed out here"};
  case lease_book::answer::marked:
    on_gathered();
  }
  return {};
}

result<void> shared_consumer::nack(const delivery& d, const nack_options& how) {
  auto delay = std::optional<std::uint64_t>{};
  if (how.delay) {
    if (how.delay->count() < 0) return {errc::invalid_argument, "the delay is below 0"};
    delay = static_cast<std::uint64_t>(how.delay->count());
  }
  return fail({d.queue, d.offset, false, delay, cut(how.error)});
}

result<void> shared_consumer::reject(const delivery& d, const std::string& error) {
  return fail({d.queue, d.offset, true, {}, cut(error)});
}

result<void> shared_consumer::fail(frames::settle_failed what) {
  auto guard = std::lock_guard{mutex_};
  if (closed_) return *dead_;
  if (!book_.fail(std::move(what)))
    return {errc::not_owner, "the message is settled, or its lease has ended"};
  on_gathered();
  return {};
}

void shared_consumer::on_gathered() {
  // Whoever gets an answer meanwhile looks for more.
  if (!membership_.joined() || now_.settling || now_.resting || now_.presenting) return;
  // With nothing left to settle the node may wait for this before it lends more.
  if (book_.gathered() >= gathered_full || book_.held() == 0) {
    if (std::exchange(settle_posted_, true)) return;
    link_.loop().post([this, self = self()] {
      auto locked = std::lock_guard{mutex_};
      settle_posted_ = false;
      settle_now();
    });
  } else if (!std::exchange(settle_armed_, true)) {
    link_.loop().post([this, self = self()] {
      auto locked = std::lock_guard{mutex_};
      arm_settle(*options_.commit_interval);
    });
  }
}

result<void> shared_consumer::commit() {
  if (link_.loop().on_thread())
    return {errc::invalid_argument, "commit was called from a callback"};
  auto guard = std::unique_lock{mutex_};
  return await_durable(guard);
}

result<void> shared_consumer::await_durable(std::unique_lock<std::mutex>& guard) {
  const auto target = book_.marked();
  const auto until = steady_clock::now() + link_.options().timeout;
  auto durable = [&] { return book_.durable() >= target; };
  if (durable()) return {};
  ++waiters_;
  link_.loop().post([this, self = self()] {
    auto locked = std::lock_guard{mutex_};
    settle_now();
  });
  auto outcome = result<void>{};
  while (!durable()) {
    const auto member = membership_.joined() || membership_.joins_again();
    if (dead_ && (!closed_ || !member)) { // Nobody will send it any more.
      outcome = *dead_;
      break;
    }
    changed_.wait_until(guard, until);
    if (steady_clock::now() < until || durable()) continue;
    outcome = {errc::outcome_unknown, "the node has not confirmed in time"};
    break;
  }
  --waiters_;
  return outcome;
}

result<void> shared_consumer::seek(const std::string&, queue_number, const start_position&) {
  return no_queues();
}

result<void> shared_consumer::set_paused(const std::string&, queue_number, bool) {
  return no_queues();
}

result<void> shared_consumer::close() {
  auto outcome = result<void>{};
  {
    auto guard = std::unique_lock{mutex_};
    if (std::exchange(closed_, true)) return {};
    const auto refused = dead_.has_value();
    const auto unsettled = book_.durable() < book_.marked();
    dead_ = failure{errc::disconnected, "the consumer is closed"};
    changed_.notify_all();
    inbox_.clear();
    if (membership_.joined() || membership_.joins_again()) {
      book_.give_back();
      closing_ = true;
      if (!link_.loop().on_thread()) outcome = await_durable(guard);
      closing_ = false;
    } else if (unsettled && !refused) {
      outcome = {errc::disconnected, "what was settled last may not have arrived"};
    }
  }
  if (link_.loop().on_thread()) {
    auto guard = std::lock_guard{mutex_};
    settle_now();
    if (membership_.joined()) link_.send(frames::leave{membership_.id()});
    go();
    return outcome;
  }
  auto left = membership_.leave();
  link_.loop().post_and_wait([this] {
    auto guard = std::lock_guard{mutex_};
    go();
  });
  return outcome ? left : outcome;
}

void shared_consumer::go() {
  if (renewal_) link_.loop().cancel(*std::exchange(renewal_, {}));
  early_.clear();
  link_.remove(this);
}

} // namespace carafe::client
