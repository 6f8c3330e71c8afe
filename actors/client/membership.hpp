#pragma once

#include "actors/client/receiver.hpp"

#include <functional>

namespace carafe::client {

/// A consumer's place in its group: asks to be let in until the node agrees, or refuses for good.
///
/// What the node refuses for good ends the consumer (`dead_`). One that is being closed
/// (`closing_`) joins again all the same, to give back what it has.
///
/// @thread The connection's, under the consumer's mutex, except where said.
class membership {
public:
  /// @param wish  What to ask for.
  /// @param in    Called when the node has agreed.
  membership(receiver& of, std::function<frames::join()> wish,
             std::function<void(const frames::joined&)> in);

  /// Joins the link's listeners, and waits for the node's consent.
  /// @errors timeout, and what the node refused.
  /// @thread The consumer's, without the mutex.
  result<void> open();
  /// Asks, unless it is a member, is asking, or cannot any more.
  void join();
  /// The node has forgotten this member, which joins the same group again, also if that reads
  /// something else by now.
  void forget();
  /// The connection is gone, and with it the answer to `join`.
  void lose();
  /// Leaves, and waits for the answer.
  /// @thread The consumer's, without the mutex.
  result<void> leave();

  /// 0 while not joined.
  [[nodiscard]] member_id id() const noexcept { return id_; }
  [[nodiscard]] bool joined() const noexcept { return id_.value != 0; }
  [[nodiscard]] bool joining() const noexcept { return joining_; }
  /// The node has forgotten this member, which is going to be one again.
  [[nodiscard]] bool joins_again() const noexcept { return again_; }

private:
  void on_answer(frames::body&& body);

  receiver& of_;
  std::function<frames::join()> wish_;
  std::function<void(const frames::joined&)> in_;
  member_id id_;
  /// Where it was let in last.
  group_id group_;
  bool joining_ = false;
  bool again_ = false;
  bool opened_ = false;
};

/// What the options say about a `join`; the mode `ordered` goes without saying.
[[nodiscard]] frames::join join_of(const consumer_options& options);

} // namespace carafe::client
