#include "test/actors/rig.hpp"

#include "actors/core/placement.hpp"
#include "actors/error_bridge.hpp"
#include "actors/log_reader.hpp"
#include "actors/logging.hpp"
#include "actors/raft/replica.hpp"
#include "actors/shard.hpp"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <set>
#include <stdexcept>
#include <string>

namespace carafe::test {

namespace {

struct connection_memory {
  static inline const char* name = "connection";
  std::shared_ptr<inbox> in;
  std::optional<frames::reader> reader;
  session_actor session;
};

connection_actor::behavior_type
fake_connection(connection_actor::stateful_pointer<connection_memory> self,
                std::shared_ptr<inbox> in, std::shared_ptr<const session_context> context) {
  auto& s = self->state;
  s.in = std::move(in);
  s.reader.emplace(64u << 20);
  s.session = self->spawn<caf::lazy_init>(session, std::move(context), connection_actor{self},
                                          peer{"127.0.0.1", 40000});
  s.in->session = s.session;
  return {
    // What a client sends arrives as it does from a socket.
    [self](const caf::io::new_data_msg& data) {
      self->send(self->state.session, input_atom_v, byte_buffer{data.buf});
    },
    [self](const caf::io::connection_closed_msg&) {
      self->send(self->state.session, closed_atom_v);
      self->quit();
    },
    [](const caf::io::data_transferred_msg&) {},
    [self](output_atom, const byte_buffer& bytes) {
      auto& state = self->state;
      state.reader->feed(std::as_bytes(std::span{bytes.data(), bytes.size()}));
      for (;;) {
        auto next = state.reader->next();
        CARAFE_ASSERT(next.ok());
        if (!*next) break;
        state.in->frames.push_back(std::move(**next));
      }
      if (state.in->takes)
        self->send(state.session, flushed_atom_v, static_cast<std::uint64_t>(bytes.size()));
      else
        state.in->untaken_bytes += bytes.size();
    },
    [](taken_atom, std::uint64_t) {},
    [self](halt_atom) { self->state.in->halted = true; },
    [self](resume_atom) { self->state.in->halted = false; },
    [self](drain_atom) { self->send(self->state.session, drain_atom_v); },
    [self](close_atom) {
      self->state.in->closed = true;
      self->quit();
    },
    [](tick_atom) {},
  };
}

struct supervisor_memory {
  static inline const char* name = "node";
};

node_actor::behavior_type fake_node(node_actor::stateful_pointer<supervisor_memory> self, rig* r) {
  self->set_down_handler([r](const caf::down_msg& down) { r->ended->push_back(down.reason); });
  const auto no = [] { return to_caf({errc::unsupported, "in the rig"}); };
  return {
    [no](start_atom) -> caf::result<node_ports> { return no(); },
    [self, r](open_shard_atom, shard_id id) -> caf::result<shard_handles> {
      auto handles = r->open(id);
      self->monitor(handles.shard);
      return handles;
    },
    [no](status_atom) -> caf::result<frames::node_status_report> { return no(); },
    [no](actors_atom) -> caf::result<frames::node_actor_list> { return no(); },
    [no](backup_atom, const std::string&) -> caf::result<frames::backup_done> { return no(); },
    [no](drain_atom) -> caf::result<caf::ok_atom> { return no(); },
    [](tick_atom) {},
  };
}

} // namespace

rig::rig(std::uint32_t shards_wanted) : shards_per_mode(shards_wanted) {
  logging::set_level(config::log_level::error);
  session_settings.node_name = "rig";
  session_settings.software = "test";
  session_settings.frame_bytes_max = 16u << 20;
  session_settings.in_flight_max = 8;
  session_settings.idle_timeout_ms = 30'000;
  shard_settings.checkpoint_interval_ms = 5'000;
  replica_settings.node = 1;
  replica_settings.address = "here";
  replica_settings.seed = 7;
  replica_settings.producer_expiry_ms = 3'600'000;
  replica_settings.producers_max = 1'000;
  start();
}

rig::~rig() {
  if (system_) crash(false);
}

caf::scheduler::test_coordinator& rig::scheduler() {
  return dynamic_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

std::unique_ptr<raft::replica> rig::recover(shard_id id) {
  auto& disk = disks[id];
  const auto mode = core::durability_of(id);
  if (!disk.log) disk = {std::make_shared<fake_log>(mode), std::make_shared<fake_state>()};
  // As a log on disk does when it is opened.
  if (mode == durability::fsync) CARAFE_ASSERT(disk.log->sync().ok());
  auto options = replica_settings;
  options.shard = id;
  auto replica = raft::replica::recover(options, *disk.log, *disk.state, clocks->monotonic());
  if (!replica)
    throw std::runtime_error{"shard " + std::to_string(id.value) +
                             " does not start: " + replica.error().message()};
  if (on_recovered) on_recovered(id, **replica);
  return std::move(*replica);
}

shard_handles rig::open(shard_id id) {
  if (auto at = shards.find(id); at != shards.end()) return at->second;
  auto known = recovered_.extract(id);
  auto replica = known ? std::move(known.mapped()) : recover(id);
  auto& disk = disks[id];
  auto how = shard_settings;
  how.mode = core::durability_of(id);
  how.checkpoint_entries = checkpoint_entries;
  how.own_threads = false;
  if (!timers_folder.empty()) {
    how.timers.folder = timers_folder / ("shard-" + std::to_string(id.value));
    std::filesystem::create_directories(how.timers.folder);
  }
  how.latest = std::make_shared<latest_messages>(how.timers.folder);
  shard_handles handles;
  handles.reader = system_->spawn(log_reader, disk.log, disk.state, how.latest);
  handles.shard = system_->spawn(shard, std::move(replica), disk.log, disk.state, clocks, how);
  shards.emplace(id, handles);
  if (transactions_handle)
    caf::anon_send(transactions_handle, open_shard_atom_v, id, handles.shard);
  return handles;
}

void rig::start() {
  ended->clear();
  auto ids = std::set<shard_id>{};
  for (const auto& [id, disk] : disks) ids.insert(id);
  for (std::uint32_t n = 0; n < shards_per_mode; ++n)
    ids.insert(core::shard_of(durability::fsync, n));
  // Here, where a failure can be told, and not in an actor.
  for (const auto id : ids) recovered_[id] = recover(id);
  config_ = std::make_unique<rig_config>();
  system_ = std::make_unique<caf::actor_system>(*config_);
  supervisor = system_->spawn(fake_node, this);
  for (const auto id : ids) caf::anon_send(supervisor, open_shard_atom_v, id);
  settle();
  catalogue_options options;
  options.limits = {100, 64, 100, shards_per_mode};
  options.groups = groups;
  options.create_on_use_queues = create_on_use;
  options.schedules = schedule_settings;
  options.schedules.own_threads = false;
  options.quotas = std::make_shared<quota_board>(client_rates);
  catalogue_handle =
    system_->spawn(catalogue, supervisor, shards, std::shared_ptr<const clock>{clocks}, options);
  transactions_handle =
    system_->spawn(transactions, catalogue_handle, std::shared_ptr<const clock>{clocks});
  for (const auto& [id, handles] : shards)
    caf::anon_send(transactions_handle, open_shard_atom_v, id, handles.shard);
  context = std::make_shared<session_context>();
  context->options = session_settings;
  context->node = supervisor;
  context->catalogue = catalogue_handle;
  context->transactions = transactions_handle;
  context->clocks = clocks;
  context->metrics = std::make_shared<node_metrics>();
  context->sending = std::make_shared<send_pool>(256u << 20);
  context->quotas = options.quotas;
  settle();
}

void rig::settle() { scheduler().run(); }

bool rig::run_one(const std::function<std::size_t(std::size_t)>& pick) {
  auto& jobs = scheduler().jobs;
  if (jobs.empty()) return false;
  std::swap(jobs.front(), jobs[pick(jobs.size())]);
  scheduler().run_once();
  return true;
}

void rig::advance(std::chrono::milliseconds time) {
  clocks->now_ms += static_cast<std::uint64_t>(time.count());
  scheduler().advance_time(time);
}

void rig::pass(std::chrono::milliseconds time) {
  for (auto left = time.count(); left > 0; left -= 50) {
    advance(std::chrono::milliseconds{50});
    settle();
  }
}

void rig::drain_sessions() {
  for (const auto& connection : connections_) caf::anon_send(connection, drain_atom_v);
  settle();
}

void rig::crash(bool power_fails) {
  const auto kill = caf::exit_reason::user_shutdown;
  // A killed process does nothing more of what waits in its actors' mailboxes.
  for (auto& [id, disk] : disks) disk.log->gone = disk.state->gone = true;
  for (const auto& connection : connections_) caf::anon_send_exit(connection, kill);
  connections_.clear();
  caf::anon_send_exit(catalogue_handle, kill);
  caf::anon_send_exit(transactions_handle, kill);
  for (const auto& [id, handles] : shards) {
    caf::anon_send_exit(handles.shard, kill);
    caf::anon_send_exit(handles.reader, kill);
  }
  caf::anon_send_exit(supervisor, kill);
  settle();
  shards.clear();
  catalogue_handle = nullptr;
  transactions_handle = nullptr;
  supervisor = nullptr;
  context.reset();
  system_.reset();
  config_.reset();
  for (auto& [id, disk] : disks) {
    disk.log->gone = disk.state->gone = false;
    if (power_fails) disk.log->crash();
  }
}

rig::client::client(rig& r) : owner(&r), in(std::make_shared<inbox>()) {
  connection =
    r.system().spawn(fake_connection, in, std::shared_ptr<const session_context>{r.context});
  r.connections_.push_back(connection);
}

rig::client::client(rig& r, std::string name) : client(r) {
  r.settle();
  frames::hello hello;
  hello.client = std::move(name);
  CARAFE_ASSERT(ask<frames::welcome>(hello).ok());
}

rig::client rig::client::without_waiting(rig& r, std::string name) {
  client out{r};
  frames::hello hello;
  hello.client = std::move(name);
  out.post(++out.requests, hello);
  return out;
}

void rig::client::send(std::uint64_t request, frames::body body) {
  post(request, std::move(body));
  owner->settle();
}

void rig::client::post(std::uint64_t request, frames::body body) {
  caf::io::new_data_msg data;
  frames::encode(frames::frame{request, std::move(body)}, data.buf);
  caf::anon_send(connection, std::move(data));
}

void rig::client::take_again() {
  in->takes = true;
  caf::anon_send(in->session, flushed_atom_v, std::exchange(in->untaken_bytes, 0));
  owner->settle();
}

void rig::client::disconnect() {
  post_disconnect();
  owner->settle();
}

void rig::client::post_disconnect() {
  caf::anon_send(connection, caf::io::connection_closed_msg{});
}

} // namespace carafe::test
