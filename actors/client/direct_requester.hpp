#pragma once

#include "actors/client/request_book.hpp"

#include <carafe/client.hpp>
#include <carafe/request_reply.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace carafe::client {

/// The requester that `client::make_requester` gives out: a producer, a consumer of one reply
/// queue, and two threads: one hands out answers, the other tells those who get none.
class direct_requester final : public requester {
public:
  /// @param answers   Reads the queue `reply_to` from its end at some time before now.
  direct_requester(requester_options options, std::uint64_t nonce, std::string reply_to,
                   std::unique_ptr<producer> requests, std::unique_ptr<consumer> answers);
  ~direct_requester() override;

  result<delivery> request(const std::string& topic, message m,
                           std::optional<std::chrono::milliseconds> within) override;
  result<void> request_async(const std::string& topic, message m, callback done,
                             std::optional<std::chrono::milliseconds> within) override;
  [[nodiscard]] std::size_t in_flight() const override;
  [[nodiscard]] std::uint64_t late() const override;

private:
  void receive();
  void watch();
  void on_answer(const delivery& d);
  void on_sent(const std::string& correlation_id, const result<receipt>& outcome);
  /// Nothing is answered any more.
  void end(const failure& why);
  [[nodiscard]] bool on_own_thread() const;

  const requester_options options_;
  const std::string reply_to_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Under mutex_, down to `ended_`.
  request_book book_;
  /// Those whose message was refused; the watcher tells them.
  std::vector<request_book::failed> unsent_;
  std::optional<failure> ended_;
  std::unique_ptr<consumer> answers_;
  std::unique_ptr<producer> requests_;
  std::thread receiver_;
  std::thread watcher_;
};

/// Makes the reply topic if it is missing, and reads a queue of it.
result<std::unique_ptr<requester>> open_requester(const client& node, requester_options options);

} // namespace carafe::client
