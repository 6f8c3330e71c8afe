#include "test/power/power_failure.hpp"

#include "schema/batch.hpp"
#include "test/e2e/raw_connection.hpp"

#include <algorithm>
#include <fstream>

namespace carafe::power {

namespace {

using sim::expect;

/// Batches of a queue that are sent again.
constexpr std::size_t resent_max = 4;

std::string text(const loaded_queue& q) {
  return "topic " + q.topic + ", queue " + std::to_string(q.number.value);
}

/// A node that was started on an image.
class survivor {
public:
  survivor(const recording& r, const told& t, std::uint16_t port) : r_(r), t_(t), link_(port) {
    link_.greet();
    for (std::size_t i = 0; i < r.batches.size(); ++i) names_[r.batches[i].name] = i;
  }

  void check() {
    send_again();
    for (std::size_t queue = 0; queue < r_.queues.size(); ++queue) read(queue);
    check_promises();
    // A gap before it has been told already, if that is why.
    expect(refused_.empty(), refused_);
    check_commits();
  }

private:
  struct found {
    offset earliest;
    offset end;
    std::map<std::size_t, offset> batches;
  };

  /// What had no receipt when the power failed, as its client would.
  void send_again() {
    for (std::size_t queue = 0; queue < r_.queues.size(); ++queue) {
      const auto& where = r_.queues[queue];
      if (where.mode != durability::fsync || !t_.topics().contains(where.topic)) continue;
      std::size_t sent = 0;
      for (auto i = r_.lives[t_.life()]; i < r_.batches.size() && sent < resent_max; ++i) {
        const auto& b = r_.batches[i];
        if (b.queue != queue || t_.acknowledged().contains(i)) continue;
        if (t_.life() + 1 < r_.lives.size() && i >= r_.lives[t_.life() + 1]) break;
        const auto answer = link_.ask(produce_frame(b, where.queue));
        const auto* receipt = std::get_if<frames::receipt>(&answer);
        const auto* error = std::get_if<frames::error>(&answer);
        if (receipt == nullptr) {
          refused_ = to_string(b.name) + " was sent again and answered with " +
                     (error ? error->why.message() : "another frame");
          return;
        }
        again_[i] = receipt->first;
        ++sent;
      }
    }
  }

  void read(std::size_t queue) {
    const auto& where = r_.queues[queue];
    auto& out = found_[queue];
    frames::subscribe wish;
    wish.subscription = subscription_id{queue + 1};
    wish.queue = where.queue;
    wish.credit_bytes = 1u << 31;
    const auto answer = link_.ask(wish);
    const auto* begun = std::get_if<frames::subscribed>(&answer);
    if (begun == nullptr) {
      const auto* error = std::get_if<frames::error>(&answer);
      expect(!t_.topics().contains(where.topic) && error != nullptr &&
               error->why.code == errc::queue_unknown,
             text(where) + " cannot be read: " + (error ? error->why.message() : "another frame"));
      return;
    }
    out.earliest = begun->earliest;
    out.end = begun->end;
    for (auto next = out.earliest; next < out.end;) {
      const auto frame = link_.receive();
      expect(frame.has_value(), text(where) + ": nothing comes at offset " +
                                  std::to_string(next.value) + " of " +
                                  std::to_string(out.end.value));
      if (const auto* end = std::get_if<frames::subscription_ended>(&frame->body))
        expect(false, text(where) + ": reading ended: " + end->why.message());
      const auto* got = std::get_if<frames::deliver>(&frame->body);
      if (got == nullptr) continue;
      expect(got->base <= next && next < got->base + got->count,
             text(where) + " has offset " + std::to_string(got->base.value) + " where " +
               std::to_string(next.value) + " was its turn");
      next = got->base + got->count;
      take(*got, queue, out);
    }
  }

  void take(const frames::deliver& got, std::size_t queue, found& out) {
    const batch_name name{got.producer, got.first, got.count};
    const auto known = names_.find(name);
    expect(known != names_.end(), to_string(name) + " was never sent");
    const auto& sent = r_.batches[known->second];
    expect(sent.queue == queue, to_string(name) + " was sent to another queue");
    expect(out.batches.emplace(known->second, got.base).second,
           to_string(name) + " is there twice");
    const auto batch = batch_reader::open(got.batch, got.compression, {});
    expect(batch.ok(), to_string(name) + " is damaged");
    for (std::uint32_t i = 0; i < got.count; ++i)
      expect(batch->message(i).body == sent.bodies[i], to_string(name) + " is not what was sent");
    // In the order in which they were sent, which is that of their numbers.
    for (const auto& [other, base] : out.batches)
      if (r_.batches[other].name.producer == name.producer)
        expect((other < known->second) == (base < got.base) || other == known->second,
               to_string(name) + " is not in its turn");
  }

  void check_promises() const {
    for (const auto mode : {durability::fsync, durability::interval, durability::memory}) {
      const auto& order = t_.order(mode);
      std::optional<std::size_t> lost;
      for (std::size_t at = 0; at < order.size(); ++at) {
        const auto batch = order[at];
        const auto& place = t_.acknowledged().at(batch);
        const auto& sent = r_.batches[batch];
        const auto& queue = found_.at(sent.queue);
        if (place.base + place.count <= queue.earliest) continue; // Retention.
        const auto there = queue.batches.find(batch);
        const auto name = to_string(sent.name) + " in " + text(r_.queues[sent.queue]);
        if (there == queue.batches.end()) {
          expect(at >= t_.promised(mode), name + " was promised to survive and is lost");
          if (!lost) lost = at;
          continue;
        }
        expect(there->second == place.base, name + " is at another offset than its receipt says");
        expect(!lost, name + " is there, and one that was acknowledged before it is lost");
      }
    }
    for (const auto& [batch, base] : again_) {
      const auto& queue = found_.at(r_.batches[batch].queue);
      const auto there = queue.batches.find(batch);
      const auto name = to_string(r_.batches[batch].name) + ", sent again,";
      if (base < queue.earliest) continue;
      expect(there != queue.batches.end() && there->second == base, name + " is not where it was");
    }
  }

  void check_commits() {
    const auto committed = t_.committed();
    if (committed.empty()) return;
    const auto answer = link_.ask(frames::group_describe{group_name});
    const auto* group = std::get_if<frames::group_description>(&answer);
    expect(group != nullptr, "the group is lost");
    for (const auto& [queue, next] : committed)
      for (const auto& row : group->queues)
        if (row.queue == r_.queues[queue].queue)
          expect(row.committed >= next, "the group's commit of offset " +
                                          std::to_string(next.value) + " in " +
                                          text(r_.queues[queue]) + " is lost");
  }

  const recording& r_;
  const told& t_;
  test::raw_connection link_;
  std::map<batch_name, std::size_t> names_;
  std::map<std::size_t, found> found_;
  std::map<std::size_t, offset> again_;
  /// What was sent again and not taken.
  std::string refused_;
};

} // namespace

void check_image(const image_check& where, const recording& r, const told& t) {
  const auto boot = where.folder / "boot";
  std::ofstream{boot} << "99999999-8888-7777-6666-555555555555\n";
  test::node_process node{where.folder, node_settings()};
  node.run_program(where.program);
  node.preload(where.recorder, {"CARAFE_BOOT_ID=" + boot.string()});
  try {
    node.start();
    survivor{r, t, node.port()}.check();
    expect(node.running(), "the node died");
  } catch (const sim::broken& why) {
    throw sim::broken{std::string{why.what()} + "\nThe node said:\n" + node.log()};
  } catch (const std::exception& why) {
    throw sim::broken{std::string{why.what()} + "\nThe node said:\n" + node.log()};
  }
  node.kill();
}

} // namespace carafe::power
