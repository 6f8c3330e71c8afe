#pragma once

#include "actors/client/event_loop.hpp"
#include "actors/client/frame_stream.hpp"
#include "actors/client/requests.hpp"
#include "actors/client/socket.hpp"
#include "schema/batch.hpp"
#include "schema/frame.hpp"

#include <carafe/client.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <vector>

namespace carafe::client {

/// A producer or consumer as its connection sees it. @thread Called on the loop's.
class listener {
public:
  virtual ~listener() = default;
  /// A connection is up: nothing sent before counts on it.
  virtual void on_ready() = 0;
  /// It is gone; requests sent with `on_loss::forget` will not be answered.
  virtual void on_lost() = 0;
  /// A frame that the node sent by itself. @returns Whether it was for this listener.
  virtual bool on_frame(frames::frame& f) = 0;
  /// `has_room` was false and is true again.
  virtual void on_room() = 0;
};

/// The client's end of the conversation with a node: connects, says hello, keeps alive, connects
/// again with back-off, sends requests and hands out answers.
///
/// @thread The loop's, except where said.
class link {
public:
  link(connect_options options, node_address where);

  /// False if the process has no descriptors left. @thread Any.
  [[nodiscard]] bool good() const noexcept { return loop_.good(); }
  /// Connects; `done` hears how it went, and after a failure nothing more is tried. @thread Any.
  void start(std::function<void(result<void>)> done);
  /// Serves the connection until `stop`.
  void run() { loop_.run(); }
  /// @thread Any.
  void stop();

  /// @thread Any: `post` and `on_thread` only.
  [[nodiscard]] event_loop& loop() noexcept { return loop_; }
  /// @thread Any.
  [[nodiscard]] const connect_options& options() const noexcept { return options_; }
  /// What the node of the last connection allows. @thread Any.
  [[nodiscard]] batch_limits limits() const;
  /// Of the protocol, on the last connection. @thread Any.
  [[nodiscard]] std::uint16_t version() const;

  void add(const std::shared_ptr<listener>& l);
  void remove(const listener* l);

  [[nodiscard]] bool ready() const noexcept { return state_ == state::ready; }
  /// Whether one more `produce` may be sent. When it may not, `on_room` will tell.
  [[nodiscard]] bool has_room();

  void call(frames::body body, on_loss loss, std::optional<time_point> deadline,
            answer_handler answer);
  /// A subscription number that this link has not used.
  [[nodiscard]] subscription_id next_subscription() noexcept {
    return subscription_id{++subscriptions_};
  }
  /// Whose answer does not matter. Dropped when not connected.
  void send(frames::body body);
  /// @pre has_room()
  void produce(frames::produce p, answer_handler answer);

private:
  enum class state { idle, connecting, greeting, ready, stopped };

  void attempt();
  void try_endpoint();
  void attempt_failed(const failure& why);
  void on_connecting();
  void greet(descriptor socket);
  void on_welcome(frames::body&& body);
  void on_socket(std::uint32_t events);
  void on_frame(frames::frame&& f);
  void flush();
  void keep_alive();
  /// The connection, or the attempt at one, is over.
  void lose(const failure& why);
  void close_stream();
  void end_turn();
  void tell_room();
  [[nodiscard]] std::chrono::milliseconds back_off();

  connect_options options_;
  node_address where_;
  event_loop loop_;
  request_table requests_;
  state state_ = state::idle;
  std::function<void(result<void>)> first_;

  std::vector<endpoint> endpoints_;
  failure endpoint_failure_;
  descriptor connecting_;
  std::optional<event_loop::timer> attempt_timer_;
  unsigned attempts_ = 0;
  std::minstd_rand jitter_;

  std::unique_ptr<frame_stream> stream_;
  /// Why the connection ends as soon as the frame in hand is dealt with.
  std::optional<failure> doom_;
  bool waits_to_write_ = false;
  time_point last_received_{};
  time_point last_sent_{};
  std::optional<event_loop::timer> keep_alive_timer_;

  frames::welcome welcome_;
  mutable std::mutex limits_mutex_;
  batch_limits limits_; // Under limits_mutex_, as the next.
  std::uint16_t version_ = 0;
  std::uint32_t produces_unanswered_ = 0;
  bool room_wanted_ = false;
  std::size_t room_turn_ = 0;
  std::uint64_t subscriptions_ = 0;

  std::vector<std::weak_ptr<listener>> listeners_;
};

} // namespace carafe::client
