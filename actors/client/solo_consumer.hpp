#pragma once

#include "actors/client/consumer_core.hpp"

namespace carafe::client {

/// Reads queues without a group. When it reads whole topics, it notices queues that are added.
class solo_consumer final : public consumer_core {
public:
  using consumer_core::consumer_core;

  /// Begins with these queues and waits until each has its position or failed.
  /// @errors timeout. What ended single queues comes out of `poll`.
  result<void> open(const std::vector<queue_name>& queues);

  result<void> ack(const delivery&) override { return {}; }
  result<void> commit() override { return {}; }
  result<void> close() override;

  void on_ready() override;
  void on_lost() override;

private:
  bool on_other_frame(frames::frame&) override { return false; }
  [[nodiscard]] errc not_read() const override { return errc::queue_unknown; }
  [[nodiscard]] bool acknowledges() const override { return false; }
  void look_for_queues();
  void on_description(const frames::body& body);
  void leave();
};

} // namespace carafe::client
