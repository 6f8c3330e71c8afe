#pragma once

#include "actors/client/lane.hpp"
#include "test/producers/simulated_node.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace carafe::test {

/// An application with a source of numbered messages, and its lives: each opens the name, asks what
/// is stored, and sends from the application's checkpoint on, until something fails, it is killed,
/// or another life fences it.
///
/// Frames of lives that are gone may reach the node much later.
class named_simulation {
public:
  static constexpr std::uint64_t messages = 600;

  explicit named_simulation(dice& d);

  void step();
  /// From now on nothing breaks.
  void calm();
  [[nodiscard]] bool done() const;
  /// Every message is in its queue once, in order.
  void check() const;

private:
  struct life {
    frames::producer_opened holder;
    bool opened = false;
    /// Something failed: nothing more is given, what was given goes on for a while.
    bool stopped = false;
    bool dead = false;
    bool connected = true;
    std::uint64_t connection = 0;
    std::uint64_t next = 1;
    std::map<queue_id, std::unique_ptr<client::lane>> lanes;
    std::map<queue_id, sequence> stored;
    struct flight {
      queue_id queue;
      client::lane::key batch;
      frames::produce frame;
    };
    std::deque<flight> to_node;
    struct answer {
      queue_id queue;
      client::lane::key batch;
      result<frames::receipt> what;
    };
    std::deque<answer> to_client;
  };
  using life_ptr = std::shared_ptr<life>;

  void begin_life();
  void on_opened(life& l, const frames::producer_opened& holder);
  void send(life& l);
  void push(life& l);
  void transport(const life_ptr& l);
  void settle(life& l, std::vector<client::lane::settled>& out);
  void acknowledge(std::uint64_t number);
  void cut(life& l);
  void kill(const life_ptr& l);
  [[nodiscard]] bool is_over(const life& l) const;
  void crash_node();
  [[nodiscard]] queue_id queue_of(std::uint64_t number) const;

  dice* dice_;
  simulated_node node_;
  bool calm_ = false;
  client::time_point now_ = client::time_point{} + std::chrono::hours{1};
  std::uint64_t ids_ = 0;
  std::uint32_t batches_ = 0;
  /// Numbers of the messages of each batch, by its checksum.
  std::map<std::uint32_t, std::vector<std::uint64_t>> numbers_;
  std::set<std::uint64_t> acknowledged_;
  /// All up to here are acknowledged, and the application has written that down.
  std::uint64_t checkpoint_ = 0;
  std::vector<life_ptr> lives_;
  std::deque<frames::produce> late_;
};

} // namespace carafe::test
