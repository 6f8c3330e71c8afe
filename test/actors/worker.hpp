#pragma once

/// Members of `shared` and `keyed` groups on the rig, and topics for them.

#include "test/actors/requests.hpp"
#include "test/actors/rig.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace carafe::test {

/// A member of a group that lends messages.
struct worker {
  rig::client& c;
  frames::joined in;

  worker(rig::client& client, const std::string& mode, std::uint32_t in_flight = 0,
         const std::string& topic = "t", const std::string& group = "g")
    : c(client) {
    auto wish = joining(group, topic);
    wish.mode = mode;
    wish.in_flight_max = in_flight;
    wish.member = c.owner == nullptr ? "" : "worker";
    auto joined = c.ask<frames::joined>(wish);
    REQUIRE(joined.ok());
    in = *joined;
    REQUIRE(in.subscription.value != 0);
  }

  struct had {
    queue_id queue;
    std::uint32_t attempt = 0;
    std::string body;
  };
  /// What came, by offset.
  std::map<std::uint64_t, had> take() const {
    std::map<std::uint64_t, had> out;
    while (auto lent = c.take<frames::leased>()) {
      REQUIRE(lent->subscription == in.subscription);
      auto batch = batch_reader::open(lent->batch, lent->compression, {});
      REQUIRE(batch.ok());
      const bool with_others = lent->batch_count > 0;
      std::uint32_t next = 0;
      for (const auto& range : lent->ranges)
        for (auto at = range.first; at < range.end(); at = at + 1) {
          const auto there =
            with_others ? static_cast<std::uint32_t>(at.value - lent->base.value) : next++;
          REQUIRE(there < batch->count());
          out[at.value] = {lent->queue, lent->attempt, std::string{batch->message(there).body}};
        }
      REQUIRE(batch->count() == (with_others ? lent->batch_count : next));
    }
    return out;
  }
  std::set<std::uint64_t> offsets() const {
    std::set<std::uint64_t> out;
    for (const auto& [at, message] : take()) out.insert(at);
    return out;
  }

  result<frames::ok> done(queue_id queue, std::uint64_t first, std::uint64_t count = 1) const {
    return c.ask<frames::ok>(
      frames::settle{in.member, {{queue, {{offset{first}, count}}}}, {}, {}});
  }
  result<frames::ok> failed(queue_id queue, std::uint64_t at, std::optional<std::uint64_t> delay,
                            const std::string& error, bool dead = false) const {
    return c.ask<frames::ok>(
      frames::settle{in.member, {}, {{queue, offset{at}, dead, delay, error}}, {}});
  }
};

using offsets = std::set<std::uint64_t>;

/// A topic `t` of one queue with messages of these keys.
inline queue_id keyed_topic(rig::client& c, const std::vector<std::string>& keys) {
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  std::uint64_t number = 0;
  for (const auto& key : keys) {
    const auto batch = batch_of({"m" + std::to_string(number)}, key);
    frames::produce out;
    out.queue = queue;
    out.producer = producer_id{5};
    out.first = sequence{number + 1};
    out.previous = sequence{number};
    out.count = 1;
    out.checksum = batch.checksum;
    out.batch = batch.bytes;
    ++number;
    REQUIRE(c.ask<frames::receipt>(out).ok());
  }
  return queue;
}

inline frames::group_description describe(rig::client& c) {
  auto told = c.ask<frames::group_description>(frames::group_describe{"g"});
  REQUIRE(told.ok());
  return *told;
}

inline frames::group_put putting(const std::string& mode, delivery_settings how = {}) {
  return {"g", mode, {"t"}, how, 0, false};
}

inline delivery_settings impatient() {
  delivery_settings how;
  how.lease_ms = 1'000;
  how.backoff_ms = {500};
  return how;
}

} // namespace carafe::test
