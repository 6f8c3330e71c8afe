#include "actors/net/session.hpp"

#include "schema/batch.hpp"

#include <utility>

namespace carafe {

namespace {

/// Routes are looked up again after so many; a client with more queues pays a look-up now and then.
constexpr std::size_t routes_max = 16'384;

void append(session_pointer self, std::uint64_t request, const shard_actor& shard,
            const frames::produce& what, const validated_batch& valid, const quota_use& used) {
  core::batch_request wish;
  wish.queue = what.queue;
  wish.producer = what.producer;
  wish.first = what.first;
  wish.previous = what.previous;
  wish.count = what.count;
  wish.compression = what.compression;
  wish.checksum = what.checksum;
  wish.bytes = what.batch;
  wish.timed = valid.timed;
  wish.ranked = valid.ranked;
  wish.named = what.named;
  wish.ids = valid.ids;
  wish.keyless = valid.keyless;
  begin_request(self);
  self->request(shard, caf::infinite, append_atom_v, std::move(wish))
    .then(
      [self, request, queue = what.queue, bytes = what.batch.size(),
       used](const append_done& done) {
        if (done.duplicate || !done.repeated.empty()) used.give_back();
        if (!done.repeated.empty()) {
          reply(self, request, frames::producer_answer{frames::duplicates{done.repeated}});
          end_request(self);
          flush(self);
          return;
        }
        frames::receipt receipt;
        receipt.queue = queue;
        receipt.first = done.base;
        receipt.count = done.count;
        receipt.reached = done.reached;
        receipt.duplicate = done.duplicate;
        receipt.broker_time = done.time;
        receipt.timed = done.timed;
        reply(self, request, receipt);
        auto& metrics = *self->state.context->metrics;
        metrics.messages_in.fetch_add(done.count, std::memory_order_relaxed);
        metrics.bytes_in.fetch_add(bytes, std::memory_order_relaxed);
        end_request(self);
        flush(self);
      },
      [self, request, queue = what.queue, used](const caf::error& why) {
        const auto failed = from_caf(why);
        used.give_back();
        if (failed.code == errc::queue_unknown) self->state.routes.erase(queue);
        reply_error(self, request, failed);
        end_request(self);
        flush(self);
      });
}

/// Looks the queue's shard up; nothing else is handled meanwhile, so batches stay in order.
void find_route(session_pointer self, std::uint64_t request, const frames::produce& what) {
  auto& s = self->state;
  begin_request(self);
  self->request(s.context->catalogue, caf::infinite, route_atom_v, what.queue)
    .await(
      [self, request, what](const shard_actor& shard) {
        auto& routes = self->state.routes;
        if (routes.size() >= routes_max) routes.clear();
        routes[what.queue] = {shard, queue_quotas{self->state.context->quotas, what.queue}};
        self->state.stalled.reset();
        on_produce(self, request, what);
        end_request(self);
        flush(self);
      },
      [self, request](const caf::error& why) {
        self->state.stalled.reset();
        reply_error(self, request, from_caf(why));
        end_request(self);
        flush(self);
      });
}

} // namespace

void on_produce(session_pointer self, std::uint64_t request, const frames::produce& what) {
  auto& s = self->state;
  const auto route = s.routes.find(what.queue);
  if (route == s.routes.end()) {
    s.stalled = frames::frame{request, what};
    find_route(self, request, what);
    return;
  }
  // First, so that refusing costs little.
  const auto used = take_quotas(self, request, route->second.quotas.get(), what.batch.size());
  if (!used) return;
  auto valid = validate_batch(what.batch.span(), what.compression, what.count, what.checksum,
                              s.context->options.limits);
  if (!valid) {
    used->give_back();
    reply_error(self, request, valid.error());
    return;
  }
  append(self, request, route->second.shard, what, *valid, *used);
}

} // namespace carafe
