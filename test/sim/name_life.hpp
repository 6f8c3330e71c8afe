#pragma once

#include "test/core/dice.hpp"
#include "test/sim/name_oracle.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

/// What an application with a name has written down: how far it has come in what it sends. Number
/// *n* goes to queue *n* mod `spread`.
struct name_log {
  std::string topic;
  std::vector<frames::topic_queue> queues;
  producer_name_id name{0};
  std::uint64_t spread = 0;
  /// Of each queue of the name, the last number that was acknowledged; nothing: nobody knows.
  std::map<std::uint64_t, std::optional<sequence>> acknowledged = {};
  /// The highest that was ever made.
  std::map<std::uint64_t, sequence> made = {};
  /// Producers get others after a while in which they store nothing.
  bool forgetful = false;
  std::uint64_t producers = 0;

  [[nodiscard]] producer_id next_producer() { return producer_id{300'000 + ++producers}; }
  /// The name begins anew.
  void begin(producer_name_id id);
};

/// One life of the application: opens the name, asks how far it is or not, and sends from there on,
/// until it dies or is fenced. Two lives may be there at once.
class name_life {
public:
  name_life(rig& r, name_log& log, name_oracle& told);

  /// @param calm  Nothing breaks any more, and it makes no more than is owed.
  void step(dice& d, bool calm = false);
  void node_died();
  /// What it knows may not be so any more.
  void die();
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  /// Whether all that was ever made is acknowledged.
  [[nodiscard]] bool done() const;

private:
  struct batch {
    std::vector<sequence> numbers;
    /// Of its producer.
    sequence first, previous;
    bool under_way = false;
    bool answered = false;
  };
  struct lane {
    frames::topic_queue queue;
    /// Of the application's numbers, and of the producer's, the last.
    sequence made, linked;
    /// Something of this producer is stored there.
    bool begun = false;
    std::deque<batch> batches;

    [[nodiscard]] std::size_t open() const;
  };
  enum class doing { open, ask, send };

  void ask();
  void take();
  void opened(const frames::body& answer);
  void begin_lanes(const frames::producer_progress* told);
  void send_some(dice& d, bool calm);
  void make(dice& d, std::uint64_t index, lane& l, bool calm);
  void send(std::uint64_t index, batch& b);
  void answered(lane& l, std::uint64_t index, batch& b, const frames::body& answer);
  void stored(std::uint64_t index, batch& b);
  /// Under another id, for this one was forgotten.
  void begin_producer();

  connection link_;
  name_log* log_;
  name_oracle* told_;
  producer_id producer_;
  sequence counter_{0};
  doing doing_ = doing::open;
  /// What it waits for, but for receipts.
  std::uint64_t asked_ = 0;
  std::optional<name_wish> wish_;
  std::optional<name_holder> holder_;
  bool asks_progress_ = true, pausing_ = false, dead_ = false;
  std::uint64_t back_ = 0, spread_ = 0;
  std::map<std::uint64_t, lane> lanes_;
  std::map<std::uint64_t, std::pair<std::uint64_t, sequence>> requests_;
};

} // namespace carafe::sim
