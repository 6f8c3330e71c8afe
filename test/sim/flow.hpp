#pragma once

/// Bytes that pass under a quota, as clients see it.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace carafe::sim {

/// Holds what passed against a quota: in any span of time no more than the span's worth, one
/// second's worth and one batch. A client knows only between which moments something passed; what
/// passed is counted in each span that has both.
///
/// What was taken from a quota before a span and given back within it passes again in this span;
/// so much more is let pass.
class flow {
public:
  /// Something that is to pass.
  struct attempt {
    std::uint64_t number = 0, era = 0;
    std::uint64_t from_ms = 0;
    std::uint64_t bytes = 0;
  };

  /// @param what  As in "the produce quota".
  explicit flow(std::string what) : what_(std::move(what)) {}

  /// Another era: its quota begins full, and what passed before does not count.
  /// @param bytes_per_second  0: there is none, or nobody knows it.
  /// @param slack             So many bytes may have been paid for before.
  void begin(std::uint64_t bytes_per_second, std::uint64_t slack = 0);
  [[nodiscard]] std::uint64_t rate() const noexcept { return rate_; }

  [[nodiscard]] attempt try_to_pass(std::uint64_t bytes, std::uint64_t now_ms);
  /// It passed since it was tried.
  /// @throws broken
  void passed(const attempt& what, std::uint64_t now_ms);
  /// It took nothing.
  void refused(const attempt& what) { open_.erase(what.number); }
  /// What it took was given back, if it took something.
  void returned(const attempt& what, std::uint64_t now_ms);
  /// Nobody will hear what became of it.
  void lost(const attempt& what);
  /// Whatever was under way has arrived.
  void calm(std::uint64_t now_ms);

  /// The largest that was tried in this era or before.
  [[nodiscard]] std::uint64_t largest() const noexcept { return largest_; }

private:
  struct span {
    std::uint64_t from_ms = 0, to_ms = 0;
    std::uint64_t bytes = 0;
  };

  void check(std::uint64_t now_ms) const;
  [[nodiscard]] std::uint64_t may_return(std::uint64_t since_ms) const;

  std::string what_;
  std::uint64_t rate_ = 0, slack_ = 0;
  std::uint64_t attempts_ = 0, era_ = 0, largest_ = 0;
  /// By when they may have passed at the earliest.
  std::multimap<std::uint64_t, std::uint64_t> passed_;
  std::vector<span> returned_;
  struct under_way {
    attempt what;
    bool lost = false;
  };
  std::map<std::uint64_t, under_way> open_;
};

} // namespace carafe::sim
