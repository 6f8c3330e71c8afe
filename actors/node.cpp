#include "actors/node.hpp"

#include "actors/core/placement.hpp"
#include "actors/error_bridge.hpp"
#include "actors/log_reader.hpp"
#include "actors/logging.hpp"
#include "actors/net/listener.hpp"
#include "actors/raft/replica.hpp"
#include "actors/shard.hpp"
#include "actors/transactions.hpp"

#include <caf/io/middleman.hpp>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = node_actor::stateful_pointer<node_state>;

/// Clients get so long to take their last answers when the node stops.
constexpr auto drain_clients_for = std::chrono::milliseconds{2'500};

void die(self_pointer self, const failure& why) {
  auto& s = self->state;
  if (std::exchange(s.stopping, true)) return;
  logging::error("node", "stops: " + why.message());
  s.fatal(why);
}

/// The node ends when this actor does.
template <class Handle>
void depend_on(self_pointer self, const Handle& actor, std::string name) {
  self->state.parts.emplace(actor.address(), std::move(name));
  self->monitor(actor);
}

raft::replica_options replica_options_of(const node_state& s, shard_id id) {
  raft::replica_options out;
  out.shard = id;
  out.node = s.dir->node_id();
  out.address = s.options.listen_address + ":" + std::to_string(s.options.cluster_port);
  out.seed = std::random_device{}();
  out.producer_expiry_ms = s.options.producer_expiry_ms;
  out.producers_max = s.options.producers_max;
  out.timers_max = s.options.timers_max;
  out.in_flight_bytes_max = storage::in_flight_bytes_max(s.options.segment_bytes);
  return out;
}

/// What a frame may hold, and what the log can always take as one entry.
std::uint64_t batch_bytes_max(const config::node_options& options) {
  return std::min(options.frame_bytes_max(), storage::group_bytes_max(options.segment_bytes)) -
         64 * 1024;
}

batch_limits batch_limits_of(const config::node_options& options) {
  batch_limits out;
  out.message_bytes_max = static_cast<std::uint32_t>(options.message_bytes_max);
  out.batch_bytes_max = static_cast<std::uint32_t>(batch_bytes_max(options));
  return out;
}

shard_options shard_options_of(const node_state& s, shard_id id) {
  shard_options out;
  out.mode = core::durability_of(id);
  out.sync_interval_ms = s.options.sync_interval_ms;
  out.checkpoint_entries = s.options.checkpoint_entries;
  out.checkpoint_interval_ms = s.options.checkpoint_interval_ms;
  out.retention_ms = s.options.retention_ms;
  out.retention_bytes = s.options.retention_bytes;
  out.timers.folder = s.dir->path() / storage::data_dir::shard_folder(id);
  out.timers.limits = batch_limits_of(s.options);
  out.limits = batch_limits_of(s.options);
  out.transactions_max = s.options.transactions_max;
  return out;
}

result<shard_handles> open_shard(self_pointer self, shard_id id) {
  auto& s = self->state;
  if (auto at = s.shards.find(id); at != s.shards.end()) return at->second;
  const auto component = "shard " + std::to_string(id.value);
  auto opened =
    s.dir->open_shard(id, {core::durability_of(id), s.options.segment_bytes,
                           s.options.storage_reserve_bytes, batch_bytes_max(s.options)});
  if (!opened) return opened.error();
  for (const auto& note : opened->notes) logging::warning(component, note);
  const auto began = s.clocks->monotonic();
  auto replica =
    raft::replica::recover(replica_options_of(s, id), *opened->log, *opened->state, began);
  if (!replica) return replica.error();
  logging::info(
    component,
    "open, last entry " + std::to_string((*replica)->applied().value) + ", " +
      std::to_string((*replica)->applied().value - (*replica)->checkpoint_index().value) +
      " replayed in " + std::to_string(s.clocks->monotonic().value - began.value) + " ms");
  shard_handles handles;
  auto settings = shard_options_of(s, id);
  settings.latest = std::make_shared<latest_messages>(settings.timers.folder);
  handles.reader =
    self->spawn<caf::detached>(log_reader, opened->log, opened->state, settings.latest);
  depend_on(self, handles.reader, "the log reader of " + component);
  s.latest.emplace(id, settings.latest);
  handles.shard = self->spawn(shard, std::move(*replica), opened->log, opened->state, s.clocks,
                              std::move(settings));
  depend_on(self, handles.shard, component);
  s.shards.emplace(id, handles);
  s.disks.emplace(id, std::move(*opened));
  if (s.transactions) self->send(s.transactions, open_shard_atom_v, id, handles.shard);
  return handles;
}

/// Shards there are on disk, and those of durability `fsync` that the settings ask for. Others are
/// opened when the first topic needs them.
std::vector<shard_id> shards_to_open(const node_state& s) {
  auto ids = s.dir->shards();
  for (std::uint32_t n = 0; n < s.options.shards; ++n) {
    const auto id = core::shard_of(durability::fsync, n);
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

catalogue_options catalogue_options_of(const config::node_options& options,
                                       const std::shared_ptr<quota_board>& quotas) {
  using fixed = config::fixed_limits;
  catalogue_options out;
  out.limits = {options.topics_max, fixed::queues_per_topic_max, fixed::groups_max, options.shards,
                options.group_names_max};
  out.groups = {fixed::members_per_group_max, options.revoke_timeout_ms, options.member_grace_ms,
                batch_limits_of(options)};
  out.create_on_use_queues = options.create_on_use_queues;
  out.schedules = {{fixed::schedules_max}, batch_limits_of(options)};
  out.quotas = quotas;
  return out;
}

std::shared_ptr<const session_context> make_context(self_pointer self) {
  auto& s = self->state;
  auto context = std::make_shared<session_context>();
  auto& options = context->options;
  options.node_name = s.options.node_name;
  options.software = software_version;
  options.limits = batch_limits_of(s.options);
  options.frame_bytes_max = static_cast<std::uint32_t>(s.options.frame_bytes_max());
  options.in_flight_max = s.options.in_flight_max;
  options.idle_timeout_ms = s.options.idle_timeout_ms;
  context->node = node_actor{self};
  context->catalogue = s.catalogue;
  context->transactions = s.transactions;
  context->clocks = s.clocks;
  context->metrics = s.metrics;
  context->sending = std::make_shared<send_pool>(s.options.send_bytes_max);
  context->quotas = s.quotas;
  return context;
}

result<node_ports> listen(self_pointer self) {
  auto& s = self->state;
  auto bound = std::make_shared<std::promise<result<std::uint16_t>>>();
  auto port = bound->get_future();
  s.listener = self->system().middleman().spawn_broker(
    listener, make_context(self), s.options.listen_address, s.options.client_port,
    s.options.connections_max, bound);
  depend_on(self, s.listener, "the listener");
  auto got = port.get();
  if (!got) {
    s.stopping = true;
    return got.error();
  }
  s.listening = true;
  s.started = s.clocks->monotonic();
  self->delayed_send(self, std::chrono::seconds{1}, tick_atom_v);
  return node_ports{*got, s.options.cluster_port};
}

/// Opens what is on disk, and lets clients in once the catalogue has found it to be complete.
caf::result<node_ports> start(self_pointer self) {
  auto& s = self->state;
  const auto there = s.dir->shards();
  if (!there.empty() && there.front() != shard_id{0})
    return to_caf(
      {errc::storage_corrupt, (s.dir->path() / s.dir->shard_folder(shard_id{0})).string() +
                                " is missing, beside those of other shards; put it back"});
  for (const auto id : shards_to_open(s))
    if (auto opened = open_shard(self, id); !opened) return to_caf(opened.error());
  s.catalogue = self->spawn(catalogue, node_actor{self}, s.shards, s.clocks,
                            catalogue_options_of(s.options, s.quotas));
  depend_on(self, s.catalogue, "the catalogue");
  s.transactions = self->spawn(transactions, s.catalogue, s.clocks);
  depend_on(self, s.transactions, "the transactions actor");
  for (const auto& [id, handles] : s.shards)
    self->send(s.transactions, open_shard_atom_v, id, handles.shard);
  auto promise = self->make_response_promise<node_ports>();
  s.starting = promise;
  self->request(s.catalogue, caf::infinite, status_atom_v)
    .then(
      [self](const catalogue_counts&) {
        auto waiting = std::exchange(self->state.starting, std::nullopt);
        if (!waiting) return;
        if (auto ports = listen(self))
          waiting->deliver(*ports);
        else
          waiting->deliver(to_caf(ports.error()));
      },
      [](const caf::error&) {}); // Why it ended is in its down message.
  return promise;
}

// -- backup ---------------------------------------------------------------------------------------

/// Copies shard after shard, the catalogue's last: what it names must be in the others' copies.
void copy_next(self_pointer self, std::shared_ptr<std::vector<shard_id>> left,
               frames::backup_done sum, caf::typed_response_promise<frames::backup_done> promise) {
  if (left->empty()) {
    promise.deliver(std::move(sum));
    return;
  }
  const auto id = left->back();
  left->pop_back();
  const auto to = std::filesystem::path{sum.path} / storage::data_dir::shard_folder(id);
  // A reader of its own: the shard's must go on serving its queues.
  auto& s = self->state;
  const auto& disk = s.disks.at(id);
  const auto copier = self->spawn<caf::detached>(log_reader, disk.log, disk.state, s.latest.at(id));
  const auto failed = [self, path = sum.path, promise, copier](caf::error& why) mutable {
    self->send_exit(copier, caf::exit_reason::user_shutdown);
    logging::warning("node", "backup to " + path + ": " + from_caf(why).message());
    self->state.dir->abandon_copy(path);
    promise.deliver(std::move(why));
  };
  const auto done = [self, left, sum, promise, copier](std::uint64_t bytes) mutable {
    self->send_exit(copier, caf::exit_reason::user_shutdown);
    sum.bytes += bytes;
    ++sum.shards;
    copy_next(self, left, std::move(sum), promise);
  };
  self->request(s.shards.at(id).shard, caf::infinite, backup_atom_v)
    .then(
      [self, copier, to, done, failed](const timer_handle& timers) {
        self->request(copier, caf::infinite, backup_atom_v, to.string(), timers).then(done, failed);
      },
      failed);
}

caf::result<frames::backup_done> backup(self_pointer self, const std::string& path) {
  namespace fs = std::filesystem;
  auto& s = self->state;
  const fs::path to{path};
  if (!to.is_absolute())
    return to_caf({errc::invalid_argument, "give an absolute path on the node's machine"});
  if (auto ok = s.dir->begin_copy(to); !ok) return to_caf(ok.error());
  auto left = std::make_shared<std::vector<shard_id>>();
  for (const auto& [id, handles] : s.shards) left->push_back(id); // Shard 0 comes first …
  auto promise = self->make_response_promise<frames::backup_done>();
  copy_next(self, left, frames::backup_done{path, 0, 0}, promise); // … and is copied last.
  return promise;
}

// -- stopping -------------------------------------------------------------------------------------

void stop_actors(self_pointer self) {
  auto& s = self->state;
  s.ending = true;
  const auto reason = caf::error{caf::exit_reason::user_shutdown};
  if (s.listener) self->send_exit(s.listener, reason);
  if (s.transactions) self->send_exit(s.transactions, reason);
  if (s.catalogue) self->send_exit(s.catalogue, reason);
  for (const auto& [id, handles] : s.shards) {
    self->send_exit(handles.shard, reason);
    self->send_exit(handles.reader, reason);
  }
}

/// Every shard finishes what is in flight and saves a checkpoint.
void drain_shards(self_pointer self, caf::typed_response_promise<caf::ok_atom> promise) {
  auto& s = self->state;
  auto missing = std::make_shared<std::size_t>(s.shards.size() + 1);
  auto arrived = [self, missing, promise]() mutable {
    if (--*missing > 0) return;
    stop_actors(self);
    if (self->state.failed_stop)
      promise.deliver(to_caf(*self->state.failed_stop));
    else
      promise.deliver(caf::ok_atom::value);
    self->quit();
  };
  for (const auto& [id, handles] : s.shards)
    self->request(handles.shard, std::chrono::seconds{2}, drain_atom_v)
      .then([arrived](caf::ok_atom) mutable { arrived(); },
            [arrived](const caf::error& why) mutable {
              logging::warning("node", "a shard was stopped without a checkpoint: " +
                                         from_caf(why).message());
              arrived();
            });

  arrived();
}

caf::result<caf::ok_atom> drain(self_pointer self) {
  auto& s = self->state;
  auto promise = self->make_response_promise<caf::ok_atom>();
  s.stopping = true;
  if (!s.listening) { // There are no clients.
    drain_shards(self, promise);
    return promise;
  }
  const auto go_on = [self, promise] { drain_shards(self, promise); };
  self->request(s.listener, drain_clients_for, drain_atom_v)
    .then([go_on](caf::ok_atom) { go_on(); }, [go_on](const caf::error&) { go_on(); });
  return promise;
}

} // namespace

node_actor::behavior_type node(self_pointer self, config::node_options options,
                               std::shared_ptr<storage::data_dir> dir,
                               std::shared_ptr<const clock> clocks, fatal_handler fatal) {
  auto& s = self->state;
  s.options = std::move(options);
  s.dir = std::move(dir);
  s.clocks = std::move(clocks);
  s.fatal = std::move(fatal);
  s.metrics = std::make_shared<node_metrics>();
  const auto& o = s.options;
  s.quotas = std::make_shared<quota_board>(quota_board::client_rates{
    o.client_produce_bytes_per_second, o.client_consume_bytes_per_second});
  self->set_down_handler([self](const caf::down_msg& down) {
    auto& state = self->state;
    const auto part = state.parts.find(down.source);
    if (state.ending || part == state.parts.end()) return;
    // The listener ends without an error, which has no code either, when it has no more to do.
    if (state.stopping && !down.reason) return;
    auto why = from_caf(down.reason);
    if (auto waiting = std::exchange(state.starting, std::nullopt)) {
      state.stopping = true;
      waiting->deliver(to_caf(why));
      return;
    }
    why.detail = part->second + " ended: " + why.detail;
    if (!state.stopping) return die(self, why);
    // It must not look like an orderly stop.
    if (!state.failed_stop) state.failed_stop = why;
  });
  return {
    [self](start_atom) { return start(self); },
    [self](open_shard_atom, shard_id id) -> caf::result<shard_handles> {
      auto handles = open_shard(self, id);
      if (!handles) return to_caf(handles.error());
      return *handles;
    },
    [self](status_atom) { return report_status(self); },
    [self](actors_atom) { return list_actors(self); },
    [self](backup_atom, const std::string& path) { return backup(self, path); },
    [self](drain_atom) { return drain(self); },
    [self](tick_atom) {
      sample_rates(self->state);
      trim_memory_if_idle(self->state);
      self->delayed_send(self, std::chrono::seconds{1}, tick_atom_v);
    },
  };
}

} // namespace carafe
