#pragma once

#include "actors/client/connection.hpp"
#include "actors/client/receiver.hpp"

#include <carafe/consumer.hpp>

#include <memory>
#include <string>

namespace carafe::client {

/// The consumer that `client::make_consumer` gives out.
class direct_consumer final : public consumer {
public:
  direct_consumer(std::shared_ptr<connection> c, std::shared_ptr<receiver> core, std::string group);
  ~direct_consumer() override;

  result<std::vector<delivery>> poll(std::size_t max, std::chrono::milliseconds wait) override;
  result<void> run(const std::function<bool(const delivery&)>& handle) override;
  void stop() override;
  result<void> ack(const delivery& d) override;
  result<void> nack(const delivery& d, const nack_options& how) override;
  result<void> reject(const delivery& d, const std::string& error) override;
  result<void> commit() override;
  result<void> seek(const std::string& topic, queue_number number,
                    const start_position& to) override;
  result<void> pause(const std::string& topic, queue_number number) override;
  result<void> resume(const std::string& topic, queue_number number) override;
  [[nodiscard]] std::string group() const override { return group_; }
  [[nodiscard]] std::vector<owned_queue> queues() const override;
  result<void> close() override;

private:
  std::shared_ptr<connection> connection_;
  std::shared_ptr<receiver> core_;
  const std::string group_;
};

/// @errors invalid_argument
result<void> check(const consumer_options& options);

/// Makes the consumer that the options ask for, and waits until it reads.
result<std::unique_ptr<consumer>> open_consumer(std::shared_ptr<connection> c,
                                                consumer_options options);

} // namespace carafe::client
