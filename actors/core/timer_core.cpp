#include "actors/core/timer_core.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

namespace carafe::core {

namespace {

timer_key end_of(unix_ms until) {
  return {until, queue_id{std::numeric_limits<std::uint64_t>::max()},
          std::numeric_limits<std::uint64_t>::max()};
}

unix_ms later(unix_ms at, std::uint64_t ms) {
  return unix_ms{at.value + static_cast<std::int64_t>(ms)};
}

} // namespace

bool timer_query::matches(const timer_record& row) const {
  if (std::ranges::find(queues, row.at.queue) == queues.end()) return false;
  if (row.at <= after || row.at > until) return false;
  if (name) return row.name == *name;
  return row.producer == producer && row.sequence == sequence;
}

timer_core::timer_core() : timer_core(options{}) {}

timer_core::timer_core(options o) : options_(o) {}

// -- changes --------------------------------------------------------------------------------------

void timer_changes::put(timer_ptr row, bool fresh) {
  auto [at, added] = rows_.try_emplace(row->at, change{row, fresh});
  if (!added) {
    if (at->second.row) forget(*at->second.row);
    at->second = {row, false};
  }
  ids_.emplace(id_key{row->producer, row->sequence}, row);
  if (!row->name.empty()) names_.emplace(row->name, row);
}

void timer_changes::end(const timer_key& at) {
  auto [found, added] = rows_.try_emplace(at, change{});
  if (added) return;
  if (found->second.row) forget(*found->second.row);
  if (found->second.fresh)
    rows_.erase(found);
  else
    found->second.row = nullptr;
}

void timer_changes::forget(const timer_record& row) {
  const auto drop = [&row](auto& from, const auto& key) {
    auto [at, end] = from.equal_range(key);
    while (at != end && at->second->at != row.at) ++at;
    if (at != end) from.erase(at);
  };
  drop(ids_, id_key{row.producer, row.sequence});
  if (!row.name.empty()) drop(names_, row.name);
}

void timer_changes::find(const timer_query& query,
                         const std::function<void(const timer_ptr&)>& each) const {
  const auto tell = [&](const auto& range) {
    for (auto at = range.first; at != range.second; ++at)
      if (query.matches(*at->second)) each(at->second);
  };
  if (query.name)
    tell(names_.equal_range(*query.name));
  else
    tell(ids_.equal_range(id_key{query.producer, query.sequence}));
}

const timer_changes::change* timer_changes::of(const timer_key& at) const {
  const auto found = rows_.find(at);
  return found == rows_.end() ? nullptr : &found->second;
}

// -- timers ---------------------------------------------------------------------------------------

const timer_changes::change* timer_core::changed(const timer_key& at) const {
  if (const auto* known = changes_.of(at)) return known;
  return flushing_.of(at);
}

void timer_core::keep_near(const timer_ptr& row) {
  if (near_.emplace(row->at, row).second) near_bytes_ += row->batch.size();
}

void timer_core::shrink() {
  const auto much = [this](std::size_t times) {
    return near_.size() > times * options_.rows_max || near_bytes_ > times * options_.bytes_max;
  };
  if (!much(2)) return;
  while (much(1) && near_.size() > 1) {
    const auto last = std::prev(near_.end());
    near_bytes_ -= last->second->batch.size();
    near_.erase(last);
  }
  horizon_ = near_.rbegin()->first;
}

void timer_core::armed(timer_ptr row, bool fresh) {
  const bool unheard = fresh && changed(row->at) == nullptr;
  if (row->at <= horizon_) keep_near(row);
  changes_.put(std::move(row), unheard);
  shrink();
}

void timer_core::ended(const timer_key& at) {
  if (auto found = near_.find(at); found != near_.end()) {
    near_bytes_ -= found->second->batch.size();
    near_.erase(found);
  }
  ending_.erase(at);
  changes_.end(at);
}

std::optional<timer_core::load> timer_core::wants(unix_ms now) {
  if (loading_) return std::nullopt;
  if (near_.size() >= options_.rows_max / 2 || near_bytes_ >= options_.bytes_max / 2)
    return std::nullopt;
  if (horizon_.due > later(now, options_.refill_ms)) return std::nullopt;
  loading_ = load{horizon_, later(now, options_.ahead_ms), options_.rows_max, options_.bytes_max};
  return loading_;
}

void timer_core::loaded(std::vector<timer_ptr> rows, bool whole) {
  if (!loading_) return;
  const auto after = horizon_;
  if (after < loading_->after) { // It was moved back meanwhile: what is between is missing here.
    loading_.reset();
    return;
  }
  const auto to = whole || rows.empty() ? end_of(loading_->until) : rows.back()->at;
  loading_.reset();
  for (const auto& row : rows)
    if (row->at > after && !changed(row->at)) keep_near(row);
  take_from(flushing_, after, to);
  take_from(changes_, after, to);
  horizon_ = std::max(horizon_, to);
  shrink();
}

void timer_core::take_from(const timer_changes& changes, const timer_key& after,
                           const timer_key& to) {
  const auto& rows = changes.all();
  for (auto at = rows.upper_bound(after); at != rows.end() && at->first <= to; ++at)
    if (const auto& now = changed(at->first)->row) keep_near(now);
}

const timer_changes& timer_core::cut() {
  CARAFE_ASSERT(flushing_.empty());
  flushing_ = std::exchange(changes_, {});
  return flushing_;
}

std::vector<timer_core::fire> timer_core::due(unix_ms now) {
  std::map<queue_id, std::vector<timer_ptr>> by_queue;
  for (const auto& [at, row] : near_) {
    if (at.due > now || ending_.size() >= options_.ending_max) break;
    if (ending_.insert(at).second) by_queue[at.queue].push_back(row);
  }
  std::vector<fire> out;
  out.reserve(by_queue.size());
  for (auto& [queue, rows] : by_queue) out.push_back({queue, std::move(rows)});
  return out;
}

std::optional<unix_ms> timer_core::next(unix_ms now) const {
  for (const auto& [at, row] : near_)
    if (!ending_.contains(at)) return at.due;
  if (near_.empty() && horizon_.due <= now) return std::nullopt;
  return unix_ms{horizon_.due.value - static_cast<std::int64_t>(options_.refill_ms)};
}

bool timer_core::claim(const timer_key& at) {
  if (const auto* known = changed(at); known != nullptr && !known->row) return false;
  return ending_.insert(at).second;
}

void timer_core::release(const std::vector<timer_key>& which) {
  for (const auto& at : which) ending_.erase(at);
}

// -- looking --------------------------------------------------------------------------------------

std::vector<timer_ptr> timer_core::find(const timer_query& query,
                                        const std::vector<timer_ptr>& index) const {
  std::map<timer_key, timer_ptr> found;
  for (const auto& row : index)
    if (changed(row->at) == nullptr && query.matches(*row)) found.emplace(row->at, row);
  flushing_.find(query, [&](const timer_ptr& row) {
    if (changes_.of(row->at) == nullptr) found.emplace(row->at, row);
  });
  changes_.find(query, [&](const timer_ptr& row) { found.emplace(row->at, row); });
  std::vector<timer_ptr> out;
  for (const auto& [at, row] : found) out.push_back(row);
  return out;
}

std::vector<timer_ptr> timer_core::list(const std::set<queue_id>& queues, const timer_key& after,
                                        const timer_key& until, std::size_t limit,
                                        const std::vector<timer_ptr>& index) const {
  std::map<timer_key, timer_ptr> found;
  const auto take = [&](const timer_ptr& row) {
    if (row && queues.contains(row->at.queue)) found.emplace(row->at, row);
  };
  for (const auto& row : index)
    if (changed(row->at) == nullptr) take(row);
  const auto take_all = [&](const timer_changes::rows& rows) {
    for (auto at = rows.upper_bound(after); at != rows.end() && at->first <= until; ++at)
      if (const auto* now = changed(at->first); now == &at->second) take(now->row);
  };
  take_all(flushing_.all());
  take_all(changes_.all());
  std::vector<timer_ptr> out;
  for (auto at = found.begin(); at != found.end() && out.size() < limit; ++at)
    out.push_back(at->second);
  return out;
}

} // namespace carafe::core
