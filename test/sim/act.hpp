#pragma once

/// Parts of a run that have topics, clients and a checker of their own, beside those of others.

#include "test/actors/rig.hpp"
#include "test/core/dice.hpp"

#include <carafe/types.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace carafe::sim {

using test::dice;
using test::rig;

/// What a part may do with the run that it is in.
struct stage {
  rig* node;
  /// Takes what happens, for people.
  std::function<void(const std::string&)> note;
  /// Lets time pass while nothing is broken.
  std::function<void(std::chrono::milliseconds)> pass;
  /// … at once.
  std::function<void(std::chrono::milliseconds)> skip;
  /// Tells a queue's first offset.
  std::function<offset(queue_id)> earliest;

  /// Asks the node, and waits for its answer; nothing is broken.
  template <class T>
  T ask(frames::body what) const;
  [[nodiscard]] frames::topic_description topic(const std::string& name) const {
    return ask<frames::topic_description>(frames::topic_describe{name, false});
  }
  [[nodiscard]] std::int64_t wall_ms() const { return node->clocks->wall().value; }
};

class act {
public:
  explicit act(stage s) : stage_(std::move(s)) {}
  virtual ~act() = default;
  act(const act&) = delete;
  act& operator=(const act&) = delete;

  /// The node has started for the first time.
  virtual void begin(dice& d) = 0;
  /// One of its clients does something.
  virtual void step(dice& d) = 0;
  /// Somebody sets the machine's clock now.
  virtual void clock_moves() {}
  virtual void node_died() = 0;
  /// The end of this shard's log is gone, and clients may have been told of it.
  virtual void lost_end(shard_id) {}
  /// It has started again.
  virtual void node_started() {}
  /// Nothing breaks any more: all comes to its end, and is checked.
  virtual void finish(dice& d) = 0;
  /// It has settings that only its own clients can live with.
  [[nodiscard]] virtual bool alone() const { return false; }
  /// For people: how much happened.
  [[nodiscard]] virtual std::uint64_t count() const = 0;

protected:
  stage stage_;
};

/// The names of all acts, for people.
[[nodiscard]] std::string act_names();
[[nodiscard]] bool is_act(const std::string& name);
/// Those of a run: what its seed chooses, or the one that is named, if one is.
[[nodiscard]] std::vector<std::unique_ptr<act>> acts_of(std::uint64_t seed, const std::string& only,
                                                        const stage& s);

template <class T>
T stage::ask(frames::body what) const {
  rig::client client{*node, "asker"};
  auto answer = client.ask<T>(std::move(what));
  client.post_disconnect();
  if (!answer) throw std::runtime_error{"the node refuses: " + answer.error().message()};
  return std::move(*answer);
}

} // namespace carafe::sim
