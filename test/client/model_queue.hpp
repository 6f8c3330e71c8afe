#pragma once

#include "schema/frame.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>

#include <map>
#include <vector>

namespace carafe::test {

/// What a node keeps of one queue: its log, and for each producer the rule that stores a batch at
/// most once and in order.
class model_queue {
public:
  struct stored {
    offset base;
    frames::produce what;
  };

  result<frames::receipt> append(const frames::produce& p) {
    auto& known = producers_[p.producer];
    for (auto& each : known.recent) {
      if (each.first != p.first || each.count != p.count) continue;
      return receipt_of(p, each.base, true);
    }
    if (known.last.value == 0 && p.previous.value != 0) return errc::producer_unknown;
    if (p.first <= known.last) return errc::duplicate_too_old;
    if (p.previous != known.last) return errc::sequence_gap;
    auto base = end();
    log_.push_back({base, p});
    known.last = sequence{p.first.value + p.count - 1};
    known.recent.push_back({p.first, p.count, base, {}});
    if (known.recent.size() > producer_window) known.recent.erase(known.recent.begin());
    return receipt_of(p, base, false);
  }

  /// As if the producer had been idle too long.
  void forget(producer_id producer) { producers_.erase(producer); }
  void forget_all() { producers_.clear(); }
  /// As if a crash had cost the last batches that were not synced.
  void lose_last(std::size_t batches) {
    for (; batches > 0 && !log_.empty(); --batches) log_.pop_back();
    producers_.clear();
    auto kept = std::exchange(log_, {});
    for (auto& each : kept) static_cast<void>(append(each.what));
  }

  [[nodiscard]] const std::vector<stored>& log() const noexcept { return log_; }
  [[nodiscard]] offset end() const {
    return log_.empty() ? offset{} : log_.back().base + log_.back().what.count;
  }
  offset start{};

private:
  static frames::receipt receipt_of(const frames::produce& p, offset base, bool duplicate) {
    auto r = frames::receipt{};
    r.queue = p.queue;
    r.first = base;
    r.count = p.count;
    r.duplicate = duplicate;
    r.broker_time = unix_ms{1'700'000'000'000};
    return r;
  }

  std::vector<stored> log_;
  std::map<producer_id, producer_record> producers_;
};

} // namespace carafe::test
