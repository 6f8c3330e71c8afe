#pragma once

#include "actors/core/batch_shelf.hpp"
#include "actors/core/delivery_batch.hpp"
#include "actors/core/delivery_progress.hpp"
#include "actors/core/delivery_where.hpp"
#include "actors/core/key_lines.hpp"
#include "actors/core/ranked_offsets.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <memory_resource>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace carafe::core {

/// Both clocks, for what is only of this run and for what is stored.
struct instant {
  mono_ms mono;
  unix_ms wall;
};

/// Deliveries of a `shared` or `keyed` group: who is lent which message, what becomes of it.
///
/// A message's states and what moves it on:
///
///     unmet    --arrived-->                    free, or behind another of its key
///     behind   --that one is finished-->       ready
///     free, ready --(a member has room)-->     lent      (`lend`, `write lent`)
///     lent     --settle-->                     finished  (`write settled`)
///     lent     --nack, lease ends, member lost--> waiting (`write waiting`), or dying (`bury`)
///     lent     --reject-->                     dying     (`bury`)
///     lent     --give_back, member leaves-->   ready
///     waiting  --due-->                        ready     (`look` reads it again)
///     dying    --buried-->                     finished
///     any      --settle-->                     finished  (a late acknowledgement)
///
/// After a restart, what the log says was lent is lent to nobody known, for one lease time.
///
/// @invariant A message is lent to one member at a time.
/// What can be lent of a queue goes by priority, then by offset, but the oldest is passed over by
/// `passed_over_max` messages at most; queues take turns. A message that has expired is not lent:
/// it is finished, or dying.
///
/// @invariant `keyed`: of one key and queue, only the oldest unfinished message is ready or lent.
/// @invariant What `progress` of a queue says is what the log says once everything that `write`
///            was asked for is applied.
class delivery_core {
public:
  static constexpr std::uint64_t passed_over_max = 100;

  struct options {
    group_id group;
    bool keyed = false;
    delivery_settings how;
    /// So long leases of before may run, if `how` has shorter ones.
    std::uint64_t lease_left_ms = 0;
    /// Of batches that were read and hold messages that nobody has yet; two batches more for each
    /// queue, one of them looked up. As much again of those that will be asked for again.
    std::uint64_t window_bytes = 8u << 20;
  };

  /// `member` has these messages of `batch` from now on.
  struct lend {
    member_id member;
    queue_id queue;
    delivery_batch_ptr batch;
    std::vector<offset_range> ranges;
    /// Which delivery of these it is, from 1.
    std::uint32_t attempt = 1;
    /// What it was taken to cost of the member's demand; `charged` tells what it did.
    std::uint64_t bytes = 0;
    /// Each has another one, from 1.
    std::uint64_t number = 0;
  };
  /// Read on: so many bytes more.
  struct pull {
    queue_id queue;
    std::uint64_t bytes = 0;
  };
  /// Read the batch that has this message; `looked` takes it.
  struct look {
    queue_id queue;
    offset at;
  };
  /// To be written, in this order.
  struct write {
    queue_id queue;
    effects::effect what;
    /// It may wait a little for more.
    bool may_wait = false;
  };
  /// The message is dead: its letter and its end are one entry; then `buried`.
  struct bury {
    queue_id queue;
    waiting_record row;
  };
  using effect = std::variant<lend, pull, look, write, bury>;
  using effects_list = std::vector<effect>;

  /// @param dice Gives a number below its argument.
  delivery_core(options o, std::function<std::uint64_t(std::uint64_t)> dice);
  delivery_core(delivery_core&&) = default;
  /// Its tables would outlive the memory they are in.
  delivery_core& operator=(delivery_core&&) = delete;

  /// A queue of the group's topics. `reads_from(queue)` is where its reader has to begin.
  void add_queue(queue_id queue, delivery_progress progress, offset end, instant now);
  void remove_queue(queue_id queue);
  [[nodiscard]] offset reads_from(queue_id queue) const;
  /// What is below `start` and was not read is gone, but for what has a copy or a letter.
  effects_list raise_start(queue_id queue, offset start, instant now);
  /// The log has a copy of a message, made before retention took it.
  void kept(queue_id queue, const waiting_record& row);

  /// What a batch says beside its bytes is different now: when its messages expire. Those that
  /// nobody was lent anything of yet stay as they are.
  void read_anew();
  /// Nothing is lent from here on.
  void stop_lending() { stopped_ = true; }
  /// From now on; leases that run keep their end.
  void alter(delivery_settings how) { options_.how = std::move(how); }

  effects_list join(member_id id, std::uint32_t in_flight_max, instant now);
  /// @param lost It did not say goodbye: what it had counts as failed.
  effects_list leave(member_id id, bool lost, instant now);
  /// `id` may be sent so many bytes more.
  effects_list demand(member_id id, std::uint64_t bytes, instant now);

  /// A `lend` of `estimated` bytes was sent, and had `actual`.
  void charged(member_id id, std::uint64_t estimated, std::uint64_t actual);

  /// The queue's reader brought its next batch.
  /// There are no messages at these offsets, where reading goes on; they count as done.
  effects_list passed(queue_id queue, offset_range what, instant now);
  effects_list arrived(queue_id queue, delivery_batch_ptr batch, instant now);
  /// It could not send the next one, which has `bytes` (0: there is none), and gives `returned` of
  /// its demand back.
  effects_list wanted(queue_id queue, std::uint64_t bytes, std::uint64_t returned);
  /// Its reader is another one, which was not asked for anything yet.
  effects_list reopened(queue_id queue);
  /// `look` found this, or nothing.
  /// @param without  Why it is done, if there is no batch.
  effects_list looked(queue_id queue, offset at, delivery_batch_ptr batch, instant now,
                      effects::settled::reason without = effects::settled::reason::gone);

  /// `id` is done with these for good. What is being buried stays dead; what lies past the queue's
  /// end is passed over.
  /// @errors queue_unknown
  result<effects_list> settle(member_id id, queue_id queue, const std::vector<offset_range>& ranges,
                              instant now);
  /// Failed: again after `delay_ms`, or after the group's back-off.
  /// @errors not_owner (somebody else has it, or it is finished)
  result<effects_list> nack(member_id id, queue_id queue, offset at,
                            std::optional<std::uint64_t> delay_ms, std::string error, instant now);
  /// Never again.
  /// @errors not_owner
  result<effects_list> reject(member_id id, queue_id queue, offset at, std::string error,
                              instant now);
  /// `id` does not want these after all; that is no failure.
  effects_list give_back(member_id id, queue_id queue, const std::vector<offset_range>& ranges,
                         instant now);
  /// All leases of `id` begin anew.
  void renew(member_id id, instant now);
  /// `id` still works on these, which it was lent before the connection or the node broke.
  /// @returns What it does not have any more.
  std::vector<offset_range> reclaim(member_id id, queue_id queue,
                                    const std::vector<offset_range>& ranges, instant now);
  effects_list buried(queue_id queue, offset at, instant now);
  /// The log says that a finished message is to be delivered again, as `row` tells.
  /// @pre `row.at` lies before the queue's end.
  effects_list revived(queue_id queue, waiting_record row, instant now);

  /// Whether one of these lies past the queue's end.
  [[nodiscard]] bool past_end(queue_id queue, const std::vector<offset_range>& ranges) const;
  /// Whether one of these is being buried.
  [[nodiscard]] bool burying(queue_id queue, const std::vector<offset_range>& ranges) const;
  /// Whether the message is lent, and by the `lend` of this number.
  [[nodiscard]] bool in_force(queue_id queue, offset at, std::uint64_t number) const;
  /// delivery_where.cpp
  [[nodiscard]] whereabouts where(queue_id queue, offset at) const;

  /// Leases that have ended, messages that are due.
  effects_list tick(instant now);
  /// Whether `tick` will have something to do some time.
  [[nodiscard]] bool idle() const;
  /// In how many ms `tick` has something to do, if nothing happens before; nothing: never.
  [[nodiscard]] std::optional<std::uint64_t> next(instant now) const;

  struct lease {
    std::uint64_t count = 0;
    /// 0: lent before a restart, nobody knows to whom.
    member_id member;
    /// Deliveries that failed before.
    std::uint32_t attempts = 0;
    mono_ms ends;
    /// Of its `lend`; 0: of before a restart.
    std::uint64_t number = 0;
  };
  struct member_state {
    std::uint32_t in_flight_max = 0;
    std::uint64_t in_flight = 0;
    /// A batch may go over it; that is not held against the next grant, as the session forgets it
    /// too.
    std::uint64_t demand = 0;
    mono_ms last_settled{};
  };
  struct queue_state {
    explicit queue_state(std::pmr::memory_resource* nodes)
      : ready(nodes), leases(nodes), lines(nodes) {}

    struct window_part {
      delivery_batch_ptr batch;
      /// Free ones of one priority, ascending; never empty.
      std::deque<offset_range> free;
      std::uint64_t bytes = 0;
    };
    delivery_progress progress;
    offset end;
    /// Where the reader is.
    offset fetched;
    /// By priority, highest first; none is empty.
    std::map<std::uint8_t, std::deque<window_part>, std::greater<>> window;
    std::uint64_t window_bytes = 0;
    /// Priorities of unfinished messages that were read, but for the usual one.
    std::map<offset, std::uint8_t> priority_of;
    /// Messages that were lent since the oldest one could have been.
    std::uint64_t passed_over = 0;
    /// Of what the reader may bring, in bytes; and what its next batch has, if that was too little.
    std::uint64_t asked = 0;
    std::uint64_t wants = 0;
    /// May be lent, and have to be looked up for it.
    ranked_offsets ready;
    std::optional<offset> looking;
    /// What was looked up last, while some of it is ready: nobody had room for it. Beside the
    /// shelf, since it may be a letter, which stands for one message only.
    delivery_batch_ptr found = {};
    offset found_for{0};
    std::set<offset> dying;
    /// Messages were brought back: what is in the window may be under way, or overtaken.
    bool revived = false;
    /// Where reading has met everything that was lent before a restart or failed unread: only then
    /// it is known what of a key is under way beside one that was brought back. Reading goes on to
    /// there whatever waits.
    offset barrier{0};
    /// First offset -> lease.
    std::pmr::map<offset, lease> leases;
    /// `keyed`: unfinished messages that were read.
    key_lines lines;
  };
  [[nodiscard]] const std::map<queue_id, queue_state>& queues() const noexcept { return queues_; }
  [[nodiscard]] const std::map<member_id, member_state>& members() const noexcept {
    return members_;
  }
  [[nodiscard]] std::uint64_t in_flight() const noexcept { return in_flight_; }
  /// Messages that were kept from consumers since this was made, by the filter and by their age.
  struct left_out_counts {
    std::uint64_t filtered = 0;
    std::uint64_t expired = 0;
  };
  [[nodiscard]] const left_out_counts& left_out() const noexcept { return left_out_; }
  /// Messages that wait for their next attempt or behind one of their key.
  [[nodiscard]] std::uint64_t waiting() const noexcept { return behind_ + due_.size(); }
  /// As many wait as the group allows: it reads no new ones.
  [[nodiscard]] bool held_up() const noexcept { return waiting() >= options_.how.waiting_max; }

private:
  using lent_away = std::function<void(offset_range, const lease&)>;
  /// Messages of one priority, so many at most.
  struct share {
    std::uint8_t priority = priority_default;
    std::uint64_t most = 0;
  };

  queue_state* find(queue_id queue);

  // -- delivery_lend.cpp: who gets what
  void give(effects_list& out, instant now);
  bool give_from(queue_id id, queue_state& queue, effects_list& out, instant now);
  bool give_ready(queue_id id, queue_state& queue, share of, effects_list& out, instant now);
  bool give_window(queue_id id, queue_state& queue, share of, effects_list& out, instant now);
  bool lend_ready(queue_id id, queue_state& queue, const delivery_batch_ptr& batch,
                  std::optional<offset> looked_up, share of, effects_list& out, instant now);
  [[nodiscard]] static bool stands_alone(const queue_state& queue, offset at);
  [[nodiscard]] bool nothing_is_left() const;
  void shelve(queue_id id, const delivery_batch_ptr& batch);
  [[nodiscard]] bool soon_wanted(const queue_state& queue, offset_range range) const;
  static void forget_found(queue_state& queue);
  [[nodiscard]] static unsigned priorities_there(const queue_state& queue);
  [[nodiscard]] static std::uint8_t priority_of_oldest(const queue_state& queue);
  [[nodiscard]] static std::uint8_t priority_at(const queue_state& queue, offset at);
  static void make_ready(queue_state& queue, offset at) {
    queue.ready.insert(at, priority_at(queue, at));
  }
  void take_back(queue_id id, queue_state& queue, offset_range range);
  void put_out(queue_state& queue, lend what, effects_list& out, instant now);
  [[nodiscard]] member_id next_member();
  [[nodiscard]] bool room_somewhere() const;
  [[nodiscard]] std::uint64_t room(const member_state& member) const;
  [[nodiscard]] std::uint64_t room(const member_state& member, const effects::batch& batch) const;
  void pull_more(effects_list& out);

  // -- delivery_lines.cpp: of one key, one at a time
  bool meet_key(queue_state& queue, offset at, std::uint64_t key);
  void leave_lines(queue_id id, queue_state& queue, offset_range range);
  void wake_first(queue_id id, queue_state& queue, offset first);
  void ready_again(queue_id id, queue_state& queue, offset at);
  [[nodiscard]] static bool key_is_lent(const queue_state& queue, offset at);

  // -- delivery_expiry.cpp: what is too old to be delivered
  std::vector<offset_range> without_expired(queue_id id, queue_state& queue,
                                            const delivery_batch& batch,
                                            std::vector<offset_range> ranges, effects_list& out,
                                            instant now);
  void expire(queue_id id, queue_state& queue, offset_range range, effects_list& out, instant now);

  // -- delivery_state.cpp: what becomes of a message
  void leave_out(queue_id id, queue_state& queue, const delivery_batch& batch, effects_list& out);
  void learn_keys(queue_id id, queue_state& queue, const delivery_batch& batch, effects_list& out);
  void read_to(queue_id id, queue_state& queue, offset end);
  void sort_in(queue_state& queue, const delivery_batch_ptr& batch);
  static void rank(queue_state& queue, queue_state::window_part part);
  static bool take_from_window(queue_state& queue, offset at);
  [[nodiscard]] static bool lent_out(const queue_state& queue, offset at);
  void end_leases(queue_state& queue, offset_range range, const lent_away& each);
  [[nodiscard]] std::optional<lease> take_lease(queue_state& queue, member_id id, offset at);
  void forget(queue_state& queue, queue_id id, offset_range range);
  void failed(queue_id id, queue_state& queue, offset at, std::uint32_t attempts,
              std::optional<std::uint64_t> delay_ms, std::string error, effects_list& out,
              instant now);
  void end_overdue(effects_list& out, instant now);
  void end_lease(queue_id id, queue_state& queue, offset_range range, const lease& was,
                 std::optional<std::uint64_t> delay_ms, const std::string& error, effects_list& out,
                 instant now);
  [[nodiscard]] waiting_record next_row(const queue_state& queue, offset at, std::uint32_t attempts,
                                        std::string error, instant now) const;
  [[nodiscard]] std::uint64_t pause_after(std::uint32_t attempts);
  [[nodiscard]] std::vector<offset_range> held_by(const queue_state& queue, offset_range range,
                                                  member_id id) const;
  [[nodiscard]] std::vector<offset_range> lendable(const queue_state& queue,
                                                   offset_range range) const;
  [[nodiscard]] static std::vector<offset_range> without_rows(const queue_state& queue,
                                                              offset_range range);
  [[nodiscard]] std::vector<offset_range> unfinished(const queue_state& queue,
                                                     offset_range range) const;

  options options_;
  bool stopped_ = false;
  std::function<std::uint64_t(std::uint64_t)> dice_;
  /// Of what comes and goes with each message: kept together, and used again.
  std::unique_ptr<std::pmr::memory_resource> nodes_;
  std::map<queue_id, queue_state> queues_;
  std::map<member_id, member_state> members_;
  batch_shelf shelf_;
  /// Whose turn it is.
  queue_id turn_{0};
  member_id member_turn_{0};
  std::uint64_t in_flight_ = 0;
  left_out_counts left_out_;
  std::uint64_t lends_ = 0;
  std::uint64_t behind_ = 0;
  /// No lease ends before.
  mono_ms soonest_{~std::uint64_t{0}};
  /// When which message is due.
  std::set<std::tuple<unix_ms, queue_id, offset>> due_;
};

} // namespace carafe::core
