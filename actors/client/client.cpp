#include <carafe/client.hpp>

#include "actors/client/connection.hpp"
#include "actors/client/direct_consumer.hpp"
#include "actors/client/direct_producer.hpp"
#include "actors/client/direct_requester.hpp"
#include "actors/client/direct_transactions.hpp"

#include <array>
#include <future>

#include <unistd.h>

namespace carafe::client {
namespace {

std::string default_name() {
  auto host = std::array<char, 256>{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  return std::string{host.data()} + ":" + std::to_string(::getpid());
}

result<void> check(const connect_options& options) {
  auto zero = std::chrono::milliseconds{0};
  if (options.timeout <= zero) return {errc::invalid_argument, "timeout is not above 0"};
  if (options.backoff_min <= zero || options.backoff_max < options.backoff_min)
    return {errc::invalid_argument, "backoff_min is not from above 0 to backoff_max"};
  return {};
}

} // namespace

client::client(std::shared_ptr<connection> c) : connection_(std::move(c)) {}
client::~client() = default;
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;

result<std::unique_ptr<producer>> client::make_producer(producer_options options) const {
  if (auto good = check(options); !good) return good.error();
  return open_producer(connection_, options);
}

result<std::unique_ptr<consumer>> client::make_consumer(consumer_options options) const {
  return open_consumer(connection_, std::move(options));
}

result<std::unique_ptr<requester>> client::make_requester(requester_options options) const {
  return open_requester(*this, std::move(options));
}

result<std::unique_ptr<transaction_producer>>
client::make_transaction_producer(transaction_options options) const {
  return open_transactions(connection_, std::move(options));
}

std::uint64_t client::message_bytes_max() const {
  return connection_->wire().limits().message_bytes_max;
}

result<client> connect(connect_options options) {
  if (auto good = check(options); !good) return good.error();
  auto where = parse_address(options.node);
  if (!where) return where.error();
  if (options.name.empty()) options.name = default_name();
  auto wire = std::make_shared<link>(std::move(options), std::move(*where));
  if (!wire->good()) return {errc::internal, "the process has no file descriptors left"};
  auto opened = std::make_shared<connection>(wire);
  auto promise = std::promise<result<void>>{};
  auto future = promise.get_future();
  wire->start([&promise](const result<void>& outcome) { promise.set_value(outcome); });
  if (auto connected = future.get(); !connected) return connected.error();
  return client{std::move(opened)};
}

} // namespace carafe::client
