#include "test/sim/flow.hpp"

#include "test/sim/oracle.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

void flow::begin(std::uint64_t bytes_per_second, std::uint64_t slack) {
  rate_ = bytes_per_second;
  slack_ = slack;
  ++era_;
  passed_.clear();
  returned_.clear();
}

flow::attempt flow::try_to_pass(std::uint64_t bytes, std::uint64_t now_ms) {
  largest_ = std::max(largest_, bytes);
  const attempt out{++attempts_, era_, now_ms, bytes};
  open_.emplace(out.number, under_way{out});
  return out;
}

void flow::passed(const attempt& what, std::uint64_t now_ms) {
  open_.erase(what.number);
  // Before the era, or in it: nobody knows.
  if (what.era != era_ || rate_ == 0) return;
  passed_.emplace(what.from_ms, what.bytes);
  check(now_ms);
}

void flow::returned(const attempt& what, std::uint64_t now_ms) {
  open_.erase(what.number);
  const bool before = what.era != era_;
  returned_.push_back({before ? 0 : what.from_ms, now_ms, what.bytes});
}

void flow::lost(const attempt& what) {
  if (const auto at = open_.find(what.number); at != open_.end()) at->second.lost = true;
}

void flow::calm(std::uint64_t now_ms) {
  std::vector<attempt> over;
  for (const auto& [number, each] : open_)
    if (each.lost) over.push_back(each.what);
  for (const auto& each : over) returned(each, now_ms);
}

std::uint64_t flow::may_return(std::uint64_t since_ms) const {
  std::uint64_t sum = 0;
  for (const auto& each : returned_)
    if (each.from_ms < since_ms && each.to_ms >= since_ms) sum += each.bytes;
  for (const auto& [number, each] : open_)
    if (each.what.era != era_ || each.what.from_ms < since_ms) sum += each.what.bytes;
  return sum;
}

void flow::check(std::uint64_t now_ms) const {
  std::uint64_t sum = 0;
  for (auto at = passed_.rbegin(); at != passed_.rend(); ++at) {
    sum += at->second;
    const auto span_ms = now_ms - at->first;
    const auto most = rate_ * (span_ms + 1'000) / 1'000 + largest_ + slack_ + 1;
    if (sum <= most) continue;
    expect(sum <= most + may_return(at->first),
           std::to_string(sum) + " bytes passed within " + std::to_string(span_ms) + " ms, and " +
             what_ + " is " + std::to_string(rate_) + " bytes a second");
  }
}

} // namespace carafe::sim
