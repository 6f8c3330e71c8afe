#include "actors/client/transaction_checks.hpp"

#include <csignal>
#include <utility>

namespace carafe::client {
namespace {

/// Questions that wait; the node asks again for what is dropped.
constexpr std::size_t questions_max = 1'000;

} // namespace

void transaction_checks::inbox::on_ready() {
  wire_.call(frames::tx_join{group_, false}, on_loss::forget, {}, [](frames::body&&) {});
}

bool transaction_checks::inbox::on_frame(frames::frame& f) {
  const auto* check = std::get_if<frames::tx_check>(&f.body);
  if (check == nullptr || check->group != group_) return false;
  auto guard = std::lock_guard{mutex_};
  if (questions_.size() < questions_max) questions_.push_back(*check);
  changed_.notify_one();
  return true;
}

std::optional<frames::tx_check> transaction_checks::inbox::next() {
  auto lock = std::unique_lock{mutex_};
  changed_.wait(lock, [this] { return closed_ || !questions_.empty(); });
  if (closed_) return std::nullopt;
  auto first = std::move(questions_.front());
  questions_.pop_front();
  return first;
}

void transaction_checks::inbox::close() {
  auto guard = std::lock_guard{mutex_};
  closed_ = true;
  changed_.notify_all();
}

transaction_checks::transaction_checks(std::shared_ptr<connection> c,
                                       const transaction_options& options)
  : connection_(std::move(c)),
    group_(options.group),
    check_(options.check),
    inbox_(std::make_shared<inbox>(connection_->wire(), options.group)) {
  // The application's signals are for its own threads.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread{[this] { answer_all(); }};
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  auto& wire = connection_->wire();
  wire.loop().post([&wire, in = inbox_] { wire.add(in); });
}

transaction_checks::~transaction_checks() {
  inbox_->close();
  if (thread_.get_id() == std::this_thread::get_id())
    thread_.detach();
  else
    thread_.join();
  auto& wire = connection_->wire();
  auto leave = [&wire, in = inbox_, group = group_] {
    wire.remove(in.get());
    wire.send(frames::tx_join{group, true});
  };
  if (wire.loop().on_thread())
    leave();
  else
    wire.loop().post_and_wait(leave);
}

void transaction_checks::answer_all() {
  while (auto question = inbox_->next()) {
    const auto& name = question->transaction;
    const auto outcome =
      check_({{name.shard, name.id.producer, name.id.number}, question->group, question->checks});
    if (outcome == transaction_outcome::unknown) continue;
    const auto end = outcome == transaction_outcome::commit ? frames::tx_outcome::commit
                                                            : frames::tx_outcome::rollback;
    // What does not arrive is asked for again.
    static_cast<void>(connection_->ask(frames::tx_end{name, end}, on_loss::report, false));
  }
}

} // namespace carafe::client
