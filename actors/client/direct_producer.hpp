#pragma once

#include "actors/client/connection.hpp"
#include "actors/client/producer_core.hpp"

#include <carafe/producer.hpp>

#include <memory>

namespace carafe::client {

/// The producer that `client::make_producer` gives out.
class direct_producer final : public producer {
public:
  direct_producer(std::shared_ptr<connection> c, const producer_options& options,
                  frames::producer_opened holder = {});
  ~direct_producer() override;

  result<receipt> send(const std::string& topic, message m) override;
  std::future<result<receipt>> send_async(const std::string& topic, message m,
                                          std::optional<queue_number> to) override;
  result<void> send_async(const std::string& topic, message m, callback done,
                          std::optional<queue_number> to) override;
  result<void> flush() override;
  void give_up() override;
  result<sequence> last_sequence(const std::string& topic) const override;
  [[nodiscard]] producer_id id() const override { return core_->id(); }

private:
  std::shared_ptr<connection> connection_;
  std::shared_ptr<producer_core> core_;
};

/// A producer; one with a name once the node has told who it is.
/// @errors invalid_argument, too_many_names, timeout
result<std::unique_ptr<producer>> open_producer(const std::shared_ptr<connection>& c,
                                                const producer_options& options);

} // namespace carafe::client
