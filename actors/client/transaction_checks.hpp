#pragma once

#include "actors/client/connection.hpp"

#include <carafe/transactions.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace carafe::client {

/// The node's questions about transactions of one producer group, and the thread that answers them.
class transaction_checks {
public:
  transaction_checks(std::shared_ptr<connection> c, const transaction_options& options);
  /// Waits for a check that runs.
  ~transaction_checks();
  transaction_checks(const transaction_checks&) = delete;
  transaction_checks& operator=(const transaction_checks&) = delete;

private:
  /// Takes questions on the connection's thread.
  class inbox final : public listener {
  public:
    inbox(link& wire, std::string group) : wire_(wire), group_(std::move(group)) {}
    void on_ready() override;
    void on_lost() override {}
    bool on_frame(frames::frame& f) override;
    void on_room() override {}

    /// The next question, waiting for it; nothing after `close`.
    std::optional<frames::tx_check> next();
    void close();

  private:
    link& wire_;
    const std::string group_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<frames::tx_check> questions_;
    bool closed_ = false;
  };

  void answer_all();

  std::shared_ptr<connection> connection_;
  const std::string group_;
  const std::function<transaction_outcome(const transaction_check&)> check_;
  std::shared_ptr<inbox> inbox_;
  std::thread thread_;
};

} // namespace carafe::client
