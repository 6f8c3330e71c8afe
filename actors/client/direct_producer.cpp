#include "actors/client/direct_producer.hpp"

namespace carafe::client {

direct_producer::direct_producer(std::shared_ptr<connection> c, const producer_options& options)
  : connection_(std::move(c)),
    core_(std::make_shared<producer_core>(connection_->wire(), options)) {
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

} // namespace carafe::client
