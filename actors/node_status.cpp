#include "actors/error_bridge.hpp"
#include "actors/node.hpp"
#include "actors/process_usage.hpp"
#include "storage/file.hpp"

#include <algorithm>
#include <malloc.h>
#include <memory>
#include <string>
#include <utility>

namespace carafe {

namespace {

using self_pointer = node_actor::stateful_pointer<node_state>;

constexpr std::size_t samples_max = 11; // Ten seconds lie between the first and the last.

struct gathering {
  frames::node_status_report out;
  std::size_t missing = 0;
  failure why{errc::none};
  caf::typed_response_promise<frames::node_status_report> promise;

  void arrived() {
    if (--missing > 0) return;
    if (why.code == errc::none)
      promise.deliver(std::move(out));
    else
      promise.deliver(to_caf(why));
  }
};

void fill_own(const node_state& s, frames::node_status_report& out) {
  out.node = s.options.node_name;
  out.software = software_version;
  out.uptime_ms = s.clocks->monotonic().value - s.started.value;
  out.messages_in = s.metrics->messages_in;
  out.bytes_in = s.metrics->bytes_in;
  out.messages_out = s.metrics->messages_out;
  out.bytes_out = s.metrics->bytes_out;
  out.throttled = s.quotas->throttled();
  out.data_dir = s.dir->path().string();
  if (auto free = s.dir->free_bytes()) out.disk_free_bytes = *free;
  const auto used = usage_of_this_process();
  out.cpu_ms = used.cpu_ms;
  out.memory_bytes = used.memory_bytes;
  out.memory_peak_bytes = std::max(s.memory_peak_bytes, used.memory_bytes);
  out.disk_written_bytes = used.disk_written_bytes;
  out.fsyncs = storage::fsyncs_so_far();
  if (s.samples.size() < 2) return;
  const auto& a = s.samples.front();
  const auto& b = s.samples.back();
  const auto seconds = static_cast<double>(b.at_us - a.at_us) / 1e6;
  if (seconds <= 0) return;
  const auto rate = [seconds](std::uint64_t from, std::uint64_t to) {
    return static_cast<double>(to - from) / seconds;
  };
  out.messages_in_per_second = rate(a.messages_in, b.messages_in);
  out.bytes_in_per_second = rate(a.bytes_in, b.bytes_in);
  out.messages_out_per_second = rate(a.messages_out, b.messages_out);
  out.bytes_out_per_second = rate(a.bytes_out, b.bytes_out);
}

} // namespace

void sample_rates(node_state& s) {
  s.samples.push_back({s.clocks->monotonic_us(), s.metrics->messages_in, s.metrics->bytes_in,
                       s.metrics->messages_out, s.metrics->bytes_out});
  if (s.samples.size() > samples_max) s.samples.pop_front();
  s.memory_peak_bytes = std::max(s.memory_peak_bytes, usage_of_this_process().memory_bytes);
}

void trim_memory_if_idle(node_state& s) {
  constexpr std::uint32_t trim_every = 10;
  if (s.samples.size() < 2) return;
  const auto& now = s.samples.back();
  const auto& before = s.samples[s.samples.size() - 2];
  const bool idle =
    now.messages_in == before.messages_in && now.messages_out == before.messages_out;
  s.idle_seconds = idle ? s.idle_seconds + 1 : 0;
  // Once after each load; it takes milliseconds.
  if (s.idle_seconds == trim_every) ::malloc_trim(0);
}

caf::result<frames::node_status_report> report_status(self_pointer self) {
  auto& s = self->state;
  auto all = std::make_shared<gathering>();
  all->promise = self->make_response_promise<frames::node_status_report>();
  all->missing = s.shards.size() + 2;
  fill_own(s, all->out);
  auto promise = all->promise;
  const auto failed = [all](const caf::error& why) {
    all->why = from_caf(why);
    all->arrived();
  };
  for (const auto& [id, handles] : s.shards) {
    self->request(handles.shard, caf::infinite, status_atom_v)
      .then(
        [all](const frames::shard_status& shard) {
          auto& shards = all->out.shards;
          auto at = shards.begin();
          while (at != shards.end() && at->shard < shard.shard) ++at;
          shards.insert(at, shard);
          all->arrived();
        },
        failed);
  }
  self->request(s.catalogue, caf::infinite, status_atom_v)
    .then(
      [all](const catalogue_counts& counts) {
        all->out.topics = counts.topics;
        all->out.groups = counts.groups;
        all->arrived();
      },
      failed);
  self->request(s.listener, caf::infinite, status_atom_v)
    .then(
      [all](std::uint32_t connections) {
        all->out.connections = connections;
        all->arrived();
      },
      failed);
  return promise;
}

caf::result<frames::node_actor_list> list_actors(self_pointer self) {
  auto& s = self->state;
  struct listing {
    frames::node_actor_list out;
    std::size_t missing = 0;
    caf::typed_response_promise<frames::node_actor_list> promise;
    void add(const frames::node_actor_list& some, const std::string& suffix) {
      for (auto actor : some.actors) {
        actor.name += suffix;
        out.actors.push_back(std::move(actor));
      }
      arrived();
    }
    void arrived() {
      if (--missing > 0) return;
      std::sort(out.actors.begin(), out.actors.end(),
                [](const auto& a, const auto& b) { return a.name < b.name; });
      promise.deliver(std::move(out));
    }
  };
  auto all = std::make_shared<listing>();
  all->promise = self->make_response_promise<frames::node_actor_list>();
  all->missing = 2 * s.shards.size() + 3;
  all->out.actors.push_back(
    {"node", "detached", static_cast<std::uint32_t>(self->mailbox().size())});
  auto promise = all->promise;
  const auto ask = [self, all](const auto& actor, const std::string& suffix) {
    self->request(actor, std::chrono::seconds{2}, actors_atom_v)
      .then([all, suffix](const frames::node_actor_list& some) { all->add(some, suffix); },
            [all](const caf::error&) { all->arrived(); }); // It is busy or gone: not listed.
  };
  for (const auto& [id, handles] : s.shards) {
    ask(handles.shard, "");
    ask(handles.reader, " of shard " + std::to_string(id.value));
  }
  ask(s.catalogue, "");
  ask(s.transactions, "");
  ask(s.listener, "");
  return promise;
}

} // namespace carafe
