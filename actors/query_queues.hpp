#pragma once

#include "actors/error_bridge.hpp"
#include "actors/interfaces.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace carafe {

/// Asks every shard concerned about these queues and calls `then` once with all views (queues that
/// are not there are left out), or with the last failure.
template <class Self, class Then>
void query_queues(Self self, const shard_table& shards, const std::vector<queue_place>& places,
                  Then then) {
  std::map<shard_id, queue_ids> wanted;
  for (const auto& place : places) wanted[place.shard].queues.push_back(place.queue);
  if (wanted.empty()) {
    then(result<std::vector<queue_view>>{std::vector<queue_view>{}});
    return;
  }
  struct gathering {
    std::vector<queue_view> views;
    failure why{errc::none};
    std::size_t missing;
    Then then;
    void arrived() {
      if (--missing > 0) return;
      if (why.code != errc::none)
        then(result<std::vector<queue_view>>{why});
      else
        then(result<std::vector<queue_view>>{std::move(views)});
    }
  };
  auto all =
    std::make_shared<gathering>(gathering{{}, failure{errc::none}, wanted.size(), std::move(then)});
  for (auto& [shard, ids] : wanted) {
    self->request(shards.at(shard).shard, caf::infinite, queues_atom_v, std::move(ids))
      .then(
        [all](const queue_views& views) {
          all->views.insert(all->views.end(), views.queues.begin(), views.queues.end());
          all->arrived();
        },
        [all](const caf::error& why) {
          all->why = from_caf(why);
          all->arrived();
        });
  }
}

} // namespace carafe
