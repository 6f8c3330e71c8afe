#include "test/actors/requests.hpp"
#include "test/actors/worker.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::test;

namespace {

using numbers = std::vector<std::uint64_t>;
using namespace std::chrono_literals;

message_filter tags(std::string text) { return {message_filter::kind::tags, std::move(text)}; }
message_filter sql(std::string text) { return {message_filter::kind::sql, std::move(text)}; }

/// Sends batches of messages with these tags; the message at offset n has the body n.
struct tagger {
  rig::client& c;
  queue_id queue;
  std::uint64_t last = 0;

  void send(const std::vector<std::string>& batch_tags, std::uint64_t ttl_ms = 0) {
    batch_builder builder;
    for (const auto& tag : batch_tags) {
      const auto body = std::to_string(last + builder.count());
      message_view m;
      m.body = body;
      m.tag = tag;
      m.ttl_ms = ttl_ms;
      REQUIRE(builder.add(m).ok());
    }
    const auto batch = builder.finish(codec::none);
    REQUIRE(batch.ok());
    frames::produce out;
    out.queue = queue;
    out.producer = producer_id{9};
    out.first = sequence{last + 1};
    out.previous = sequence{last};
    out.count = batch->count;
    out.checksum = batch->checksum;
    out.batch = batch->bytes;
    last += batch->count;
    REQUIRE(c.ask<frames::receipt>(out).ok());
  }
};

/// What came of one subscription: offsets of messages, and how far it is.
struct view_of_queue {
  offset next;
  numbers got = {};
  numbers marked = {};
  std::size_t frames = 0;

  void take(rig::client& c) {
    while (auto d = c.take<frames::deliver>()) {
      ++frames;
      CHECK(d->base <= next);
      const auto ranges = d->sparse ? d->ranges : std::vector<offset_range>{{d->base, d->count}};
      if (d->batch.empty()) CHECK((d->sparse && d->ranges.empty()));
      std::uint32_t at = 0;
      if (!d->batch.empty()) {
        CHECK(crc32c(d->batch.span()) == d->checksum);
        const auto reader = batch_reader::open(d->batch, d->compression, {});
        REQUIRE(reader.ok());
        for (const auto& range : ranges)
          for (auto o = range.first; o < range.end(); o = o + 1) {
            CHECK(reader->message(at++).body == std::to_string(o.value));
            if (o >= next) got.push_back(o.value);
          }
        CHECK(at == reader->count());
      }
      for (const auto& range : d->expired)
        for (auto o = range.first; o < range.end(); o = o + 1) marked.push_back(o.value);
      next = std::max(next, d->base + d->count);
    }
  }
};

frames::subscribe filtered(std::uint64_t id, queue_id queue, message_filter filter,
                           std::uint32_t credit = 1 << 20) {
  auto out = subscription(id, queue, {}, credit);
  out.filter = std::move(filter);
  return out;
}

frames::group_description described(rig::client& c) {
  auto d = c.ask<frames::group_description>(frames::group_describe{"g"});
  REQUIRE(d.ok());
  return *d;
}

frames::join filtered_join(message_filter filter, const std::string& mode = {}) {
  auto wish = joining("g", "t");
  wish.mode = mode;
  wish.filter = std::move(filter);
  return wish;
}

} // namespace

TEST_CASE(
  "screened: a reader without a group gets what passes its filter, and hears how far it is") {
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a", "b", "a"});
  s.send({"b", "b"});
  s.send({"a", "a"});
  REQUIRE(c.ask<frames::subscribed>(filtered(1, s.queue, tags("a"))).ok());
  view_of_queue v;
  v.take(c);
  CHECK(v.got == numbers{0, 2, 5, 6});
  CHECK(v.frames == 3); // One tells that two messages were passed.
  for (int i = 0; i < 5; ++i) s.send({"b"});
  v.take(c);
  CHECK(v.frames == 3);
  CHECK(v.next == offset{7});
  r.pass(200ms);
  v.take(c);
  CHECK(v.frames == 4); // All at once.
  CHECK(v.next == offset{12});
  r.pass(1s);
  v.take(c);
  CHECK(v.frames == 4);
  s.send({"a"});
  v.take(c);
  CHECK(v.got == numbers{0, 2, 5, 6, 12});
}

TEST_CASE("screened: a little credit is enough to look through everything that does not pass") {
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  for (int i = 0; i < 50; ++i) s.send({"b", "b", "b"});
  s.send({"b", "a"});
  s.send({"a"});
  REQUIRE(c.ask<frames::subscribed>(filtered(1, s.queue, tags("a"), 1)).ok());
  view_of_queue v;
  v.take(c);
  CHECK(v.got == numbers{151}); // Then the credit is used up.
  c.send(0, frames::credit{subscription_id{1}, 1 << 20});
  v.take(c);
  CHECK(v.got == numbers{151, 152});
}

TEST_CASE("screened: bad filters are refused with the column, and a seek may bring another one") {
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a", "b"});
  const auto refused = c.ask<frames::subscribed>(filtered(1, s.queue, sql("region = ")));
  CHECK(refused.code() == errc::filter_invalid);
  CHECK(refused.error().detail.find("column 10") != std::string::npos);
  REQUIRE(c.ask<frames::subscribed>(filtered(1, s.queue, tags("a"))).ok());
  view_of_queue v;
  v.take(c);
  CHECK(v.got == numbers{0});
  CHECK(c.ask<frames::subscribed>(filtered(1, s.queue, sql("=="))).code() == errc::filter_invalid);
  s.send({"a"}); // It reads on as before.
  v.take(c);
  CHECK(v.got == numbers{0, 2});
  REQUIRE(c.ask<frames::subscribed>(filtered(1, s.queue, tags("b"))).ok());
  view_of_queue other;
  other.take(c);
  CHECK(other.got == numbers{1});
}

TEST_CASE("screened: a client of version 1 gets whole batches, and no filter") {
  rig r;
  rig::client admin{r, "admin"};
  frames::topic_create create;
  create.name = "t";
  create.queues = 1;
  create.settings.default_ttl_ms = 1'000;
  const auto topic = admin.ask<frames::topic_description>(create);
  REQUIRE(topic.ok());
  tagger s{admin, topic->queues[0].queue};
  s.send({"a", "b"});
  r.pass(2s);
  rig::client c{r, "c"};
  const auto welcome = c.ask<frames::welcome>(frames::hello{1, 1, "old", "test"});
  REQUIRE(welcome.ok());
  CHECK(welcome->version == 1);
  CHECK(c.ask<frames::subscribed>(filtered(1, s.queue, tags("a"))).code() == errc::unsupported);
  CHECK(c.ask<frames::joined>(filtered_join(tags("a"))).code() == errc::unsupported);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  const auto d = c.take<frames::deliver>();
  REQUIRE(d);
  CHECK(d->count == 2);
  CHECK_FALSE(d->sparse);
  CHECK(admin.ask<frames::welcome>(frames::hello{1, 9, "new", "test"})->version == 2);
}

TEST_CASE("screened: what is too old is not sent, unless it is asked for; a new default counts") {
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a", "a"});
  s.send({"a", "a"}, 1'000); // These say it themselves.
  r.pass(2s);
  REQUIRE(c.ask<frames::subscribed>(subscription(1, s.queue, {})).ok());
  r.pass(200ms);
  view_of_queue v;
  v.take(c);
  CHECK(v.got == numbers{0, 1});
  CHECK(v.next == offset{4});
  REQUIRE(c.ask<frames::ok>(frames::unsubscribe{subscription_id{1}}).ok());

  auto too = subscription(2, s.queue, {});
  too.expired = true;
  REQUIRE(c.ask<frames::subscribed>(too).ok());
  view_of_queue all;
  all.take(c);
  CHECK(all.got == numbers{0, 1, 2, 3});
  CHECK(all.marked == numbers{2, 3});
  REQUIRE(c.ask<frames::ok>(frames::unsubscribe{subscription_id{2}}).ok());

  // A reader that is there hears of the topic's new default.
  REQUIRE(c.ask<frames::subscribed>(subscription(3, s.queue, at_offset(4), 0)).ok());
  frames::topic_alter alter;
  alter.name = "t";
  alter.default_ttl_ms = 500;
  REQUIRE(c.ask<frames::topic_description>(alter).ok());
  s.send({"a"});
  r.pass(1s);
  c.send(0, frames::credit{subscription_id{3}, 1 << 20});
  s.send({"a"});
  view_of_queue later{offset{4}};
  later.take(c);
  CHECK(later.got == numbers{5});
}

TEST_CASE("screened: a group's committed offset follows over what its filter leaves out") {
  rig r;
  std::optional<rig::client> c;
  c.emplace(r, "c");
  tagger s{*c, make_topic(*c, "t", 1).queues[0].queue};
  s.send({"b", "a", "b"});
  for (int i = 0; i < 100; ++i) s.send({"b", "b"});
  auto in = c->ask<frames::joined>(filtered_join(tags("a")));
  REQUIRE(in.ok());
  auto mine = c->take<frames::assigned>();
  REQUIRE(mine);
  r.pass(200ms);
  view_of_queue v;
  v.take(*c);
  CHECK(v.got == numbers{1});
  CHECK(v.next == offset{203});
  REQUIRE(c->ask<frames::ok>(committing(in->member, *mine, v.next)).ok());
  auto group = described(*c);
  CHECK(group.queues[0].lag == 0);
  CHECK(group.filter == tags("a"));
  CHECK(group.filtered == 202);
  CHECK(group.expired == 0);

  r.crash(false);
  c.reset();
  r.start();
  c.emplace(r, "c");
  in = c->ask<frames::joined>(filtered_join(tags("a")));
  REQUIRE(in.ok());
  mine = c->take<frames::assigned>();
  REQUIRE(mine);
  CHECK(mine->begin == offset{203});
  CHECK(described(*c).queues[0].lag == 0);
}

TEST_CASE("screened: a group has one filter, and who joins must have it") {
  const std::string mode = GENERATE("ordered", "broadcast");
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a", "b"});
  auto wish = filtered_join(tags("a"), mode);
  const auto in = c.ask<frames::joined>(wish);
  REQUIRE(in.ok());
  view_of_queue v;
  v.take(c);
  CHECK(v.got == numbers{0});
  const auto mine = c.take<frames::assigned>();
  REQUIRE(mine);
  CHECK(c.ask<frames::subscribed>(filtered(mine->subscription.value, s.queue, tags("b"))).code() ==
        errc::invalid_argument);

  const auto other = c.ask<frames::joined>(filtered_join(sql("x = 1"), mode));
  CHECK(other.code() == errc::subscription_mismatch);
  CHECK(other.error().detail.find("with tags a") != std::string::npos);
  CHECK(other.error().detail.find("where x = 1") != std::string::npos);
  frames::group_put put;
  put.name = "g";
  put.mode = mode;
  put.topics = {"t"};
  put.filter = tags("b");
  put.version = described(c).version;
  put.filter = sql("b =");
  CHECK(c.ask<frames::group_description>(put).code() == errc::filter_invalid);
  REQUIRE(c.ask<frames::ok>(frames::leave{in->member}).ok());
  put.filter = tags("b");
  const auto changed = c.ask<frames::group_description>(put);
  REQUIRE(changed.ok());
  CHECK(changed->filter == tags("b"));
  CHECK(changed->version == put.version + 1);
  REQUIRE(c.ask<frames::joined>(filtered_join(tags("b"), mode)).ok());
  view_of_queue now;
  now.take(c);
  CHECK(now.got == numbers{1});
}

TEST_CASE(
  "screened: named and nameless broadcast consumers and shared groups count what they miss") {
  const std::string mode = GENERATE("broadcast", "shared");
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a", "b", "b"});
  s.send({"a", "b"}, 1'000);
  r.pass(2s);
  auto wish = filtered_join(tags("a"), mode);
  wish.in_flight_max = mode == "shared" ? 10 : 0;
  REQUIRE(c.ask<frames::joined>(wish).ok());
  r.pass(200ms);
  if (mode == "broadcast") {
    view_of_queue v;
    v.take(c);
    CHECK(v.got == numbers{0});
    CHECK(v.next == offset{5});
    wish.name = "desk";
    rig::client desk{r, "desk"};
    const auto in = desk.ask<frames::joined>(wish);
    REQUIRE(in.ok());
    r.pass(200ms);
    const auto mine = desk.take<frames::assigned>();
    REQUIRE(mine);
    REQUIRE(desk.ask<frames::ok>(committing(in->member, *mine, offset{5})).ok());
    const auto group = described(c);
    CHECK(group.consumers[0].places[0].lag == 0);
    CHECK(group.filtered == 6); // Once for each of the two.
    CHECK(group.expired == 2);
    return;
  }
  const auto group = described(c);
  CHECK(group.filtered == 3);
  CHECK(group.expired == 1);
}

TEST_CASE("screened: dead letters do not expire") {
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a"}, 1'000);
  worker w{c, "shared"};
  CHECK(w.offsets() == offsets{0});
  REQUIRE(w.failed(s.queue, 0, std::nullopt, "never", true).ok());
  r.pass(5s);
  const auto letters = c.ask<frames::topic_description>(frames::topic_describe{"%DLQ%g", false});
  REQUIRE(letters.ok());
  REQUIRE(c.ask<frames::subscribed>(subscription(7, letters->queues[0].queue, {})).ok());
  CHECK(delivered(c) == numbers{0});
}

TEST_CASE("screened: why tells of an ordered group what its filter and age kept from it") {
  rig r;
  rig::client c{r, "c"};
  tagger s{c, make_topic(c, "t", 1).queues[0].queue};
  s.send({"a", "b"});
  s.send({"a"}, 1'000);
  const auto in = c.ask<frames::joined>(filtered_join(tags("a")));
  REQUIRE(in.ok());
  const auto mine = c.take<frames::assigned>();
  REQUIRE(mine);
  r.pass(2s);
  REQUIRE(c.ask<frames::ok>(committing(in->member, *mine, offset{3})).ok());
  using now_state = frames::group_story::state;
  using kind = frames::story_event::kind;
  const auto why = [&](std::uint64_t at) {
    const auto told = c.ask<frames::message_story>(
      frames::message_why{"t", frames::message_why::place{queue_number{0}, offset{at}}, ""});
    REQUIRE(told.ok());
    REQUIRE(told->groups.size() == 1);
    return told->groups[0];
  };
  CHECK(why(0).now == now_state::acknowledged);
  CHECK(why(1).now == now_state::filtered);
  CHECK(why(1).events.back().what == kind::filtered);
  CHECK(why(2).now == now_state::done); // It was sent in time, which the log does not say.
  const auto events = why(2).events;
  REQUIRE(events.size() >= 2);
  CHECK(events[events.size() - 2].what == kind::expired);
}
