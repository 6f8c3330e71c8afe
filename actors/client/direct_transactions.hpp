#pragma once

#include "actors/client/connection.hpp"
#include "actors/client/transaction_checks.hpp"
#include "schema/offset_set.hpp"

#include <carafe/client.hpp>
#include <carafe/transactions.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace carafe::client {

/// What the transactions of one producer share. @thread Any.
class transaction_desk {
public:
  using time_point = std::chrono::steady_clock::time_point;
  /// What is known of a topic is looked up again after so long, to find queues that were added.
  static constexpr std::chrono::seconds known_for{60};

  transaction_desk(std::shared_ptr<connection> c, transaction_options options,
                   std::function<time_point()> now = std::chrono::steady_clock::now);

  [[nodiscard]] const connection& way() const noexcept { return *connection_; }
  [[nodiscard]] const transaction_options& options() const noexcept { return options_; }
  [[nodiscard]] producer_id id() const noexcept { return id_; }
  std::uint64_t next_number();
  /// The first of `count` sequences.
  sequence take_sequences(std::uint32_t count);
  /// What is known of a topic, or, if that is little or old, what the node says.
  result<topic_info> topic(const std::string& name);
  void forget_topics();
  /// A queue for a message without a key: they take turns.
  std::uint32_t next_turn();

private:
  struct known_topic {
    topic_info info;
    time_point at;
  };

  std::shared_ptr<connection> connection_;
  const transaction_options options_;
  const std::function<time_point()> now_;
  const producer_id id_;
  std::mutex mutex_;
  std::uint64_t number_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint32_t turn_ = 0;
  std::map<std::string, known_topic> topics_;
};

/// The transaction that `direct_transactions` gives out.
class direct_transaction final : public transaction {
public:
  explicit direct_transaction(std::shared_ptr<transaction_desk> desk);

  result<void> send(const std::string& topic, message m, std::optional<queue_number> to) override;
  result<void> acknowledge(consumer& from, const delivery& d) override;
  result<void> prepare() override;
  result<void> commit() override;
  result<void> rollback() override;
  [[nodiscard]] std::optional<transaction_ref> name() const override;

private:
  struct handled {
    consumer* by;
    delivery what;
  };
  struct open_batch {
    batch_builder builder;
    std::vector<encoded_batch> full;
  };

  result<void> seal(open_batch& batch);
  result<void> make_frames();
  result<void> end(frames::tx_outcome how);
  void prefer(const queue_info& place, bool consumed);

  std::shared_ptr<transaction_desk> desk_;
  const std::uint64_t number_;
  /// Fixed by the first frame.
  std::optional<shard_id> coordinator_;
  std::optional<queue_info> best_;
  bool best_consumed_ = false;
  std::map<queue_id, open_batch> batches_;
  std::map<std::pair<std::string, queue_id>, offset_set> consumed_;
  std::vector<handled> handled_;
  /// To be sent, in this order; each is kept until the node has it.
  std::vector<frames::tx_prepare> unsent_;
  /// The node may know of it.
  bool told_ = false;
  std::optional<frames::tx_outcome> ended_;
};

/// The producer that `client::make_transaction_producer` gives out.
class direct_transactions final : public transaction_producer {
public:
  direct_transactions(std::shared_ptr<connection> c, transaction_options options);
  [[nodiscard]] std::unique_ptr<transaction> begin() override;

private:
  std::shared_ptr<transaction_desk> desk_;
  /// Nothing: it is not asked.
  std::optional<transaction_checks> checks_;
};

result<std::unique_ptr<transaction_producer>> open_transactions(std::shared_ptr<connection> c,
                                                                transaction_options options);

} // namespace carafe::client
