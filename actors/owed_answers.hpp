#pragma once

#include "actors/error_bridge.hpp"

#include <caf/exit_reason.hpp>
#include <caf/typed_response_promise.hpp>

#include <cstddef>
#include <utility>

namespace carafe {

/// How many requests an actor has taken and not answered yet. One that ends before it has answered
/// them would leave who asked waiting for ever: it calls `end` instead of `quit`.
class owed_answers {
public:
  /// Takes no more requests of this kind from here on.
  [[nodiscard]] bool ending() const noexcept { return ending_; }

  /// Quits as soon as nothing is owed.
  template <class Self>
  void end(Self self) {
    ending_ = true;
    if (open_ == 0) self->quit();
  }

  void begun() noexcept { ++open_; }

  template <class Self>
  void given(Self self) {
    if (--open_ == 0 && ending_) self->quit();
  }

private:
  std::size_t open_ = 0;
  bool ending_ = false;
};

/// One answer that is owed; copies are the same answer, which is given once.
///
/// The actor's state has a member `owed` for it.
template <class T, class Self>
class owed_answer {
public:
  explicit owed_answer(Self self)
    : self_(self), promise_(self->template make_response_promise<T>()) {
    self->state.owed.begun();
  }

  [[nodiscard]] const caf::typed_response_promise<T>& promise() const noexcept { return promise_; }

  void give(result<T> answer) {
    if (answer)
      promise_.deliver(std::move(*answer));
    else
      promise_.deliver(to_caf(answer.error()));
    self_->state.owed.given(self_);
  }

private:
  Self self_;
  caf::typed_response_promise<T> promise_;
};

template <class T, class Self>
[[nodiscard]] owed_answer<T, Self> owe(Self self) {
  return owed_answer<T, Self>{self};
}

} // namespace carafe
