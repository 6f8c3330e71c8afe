#pragma once

/// Errors are values: every fallible function returns `result<T>`.

#include <carafe/errc.hpp>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

/// Aborts, in release builds too: a broken invariant must not reach the disk.
#define CARAFE_ASSERT(condition)                                                                   \
  do {                                                                                             \
    if (!(condition)) ::carafe::assertion_failed(#condition, __FILE__, __LINE__);                  \
  } while (false)

namespace carafe {

[[noreturn]] inline void assertion_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "carafe: invariant broken: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

/// What went wrong: a code and the particulars (which topic, which file, which limit).
struct failure {
  errc code = errc::internal;
  std::string detail;

  failure() = default;
  failure(errc c) : code(c) {}
  failure(errc c, std::string d) : code(c), detail(std::move(d)) {}

  /// "topic_unknown: no topic of this name; create it … (orders)".
  [[nodiscard]] std::string message() const;

  friend bool operator==(const failure&, const failure&) = default;
};

/// A value or a failure.
template <class T>
class [[nodiscard]] result {
public:
  using value_type = T;

  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : state_(std::in_place_index<1>, std::move(why)) {}
  result(errc code) : state_(std::in_place_index<1>, failure{code}) {}
  result(errc code, std::string detail)
    : state_(std::in_place_index<1>, failure{code, std::move(detail)}) {}

  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  [[nodiscard]] T& value() & {
    CARAFE_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] const T& value() const& {
    CARAFE_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  [[nodiscard]] T&& value() && {
    CARAFE_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  [[nodiscard]] const failure& error() const& {
    CARAFE_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  [[nodiscard]] errc code() const noexcept { return ok() ? errc::none : error().code; }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

private:
  std::variant<T, failure> state_;
};

template <>
class [[nodiscard]] result<void> {
public:
  using value_type = void;

  result() = default;
  result(failure why) : why_(std::move(why)) {}
  result(errc code) : why_(failure{code}) {}
  result(errc code, std::string detail) : why_(failure{code, std::move(detail)}) {}

  [[nodiscard]] bool ok() const noexcept { return !why_; }
  explicit operator bool() const noexcept { return ok(); }
  [[nodiscard]] const failure& error() const& {
    CARAFE_ASSERT(!ok());
    return *why_;
  }
  [[nodiscard]] errc code() const noexcept { return ok() ? errc::none : why_->code; }

private:
  std::optional<failure> why_;
};

} // namespace carafe
