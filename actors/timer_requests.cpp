#include "actors/error_bridge.hpp"
#include "actors/timers.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace carafe {

namespace {

using self_pointer = timers_pointer;
using count_promise = caf::typed_response_promise<std::uint32_t>;
using found_handler = std::function<void(const std::vector<core::timer_ptr>&)>;

/// What one entry ends or moves at most; one message always.
constexpr std::size_t part_rows_max = 4'096;
constexpr std::uint64_t part_bytes_max = 512u << 10;

core::timer_query query_of(const timer_selection& which) {
  core::timer_query out;
  out.queues = which.queues;
  if (const auto* name = std::get_if<std::string>(&which.which.by)) {
    out.name = *name;
    return out;
  }
  const auto& id = std::get<frames::timer_which::message_id>(which.which.by);
  out.producer = id.producer;
  out.sequence = id.sequence;
  return out;
}

/// Calls `done` with the pending one that has this id, if there is one.
template <class Promise>
void find_by_id(self_pointer self, const core::timer_query& query, Promise promise,
                found_handler done) {
  auto& s = self->state;
  if (const auto known = s.core.find(query, {}); !known.empty()) return done(known);
  self->request(s.store, caf::infinite, find_atom_v, query)
    .then([self, query,
           done](const timer_rows& found) { done(self->state.core.find(query, found.rows)); },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
}

effect_list cancelling(std::span<const core::timer_ptr> rows) {
  std::map<queue_id, effects::timers_ended> by_queue;
  for (const auto& row : rows) {
    auto& ended = by_queue[row->at.queue];
    ended.queue = row->at.queue;
    ended.why = effects::timers_ended::reason::cancelled;
    ended.which.push_back(row->at);
  }
  effect_list wish;
  for (auto& [queue, ended] : by_queue) wish.effects.emplace_back(std::move(ended));
  return wish;
}

effect_list moving(std::span<const core::timer_ptr> rows, unix_ms to) {
  effect_list wish;
  for (const auto& row : rows) {
    effects::timer_moved moved{row->at.due, *row};
    moved.row.at.due = to;
    wish.effects.emplace_back(std::move(moved));
  }
  return wish;
}

/// A change of those that a request chose. However many have the name, a page of them is in memory,
/// and the store answers others between two pages.
struct change {
  core::timer_query query;
  /// Where the name is looked for, and which of these queues are not done; the first of them is
  /// under way.
  std::vector<queue_id> all_queues;
  std::vector<queue_id> queues;
  /// When they are moved; nothing: they are cancelled.
  std::optional<unix_ms> to;
  /// At first only those are counted that wait for that time already: later they cannot be told
  /// from those that were moved.
  bool counting = false;
  /// Of this page, those to come, and whether it is the queue's last.
  std::vector<core::timer_ptr> rows;
  std::size_t done = 0;
  bool whole = true;
  std::uint32_t count = 0;
  count_promise promise;
};
using change_ptr = std::shared_ptr<change>;

void next_page(self_pointer self, const change_ptr& all);

void begin_queue(change& all) {
  all.query.queues = {all.queues.front()};
  all.query.after = core::before_all_timers;
  all.query.until = core::behind_all_timers;
  if (!all.counting) return;
  all.query.after = {*all.to, queue_id{0}, 0};
  all.query.until = {*all.to, core::behind_all_timers.queue, core::behind_all_timers.number};
}

/// Takes the next ones that nothing else is about to end.
std::vector<core::timer_ptr> take_part(timers_state& s, change& all) {
  std::vector<core::timer_ptr> out;
  std::uint64_t bytes = 0;
  while (all.done < all.rows.size() && out.size() < part_rows_max && bytes < part_bytes_max) {
    auto& row = all.rows[all.done++];
    if (all.to && row->at.due == *all.to && !all.counting) continue; // It was counted.
    if (!s.core.claim(row->at)) continue;
    if (all.counting) {
      s.core.release({row->at});
      ++all.count;
      continue;
    }
    if (all.to) bytes += row->batch.size();
    out.push_back(std::move(row));
  }
  return out;
}

void next_part(self_pointer self, const change_ptr& all) {
  auto& s = self->state;
  const auto rows = take_part(s, *all);
  if (rows.empty()) return next_page(self, all);
  auto wish = all->to ? moving(rows, *all->to) : cancelling(rows);
  self->request(s.shard, caf::infinite, write_atom_v, std::move(wish))
    .then(
      [self, all, count = rows.size()](entry_index) {
        all->count += static_cast<std::uint32_t>(count);
        next_part(self, all);
      },
      [self, all, rows](caf::error& why) { // Nothing of this part has changed.
        std::vector<timer_key> which;
        for (const auto& row : rows) which.push_back(row->at);
        self->state.core.release(which);
        all->promise.deliver(std::move(why));
      });
}

/// Reads on where the page before ended.
void next_page(self_pointer self, const change_ptr& all) {
  if (all->whole) {
    if (all->queues.empty() && std::exchange(all->counting, false)) all->queues = all->all_queues;
    if (all->queues.empty()) {
      all->promise.deliver(all->count);
      return;
    }
    begin_queue(*all);
  }
  self->request(self->state.store, caf::infinite, find_atom_v, all->query)
    .then(
      [self, all](const timer_rows& found) {
        auto part = all->query;
        if (!found.whole) part.until = found.end;
        all->rows = self->state.core.find(part, found.rows);
        all->done = 0;
        all->whole = found.whole;
        if (found.whole)
          all->queues.erase(all->queues.begin());
        else
          all->query.after = found.end;
        next_part(self, all);
      },
      [all](caf::error& why) { all->promise.deliver(std::move(why)); });
}

caf::result<std::uint32_t> change_timers(self_pointer self, const timer_selection& which,
                                         std::optional<unix_ms> to) {
  auto all = std::make_shared<change>();
  all->query = query_of(which);
  all->to = to;
  all->promise = self->make_response_promise<std::uint32_t>();
  if (!all->query.name) {
    find_by_id(self, all->query, all->promise,
               [self, all](const std::vector<core::timer_ptr>& found) {
                 all->rows = found;
                 // One that waits for this time already needs no entry.
                 all->counting = all->to && !found.empty() && found.front()->at.due == *all->to;
                 next_part(self, all);
               });
    return all->promise;
  }
  all->all_queues = which.queues;
  all->queues = which.queues;
  all->counting = to.has_value();
  next_page(self, all);
  return all->promise;
}

/// A page of pending ones, from as many of the index's pages as it takes.
struct listing {
  timer_page page;
  timer_rows out = {};
  caf::typed_response_promise<timer_rows> promise;
};

void list_on(self_pointer self, const std::shared_ptr<listing>& all) {
  self->request(self->state.store, caf::infinite, list_atom_v, all->page)
    .then(
      [self, all](const timer_rows& found) {
        auto& page = all->page;
        auto& out = all->out.rows;
        const auto until = found.whole ? core::behind_all_timers : found.end;
        auto more = self->state.core.list(page.queues, page.after, until, page.limit - out.size(),
                                          found.rows);
        std::ranges::move(more, std::back_inserter(out));
        if (found.whole || out.size() >= page.limit) {
          all->promise.deliver(std::move(all->out));
          return;
        }
        page.after = until;
        list_on(self, all);
      },
      [all](caf::error& why) { all->promise.deliver(std::move(why)); });
}

} // namespace

caf::result<std::uint32_t> cancel_timers(self_pointer self, const timer_selection& which) {
  return change_timers(self, which, std::nullopt);
}

caf::result<std::uint32_t> move_timers(self_pointer self, const timer_selection& which,
                                       std::int64_t deliver_at) {
  const auto due = deliver_at > 0 ? deliver_at : self->state.clocks->wall().value - deliver_at;
  return change_timers(self, which, unix_ms{due});
}

caf::result<timer_rows> list_timers(self_pointer self, const timer_page& page) {
  auto all = std::make_shared<listing>();
  all->page = page;
  all->promise = self->make_response_promise<timer_rows>();
  list_on(self, all);
  return all->promise;
}

caf::result<timer_rows> find_timers(self_pointer self, const timer_selection& which) {
  const auto query = query_of(which);
  if (query.name) return to_caf({errc::internal, "timers are looked up by id"});
  auto promise = self->make_response_promise<timer_rows>();
  find_by_id(self, query, promise, [promise](const std::vector<core::timer_ptr>& found) mutable {
    timer_rows out;
    out.rows = found;
    promise.deliver(std::move(out));
  });
  return promise;
}

} // namespace carafe
