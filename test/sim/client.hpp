#pragma once

/// A connection of the simulation, and the three kinds of clients that use one: each does what the
/// protocol page tells clients to do, and tells the oracle what it sees.

#include "test/actors/rig.hpp"
#include "test/core/dice.hpp"
#include "test/sim/oracle.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

using test::dice;
using test::rig;

/// One connection; made anew when it is lost.
class connection {
public:
  explicit connection(rig& r, std::string name) : rig_(&r), name_(std::move(name)) {}

  [[nodiscard]] bool up() const { return client_ && !client_->in->closed; }
  void connect() { client_.emplace(rig::client::without_waiting(*rig_, name_)); }
  /// The client's machine dies, or its network.
  void cut();
  /// The node died.
  void forget() { client_.reset(); }

  /// @returns The request's number.
  std::uint64_t post(frames::body body);
  /// What came since the last call.
  std::vector<frames::frame> take();
  [[nodiscard]] const std::string& name() const { return name_; }

private:
  rig* rig_;
  std::string name_;
  std::optional<rig::client> client_;
};

/// One queue's producer: numbers, links and sends again, in order.
class producer {
public:
  producer(rig& r, producer_id id, queue_id queue)
    : link_(r, "producer " + std::to_string(id.value)), id_(id), queue_(queue) {}

  /// One of: connect, take what came, send a batch, send one again.
  void step(dice& d, oracle& o);
  void node_died();
  /// Its sequences may be lost with the power, or its queue is gone: it sends no more.
  void retire() { retired_ = true; }

  [[nodiscard]] bool retired() const { return retired_; }
  [[nodiscard]] bool settled() const { return retired_ || next_open() == batches_.size(); }
  [[nodiscard]] queue_id queue() const { return queue_; }
  /// The oldest batch without an answer.
  [[nodiscard]] std::string open_batch() const { return to_string(batches_[next_open()].name); }

private:
  struct batch {
    batch_name name;
    sequence previous;
    bool answered = false;
    bool under_way = false;
    /// Of receipts.
    std::optional<batch_place> place = {};
  };

  [[nodiscard]] std::size_t next_open() const;
  void take(oracle& o);
  void answered(batch& b, const frames::body& what, oracle& o);
  void send(batch& b);
  void make_batch(dice& d, oracle& o);

  connection link_;
  producer_id id_;
  queue_id queue_;
  std::deque<batch> batches_;
  std::map<std::uint64_t, sequence> requests_;
  sequence counter_{0};
  /// After a refusal nothing is sent until all answers are there.
  bool pausing_ = false;
  bool retired_ = false;
};

/// Reads one queue without a group.
class reader {
public:
  reader(rig& r, std::uint64_t number, queue_id queue)
    : link_(r, "reader " + std::to_string(number)), queue_(queue) {}

  void step(dice& d, oracle& o);
  void node_died();
  /// What it read beyond may be gone.
  void lost_power(offset end) { next_ = std::min(next_, end); }
  [[nodiscard]] queue_id queue() const { return queue_; }

private:
  void take(oracle& o);
  void got(const frames::deliver& d, oracle& o);
  void subscribe(dice& d);

  connection link_;
  queue_id queue_;
  offset next_{0};
  std::uint64_t asked_ = 0;
  std::uint64_t subscriptions_ = 0;
  subscription_id current_{0};
  bool subscribed_ = false;
  /// Where reading was asked to begin; nothing: at the earliest.
  std::optional<offset> wanted_;
  std::uint64_t owed_ = 0;
};

/// A member of a group.
class member {
public:
  member(rig& r, std::uint64_t number, std::string group, std::string topic)
    : link_(r, "member " + std::to_string(number)),
      group_(std::move(group)),
      topic_(std::move(topic)) {}

  void step(dice& d, oracle& o, group_oracle& g);
  void node_died();

private:
  struct holding {
    frames::assigned how;
    offset next;
    offset committed;
    std::optional<offset> committing = {};
    bool revoked = false;
  };

  struct commit_wish {
    queue_id queue;
    generation owner;
    offset next;
  };

  void take(oracle& o, group_oracle& g);
  void got(const frames::deliver& d, oracle& o);
  void commit(holding& h, group_oracle& g);
  void commit_answered(const commit_wish& what, const frames::error* refusal, group_oracle& g);
  void lost();

  connection link_;
  std::string group_, topic_;
  std::uint64_t joining_ = 0;
  std::optional<member_id> member_;
  std::map<queue_id, holding> holds_;
  std::map<std::uint64_t, commit_wish> commits_;
};

} // namespace carafe::sim
