#include "actors/catalogue.hpp"
#include "actors/error_bridge.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

namespace carafe {

namespace {

using decision = catalogue_state::decision;
using answer_promise = caf::typed_response_promise<frames::producer_answer>;

std::vector<shard_id> shards_of(catalogue_pointer self) {
  std::vector<shard_id> out;
  for (const auto& [shard, handles] : self->state.shards) out.push_back(shard);
  return out;
}

caf::result<frames::producer_answer> open(catalogue_pointer self, const std::string& name) {
  auto promise = self->make_response_promise<frames::producer_answer>();
  change_catalogue(
    self,
    [self, name] {
      const auto& s = self->state;
      return s.core->open_producer(name, shards_of(self), s.clocks->wall());
    },
    [promise](const result<decision>& outcome) mutable {
      if (outcome)
        promise.deliver(frames::producer_answer{
          frames::producer_opened{outcome->producer->id, outcome->producer->epoch}});
      else
        promise.deliver(to_caf(outcome.error()));
    });
  return promise;
}

/// What the topic's shards know of a name, put together.
struct gathering {
  answer_promise promise;
  std::size_t missing = 0;
  frames::producer_progress out = {};
  failure why{errc::none};

  void arrived() {
    if (--missing > 0) return;
    if (why.code != errc::none) {
      promise.deliver(to_caf(why));
      return;
    }
    std::ranges::sort(out.queues, {}, &frames::producer_place::queue);
    promise.deliver(frames::producer_answer{std::move(out)});
  }
};

caf::result<frames::producer_answer> progress(catalogue_pointer self,
                                              const frames::producer_progress_ask& ask) {
  auto& s = self->state;
  const auto* holder = s.core->producer(ask.name);
  if (holder == nullptr) return to_caf({errc::producer_fenced, "the name was forgotten"});
  if (holder->epoch != ask.epoch)
    return to_caf({errc::producer_fenced, holder->name + " was opened again since"});
  const auto* topic = s.core->topic(ask.topic);
  if (topic == nullptr) return to_caf({errc::topic_unknown, ask.topic});
  std::map<shard_id, queue_ids> wanted;
  for (const auto& place : topic->queues) wanted[place.shard].queues.push_back(place.queue);
  auto all = std::make_shared<gathering>();
  all->promise = self->make_response_promise<frames::producer_answer>();
  all->missing = wanted.size();
  for (const auto& [shard, queues] : wanted)
    self->request(s.shards.at(shard).shard, caf::infinite, progress_atom_v, ask.name, queues)
      .then(
        [all](const frames::producer_progress& found) {
          all->out.spread = std::max(all->out.spread, found.spread);
          all->out.queues.insert(all->out.queues.end(), found.queues.begin(), found.queues.end());
          all->arrived();
        },
        [all](const caf::error& why) {
          all->why = from_caf(why);
          all->arrived();
        });
  return all->promise;
}

frames::producer_answer list(catalogue_pointer self) {
  frames::producer_names out;
  for (const auto& [id, record] : self->state.core->producers())
    out.producers.push_back({record.name, record.id, record.epoch, record.created, record.opened});
  std::ranges::sort(out.producers, {}, &frames::producer_line::name);
  return {std::move(out)};
}

} // namespace

caf::result<frames::producer_answer> ask_of_producers(catalogue_pointer self,
                                                      const frames::producer_request& wish) {
  if (const auto* name = std::get_if<frames::producer_open>(&wish.what))
    return open(self, name->name);
  if (const auto* ask = std::get_if<frames::producer_progress_ask>(&wish.what))
    return progress(self, *ask);
  if (std::holds_alternative<frames::producer_list>(wish.what)) return list(self);
  return to_caf({errc::unsupported, "a request about producers of another kind"});
}

caf::result<caf::ok_atom> forget_producer(catalogue_pointer self,
                                          const frames::producer_forget& wish) {
  auto promise = self->make_response_promise<caf::ok_atom>();
  change_catalogue(
    self,
    [self, name = wish.name] { return self->state.core->forget_producer(name, shards_of(self)); },
    [promise](const result<decision>& outcome) mutable {
      if (outcome)
        promise.deliver(caf::ok_atom::value);
      else
        promise.deliver(to_caf(outcome.error()));
    });
  return promise;
}

} // namespace carafe
