#pragma once

#include "test/client/members.hpp"

#include <functional>
#include <utility>

namespace carafe::test {

using client::group_mode;
using ranges = std::vector<offset_range>;

inline consumer_options sharing(group_mode mode = group_mode::shared) {
  auto options = member_of("g");
  options.mode = mode;
  return options;
}

/// All that was settled as done so far, in the order of its coming.
inline ranges done_in(const fake_node& node) {
  auto all = ranges{};
  for (auto& settle : node.seen<frames::settle>())
    for (auto& queue : settle.done) all.insert(all.end(), queue.ranges.begin(), queue.ranges.end());
  return all;
}

inline std::vector<frames::settle_failed> failed_in(const fake_node& node) {
  auto all = std::vector<frames::settle_failed>{};
  for (auto& settle : node.seen<frames::settle>())
    all.insert(all.end(), settle.failed.begin(), settle.failed.end());
  return all;
}

/// Waits until `count` messages are lent, and what was sent for that has arrived.
inline void await_lent(const fake_node& node, const client::client& c, std::size_t count) {
  REQUIRE(eventually([&] { return node.lent() >= count; }));
  REQUIRE(c.describe_topic("t").ok()); // Its answer comes behind.
}

/// A node with one topic and so many messages in it, and a client.
struct shared_fixture {
  explicit shared_fixture(int messages, fake_node::settings s = {}) : node(s), c(prepared(node)) {
    if (messages > 0) fill(c, messages);
  }
  static client::client prepared(fake_node& node) {
    node.add_topic("t", 1);
    return connected(node);
  }
  void on_settle(std::function<fake_node::reaction()> react) {
    node.on_frame([react = std::move(react)](const frames::frame& f) -> fake_node::reaction {
      if (std::holds_alternative<frames::settle>(f.body)) return react();
      return fake_node::handle{};
    });
  }

  fake_node node;
  client::client c;
};

} // namespace carafe::test
