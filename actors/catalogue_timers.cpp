#include "actors/catalogue.hpp"
#include "actors/core/timer_batches.hpp"
#include "actors/error_bridge.hpp"
#include "actors/query_queues.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace carafe {

namespace {

constexpr std::uint32_t listed_max = 10'000;

failure no_timer(const frames::timer_which& which) {
  if (const auto* name = std::get_if<std::string>(&which.by))
    return {errc::timer_unknown, "named " + *name + ", of topic " + which.topic};
  return {errc::timer_unknown, "of this id, of topic " + which.topic};
}

std::map<shard_id, std::vector<queue_id>> queues_by_shard(const topic_record& topic) {
  std::map<shard_id, std::vector<queue_id>> out;
  for (const auto& place : topic.queues) out[place.shard].push_back(place.queue);
  return out;
}

/// Counts what the topic's shards have changed; the last failure wins, since a part may be done.
struct change_count {
  caf::typed_response_promise<frames::timers_changed> promise;
  frames::timer_which which;
  std::size_t missing = 0;
  std::uint32_t count = 0;
  failure why{errc::none};

  void arrived() {
    if (--missing > 0) return;
    if (why.code != errc::none)
      promise.deliver(to_caf(why));
    else if (count == 0)
      promise.deliver(to_caf(no_timer(which)));
    else
      promise.deliver(frames::timers_changed{count});
  }
};

template <class... Wish>
caf::result<frames::timers_changed>
change_timers(catalogue_pointer self, const frames::timer_which& which, const Wish&... wish) {
  const auto* topic = self->state.core->topic(which.topic);
  if (topic == nullptr) return to_caf({errc::topic_unknown, which.topic});
  const auto* name = std::get_if<std::string>(&which.by);
  if (name != nullptr && name->empty())
    return to_caf({errc::invalid_argument, "the name is empty"});
  const auto by_shard = queues_by_shard(*topic);
  auto all = std::make_shared<change_count>();
  all->promise = self->make_response_promise<frames::timers_changed>();
  all->which = which;
  all->missing = by_shard.size();
  for (const auto& [shard, queues] : by_shard)
    std::apply(
      [&, &to = shard, &of = queues](const auto& atom, const auto&... rest) {
        self
          ->request(self->state.shards.at(to).shard, caf::infinite, atom,
                    timer_selection{of, which}, rest...)
          .then(
            [all](std::uint32_t count) {
              all->count += count;
              all->arrived();
            },
            [all](const caf::error& why) {
              all->why = from_caf(why);
              all->arrived();
            });
      },
      std::make_tuple(wish...));
  return all->promise;
}

/// A page of the topic's pending messages, gathered from its shards.
struct listing {
  caf::typed_response_promise<frames::timers> promise;
  std::map<queue_id, queue_number> numbers;
  std::size_t limit = 0;
  std::size_t missing = 0;
  frames::timers out = {};
  failure why{errc::none};

  void add(const core::timer_ptr& row) {
    auto& each = out.pending.emplace_back();
    each.due = row->at.due;
    each.queue = row->at.queue;
    each.number = numbers.at(row->at.queue);
    each.place = row->at.number;
    each.producer = row->producer;
    each.sequence = row->sequence;
    each.name = row->name;
    each.armed = row->armed;
    auto batch =
      batch_reader::open(shared_bytes::copy_of(as_bytes(row->batch)), codec::none, {~0u, 1, ~0u});
    if (!batch) return;
    const auto message = batch->message(0);
    each.key = message.key;
    each.body_bytes = message.body.size();
  }
  void arrived() {
    if (--missing > 0) return;
    if (why.code != errc::none) {
      promise.deliver(to_caf(why));
      return;
    }
    std::ranges::sort(out.pending, {}, [](const auto& each) {
      return std::tuple{each.due, each.queue, each.place};
    });
    if (out.pending.size() > limit) out.pending.resize(limit);
    promise.deliver(std::move(out));
  }
};

/// Behind which the wanted ones are: all that are due then, or one of them.
timer_key place_of(const frames::timer_list& wish) {
  if (wish.after_queue.value != 0) return {wish.after, wish.after_queue, wish.after_place};
  return {wish.after, core::behind_all_timers.queue, core::behind_all_timers.number};
}

void gather(catalogue_pointer self, const std::shared_ptr<listing>& all, const topic_record& topic,
            const timer_key& after) {
  const auto by_shard = queues_by_shard(topic);
  all->missing = by_shard.size();
  for (const auto& [shard, queues] : by_shard) {
    const timer_page page{{queues.begin(), queues.end()}, after, all->limit};
    self->request(self->state.shards.at(shard).shard, caf::infinite, list_atom_v, page)
      .then(
        [all](const timer_rows& found) {
          for (const auto& row : found.rows) all->add(row);
          all->arrived();
        },
        [all](const caf::error& why) {
          all->why = from_caf(why);
          all->arrived();
        });
  }
}

} // namespace

caf::result<frames::timers_changed> end_timers_of(catalogue_pointer self,
                                                  const frames::timer_end& wish) {
  return change_timers(self, wish.which, close_atom_v);
}

caf::result<frames::timers_changed> move_timers_of(catalogue_pointer self,
                                                   const frames::timer_move& wish) {
  if (wish.deliver_at > message_time_max || wish.deliver_at < -message_time_max)
    return to_caf({errc::invalid_argument, "the time of delivery is past the year 9999"});
  return change_timers(self, wish.which, move_atom_v, wish.deliver_at);
}

caf::result<frames::timers> list_timers_of(catalogue_pointer self, const frames::timer_list& wish) {
  const auto* topic = self->state.core->topic(wish.topic);
  if (topic == nullptr) return to_caf({errc::topic_unknown, wish.topic});
  auto all = std::make_shared<listing>();
  all->promise = self->make_response_promise<frames::timers>();
  all->limit = wish.limit == 0 ? listed_max : std::min(wish.limit, listed_max);
  for (std::size_t i = 0; i < topic->queues.size(); ++i)
    all->numbers.emplace(topic->queues[i].queue, queue_number{static_cast<std::uint32_t>(i)});
  query_queues(self, self->state.shards, topic->queues,
               [self, all, record = *topic,
                after = place_of(wish)](const result<std::vector<queue_view>>& views) {
                 if (!views) {
                   all->promise.deliver(to_caf(views.error()));
                   return;
                 }
                 for (const auto& view : *views) all->out.total += view.timers_pending;
                 gather(self, all, record, after);
               });
  return all->promise;
}

} // namespace carafe
