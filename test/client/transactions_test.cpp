#include "actors/client/direct_transactions.hpp"
#include "test/client/quick.hpp"

#include <future>

using namespace carafe;
using namespace carafe::test;

namespace {

std::shared_ptr<client::connection> connection_to(const fake_node& node) {
  const auto where = client::parse_address(node.address());
  REQUIRE(where.ok());
  auto wire = std::make_shared<client::link>(quick(node.address()), *where);
  REQUIRE(wire->good());
  auto out = std::make_shared<client::connection>(wire);
  auto connected = std::promise<result<void>>{};
  wire->start([&connected](const result<void>& outcome) { connected.set_value(outcome); });
  REQUIRE(connected.get_future().get().ok());
  return out;
}

} // namespace

TEST_CASE("a producer of transactions looks at a topic again after a while, as others do") {
  auto node = fake_node{};
  node.add_topic("t", 1);
  auto now = client::transaction_desk::time_point{} + 1h;
  auto options = client::transaction_options{};
  options.group = "g";
  auto desk = client::transaction_desk{connection_to(node), options, [&now] { return now; }};
  REQUIRE(desk.topic("t")->queues.size() == 1);
  node.add_topic("t", 3); // As after `topic alter --queues`.
  now += client::transaction_desk::known_for;
  CHECK(desk.topic("t")->queues.size() == 1);
  CHECK(node.seen<frames::topic_describe>().size() == 1);
  now += 1ms;
  CHECK(desk.topic("t")->queues.size() == 3);
  // What the node says counts, also that it is gone.
  now += 2 * client::transaction_desk::known_for;
  node.on_frame([](const frames::frame& f) -> fake_node::reaction {
    if (std::holds_alternative<frames::topic_describe>(f.body))
      return frames::body{frames::error{{errc::topic_unknown, "t"}, 0}};
    return fake_node::handle{};
  });
  CHECK(desk.topic("t").code() == errc::topic_unknown);
}
