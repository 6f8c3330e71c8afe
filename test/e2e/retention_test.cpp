#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

namespace carafe::test {
namespace {

constexpr std::size_t mib = 1u << 20;

/// Sends messages of 1 MiB to the one queue of `t` and gives what it holds then.
client::queue_info fill(running_node& at, int mebibytes) {
  auto p = must(at.client.make_producer({}));
  for (int i = 0; i < mebibytes; ++i) must(p->send("t", {.body = std::string(mib, 'x')}));
  return must(at.client.describe_topic("t")).queues.at(0);
}

offset earliest(running_node& at) {
  return must(at.client.describe_topic("t")).queues.at(0).earliest;
}

std::uint32_t segments(running_node& at) {
  return must(at.client.node_status()).shards.at(0).segments;
}

client::consumer_options from(offset start, range_policy policy) {
  client::consumer_options o;
  o.topics = {"t"};
  o.start = {.at = start_position::kind::at_offset, .from = start};
  o.out_of_range = policy;
  return o;
}

/// Whether `got` was the earliest offset at some moment since it was `before`: retention, which is
/// still at work, may have raised it meanwhile.
bool earliest_since(running_node& at, offset before, offset got) {
  return before <= got && got <= earliest(at);
}

/// Offset of the first message that such a consumer gets, or why it gets none.
result<offset> first_offset(const client::client& c, const client::consumer_options& options) {
  auto consumer = c.make_consumer(options);
  if (!consumer) return consumer.error();
  auto got = (*consumer)->poll(1, 5s);
  if (!got) return got.error();
  if (got->empty()) return {errc::timeout};
  return got->front().offset;
}

} // namespace

TEST_CASE("retention by bytes drops whole segments, oldest first") {
  running_node at{{{"retention-bytes", "40MiB"}, {"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("t", 1));
  const auto full = fill(at, 80);
  CHECK(full.end == offset{80});
  CHECK(eventually([&] { return segments(at) <= 3; }));
  const auto kept = earliest(at);
  CHECK(kept > offset{30});
  CHECK(kept < offset{80});
  const auto first = at.run({"consume", "t", "--count", "1", "--format", "json"});
  CHECK(earliest_since(at, kept, offset{first.object().at("offset").get<std::uint64_t>()}));
  // It stays so, and the offsets go on.
  at.node.kill();
  at.node.start();
  CHECK(earliest(at) >= kept);
  CHECK(fill(at, 1).end == offset{81});
  CHECK(at.node.stop() == exited(0));
  CHECK(at.run({"log", "verify", at.node.data_dir().string()}).code == 0);
}

TEST_CASE("retention by age drops what is older, but never the newest segment") {
  running_node at{{{"retention-ms", "300"}, {"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("t", 1));
  fill(at, 40);
  CHECK(eventually([&] { return segments(at) == 1; }));
  CHECK(earliest(at) > offset{0});
  CHECK(fill(at, 1).end == offset{41});
}

TEST_CASE("a topic may keep its messages shorter than the node") {
  running_node at{{{"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("t", 1, {.retention_ms = 300}));
  must(at.client.create_topic("kept", 1));
  must(must(at.client.make_producer({}))->send("kept", {.body = "x"}));
  fill(at, 40);
  CHECK(eventually([&] { return earliest(at) > offset{0}; }));
  CHECK(must(at.client.describe_topic("kept")).queues.at(0).earliest == offset{0});
}

TEST_CASE("segments go once nothing in them can be read: topics were deleted, or keep less") {
  running_node at{{{"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("kept", 1));
  must(at.client.create_topic("t", 1));
  fill(at, 40);
  const auto full = segments(at);
  REQUIRE(full > 2);
  SECTION("deleted") { must(at.client.delete_topic("t")); }
  SECTION("shorter retention") {
    REQUIRE(at.run({"topic", "alter", "t", "--retention", "1s"}).code == 0);
  }
  CHECK(eventually([&] { return segments(at) == 1; }));
  must(must(at.client.make_producer({}))->send("kept", {.body = "x"}));
  CHECK(at.node.stop() == exited(0));
  CHECK(at.run({"log", "verify", at.node.data_dir().string()}).code == 0);
}

TEST_CASE("an offset that retention took, or past the end, is an error or what the policy says") {
  running_node at{{{"retention-bytes", "40MiB"}, {"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("t", 1));
  fill(at, 80);
  REQUIRE(eventually([&] { return earliest(at) > offset{0}; }));
  CHECK(first_offset(at.client, from(offset{0}, range_policy::error)).code() ==
        errc::offset_out_of_range);
  CHECK(first_offset(at.client, from(offset{900}, range_policy::error)).code() ==
        errc::offset_out_of_range);
  for (const offset start : {offset{0}, offset{900}}) {
    const auto before = earliest(at);
    const auto got = must(first_offset(at.client, from(start, range_policy::earliest)));
    CHECK(earliest_since(at, before, got));
  }
  CHECK(first_offset(at.client, from(offset{0}, range_policy::latest)).code() == errc::timeout);
  const auto said = at.run.json({"consume", "t", "--from", "0"});
  CHECK(said.code == 1);
  CHECK(said.error_code() == "offset_out_of_range");
  CHECK(
    at.run({"consume", "t", "--from", "0", "--out-of-range", "earliest", "--count", "1"}).code ==
    0);
}

TEST_CASE("a group that retention overtook goes on as its policy says, not in silence") {
  running_node at{{{"retention-bytes", "40MiB"}, {"checkpoint-interval-ms", "100"}}};
  must(at.client.create_topic("t", 1));
  auto p = must(at.client.make_producer({}));
  must(p->send("t", {.body = "first"}));
  REQUIRE(at.run({"consume", "t", "--group", "g", "--count", "1"}).lines().at(0) == "first");
  fill(at, 80);
  REQUIRE(eventually([&] { return earliest(at) > offset{1}; }));
  const auto said = at.run.json({"consume", "t", "--group", "g", "--count", "1"});
  CHECK(said.code == 1);
  CHECK(said.error_code() == "offset_out_of_range");
  const auto before = earliest(at);
  const auto got =
    at.run.json({"consume", "t", "--group", "g", "--count", "1", "--out-of-range", "earliest"});
  CHECK(got.code == 0);
  CHECK(earliest_since(at, before, offset{got.object().at("offset").get<std::uint64_t>()}));
}

} // namespace carafe::test
