#pragma once

#include "actors/client/link.hpp"
#include "actors/client/outbox.hpp"

#include <carafe/producer.hpp>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace carafe::client {

/// Unix time of points of the steady clock, so that one clock is read for each message.
class wall_clock {
public:
  unix_ms at(time_point now);

private:
  time_point steady_{};
  unix_ms wall_;
};

/// A producer's state, shared by the threads that send and the connection's thread.
///
/// Senders encode into outboxes and seal full batches; the connection's thread seals the others,
/// sends, retries and tells the outcome.
class producer_core : public listener, public std::enable_shared_from_this<producer_core> {
public:
  /// @param holder Of a named producer: what its name was opened as.
  producer_core(link& wire, producer_options options, frames::producer_opened holder = {});

  /// Takes `done` unless it fails. @thread Any. See `producer::send_async`.
  result<void> add(const std::string& topic, message&& m, completion& done,
                   std::optional<queue_number> to);
  /// @thread Any but the connection's.
  result<void> flush();
  /// Gives up what is unanswered. @thread The connection's.
  void abandon();
  [[nodiscard]] producer_id id() const noexcept { return identity_->producer; }
  /// Of a named producer; name 0: it has none.
  [[nodiscard]] const frames::producer_opened& holder() const noexcept { return holder_; }

  void on_ready() override;
  void on_lost() override;
  bool on_frame(frames::frame&) override { return false; }
  void on_room() override;

private:
  /// An outbox with what the connection's thread keeps about it.
  struct lane_state {
    lane_state(queue_name name, producer_core& core, std::uint32_t spread);
    outbox box;
    /// Of a named producer: what is stored here up to this number is not sent.
    sequence stored;
    /// Waits in `to_serve_`.
    bool listed = false;
    std::optional<event_loop::timer> timer;
  };
  /// A message whose topic is not known yet.
  struct parked {
    message m;
    completion done;
    std::optional<queue_number> to;
    std::uint64_t bytes = 0;
    time_point given;
    std::uint64_t epoch = 0;
  };
  struct topic_state {
    std::string name;
    /// By queue number; empty: not known.
    std::vector<lane_state*> queues;
    /// Whose turn it is among messages without a key, and its `sealed` when the turn began.
    std::size_t turn = 0;
    std::uint64_t turn_began = 0;
    std::deque<parked> waiting;
    bool asked = false;
    time_point asked_at{};
    time_point known_at{};
    /// Of a named producer: over so many queues its messages are spread, in this topic; 0: not
    /// known yet. And the highest number given.
    topic_id id;
    std::uint32_t spread = 0;
    sequence given;
    std::map<queue_id, sequence> stored;
    /// Gives up what waits too long.
    std::optional<event_loop::timer> timer;
  };
  using refusals = std::vector<std::pair<parked, failure>>;
  struct outcome {
    lane::settled what;
    const queue_name* where;
  };
  using outcomes = std::vector<outcome>;

  // -- producer_core.cpp: the senders' side; under mutex_ -----------------------------------------
  result<void> wait_for_room(std::unique_lock<std::mutex>& guard, std::uint64_t bytes);
  /// Waits for `changed_`, at most `patience`, to which `quota_wait` does not count of the time
  /// that the node asked for.
  template <class Condition>
  bool wait_until_changed(std::unique_lock<std::mutex>& guard, std::chrono::milliseconds patience,
                          std::chrono::milliseconds quota_wait, Condition condition);
  topic_state& topic_of(const std::string& name);
  result<lane_state*> choose(topic_state& topic, const message& m, std::optional<queue_number> to);
  [[nodiscard]] result<void> check_number(const topic_state& topic, const message& m) const;
  /// It was stored before, in this lane's queue; somebody waits to be told.
  void skip(lane_state& lane, completion&& done, std::uint64_t bytes, std::uint64_t epoch);
  result<void> append(topic_state& topic, message& m, completion& done,
                      std::optional<queue_number> to, std::uint64_t bytes, time_point given,
                      std::uint64_t epoch);
  void took(std::uint64_t bytes, std::uint64_t epoch);
  void request_service(lane_state& lane);
  void look_up(topic_state& topic);

  // -- producer_service.cpp: the connection's thread; under mutex_ --------------------------------
  void serve_listed();
  void serve_all();
  void serve(lane_state& lane, outcomes& out);
  void arm(lane_state& lane);
  void on_answer(lane_state& lane, lane::key batch, frames::body&& body);
  /// Takes down what is to be told, under mutex_.
  void note(lane::settled what, const queue_name& where, outcomes& out);
  void tell(outcomes out);
  void gave_back(std::uint64_t bytes, std::uint64_t epoch, std::uint64_t count);

  // -- producer_topics.cpp: the connection's thread; under mutex_ ---------------------------------
  void ask(const std::string& name);
  void on_description(const std::string& name, frames::body&& body);
  void learn(topic_state& topic, const frames::topic_description& told, refusals& refused);
  /// What the topic's queues have of a named producer's messages comes before anything is sent.
  void ask_progress(const std::string& name, const frames::topic_description& told);
  void on_progress(const std::string& name, const frames::topic_description& told,
                   frames::body&& body);
  void not_learnt(topic_state& topic, const failure& why, refusals& refused);
  void arm_parked(topic_state& topic);
  void expire_parked(topic_state& topic);
  void tell_refused(refusals refused);
  void stop(const failure& why);

  link& link_;
  const producer_options options_;
  const std::shared_ptr<identity> identity_;
  const frames::producer_opened holder_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<std::string, std::unique_ptr<topic_state>> topics_;
  topic_state* last_topic_ = nullptr;
  /// Never removed: few, and answers refer to them.
  std::map<queue_id, std::unique_ptr<lane_state>> lanes_;
  std::vector<lane_state*> to_serve_;
  bool service_posted_ = false;
  std::uint64_t bytes_ = 0;
  /// A message failed, and no more are to be taken.
  bool stopped_ = false;
  failure stop_reason_{errc::disconnected, "an earlier message failed"};
  /// Of messages that were stored before: to be told by the connection's thread.
  outcomes skipped_;
  /// Senders that wait for room, and those that wait in `flush`.
  unsigned pressed_ = 0;
  unsigned flushing_ = 0;
  std::uint64_t epoch_ = 0;
  /// Unanswered messages by epoch.
  std::map<std::uint64_t, std::uint64_t> unanswered_;
  std::uint64_t serve_turn_ = 0;
  /// The node has asked some lane to wait until then, and why.
  time_point held_until_{};
  failure held_by_ = errc::too_many_requests;
  wall_clock clock_;
};

/// @errors invalid_argument
result<void> check(const producer_options& options);

} // namespace carafe::client
