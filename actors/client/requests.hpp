#pragma once

#include "actors/client/event_loop.hpp"
#include "schema/frame.hpp"

#include <functional>
#include <map>
#include <optional>

namespace carafe::client {

/// What becomes of a request whose answer was lost with the connection.
enum class on_loss {
  /// Send it again on the next connection: it changes nothing, or may be repeated.
  resend,
  /// Answer `outcome_unknown`.
  report,
  /// Drop it silently: whoever sent it hears of the loss and knows what to do.
  forget,
};

/// Called once, with the answer's body or, for what went wrong here, with `frames::error`.
using answer_handler = std::function<void(frames::body&&)>;

/// Requests that wait for a connection or for their answer.
///
/// @thread The loop's.
class request_table {
public:
  using sender = std::function<void(const frames::frame&)>;

  request_table(event_loop& loop, sender send) : loop_(loop), send_(std::move(send)) {}

  /// A number that no other request has.
  std::uint64_t number() noexcept { return next_++; }

  /// Sends `body`, at once if `connected`, otherwise when `resume` is called.
  /// @param deadline After it the answer is `timeout`, or `outcome_unknown` if the request was sent
  ///                 and `loss` is `report`. Nothing: no deadline.
  void call(frames::body body, on_loss loss, std::optional<time_point> deadline,
            answer_handler answer, bool connected);

  /// Gives an answer to its handler.
  /// @returns Whether that request was known.
  bool answer(std::uint64_t request, frames::body&& body);

  /// A connection is up: sends what waits, in order.
  void resume();
  /// The connection is gone.
  void lost(const failure& why);
  /// Answers everything with an error.
  void fail_all(const failure& why);

private:
  struct waiting {
    /// Kept while it may have to be sent (again).
    std::optional<frames::body> body;
    on_loss loss = on_loss::forget;
    answer_handler answer;
    std::optional<event_loop::timer> timer;
    bool sent = false;
  };

  void transmit(std::uint64_t request, waiting& w);
  void expire(std::uint64_t request);
  waiting take(std::map<std::uint64_t, waiting>::iterator at);

  event_loop& loop_;
  sender send_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, waiting> requests_;
};

} // namespace carafe::client
