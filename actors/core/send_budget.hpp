#pragma once

#include <carafe/types.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

namespace carafe::core {

/// Bytes, all of them.
struct send_limits {
  /// What queues may be told of at any time, so that new messages come without being asked for:
  /// all subscriptions together, and one of them.
  std::uint64_t standing_max = 8u << 20;
  std::uint64_t standing_each = 1u << 20;
  /// What is lent on top, to one after another, for batches that are larger than that.
  std::uint64_t lent_max = 4u << 20;
  /// While more than this is not taken by the client, queues are told of nothing.
  std::uint64_t unsent_max = 1u << 20;
};

/// Shares what one connection may have under way out among its subscriptions: each is read as fast
/// as its client gives it credit, and all of them together hold a bounded number of bytes.
///
/// A subscription's queue is told of a little credit ahead of need, so that new messages come
/// without a question. When that is too little for the next batch, the queue gives it back and
/// says how much it wants; that much is lent for one batch, in the order of asking.
///
/// @invariant Bytes granted and not delivered are at most standing_max and, on top, lent_max or one
///            batch that is larger than that. When `limit` lowers these, nothing is taken back, and
///            nothing more is granted until what is under way is below.
class send_budget {
public:
  explicit send_budget(send_limits limits = {}) : most_(limits), limits_(limits) {}

  /// So many bytes more of demand are to be told to the subscription's queue.
  struct grant {
    subscription_id to;
    std::uint64_t bytes = 0;
  };
  using grants = std::vector<grant>;

  /// @param credit  What the client takes; the last batch may go over.
  void add(subscription_id id, std::uint64_t credit);
  grants remove(subscription_id id);
  /// The client takes so much more.
  grants credit(subscription_id id, std::uint64_t bytes);

  /// A queue reads for it from now on. It has to be told of the reader also when nothing is
  /// granted: then it says what it wants.
  grants reading(subscription_id id);
  /// … and no more: what was granted is void, and lent to others.
  grants stopped(subscription_id id);

  /// Its queue sent a batch, of which the client was sent so much: all of it, or less.
  grants delivered(subscription_id id, std::uint64_t bytes, std::uint64_t sent);
  grants delivered(subscription_id id, std::uint64_t bytes) { return delivered(id, bytes, bytes); }
  /// Its queue gave `returned` bytes back and waits for `bytes` at once; 0: for news.
  grants wants(subscription_id id, std::uint64_t bytes, std::uint64_t returned);

  /// No more than so much standing, half of it on top to lend, and an eighth unsent; from the next
  /// event on.
  void limit(std::uint64_t bytes);

  /// What the client has not taken.
  grants unsent(std::uint64_t bytes);

  /// Granted and not delivered, of all.
  [[nodiscard]] std::uint64_t under_way() const noexcept { return standing_ + lent_; }

private:
  struct share {
    /// What the client takes; below 0 after a batch that went over.
    std::int64_t credit = 0;
    std::uint64_t standing = 0;
    std::uint64_t lent = 0;
    /// What its queue waits for.
    std::uint64_t wanted = 0;
    bool reading = false;
    /// It has a place among those that wait.
    bool waits = false;
  };

  void give_back(share& from, std::uint64_t bytes);
  void wait(subscription_id id, share& of);
  void top_up(subscription_id id, share& of, grants& out);
  void lend(grants& out);
  [[nodiscard]] bool is_full() const noexcept { return unsent_ > limits_.unsent_max; }

  send_limits most_;
  send_limits limits_;
  std::map<subscription_id, share> shares_;
  std::size_t readers_ = 0;
  std::uint64_t standing_ = 0;
  std::uint64_t lent_ = 0;
  std::uint64_t unsent_ = 0;
  /// Something was not granted for what is unsent.
  bool withheld_ = false;
  std::deque<subscription_id> waiting_;
};

} // namespace carafe::core
