#include "test/power/recording.hpp"

#include "actors/core/placement.hpp"
#include "schema/batch.hpp"
#include "storage/data_dir.hpp"
#include "test/core/dice.hpp"
#include "test/e2e/raw_connection.hpp"
#include "test/e2e/waiting.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <sys/stat.h>
#include <utility>

namespace carafe::power {

namespace {

using namespace std::chrono_literals;
using test::dice;

constexpr std::size_t in_flight_max = producer_window;

std::string random_body(dice& d) {
  const auto roll = d.below(100);
  const auto size = roll < 60 ? d.below(2'000) : roll < 90 ? d.below(20'000) : d.below(60'000);
  std::string body(size, '\0');
  // Not compressible, and no two pages alike.
  for (std::size_t at = 0; at + 8 <= size; at += 8) {
    const auto word = d.below(UINT64_MAX);
    std::copy_n(reinterpret_cast<const char*>(&word), 8, body.data() + at);
  }
  return body;
}

/// One life of the node, as its only client sees it.
class life {
public:
  life(recording& r, dice& d, std::uint16_t port) : r_(r), d_(d), link_(port) {
    request_ = (std::uint64_t{r.lives.size()} + 1) << 32;
    producer_ = producer_id{r.lives.size() + 1};
    r.lives.push_back(r.batches.size());
    link_.greet();
  }

  void make_topics() {
    for (const auto& [name, mode] :
         {std::pair{"safe", durability::fsync}, std::pair{"soon", durability::interval},
          std::pair{"fast", durability::memory}}) {
      frames::topic_create wish;
      wish.name = name;
      wish.queues = 2;
      wish.settings.mode = mode;
      const auto made = link_.ask(wish);
      for (const auto& q : std::get<frames::topic_description>(made).queues)
        r_.queues.push_back({name, q.number, mode, q.queue});
    }
  }

  void load(std::uint32_t batches) {
    frames::join wish;
    wish.group = group_name;
    wish.topics = {"safe", "soon"};
    wish.out_of_range = range_policy::earliest;
    wish.credit_bytes = 1u << 20;
    link_.send(++request_, wish);
    last_.assign(r_.queues.size(), sequence{0});
    open_.assign(r_.queues.size(), 0);
    for (std::uint32_t sent = 0; sent < batches;) {
      const auto queue = d_.below(r_.queues.size());
      if (open_[queue] >= in_flight_max) {
        take(1ms);
        continue;
      }
      send(queue);
      ++sent;
      take(0ms);
    }
  }

  void wait_for_answers() {
    const auto open = [this] {
      return std::any_of(open_.begin(), open_.end(), [](std::size_t n) { return n > 0; });
    };
    for (int tries = 0; tries < 5'000 && open(); ++tries) take(2ms);
    if (open()) throw std::runtime_error{"the node does not answer"};
  }

private:
  void send(std::size_t queue) {
    sent_batch b;
    b.name = {producer_, counter_ + 1, static_cast<std::uint32_t>(d_.between(1, 4))};
    b.previous = last_[queue];
    b.queue = queue;
    for (std::uint32_t i = 0; i < b.name.count; ++i) b.bodies.push_back(random_body(d_));
    counter_ = last_[queue] = counter_ + b.name.count;
    ++open_[queue];
    r_.batch_requests[++request_] = r_.batches.size();
    r_.batches.push_back(std::move(b));
    link_.send(request_, produce_frame(r_.batches.back(), r_.queues[queue].queue));
  }

  void take(std::chrono::milliseconds patience) {
    while (const auto frame = link_.receive(patience)) {
      patience = 0ms;
      if (const auto sent = r_.batch_requests.find(frame->request);
          sent != r_.batch_requests.end()) {
        if (!std::holds_alternative<frames::receipt>(frame->body))
          throw std::runtime_error{"a batch was refused"};
        --open_[r_.batches[sent->second].queue];
      } else if (const auto* assigned = std::get_if<frames::assigned>(&frame->body)) {
        owned_[assigned->queue] = *assigned;
      } else if (const auto* joined = std::get_if<frames::joined>(&frame->body)) {
        member_ = joined->member;
      } else if (const auto* got = std::get_if<frames::deliver>(&frame->body)) {
        link_.send(++request_, frames::credit{got->subscription,
                                              static_cast<std::uint32_t>(got->batch.size())});
        if (d_.percent(30)) commit(*got);
      }
    }
  }

  void commit(const frames::deliver& got) {
    frames::commit wish;
    wish.member = member_;
    const auto next = got.base + got.count;
    wish.positions = {{got.queue, owned_.at(got.queue).owner, next}};
    const auto queue = std::find_if(r_.queues.begin(), r_.queues.end(),
                                    [&](const auto& q) { return q.queue == got.queue; });
    r_.commit_requests[++request_] = {static_cast<std::size_t>(queue - r_.queues.begin()), next};
    link_.send(request_, wish);
  }

  recording& r_;
  dice& d_;
  test::raw_connection link_;
  std::uint64_t request_ = 0;
  producer_id producer_;
  sequence counter_{0};
  std::vector<sequence> last_;
  std::vector<std::size_t> open_;
  std::map<queue_id, frames::assigned> owned_;
  member_id member_{};
};

} // namespace

namespace {

/// A process that ends, however it does, loses nothing that it wrote.
void find_entries(recording& r, const std::filesystem::path& data) {
  auto dir = storage::data_dir::open_existing(data);
  if (!dir) throw std::runtime_error{dir.error().detail};
  for (const auto shard : dir->shards()) {
    if (core::durability_of(shard) == durability::fsync) continue;
    const auto take = [&](const decoded_entry& entry, std::string_view) {
      for (const auto& effect : entry.effects) {
        if (const auto* batch = std::get_if<effects::batch>(&effect))
          r.entries[{batch->queue, batch->base}] = entry.header.index;
        if (const auto* commit = std::get_if<effects::commit>(&effect))
          r.commit_entries.try_emplace({commit->queue, commit->next}, entry.header.index);
      }
      return true;
    };
    if (auto done = storage::dump(*dir, shard, entry_index{1}, take); !done)
      throw std::runtime_error{done.error().detail};
  }
}

} // namespace

frames::produce produce_frame(const sent_batch& b, queue_id queue) {
  batch_builder builder;
  for (const auto& body : b.bodies) {
    message_view m;
    m.body = body;
    CARAFE_ASSERT(builder.add(m).ok());
  }
  auto batch = builder.finish(codec::none);
  CARAFE_ASSERT(batch.ok());
  frames::produce out;
  out.queue = queue;
  out.producer = b.name.producer;
  out.first = b.name.first;
  out.previous = b.previous;
  out.count = batch->count;
  out.checksum = batch->checksum;
  out.batch = batch->bytes;
  return out;
}

test::node_process::settings node_settings() {
  return {{"segment-bytes", "16MiB"},       {"message-bytes-max", "64KiB"},
          {"checkpoint-entries", "30"},     {"checkpoint-interval-ms", "100"},
          {"sync-interval-ms", "20"},       {"retention-bytes", "32MiB"},
          {"storage-reserve-bytes", "1MiB"}};
}

recording record(const recording_plan& plan) {
  recording r;
  r.seed = plan.seed;
  dice d{plan.seed};
  std::filesystem::create_directories(plan.folder / "data");
  const auto trace = plan.folder / "trace";
  const auto boot = plan.folder / "boot";
  std::ofstream{boot} << "11111111-2222-3333-4444-555555555555\n";
  test::node_process node{plan.folder, node_settings()};
  node.run_program(plan.program);
  struct stat about {};
  if (::stat(node.data_dir().c_str(), &about) != 0) throw std::runtime_error{"no data directory"};
  r.root_inode = about.st_ino;
  node.preload(plan.recorder,
               {"CARAFE_IO_TRACE=" + trace.string(), "CARAFE_BOOT_ID=" + boot.string(),
                "CARAFE_IO_ROOT=" + node.data_dir().string()});
  for (std::uint32_t i = 0; i < plan.lives; ++i) {
    node.start();
    {
      life now{r, d, node.port()};
      if (i == 0) now.make_topics();
      now.load(plan.batches);
      const bool killed = d.percent(50);
      if (!killed) now.wait_for_answers();
      if (killed) {
        node.signal(SIGUSR2);
        if (node.wait(10s) != test::killed_by(SIGKILL))
          throw std::runtime_error{"the node does not die"};
      }
    }
    if (node.running() && node.stop() != test::exited(0))
      throw std::runtime_error{"the node did not stop in order"};
  }
  r.trace = test::read_file(trace);
  find_entries(r, node.data_dir());
  return r;
}

} // namespace carafe::power
