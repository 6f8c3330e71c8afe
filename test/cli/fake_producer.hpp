#pragma once

#include "test/cli/fake_node.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace carafe::shell::test {

/// Answers at once, as `fake_state` says.
class fake_producer final : public client::producer {
public:
  fake_producer(std::shared_ptr<fake_state> state, client::producer_options options)
    : state_(std::move(state)), options_(std::move(options)) {}

  result<client::receipt> send(const std::string& topic, client::message m) override {
    return answer(topic, m);
  }
  std::future<result<client::receipt>> send_async(const std::string& topic, client::message m,
                                                  std::optional<queue_number> to) override {
    std::promise<result<client::receipt>> promise;
    promise.set_value(answer(topic, m));
    state_->sent.push_back({topic, std::move(m), to});
    return promise.get_future();
  }
  result<void> send_async(const std::string& topic, client::message m, callback done,
                          std::optional<queue_number> to) override {
    if (m.body.size() > state_->message_bytes_max)
      return {errc::message_too_large, std::to_string(m.body.size()) + " bytes"};
    if (state_->throttled && options_.on_throttled)
      options_.on_throttled(*state_->throttled, std::chrono::milliseconds{0});
    done(answer(topic, m));
    if (state_->keeps_sent) state_->sent.push_back({topic, std::move(m), to});
    return {};
  }
  result<void> flush() override { return {}; }
  void give_up() override {}
  result<sequence> last_sequence(const std::string&) const override { return sequence{count_}; }
  [[nodiscard]] producer_id id() const override { return producer_id{7}; }

private:
  result<client::receipt> answer(const std::string& topic, const client::message&) {
    ++count_;
    if (state_->fails_from != 0 && count_ >= state_->fails_from) return state_->send_failure;
    ++state_->stored;
    client::receipt r;
    r.id = {producer_id{7}, sequence{count_}};
    r.topic = topic;
    r.number = queue_number{1};
    r.queue = queue_id{11};
    r.offset = offset{count_ - 1};
    r.batch_count = 1;
    r.broker_time = unix_ms{1'000};
    if (state_->receipt) state_->receipt(r);
    return r;
  }

  std::shared_ptr<fake_state> state_;
  client::producer_options options_;
  std::uint64_t count_ = 0;
};

} // namespace carafe::shell::test
