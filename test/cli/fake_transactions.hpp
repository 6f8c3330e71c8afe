#pragma once

#include "test/cli/fake_node.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace carafe::shell::test {

/// Notes in the fake node's state what is asked of it.
class fake_transaction final : public client::transaction {
public:
  explicit fake_transaction(std::shared_ptr<fake_state> state) : state_(std::move(state)) {}

  result<void> send(const std::string& topic, client::message m,
                    std::optional<queue_number>) override {
    if (!state_->topics.contains(topic)) return {errc::topic_unknown, topic};
    state_->transaction_bodies.push_back(m.body);
    return {};
  }
  result<void> acknowledge(client::consumer&, const client::delivery&) override { return {}; }
  result<void> prepare() override { return note("prepare"); }
  result<void> commit() override { return note("commit"); }
  result<void> rollback() override { return note("rollback"); }
  [[nodiscard]] std::optional<client::transaction_ref> name() const override {
    return client::transaction_ref{shard_id{0}, producer_id{7}, 1};
  }

private:
  result<void> note(const std::string& what) {
    state_->transaction_story += (state_->transaction_story.empty() ? "" : " ") + what;
    return {};
  }

  std::shared_ptr<fake_state> state_;
};

class fake_transactions final : public client::transaction_producer {
public:
  explicit fake_transactions(std::shared_ptr<fake_state> state) : state_(std::move(state)) {}
  [[nodiscard]] std::unique_ptr<client::transaction> begin() override {
    return std::make_unique<fake_transaction>(state_);
  }

private:
  std::shared_ptr<fake_state> state_;
};

} // namespace carafe::shell::test
