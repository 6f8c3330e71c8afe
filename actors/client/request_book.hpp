#pragma once

#include "actors/client/event_loop.hpp"

#include <carafe/message.hpp>
#include <carafe/request_reply.hpp>
#include <carafe/result.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::client {

/// Which requests wait for their answers, and until when.
///
/// Pure. Not thread-safe.
class request_book {
public:
  using callback = requester::callback;

  /// @param nonce  Chosen at random: it tells this requester's correlation ids from others'.
  request_book(std::uint64_t nonce, std::size_t in_flight_max)
    : prefix_(prefix_of(nonce)), in_flight_max_(in_flight_max) {}

  /// Takes `done` and gives the request's correlation id.
  /// @errors too_many_requests  `done` is not taken.
  result<std::string> open(time_point deadline, callback done);
  /// The request has its receipt.
  void stored(std::string_view correlation_id);
  /// Whoever waits for this one, which waits no longer.
  std::optional<callback> close(std::string_view correlation_id);
  /// The same for an answer that came; if nobody waits for it any more, it is counted as late.
  std::optional<callback> answered(std::string_view correlation_id);

  struct failed {
    callback done;
    failure why;
  };
  /// Those whose time is over at `now`.
  std::vector<failed> expire(time_point now);
  std::vector<failed> fail_all(const failure& why);

  [[nodiscard]] std::optional<time_point> next_deadline() const;
  [[nodiscard]] std::size_t in_flight() const noexcept { return open_.size(); }
  [[nodiscard]] std::uint64_t late() const noexcept { return late_; }

private:
  struct waiting {
    callback done;
    time_point deadline;
    bool stored = false;
  };
  using place = std::map<std::uint64_t, waiting>::iterator;

  static std::string prefix_of(std::uint64_t nonce);
  /// The number in a correlation id of this requester's.
  [[nodiscard]] std::optional<std::uint64_t> number_in(std::string_view correlation_id) const;
  callback take(place at);

  const std::string prefix_;
  const std::size_t in_flight_max_;
  std::uint64_t last_ = 0;
  std::uint64_t late_ = 0;
  std::map<std::uint64_t, waiting> open_;
  std::set<std::pair<time_point, std::uint64_t>> deadlines_;
};

} // namespace carafe::client
