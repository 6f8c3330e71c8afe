/// What happens when a part of the node dies: a case for each row of the table in
/// docs/architecture.md that needs no processes.

#include "actors/node.hpp"
#include "actors/shard.hpp"
#include "config/system_config.hpp"
#include "test/actors/requests.hpp"
#include "test/e2e/temp_dir.hpp"

#include <caf/exit_reason.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <catch2/catch.hpp>

#include <future>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

void kill(rig& r, const caf::actor& actor) {
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  r.settle();
}

template <class Handle>
caf::actor any(const Handle& handle) {
  return caf::actor_cast<caf::actor>(handle);
}

/// What an actor keeps to itself. Only while it does nothing.
template <class State, class Handle>
State& inside(const Handle& handle) {
  using body = caf::stateful_actor<State, typename Handle::base>;
  return dynamic_cast<body&>(*caf::actor_cast<caf::abstract_actor*>(handle)).state;
}

/// All actors of a node on threads of their own, with a data directory and a port.
class whole_node {
public:
  whole_node() {
    config_.load<caf::io::middleman>();
    system_ = std::make_unique<caf::actor_system>(config_);
    config::node_options options;
    options.data_dir = dir_.path() / "data";
    options.client_port = 0;
    options.segment_bytes = 64u << 20;
    options.storage_reserve_bytes = 0;
    options.level = config::log_level::error;
    auto data = storage::data_dir::open(options.data_dir);
    REQUIRE(data.ok());
    handle_ = system_->spawn<caf::detached>(
      node, options, std::make_shared<storage::data_dir>(std::move(*data)), system_clock(),
      [this](const failure& why) { ended_.set_value(why); });
    const auto failed = [](const caf::error& why) { FAIL(from_caf(why).message()); };
    caf::scoped_actor self{*system_};
    self->request(handle_, caf::infinite, start_atom_v).receive([](const node_ports&) {}, failed);
    // Every part answers: every part is there.
    self->request(handle_, caf::infinite, status_atom_v)
      .receive([](const frames::node_status_report&) {}, failed);
  }

  ~whole_node() {
    caf::scoped_actor self{*system_};
    self->request(handle_, 10s, drain_atom_v)
      .receive([](caf::ok_atom) {}, [](const caf::error&) {});
  }

  node_state& state() { return inside<node_state>(handle_); }
  shard_state_data& shard() {
    return inside<shard_state_data>(state().shards.at(shard_id{0}).shard);
  }

  /// Kills one of the actors and waits until the node has given up.
  /// @returns Why it has, as `carafed` prints it before it exits with 1.
  template <class Handle>
  std::string end_with(const Handle& part) {
    caf::anon_send_exit(part, caf::exit_reason::kill);
    auto ended = ended_.get_future();
    if (ended.wait_for(10s) != std::future_status::ready) return "the node goes on";
    return ended.get().message();
  }

private:
  temp_dir dir_;
  config::system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::promise<failure> ended_;
  node_actor handle_;
};

} // namespace

TEST_CASE(
  "a queue actor's death ends its readers' subscriptions, and the next reader gets a new one") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 2).queues[0].queue};
  s.send(3);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  CHECK(delivered(c) == range(0, 3));
  auto first = ask_actor<queue_actor>(r, r.catalogue_handle, activate_atom_v, s.queue);
  kill(r, any(first));
  auto ended = c.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->subscription == subscription_id{1});
  CHECK(ended->why.code == errc::shard_unavailable);
  s.send(2); // Writing does not need it.
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, at_offset(3))).ok());
  CHECK(delivered(c) == range(3, 5));
  CHECK(ask_actor<queue_actor>(r, r.catalogue_handle, activate_atom_v, s.queue) != first);
  CHECK(r.ended->empty());
}

TEST_CASE(
  "a group actor's death ends its members' queues, and the next member finds the progress") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send(4);
  const auto joined = c.ask<frames::joined>(joining("g", "t"));
  REQUIRE(joined.ok());
  r.settle();
  const auto mine = c.take<frames::assigned>();
  REQUIRE(mine);
  REQUIRE(c.ask<frames::ok>(committing(joined->member, *mine, offset{2})).ok());
  kill(r, any(ask_actor<group_actor>(r, r.catalogue_handle, join_atom_v, joining("g", "t"))));
  auto ended = c.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->subscription == mine->subscription);
  CHECK(ended->why.code == errc::member_unknown);
  REQUIRE(c.ask<frames::joined>(joining("g", "t")).ok());
  r.settle();
  const auto again = c.take<frames::assigned>();
  REQUIRE(again);
  CHECK(again->begin == offset{2});
  CHECK(r.ended->empty());
}

TEST_CASE("a topic actor's death disturbs nobody, and a queue made anew ends the one before") {
  rig r;
  rig::client c{r, "c"};
  const auto made = make_topic(c, "t", 1);
  sender s{c, made.queues[0].queue};
  s.send(2);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  CHECK(delivered(c) == range(0, 2));
  kill(r, any(inside<catalogue_state>(r.catalogue_handle).topics.at(made.topic)));
  s.send(1); // Who reads goes on with the queue there is …
  CHECK(delivered(c) == range(2, 3));
  rig::client d{r, "d"}; // … until somebody asks for it.
  REQUIRE(d.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  CHECK(delivered(d) == range(0, 3));
  auto ended = c.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->why.code == errc::shard_unavailable);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, at_offset(3))).ok());
  s.send(1);
  CHECK(delivered(c) == range(3, 4));
  CHECK(delivered(d) == range(3, 4));
  CHECK(r.ended->empty());
}

TEST_CASE("the node ends with a part it cannot do without, and says which and why") {
  whole_node n;
  SECTION("a shard") {
    CHECK_THAT(n.end_with(n.state().shards.at(shard_id{0}).shard), Contains("shard 0 ended: kill"));
  }
  SECTION("a log writer") { CHECK_THAT(n.end_with(n.shard().writer), Contains("shard 0 ended: ")); }
  SECTION("a checkpoint actor") {
    CHECK_THAT(n.end_with(n.shard().keeper), Contains("shard 0 ended: "));
  }
  SECTION("a log reader") {
    CHECK_THAT(n.end_with(n.state().shards.at(shard_id{0}).reader),
               Contains("the log reader of shard 0 ended: kill"));
  }
  SECTION("the catalogue") {
    CHECK_THAT(n.end_with(n.state().catalogue), Contains("the catalogue ended: kill"));
  }
  SECTION("the listener") {
    CHECK_THAT(n.end_with(n.state().listener), Contains("the listener ended: kill"));
  }
}

TEST_CASE("a checkpoint for which there is no room is tried again") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  auto& disk = *r.disks.at(shard_id{0}).state;
  disk.save_fails = errc::storage_full;
  const auto saved = [&] { return disk.load_mark()->value_or(storage::checkpoint_mark{}).index; };
  const auto before = saved();
  s.send(3 * r.checkpoint_entries);
  r.pass(10s);
  CHECK(saved() == before);
  CHECK(r.ended->empty());
  disk.save_fails = errc::none;
  r.pass(10s);
  CHECK(saved() > before + 3 * r.checkpoint_entries);
  s.send(1);
}

TEST_CASE("a checkpoint that fails otherwise ends its shard") {
  rig r;
  rig::client c{r, "c"};
  sender s{c, make_topic(c, "t", 1).queues[0].queue};
  r.disks.at(shard_id{0}).state->save_fails = errc::storage_failed;
  s.send(1);
  r.pass(10s);
  REQUIRE(r.ended->size() == 1);
  CHECK(from_caf(r.ended->front()).code == errc::storage_failed);
}

TEST_CASE("a batch that cannot be read ends its reader's subscription, and other queues go on") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 2);
  sender bad{c, topic.queues[0].queue};
  sender good{c, topic.queues[1].queue, producer_id{10}};
  bad.send(1);
  auto& log = *r.disks.at(shard_id{0}).log;
  log.damage(log.bounds().last);
  good.send(2);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, bad.queue, {})).ok());
  r.settle();
  auto ended = c.take<frames::subscription_ended>();
  REQUIRE(ended);
  CHECK(ended->why.code == errc::storage_corrupt);
  REQUIRE(c.ask<frames::subscribed>(subscription(2, good.queue, {})).ok());
  CHECK(delivered(c) == range(0, 2));
  bad.send(1); // And it can be read on behind the damage.
  REQUIRE(c.ask<frames::subscribed>(subscription(3, bad.queue, at_offset(1))).ok());
  CHECK(delivered(c) == range(1, 2));
  CHECK(r.ended->empty());
}
