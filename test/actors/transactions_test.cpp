#include "test/actors/worker.hpp"

#include <map>
#include <set>

using namespace carafe;
using namespace carafe::test;
using namespace std::chrono_literals;

namespace {

constexpr producer_id producer{0x77};

transaction_name name_of(std::uint64_t number, shard_id shard = shard_id{0}) {
  return {shard, {producer, number}};
}

frames::tx_batch half(queue_id queue, std::uint64_t first, const std::vector<std::string>& bodies) {
  const auto batch = test::batch_of(bodies);
  return {queue, sequence{first}, batch.count, batch.compression, batch.checksum, batch.bytes};
}

frames::tx_prepare preparing(std::uint64_t number, std::vector<frames::tx_batch> batches,
                             shard_id shard = shard_id{0}) {
  frames::tx_prepare out;
  out.transaction = name_of(number, shard);
  out.group = "shop";
  out.batches = std::move(batches);
  return out;
}

frames::tx_end commit_of(std::uint64_t number, shard_id shard = shard_id{0}) {
  return {name_of(number, shard), frames::tx_outcome::commit};
}

frames::tx_end rollback_of(std::uint64_t number) {
  return {name_of(number), frames::tx_outcome::rollback};
}

/// Everything that queues hold, by a reader that begins at their start.
std::map<std::string, int> seen(rig& r, const frames::topic_description& topic) {
  rig::client c{r, "reader"};
  std::uint64_t id = 0;
  for (const auto& each : topic.queues)
    REQUIRE(c.ask<frames::subscribed>(subscription(++id, each.queue, {})).ok());
  r.settle();
  std::map<std::string, int> out;
  while (auto d = c.take<frames::deliver>()) {
    auto batch = batch_reader::open(d->batch, d->compression, {});
    REQUIRE(batch.ok());
    for (std::uint32_t i = 0; i < batch->count(); ++i) ++out[std::string{batch->message(i).body}];
  }
  c.disconnect();
  return out;
}

frames::txs listed(rig::client& c) {
  auto found = c.ask<frames::txs>(frames::tx_list{});
  REQUIRE(found.ok());
  return *found;
}

using bodies = std::map<std::string, int>;

} // namespace

TEST_CASE("transaction: nobody sees a prepared message; the commit shows it under its own id") {
  rig r;
  rig::client c{r, "c"}, reader{r, "reader"};
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  REQUIRE(reader.ask<frames::subscribed>(subscription(1, queue, {})).ok());
  const auto prepared =
    c.ask<frames::tx_prepared>(preparing(1, {half(queue, 1, {"a", "b"}), half(queue, 3, {"c"})}));
  REQUIRE(prepared.ok());
  CHECK(prepared->messages == 3);
  CHECK_FALSE(prepared->duplicate);
  CHECK_FALSE(reader.take<frames::deliver>());
  CHECK(listed(c).pending == 3);
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  r.settle();
  const auto got = reader.take<frames::deliver>();
  REQUIRE(got);
  CHECK(got->base == offset{0});
  CHECK(got->producer == producer);
  CHECK(got->first == sequence{1});
  CHECK(reader.take<frames::deliver>()->base == offset{2});
  // The same again is answered the same, the opposite is not done.
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  CHECK(c.ask<frames::ok>(rollback_of(1)).code() == errc::tx_ended);
  CHECK(c.ask<frames::tx_prepared>(preparing(1, {half(queue, 9, {"late"})})).code() ==
        errc::tx_ended);
  CHECK(c.ask<frames::ok>(commit_of(2)).code() == errc::tx_unknown);
  // Other producers go on behind it.
  sender{c, queue}.send(1);
  CHECK(seen(r, topic) == bodies{{"a", 1}, {"b", 1}, {"c", 1}, {"m0", 1}});
}

TEST_CASE("transaction: what was prepared is not lost when its topic becomes compacted") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  REQUIRE(c.ask<frames::tx_prepared>(preparing(1, {half(queue, 1, {"a", "b"})})).ok());
  frames::topic_alter wish{"t", 0, {}};
  wish.compacted = true;
  REQUIRE(c.ask<frames::topic_description>(wish).ok());
  CHECK(c.ask<frames::tx_prepared>(preparing(2, {half(queue, 3, {"c"})})).code() ==
        errc::key_required);
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  CHECK(seen(r, topic) == bodies{{"a", 1}, {"b", 1}});
}

TEST_CASE("transaction: a repeated prepare stores nothing twice, and adds what is new") {
  rig r;
  rig::client c{r, "c"};
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  const auto first = preparing(1, {half(queue, 1, {"a"})});
  REQUIRE(c.ask<frames::tx_prepared>(first).ok());
  CHECK(c.ask<frames::tx_prepared>(first)->duplicate);
  const auto both = preparing(1, {half(queue, 1, {"a"}), half(queue, 2, {"b"})});
  CHECK(c.ask<frames::tx_prepared>(both)->messages == 2);
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  CHECK(seen(r, topic) == bodies{{"a", 1}, {"b", 1}});
}

TEST_CASE("transaction: what is rolled back is never seen, also after kill -9") {
  rig r;
  frames::topic_description topic;
  {
    rig::client c{r, "c"};
    topic = make_topic(c, "t", 1);
    const auto queue = topic.queues[0].queue;
    REQUIRE(c.ask<frames::tx_prepared>(preparing(1, {half(queue, 1, {"a"})})).ok());
    REQUIRE(c.ask<frames::tx_prepared>(preparing(2, {half(queue, 2, {"b"})})).ok());
    CHECK(c.ask<frames::ok>(rollback_of(1)).ok());
  }
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  CHECK(seen(r, topic).empty());
  CHECK(c.ask<frames::ok>(commit_of(1)).code() == errc::tx_ended);
  CHECK(c.ask<frames::ok>(commit_of(2)).ok());
  CHECK(seen(r, topic) == bodies{{"b", 1}});
  const auto all = listed(c);
  CHECK(all.total == 0);
  CHECK(all.prepared == 2);
  CHECK(all.committed == 1);
  CHECK(all.rolled_back == 1);
  CHECK(all.pending == 0);
}

TEST_CASE("transaction: every shard takes its part once, whenever the node is killed") {
  rig r{3};
  frames::topic_description topic;
  {
    rig::client c{r, "c"};
    topic = make_topic(c, "t", 3);
  }
  bodies wanted;
  for (std::uint64_t n = 1; n <= 12; ++n) {
    rig::client c{r, "c"};
    std::vector<frames::tx_batch> parts;
    for (std::uint64_t i = 0; i < 3; ++i) {
      const auto body = std::to_string(n) + "/" + std::to_string(i);
      parts.push_back(half(topic.queues[i].queue, n * 10 + i, {body}));
      wanted[body] = 1;
    }
    const auto shard = topic.queues[n % 3].shard;
    REQUIRE(c.ask<frames::tx_prepared>(preparing(n, parts, shard)).ok());
    // Stopped after so many handled messages: somewhere between outcome and last confirmation.
    c.post(99, commit_of(n, shard));
    for (std::uint64_t steps = 5 * n; steps > 0 && r.run_one([](std::size_t) { return 0u; });
         --steps) {
    }
    r.crash(false);
    r.start();
    rig::client again{r, "again"};
    REQUIRE(again.ask<frames::ok>(commit_of(n, shard)).ok());
  }
  r.pass(1s);
  CHECK(seen(r, topic) == wanted);
  rig::client c{r, "c"};
  CHECK(listed(c).total == 0);
}

TEST_CASE("transaction: a producer of the group is asked, and its answer ends it") {
  rig r;
  rig::client c{r, "c"}, peer{r, "peer"}, other{r, "other"};
  const auto topic = make_topic(c, "t", 1);
  const auto queue = topic.queues[0].queue;
  REQUIRE(peer.ask<frames::ok>(frames::tx_join{"shop", false}).ok());
  REQUIRE(other.ask<frames::ok>(frames::tx_join{"bank", false}).ok());
  REQUIRE(c.ask<frames::tx_prepared>(preparing(1, {half(queue, 1, {"a"})})).ok());
  c.disconnect();
  r.pass(5'900ms);
  CHECK_FALSE(peer.take<frames::tx_check>());
  r.pass(200ms);
  auto check = peer.take<frames::tx_check>();
  REQUIRE(check);
  CHECK(check->transaction == name_of(1));
  CHECK(check->group == "shop");
  CHECK(check->checks == 1);
  // It does not know: it is asked again, not before the pause is over.
  CHECK(peer.ask<frames::ok>(frames::tx_end{check->transaction, frames::tx_outcome::unknown}).ok());
  r.pass(29s);
  CHECK_FALSE(peer.take<frames::tx_check>());
  REQUIRE(peer.ask<frames::pong>(frames::ping{}).ok());
  r.pass(1'200ms);
  check = peer.take<frames::tx_check>();
  REQUIRE(check);
  CHECK(check->checks == 2);
  CHECK_FALSE(other.take<frames::tx_check>());
  CHECK(peer.ask<frames::ok>(frames::tx_end{check->transaction, frames::tx_outcome::commit}).ok());
  r.pass(20s);
  REQUIRE(peer.ask<frames::pong>(frames::ping{}).ok());
  r.pass(20s);
  CHECK_FALSE(peer.take<frames::tx_check>());
  CHECK(seen(r, topic) == bodies{{"a", 1}});
}

TEST_CASE("transaction: after 15 checks it is held, over restarts, and an operator ends it") {
  rig r;
  frames::topic_description topic;
  {
    rig::client c{r, "c"};
    topic = make_topic(c, "t", 1);
    auto wish = preparing(1, {half(topic.queues[0].queue, 1, {"a"})});
    wish.check_first_ms = 100;
    wish.check_every_ms = 200;
    REQUIRE(c.ask<frames::tx_prepared>(wish).ok());
    r.pass(1'200ms);
    const auto checks = listed(c).transactions.at(0).checks;
    CHECK(checks >= 4);
    CHECK(checks <= 7);
  }
  r.crash(false);
  r.start();
  rig::client c{r, "c"};
  CHECK(listed(c).transactions.at(0).checks >= 4);
  r.pass(5s);
  const auto held = listed(c).transactions.at(0);
  CHECK(held.state == frames::tx_state::held);
  CHECK(held.checks == transaction_checks_max);
  CHECK(held.next_check == unix_ms{0});
  CHECK(held.messages == 1);
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  CHECK(seen(r, topic) == bodies{{"a", 1}});
  CHECK(listed(c).total == 0);
}

TEST_CASE("transaction: output and acknowledgement are one, in a shared group") {
  rig r;
  frames::topic_description out;
  queue_id in;
  {
    rig::client c{r, "c"}, one{r, "one"};
    in = keyed_topic(c, {"", "", ""});
    out = make_topic(c, "out", 1);
    REQUIRE(c.ask<frames::group_description>(putting("shared", impatient())).ok());
    const worker w{one, "shared"};
    r.settle();
    CHECK(w.offsets() == offsets{0, 1, 2});
    auto wish = preparing(1, {half(out.queues[0].queue, 1, {"out of 0 and 1"})});
    wish.consumed = {{"g", in, {{offset{0}, 2}}}};
    REQUIRE(c.ask<frames::tx_prepared>(wish).ok());
    CHECK(c.ask<frames::ok>(commit_of(1)).ok());
    r.settle();
    CHECK(describe(c).queues[0].lag == 1);
    CHECK(describe(c).queues[0].in_flight == 1);
    // Somebody who had one of them too cannot have his output as well.
    auto late = preparing(2, {half(out.queues[0].queue, 2, {"twice"})});
    late.consumed = {{"g", in, {{offset{1}, 2}}}};
    REQUIRE(c.ask<frames::tx_prepared>(late).ok());
    const auto refused = c.ask<frames::ok>(commit_of(2));
    CHECK(refused.code() == errc::tx_ended);
    CHECK(refused.error().detail.find("rolled back") != std::string::npos);
  }
  r.crash(false);
  r.start();
  rig::client c{r, "c"}, one{r, "one"};
  CHECK(seen(r, out) == bodies{{"out of 0 and 1", 1}});
  const worker w{one, "shared"};
  r.pass(2s);
  CHECK(w.offsets() == offsets{2});
}

TEST_CASE("transaction: what is acknowledged for a group before anybody is in it stays so") {
  rig r;
  rig::client c{r, "c"}, one{r, "one"};
  const auto in = keyed_topic(c, {"", "", ""});
  const auto out = make_topic(c, "out", 1);
  REQUIRE(c.ask<frames::group_description>(putting("shared", impatient())).ok());
  CHECK(describe(c).members.empty()); // Its actor is there, and has not begun.
  auto wish = preparing(1, {half(out.queues[0].queue, 1, {"out of 1"})});
  wish.consumed = {{"g", in, {{offset{1}, 1}}}};
  REQUIRE(c.ask<frames::tx_prepared>(wish).ok());
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  r.settle();
  const worker w{one, "shared"};
  r.settle();
  CHECK(w.offsets() == offsets{0, 2});
  auto late = preparing(2, {half(out.queues[0].queue, 2, {"twice"})});
  late.consumed = {{"g", in, {{offset{1}, 1}}}};
  REQUIRE(c.ask<frames::tx_prepared>(late).ok());
  CHECK(c.ask<frames::ok>(commit_of(2)).code() == errc::tx_ended);
}

TEST_CASE("transaction: output and acknowledgement are one, in an ordered group") {
  rig r;
  rig::client c{r, "c"}, one{r, "one"}, two{r, "two"};
  const auto in = make_topic(c, "t", 1).queues[0].queue;
  const auto out = make_topic(c, "out", 1);
  sender{c, in}.send(5);
  const auto joined = one.ask<frames::joined>(joining("g", "t"));
  REQUIRE(joined.ok());
  r.settle();
  REQUIRE(one.take<frames::assigned>());
  auto wish = preparing(1, {half(out.queues[0].queue, 1, {"x"})});
  wish.consumed = {{"g", in, {{offset{0}, 3}}}};
  REQUIRE(c.ask<frames::tx_prepared>(wish).ok());
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  r.settle();
  CHECK(describe(c).queues[0].committed == offset{3});
  // The next owner begins behind them.
  one.disconnect();
  REQUIRE(two.ask<frames::joined>(joining("g", "t")).ok());
  r.settle();
  const auto mine = two.take<frames::assigned>();
  REQUIRE(mine);
  CHECK(mine->begin == offset{3});
  auto late = preparing(2, {half(out.queues[0].queue, 2, {"twice"})});
  late.consumed = {{"g", in, {{offset{2}, 2}}}};
  REQUIRE(c.ask<frames::tx_prepared>(late).ok());
  CHECK(c.ask<frames::ok>(commit_of(2)).code() == errc::tx_ended);
  CHECK(seen(r, out) == bodies{{"x", 1}});
}

TEST_CASE("transaction: a deleted topic's part is dropped at the commit, the others' is not") {
  rig r;
  rig::client c{r, "c"};
  const auto keep = make_topic(c, "keep", 1);
  const auto gone = make_topic(c, "gone", 1);
  REQUIRE(c.ask<frames::tx_prepared>(preparing(1, {half(keep.queues[0].queue, 1, {"a"}),
                                                   half(gone.queues[0].queue, 2, {"b"})}))
            .ok());
  REQUIRE(c.ask<frames::ok>(frames::topic_delete{"gone"}).ok());
  CHECK(c.ask<frames::ok>(commit_of(1)).ok());
  CHECK(seen(r, keep) == bodies{{"a", 1}});
  CHECK(c.ask<frames::tx_prepared>(preparing(2, {half(gone.queues[0].queue, 3, {"b"})})).code() ==
        errc::queue_unknown);
}

TEST_CASE("transaction: messages with a time of delivery or a dedup id are refused") {
  rig r;
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  const auto refusal_of = [&](const message_view& message) {
    batch_builder builder;
    REQUIRE(builder.add(message).ok());
    const auto batch = builder.finish(codec::none);
    REQUIRE(batch.ok());
    return c
      .ask<frames::tx_prepared>(preparing(
        1, {{queue, sequence{1}, batch->count, batch->compression, batch->checksum, batch->bytes}}))
      .code();
  };
  message_view message;
  message.body = "b";
  message.dedup_id = "order 1";
  CHECK(refusal_of(message) == errc::unsupported);
  message.dedup_id = {};
  message.deliver_at = -1'000;
  CHECK(refusal_of(message) == errc::unsupported);
  CHECK(listed(c).prepared == 0);
}

TEST_CASE("transaction: what does not fit is refused, and limits are named") {
  rig r;
  r.crash(false);
  r.shard_settings.transactions_max = 1;
  r.start();
  rig::client c{r, "c"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  const auto weak = make_topic(c, "weak", 1, durability::memory);
  REQUIRE(c.ask<frames::tx_prepared>(preparing(1, {half(queue, 1, {"a"})})).ok());
  const auto full = c.ask<frames::tx_prepared>(preparing(2, {half(queue, 2, {"b"})}));
  CHECK(full.code() == errc::too_many_transactions);
  CHECK(full.error().detail == "transactions-max is 1");
  CHECK(c.ask<frames::ok>(rollback_of(1)).ok());
  const auto refused = [&](frames::tx_prepare wish) {
    return c.ask<frames::tx_prepared>(std::move(wish)).code();
  };
  CHECK(refused(preparing(0, {half(queue, 2, {"b"})})) == errc::invalid_argument);
  CHECK(refused(preparing(3, {})) == errc::invalid_argument);
  CHECK(refused(preparing(3, {half(queue, 2, {"b"}), half(queue, 2, {"c"})})) ==
        errc::invalid_argument);
  CHECK(refused(preparing(3, {half(queue_id{999}, 2, {"b"})})) == errc::queue_unknown);
  CHECK(refused(preparing(3, {half(queue, 2, {"b"})}, shard_id{7})) == errc::invalid_argument);
  // A shard in memory must not decide for one on disk.
  CHECK(refused(preparing(3, {half(queue, 2, {"b"})}, weak.queues[0].shard)) ==
        errc::invalid_argument);
  auto damaged = preparing(3, {half(queue, 2, {"b"})});
  damaged.batches[0].checksum ^= 1;
  CHECK(refused(damaged) == errc::checksum_mismatch);
  auto nobody = preparing(3, {half(queue, 2, {"b"})});
  nobody.group = "";
  CHECK(refused(nobody) == errc::group_name_invalid);
  auto unknown = preparing(3, {});
  unknown.consumed = {{"nobody", queue, {{offset{0}, 1}}}};
  CHECK(refused(unknown) == errc::group_unknown);
  auto hasty = preparing(3, {half(queue, 2, {"b"})});
  hasty.check_first_ms = 1;
  CHECK(refused(hasty) == errc::invalid_argument);
}

TEST_CASE("transaction: a power failure takes no commit of which another shard has its part") {
  rig r{3};
  r.checkpoint_entries = 1'000;
  r.crash(false);
  r.disks.clear();
  r.start();
  frames::topic_description topic;
  const auto across = [&](std::uint64_t number, const std::string& body) {
    return preparing(number,
                     {half(topic.queues[0].queue, 2 * number, {body + " here"}),
                      half(topic.queues[1].queue, 2 * number + 1, {body + " there"})},
                     topic.queues[0].shard);
  };
  {
    rig::client c{r, "c"};
    topic = make_topic(c, "t", 2, durability::memory);
    REQUIRE(topic.queues[0].shard != topic.queues[1].shard);
    REQUIRE(c.ask<frames::tx_prepared>(across(1, "first")).ok());
    REQUIRE(c.ask<frames::ok>(commit_of(1, topic.queues[0].shard)).ok());
    r.settle();
  }
  // The other shard's disk has kept all, the coordinator's only what was synced.
  REQUIRE(r.disks.at(topic.queues[1].shard).log->sync().ok());
  r.crash(true);
  r.start();
  rig::client c{r, "c"};
  CHECK(seen(r, topic) == bodies{{"first here", 1}, {"first there", 1}});
  // The next commit is not taken for the first one.
  REQUIRE(c.ask<frames::tx_prepared>(across(2, "second")).ok());
  REQUIRE(c.ask<frames::ok>(commit_of(2, topic.queues[0].shard)).ok());
  r.settle();
  CHECK(seen(r, topic) ==
        bodies{{"first here", 1}, {"first there", 1}, {"second here", 1}, {"second there", 1}});
}

TEST_CASE("transaction: a producer that has left is not asked, and a list comes in pages") {
  rig r;
  rig::client c{r, "c"}, peer{r, "peer"}, gone{r, "gone"};
  const auto queue = make_topic(c, "t", 1).queues[0].queue;
  REQUIRE(peer.ask<frames::ok>(frames::tx_join{"shop", false}).ok());
  REQUIRE(gone.ask<frames::ok>(frames::tx_join{"shop", false}).ok());
  gone.disconnect();
  for (std::uint64_t n = 1; n <= 3; ++n)
    REQUIRE(c.ask<frames::tx_prepared>(preparing(n, {half(queue, n, {"x"})})).ok());
  const auto page = c.ask<frames::txs>(frames::tx_list{name_of(1), 1});
  REQUIRE(page.ok());
  REQUIRE(page->transactions.size() == 1);
  CHECK(page->transactions[0].transaction == name_of(2));
  CHECK(page->total == 3);
  r.pass(6'200ms);
  std::set<std::uint64_t> asked;
  while (auto check = peer.take<frames::tx_check>()) asked.insert(check->transaction.id.number);
  CHECK(asked == std::set<std::uint64_t>{1, 2, 3});
  REQUIRE(peer.ask<frames::ok>(frames::tx_join{"shop", true}).ok());
  r.pass(20s);
  REQUIRE(peer.ask<frames::pong>(frames::ping{}).ok());
  r.pass(20s);
  CHECK_FALSE(peer.take<frames::tx_check>());
}
