#include "actors/client/direct_producer.hpp"

#include <algorithm>

namespace carafe::client {
namespace {

/// @errors internal, and what the node answers.
template <class Answer>
result<Answer> ask(const connection& c, frames::producer_request question) {
  auto answer = c.ask(question, on_loss::resend);
  if (!answer) return answer.error();
  auto body = std::get_if<frames::producer_answer>(&*answer);
  auto wanted = body ? std::get_if<Answer>(&body->what) : nullptr;
  if (!wanted) return {errc::internal, "the node answered with a frame of another kind"};
  return std::move(*wanted);
}

} // namespace

result<std::unique_ptr<producer>> open_producer(const std::shared_ptr<connection>& c,
                                                const producer_options& options) {
  auto holder = frames::producer_opened{};
  if (!options.name.empty()) {
    auto opened = ask<frames::producer_opened>(*c, {frames::producer_open{options.name}});
    if (!opened) return opened.error();
    holder = *opened;
  }
  return std::unique_ptr<producer>{std::make_unique<direct_producer>(c, options, holder)};
}

direct_producer::direct_producer(std::shared_ptr<connection> c, const producer_options& options,
                                 frames::producer_opened holder)
  : connection_(std::move(c)),
    core_(std::make_shared<producer_core>(connection_->wire(), options, holder)) {
  auto& wire = connection_->wire();
  wire.loop().post([&wire, core = core_] { wire.add(core); });
}

direct_producer::~direct_producer() {
  auto& wire = connection_->wire();
  auto leave = [&wire, core = core_] {
    core->abandon();
    wire.remove(core.get());
  };
  if (wire.loop().on_thread()) {
    leave();
    return;
  }
  static_cast<void>(core_->flush()); // What it did not get an answer for is told by `abandon`.
  wire.loop().post_and_wait(leave);
}

result<receipt> direct_producer::send(const std::string& topic, message m) {
  if (connection_->wire().loop().on_thread())
    return {errc::invalid_argument, "send was called from a callback; use send_async"};
  return send_async(topic, std::move(m), std::optional<queue_number>{}).get();
}

std::future<result<receipt>> direct_producer::send_async(const std::string& topic, message m,
                                                         std::optional<queue_number> to) {
  auto promise = std::promise<result<receipt>>{};
  auto future = promise.get_future();
  auto done = completion{std::move(promise)};
  if (auto added = core_->add(topic, std::move(m), done, to); !added) complete(done, added.error());
  return future;
}

result<void> direct_producer::send_async(const std::string& topic, message m, callback done,
                                         std::optional<queue_number> to) {
  auto whom = completion{};
  if (done) whom = std::move(done);
  return core_->add(topic, std::move(m), whom, to);
}

result<void> direct_producer::flush() { return core_->flush(); }

void direct_producer::give_up() {
  auto& loop = connection_->wire().loop();
  if (loop.on_thread())
    core_->abandon();
  else
    loop.post_and_wait([core = core_] { core->abandon(); });
}

result<sequence> direct_producer::last_sequence(const std::string& topic) const {
  const auto& holder = core_->holder();
  if (holder.name.value == 0) return {errc::invalid_argument, "the producer has no name"};
  auto progress = ask<frames::producer_progress>(
    *connection_, {frames::producer_progress_ask{holder.name, holder.epoch, topic}});
  if (!progress) return progress.error();
  auto last = sequence{};
  for (const auto& place : progress->queues) last = std::max(last, place.last);
  return last;
}

} // namespace carafe::client
