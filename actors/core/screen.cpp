#include "actors/core/screen.hpp"

#include "actors/core/delivery_batches.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace carafe::core {

namespace {

/// It was checked when it came; limits may be lower now.
constexpr auto any = std::numeric_limits<std::uint32_t>::max();
constexpr batch_limits unlimited{any, any, any};

unix_ms after(unix_ms stored, std::uint64_t ttl_ms) {
  return unix_ms{stored.value + static_cast<std::int64_t>(ttl_ms)};
}

/// Adds a message, or several, behind those that are there.
void append(std::vector<offset_range>& to, offset_range more) {
  if (!to.empty() && to.back().end() == more.first)
    to.back().count += more.count;
  else
    to.push_back(more);
}

} // namespace

std::optional<unix_ms> expiry_of(const batch_reader& batch, std::uint32_t at, unix_ms stored,
                                 const topic_expiry& how) {
  if (how.never) return std::nullopt;
  const auto own = batch.ttl_ms(at);
  const auto ttl = own != 0 ? own : how.default_ttl_ms;
  if (ttl == 0) return std::nullopt;
  return after(stored, ttl);
}

screen::screen(screen_rule rule, offset begin, topic_expiry expiry)
  : rule_(std::move(rule)), expiry_(expiry), next_(begin), builder_(unlimited) {}

std::optional<offset_range> screen::take_untold() { return std::exchange(untold_, std::nullopt); }

bool screen::is_over(unix_ms stored, std::uint64_t ttl_ms, unix_ms now) const {
  return !expiry_.never && ttl_ms != 0 && after(stored, ttl_ms) <= now;
}

result<screen::outcome> screen::look_at(const effects::batch& what, unix_ms stored, unix_ms now) {
  const auto from = std::max(next_, what.base);
  next_ = what.base + what.count;
  CARAFE_ASSERT(from < next_);
  // Messages that say their own time to live make their batch a ranked one.
  const bool says_own = what.ranked && !expiry_.never;
  if (rule_.wanted || says_own) return look_into(what, from, stored, now);
  outcome out;
  const offset_range whole{from, next_.value - from.value};
  if (!is_over(stored, expiry_.default_ttl_ms, now)) return out;
  if (rule_.expired_too) {
    out.expired.push_back(whole);
    return out;
  }
  out.too_old = whole.count;
  return finish(what, from, std::move(out));
}

result<screen::outcome> screen::look_into(const effects::batch& what, offset from, unix_ms stored,
                                          unix_ms now) {
  const auto reader = batch_reader::open(what.bytes, what.compression, unlimited);
  if (!reader) return reader.error();
  runs_.clear();
  if (rule_.wanted)
    rule_.wanted->select(*reader, runs_);
  else
    runs_.push_back({0, reader->count()});
  outcome out;
  judge(*reader, what.base, from, stored, now, out);
  out = finish(what, from, std::move(out));
  if (out.what != outcome::which::some) return out;
  auto copied = copy_messages(builder_, *reader, what.base, out.ranges, what.compression);
  if (!copied) return copied.error();
  out.batch = std::move(*copied);
  return out;
}

void screen::judge(const batch_reader& batch, offset base, offset from, unix_ms stored, unix_ms now,
                   outcome& out) {
  std::uint64_t passed = 0;
  for (const auto& run : runs_) {
    const auto first = std::max(base + run.first, from);
    const auto end = base + run.first + run.count;
    if (first >= end) continue;
    passed += end.value - first.value;
    if (!batch.has_ttls()) {
      const offset_range whole{first, end.value - first.value};
      if (!is_over(stored, expiry_.default_ttl_ms, now)) {
        append(out.ranges, whole);
      } else if (rule_.expired_too) {
        append(out.ranges, whole);
        append(out.expired, whole);
      } else {
        out.too_old += whole.count;
      }
      continue;
    }
    for (auto at = first; at < end; at = at + 1) {
      const auto position = static_cast<std::uint32_t>(at.value - base.value);
      const auto ends = expiry_of(batch, position, stored, expiry_);
      const bool over = ends && *ends <= now;
      if (over && !rule_.expired_too) {
        ++out.too_old;
        continue;
      }
      append(out.ranges, {at, 1});
      if (over) append(out.expired, {at, 1});
    }
  }
  out.filtered = (base + batch.count()).value - from.value - passed;
}

/// Whether what is left is all of it, and what the reader has to be told if nothing is.
screen::outcome screen::finish(const effects::batch& what, offset from, outcome out) {
  std::uint64_t left = 0;
  for (const auto& range : out.ranges) left += range.count;
  const auto end = what.base + what.count;
  if (left == end.value - from.value) {
    out.what = outcome::which::all;
    out.ranges.clear();
    return out;
  }
  out.what = left > 0 ? outcome::which::some : outcome::which::none;
  if (left == 0) leave_out({what.base, what.count});
  return out;
}

void screen::leave_out(offset_range what) {
  if (untold_)
    untold_->count = what.end().value - untold_->first.value;
  else
    untold_ = what;
}

void screen::pass(offset_range what) {
  if (what.count == 0) return;
  leave_out(what);
  next_ = std::max(next_, what.end());
}

} // namespace carafe::core
