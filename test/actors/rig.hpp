#pragma once

/// A node's actors in simulated time on one thread: real shards, catalogue, topics, groups and
/// sessions over storage in memory; clients are connections that remember what they were sent.

#include "actors/catalogue.hpp"
#include "actors/clock.hpp"
#include "actors/interfaces.hpp"
#include "actors/net/session.hpp"
#include "actors/quotas.hpp"
#include "actors/raft/replica.hpp"
#include "actors/shard.hpp"
#include "actors/transactions.hpp"
#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "test/raft/fake_storage.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::test {

class rig_clock final : public clock {
public:
  std::uint64_t now_ms = 1'000;
  /// How far somebody has set the machine's clock.
  std::int64_t wall_shift_ms = 0;
  [[nodiscard]] unix_ms wall() const override {
    return unix_ms{1'700'000'000'000 + static_cast<std::int64_t>(now_ms) + wall_shift_ms};
  }
  [[nodiscard]] mono_ms monotonic() const override { return mono_ms{now_ms}; }
  [[nodiscard]] std::uint64_t monotonic_us() const override { return now_ms * 1'000; }
};

struct rig_config : caf::actor_system_config {
  rig_config() { set("scheduler.policy", caf::atom("testing")); }
};

/// What one client was sent.
struct inbox {
  std::deque<frames::frame> frames;
  bool halted = false;
  bool closed = false;
  /// False: the client does not read, and what it is sent stays in the node.
  bool takes = true;
  std::uint64_t untaken_bytes = 0;
  session_actor session;
};

struct rig_disk {
  std::shared_ptr<fake_log> log;
  std::shared_ptr<fake_state> state;
};

class rig {
public:
  explicit rig(std::uint32_t shards = 1);
  ~rig();
  rig(const rig&) = delete;
  rig& operator=(const rig&) = delete;

  class client {
  public:
    client(rig& r, std::string name);
    /// Says hello and lets nothing run; the answer comes when something does.
    static client without_waiting(rig& r, std::string name);
    void send(std::uint64_t request, frames::body body);
    /// Sends, and lets nothing run: what is posted next is under way at the same time.
    void post(std::uint64_t request, frames::body body);
    /// Takes the next frame that holds a `T`, dropping nothing else.
    template <class T>
    std::optional<T> take();
    /// Asks and runs until the answer is there.
    template <class T>
    result<T> ask(frames::body body);
    /// Reads what it has not, and reads on.
    void take_again();
    void disconnect();
    /// … and lets nothing run.
    void post_disconnect();

    rig* owner;
    std::shared_ptr<inbox> in;
    connection_actor connection;
    std::uint64_t requests = 0;

  private:
    explicit client(rig& r);
  };

  /// Runs every actor that has something to do.
  void settle();
  /// Lets one of the actors that have something to do handle one message, the one that `pick`
  /// chooses; false if there is none.
  bool run_one(const std::function<std::size_t(std::size_t count)>& pick);
  /// Sets the clock forward; who waited for that has something to do then.
  void advance(std::chrono::milliseconds time);
  /// Lets time pass, in steps of 50 ms.
  void pass(std::chrono::milliseconds time);
  /// Every session is asked to take no more, as when the node stops.
  void drain_sessions();
  /// All actors end as in a kill: nothing is written any more. Unsynced entries are lost if
  /// `power_fails`.
  void crash(bool power_fails);
  /// Starts (again) on what is on the disks.
  /// @throws std::runtime_error with why a shard does not.
  void start();

  std::map<shard_id, rig_disk> disks;
  std::shared_ptr<rig_clock> clocks = std::make_shared<rig_clock>();
  std::uint32_t shards_per_mode;
  group_options groups{16, 10'000, 45'000, {}};
  std::uint32_t create_on_use = 0;
  schedules_options schedule_settings{{100}, {}};
  std::uint64_t checkpoint_entries = 5;
  /// Of each shard, but for its mode, the line above and the threads.
  shard_options shard_settings;
  raft::replica_options replica_settings;
  /// Where shards keep what waits for its time, each in a folder of its own; empty: nothing waits.
  std::filesystem::path timers_folder;
  session_options session_settings;
  quota_board::client_rates client_rates;
  /// Called with each replica as it was recovered.
  std::function<void(shard_id, const raft::replica&)> on_recovered;

  shard_table shards;
  catalogue_actor catalogue_handle;
  transactions_actor transactions_handle;
  node_actor supervisor;
  std::shared_ptr<session_context> context;
  /// Actors that ended, with why; filled by the supervisor's monitors.
  std::shared_ptr<std::vector<caf::error>> ended = std::make_shared<std::vector<caf::error>>();

  caf::actor_system& system() { return *system_; }
  shard_handles open(shard_id id);

private:
  caf::scheduler::test_coordinator& scheduler();
  std::unique_ptr<raft::replica> recover(shard_id id);

  std::vector<connection_actor> connections_;
  std::map<shard_id, std::unique_ptr<raft::replica>> recovered_;
  std::unique_ptr<rig_config> config_;
  std::unique_ptr<caf::actor_system> system_;
};

/// A batch of these bodies, all with `key`.
inline encoded_batch batch_of(const std::vector<std::string>& bodies, std::string_view key = {}) {
  batch_builder builder;
  for (const auto& body : bodies) {
    message_view m;
    m.body = body;
    m.key = key;
    CARAFE_ASSERT(builder.add(m).ok());
  }
  auto out = builder.finish(codec::none);
  CARAFE_ASSERT(out.ok());
  return std::move(*out);
}

inline frames::produce produce_of(queue_id queue, producer_id producer, sequence first,
                                  sequence previous, const std::vector<std::string>& bodies) {
  auto batch = batch_of(bodies);
  frames::produce out;
  out.queue = queue;
  out.producer = producer;
  out.first = first;
  out.previous = previous;
  out.count = batch.count;
  out.compression = batch.compression;
  out.checksum = batch.checksum;
  out.batch = batch.bytes;
  return out;
}

template <class T>
std::optional<T> rig::client::take() {
  for (auto at = in->frames.begin(); at != in->frames.end(); ++at) {
    if (!std::holds_alternative<T>(at->body)) continue;
    auto out = std::get<T>(std::move(at->body));
    in->frames.erase(at);
    return out;
  }
  return std::nullopt;
}

template <class T>
result<T> rig::client::ask(frames::body body) {
  const auto request = ++requests;
  send(request, std::move(body));
  for (auto at = in->frames.begin(); at != in->frames.end(); ++at) {
    if (at->request != request) continue;
    auto answer = std::move(at->body);
    in->frames.erase(at);
    if (auto* e = std::get_if<frames::error>(&answer)) return e->why;
    CARAFE_ASSERT(std::holds_alternative<T>(answer));
    return std::get<T>(std::move(answer));
  }
  return {errc::timeout, "no answer"};
}

} // namespace carafe::test
