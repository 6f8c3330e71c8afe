#pragma once

#include "actors/core/quota.hpp"
#include "schema/frame.hpp"
#include "schema/records.hpp"

#include <carafe/types.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace carafe {

/// One quota, and all who are under it.
/// @thread Any number at a time; nobody waits for another.
class shared_quota {
public:
  /// @param what  As in "the produce quota of topic orders".
  explicit shared_quota(std::string what, std::uint64_t bytes_per_second = 0)
    : what_(std::move(what)), rate_(bytes_per_second) {}

  [[nodiscard]] bool limits() const noexcept { return rate() != 0; }
  /// Bytes a second; 0: no limit.
  [[nodiscard]] std::uint64_t rate() const noexcept {
    return rate_.load(std::memory_order_relaxed);
  }
  /// Another rate begins with a full bucket.
  void set_rate(std::uint64_t bytes_per_second) noexcept;

  /// @returns 0: taken. Otherwise nothing was; ask again after so many milliseconds.
  [[nodiscard]] std::uint64_t take(std::uint64_t bytes, mono_ms now) noexcept;
  void charge(std::uint64_t bytes, mono_ms now) noexcept;
  void give_back(std::uint64_t bytes) noexcept;

  /// For whoever asks why; written to the node's log once a minute at most.
  void count_refused(mono_ms now);
  void count_paused(std::uint64_t ms, mono_ms now);
  [[nodiscard]] std::uint64_t refused() const noexcept { return refused_.load(); }
  [[nodiscard]] std::uint64_t paused_ms() const noexcept { return paused_ms_.load(); }

  /// "the produce quota of topic orders: 1048576 bytes a second".
  [[nodiscard]] std::string text() const;
  /// Nothing is owed.
  [[nodiscard]] bool is_full(mono_ms now) const noexcept;

private:
  void tell(mono_ms now);

  const std::string what_;
  std::atomic<std::uint64_t> rate_;
  std::atomic<std::uint64_t> paid_at_ns_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> paused_ms_{0};
  /// When the log was told last, plus one.
  std::atomic<std::uint64_t> told_ms_{0};
};

/// The two quotas of a topic, or of a client.
struct quota_pair {
  shared_quota produce;
  shared_quota consume;

  [[nodiscard]] frames::throttling throttled() const noexcept {
    return {produce.refused(), consume.paused_ms()};
  }
};

/// All quotas of a node. The catalogue says which topics have some; sessions and queues find
/// theirs.
/// @thread Any number at a time.
class quota_board {
public:
  /// Of each client, by its name; 0: none.
  struct client_rates {
    std::uint64_t produce = 0;
    std::uint64_t consume = 0;
  };
  /// Clients that are gone and whose buckets are not full are remembered, so many at most.
  static constexpr std::size_t clients_max = 65'536;

  quota_board() = default;
  explicit quota_board(client_rates rates) : rates_(rates) {}

  /// The topic is there with these settings.
  void put(const topic_record& topic);
  void remove(const topic_record& topic);

  /// Rises whenever `of` may answer otherwise than before.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return version_.load(std::memory_order_acquire);
  }
  /// Null: its topic has none.
  [[nodiscard]] std::shared_ptr<quota_pair> of(queue_id queue) const;
  /// Null: clients have none.
  [[nodiscard]] std::shared_ptr<quota_pair> of_client(const std::string& name, mono_ms now);

  [[nodiscard]] frames::throttling throttled() const;

private:
  void forget_clients(mono_ms now);

  const client_rates rates_{};
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex guard_;
  std::map<topic_id, std::shared_ptr<quota_pair>> topics_;
  std::unordered_map<queue_id, std::shared_ptr<quota_pair>> queues_;
  std::unordered_map<std::string, std::shared_ptr<quota_pair>> clients_;
  std::size_t look_at_ = 1'024;
  /// Of those that are gone.
  frames::throttling before_;
};

/// What a queue's topic allows, found again only when some topic's quotas came or went.
class queue_quotas {
public:
  queue_quotas() = default;
  queue_quotas(std::shared_ptr<const quota_board> board, queue_id queue)
    : board_(std::move(board)), queue_(queue) {}

  /// Null: nothing is limited.
  [[nodiscard]] const std::shared_ptr<quota_pair>& get() {
    if (board_)
      if (const auto version = board_->version(); version != seen_) {
        found_ = board_->of(queue_);
        seen_ = version;
      }
    return found_;
  }

private:
  std::shared_ptr<const quota_board> board_;
  queue_id queue_;
  std::uint64_t seen_ = 0;
  std::shared_ptr<quota_pair> found_;
};

} // namespace carafe
