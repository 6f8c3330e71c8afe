#include "actors/error_bridge.hpp"
#include "actors/timers.hpp"

#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace carafe {

namespace {

using self_pointer = timers_pointer;
using count_promise = caf::typed_response_promise<std::uint32_t>;
using found_handler = std::function<void(const std::vector<core::timer_ptr>&)>;

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

/// Calls `done` with the pending ones.
template <class Promise>
void find(self_pointer self, const timer_selection& which, Promise promise, found_handler done) {
  auto& s = self->state;
  auto query = query_of(which);
  if (!query.name)
    if (const auto known = s.core.find(query, {}); !known.empty()) return done(known);
  self->request(s.store, caf::infinite, find_atom_v, query)
    .then([self, query,
           done](const timer_rows& found) { done(self->state.core.find(query, found.rows)); },
          [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
}

/// Those that nothing else is about to end.
std::vector<core::timer_ptr> claim(timers_state& s, const std::vector<core::timer_ptr>& found) {
  std::vector<core::timer_ptr> out;
  for (const auto& row : found)
    if (s.core.claim(row->at)) out.push_back(row);
  return out;
}

/// One entry; nothing has changed if it fails.
void write(self_pointer self, effect_list wish, const std::vector<core::timer_ptr>& rows,
           count_promise promise) {
  if (rows.empty()) {
    promise.deliver(std::uint32_t{0});
    return;
  }
  self->request(self->state.shard, caf::infinite, write_atom_v, std::move(wish))
    .then([promise, count = static_cast<std::uint32_t>(rows.size())](
            entry_index) mutable { promise.deliver(count); },
          [self, rows, promise](caf::error& why) mutable {
            std::vector<timer_key> which;
            for (const auto& row : rows) which.push_back(row->at);
            self->state.core.release(which);
            promise.deliver(std::move(why));
          });
}

} // namespace

caf::result<std::uint32_t> cancel_timers(self_pointer self, const timer_selection& which) {
  auto promise = self->make_response_promise<std::uint32_t>();
  find(self, which, promise, [self, promise](const std::vector<core::timer_ptr>& found) {
    const auto rows = claim(self->state, found);
    std::map<queue_id, effects::timers_ended> by_queue;
    for (const auto& row : rows) {
      auto& ended = by_queue[row->at.queue];
      ended.queue = row->at.queue;
      ended.why = effects::timers_ended::reason::cancelled;
      ended.which.push_back(row->at);
    }
    effect_list wish;
    for (auto& [queue, ended] : by_queue) wish.effects.emplace_back(std::move(ended));
    write(self, std::move(wish), rows, promise);
  });
  return promise;
}

caf::result<std::uint32_t> move_timers(self_pointer self, const timer_selection& which,
                                       std::int64_t deliver_at) {
  auto promise = self->make_response_promise<std::uint32_t>();
  find(self, which, promise,
       [self, promise, deliver_at](const std::vector<core::timer_ptr>& found) mutable {
         auto& s = self->state;
         const auto due = deliver_at > 0 ? deliver_at : s.clocks->wall().value - deliver_at;
         std::vector<core::timer_ptr> rows;
         std::uint32_t same = 0;
         for (auto& row : claim(s, found)) {
           if (row->at.due != unix_ms{due}) {
             rows.push_back(std::move(row));
             continue;
           }
           s.core.release({row->at}); // It waits for this time already.
           ++same;
         }
         effect_list wish;
         for (const auto& row : rows) {
           effects::timer_moved moved{row->at.due, *row};
           moved.row.at.due = unix_ms{due};
           wish.effects.emplace_back(std::move(moved));
         }
         if (rows.empty() && same > 0) {
           promise.deliver(same);
           return;
         }
         write(self, std::move(wish), rows, promise);
       });
  return promise;
}

caf::result<timer_rows> list_timers(self_pointer self, const timer_page& page) {
  auto promise = self->make_response_promise<timer_rows>();
  self->request(self->state.store, caf::infinite, list_atom_v, page)
    .then(
      [self, page, promise](const timer_rows& found) mutable {
        timer_rows out;
        out.rows =
          self->state.core.list(page.queues, page.after, page.limit, found.rows, found.whole);
        promise.deliver(std::move(out));
      },
      [promise](caf::error& why) mutable { promise.deliver(std::move(why)); });
  return promise;
}

caf::result<timer_rows> find_timers(self_pointer self, const timer_selection& which) {
  auto promise = self->make_response_promise<timer_rows>();
  find(self, which, promise, [promise](const std::vector<core::timer_ptr>& found) mutable {
    timer_rows out;
    out.rows = found;
    promise.deliver(std::move(out));
  });
  return promise;
}

} // namespace carafe
