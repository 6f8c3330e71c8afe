#pragma once

#include "actors/core/delivery_progress.hpp"
#include "actors/core/id_table.hpp"
#include "actors/core/transaction_table.hpp"
#include "schema/records.hpp"
#include "storage/state_store.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace carafe::core {

/// One producer on one queue.
struct producer_key {
  producer_id producer;
  queue_id queue;

  friend auto operator<=>(const producer_key&, const producer_key&) = default;
};

/// One group's progress on one queue.
struct progress_key {
  group_id group;
  queue_id queue;

  friend auto operator<=>(const progress_key&, const progress_key&) = default;
};

/// One named producer on one queue.
struct named_key {
  producer_name_id name;
  queue_id queue;

  friend auto operator<=>(const named_key&, const named_key&) = default;
};

/// What a group waits for, and where it lies.
struct held_message {
  /// In the queue that was asked about.
  offset at;
  progress_key whose;
  /// In the group's queue: the same, or `at` is its letter or copy.
  offset message;
};

} // namespace carafe::core

template <>
struct std::hash<carafe::core::producer_key> {
  std::size_t operator()(const carafe::core::producer_key& k) const noexcept {
    return std::hash<std::uint64_t>{}(k.producer.value * 0x9e3779b97f4a7c15ull ^ k.queue.value);
  }
};

namespace carafe::core {

/// What the log says of messages for later: a batch of them (`timed`), `timers_ended` or
/// `timer_moved`.
struct timer_news {
  unix_ms stored;
  effects::effect what;
};

/// Everything that a shard's log says, folded: queues, producers, progress of groups and, in shard
/// 0, the catalogue. A pure function of the entries: it reads no clock but the entries' times.
///
/// @invariant Folding entries 1..n gives the same `hash()` as loading the checkpoint of any m <= n
///            and folding m+1..n.
class shard_state {
public:
  /// @param producer_expiry_ms A producer that wrote nothing to a queue for so long (in entry
  ///        time) is forgotten there.
  explicit shard_state(std::uint64_t producer_expiry_ms);

  /// Applies one committed entry: all of its effects, in order.
  void apply(unix_ms time, const std::vector<effects::effect>& effects);

  /// Rows that changed since the last call, as of exactly the last applied entry. Clears the list.
  [[nodiscard]] std::vector<storage::state_delta> take_deltas();

  /// What the entries applied since the last call, or since the checkpoint that was loaded, say of
  /// messages for later, in order. These are kept elsewhere: here they are only counted.
  [[nodiscard]] std::vector<timer_news> take_timer_news();

  /// Takes in one checkpointed row.
  /// @errors storage_corrupt, format_newer (a kind of row that this version does not know).
  result<void> load(std::string_view key, std::string_view value);
  /// Call once after the last `load`.
  /// @param time The checkpoint mark's broker time.
  void loaded(unix_ms time);

  /// Of all rows, in an order of their own; equal states have equal hashes.
  [[nodiscard]] std::uint64_t hash() const;

  // -- reading -----------------------------------------------------------------------------------

  /// Broker time of the last applied entry; never falls.
  [[nodiscard]] unix_ms time() const noexcept { return time_; }
  [[nodiscard]] const queue_record* queue(queue_id id) const;
  [[nodiscard]] const producer_record* producer(const producer_key& key) const;
  [[nodiscard]] const progress_record* progress(const progress_key& key) const;
  [[nodiscard]] const std::unordered_map<queue_id, queue_record>& queues() const noexcept {
    return queues_;
  }
  [[nodiscard]] std::size_t producers() const noexcept { return producers_.size(); }
  [[nodiscard]] const std::map<topic_id, topic_record>& topics() const noexcept { return topics_; }
  [[nodiscard]] const std::map<group_id, group_record>& groups() const noexcept { return groups_; }
  /// Of shard 0.
  [[nodiscard]] const std::map<schedule_id, schedule_record>& schedules() const noexcept {
    return schedules_;
  }
  /// How far schedules are, of those that sent a message to this shard; in shard 0 also of those
  /// that moved on without one.
  [[nodiscard]] const std::map<schedule_id, schedule_progress>& fired() const noexcept {
    return fired_;
  }
  [[nodiscard]] const std::map<progress_key, progress_record>& all_progress() const noexcept {
    return progress_;
  }
  /// Of `shared` and `keyed` groups; nothing if the group has no progress there.
  [[nodiscard]] const delivery_progress* delivery(const progress_key& key) const;
  /// The first `max` messages below `end` of this queue that groups wait for, ascending. A start
  /// that spares them goes no further than to the first.
  /// @cost O(waiting rows of the groups on the queue + deliveries that need letters)
  [[nodiscard]] std::vector<held_message> held(queue_id queue, offset end, std::size_t max) const;
  /// Whose dead letters the queue has, if any died since its group was made.
  [[nodiscard]] std::optional<group_id> group_of_letters(queue_id queue) const;
  [[nodiscard]] const catalogue_record& catalogue() const noexcept { return catalogue_; }
  /// The name's present holder, as this shard was told; nothing if it is not known.
  [[nodiscard]] const named_producer_record* name(producer_name_id id) const;
  [[nodiscard]] const std::map<producer_name_id, named_producer_record>& names() const noexcept {
    return names_;
  }
  [[nodiscard]] const named_progress_record* named(const named_key& key) const;
  /// Rows of (name, queue).
  [[nodiscard]] std::size_t named_rows() const noexcept { return named_.size(); }
  [[nodiscard]] const id_table& ids() const noexcept { return ids_; }
  /// Messages that wait for their times, of all queues.
  [[nodiscard]] std::uint64_t timers_pending() const noexcept { return timers_pending_; }
  [[nodiscard]] const transaction_table& transactions() const noexcept { return transactions_; }
  /// As `transaction_table::take_touched`.
  [[nodiscard]] std::set<transaction_id> take_touched_transactions() {
    return transactions_.take_touched();
  }

private:
  struct producer_row {
    producer_record record;
    std::list<producer_key>::iterator turn;
  };

  void on(const effects::batch& e);
  void on(const effects::commit& e);
  void on(const effects::queue_opened& e);
  void on(const effects::queue_closed& e);
  void on(const effects::queue_start& e);
  void on(const effects::topic_put& e);
  void on(const effects::topic_deleted& e);
  void on(const effects::group_put& e);
  void on(const effects::group_deleted& e);
  void on(const effects::progress_dropped& e);
  void on(const effects::settled& e);
  void on(const effects::lent& e);
  void on(const effects::returned& e);
  void on(const effects::waiting& e);
  void on(const effects::timers_ended& e);
  void on(const effects::timer_moved& e);
  void on(const effects::kept& e);
  void on(const effects::tx_prepared& e) { transactions_.on(e, time_); }
  void on(const effects::tx_ended& e) { transactions_.on(e); }
  void on(const effects::tx_applied& e) { transactions_.on(e); }
  void on(const effects::schedule_put& e);
  void on(const effects::schedule_deleted& e);
  void on(const effects::schedule_fired& e);
  void on(const effects::producer_put& e);

  // -- shard_producers.cpp -----------------------------------------------------------------------
  void note_named(const effects::batch& e);
  void forget_named(const named_key& key);
  void note_ids(const effects::batch& e);
  void expire_ids();
  /// Of names, and ids.
  void forget_rows_of(queue_id queue);

  /// The delivery of a group on a queue that is open; nothing otherwise. Its row will change.
  [[nodiscard]] delivery_progress* deliver(const progress_key& key);
  void delivered(const progress_key& key, const delivery_progress& now);
  void forget_waiting(const progress_key& key, const std::vector<offset>& rows);
  void forget_delivery(const progress_key& key);
  /// Its row: `progress_` and what is in `deliveries_`.
  [[nodiscard]] progress_record whole_progress(const progress_key& key) const;
  void expire_producers();
  void forget_producer(const producer_key& key);
  void forget_progress(const progress_key& key);
  void use_id(std::uint64_t id);
  [[nodiscard]] std::optional<std::string> row_value(const std::string& key) const;

  std::uint64_t producer_expiry_ms_;
  unix_ms time_{};
  std::unordered_map<queue_id, queue_record> queues_;
  std::unordered_map<producer_key, producer_row> producers_;
  /// Least recently used first; times never fall along it.
  std::list<producer_key> turns_;
  std::map<progress_key, progress_record> progress_;
  /// Of those groups that settle single messages.
  std::map<progress_key, delivery_progress> deliveries_;
  /// Of these, those that need letters.
  std::set<progress_key> with_letters_;
  /// Whose rows go with a queue; never empty.
  std::unordered_map<queue_id, std::set<producer_id>> producers_of_;
  std::unordered_map<queue_id, std::set<group_id>> groups_of_;
  std::map<topic_id, topic_record> topics_;
  std::map<group_id, group_record> groups_;
  catalogue_record catalogue_;
  transaction_table transactions_;
  std::map<schedule_id, schedule_record> schedules_;
  std::map<schedule_id, schedule_progress> fired_;
  std::map<producer_name_id, named_producer_record> names_;
  std::map<named_key, named_progress_record> named_;
  /// Whose rows go with a queue; never empty.
  std::unordered_map<queue_id, std::set<producer_name_id>> names_of_;
  id_table ids_;
  std::uint64_t timers_pending_ = 0;
  std::vector<timer_news> timer_news_;
  std::set<std::string> dirty_;
};

} // namespace carafe::core
