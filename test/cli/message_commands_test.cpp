#include "cli/shell/message_place.hpp"
#include "schema/batch.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

constexpr std::uint32_t queues = 4;
constexpr std::uint64_t messages_each = 10;

/// Topic `orders`: in each queue messages from offset 2 to 9, a second apart; the key of each is
/// "k" and its offset, its tag "even" or "odd".
std::shared_ptr<fake_state> orders() {
  auto state = std::make_shared<fake_state>();
  state->reads_as_asked = true;
  auto topic = fake_topic("orders", queues, messages_each);
  for (auto& queue : topic.queues) queue.earliest = offset{2};
  state->topics["orders"] = topic;
  for (std::uint32_t number = 0; number < queues; ++number)
    for (std::uint64_t at = 2; at < messages_each; ++at) {
      auto d = fake_delivery(at, "body-" + std::to_string(number) + '-' + std::to_string(at));
      d.number = queue_number{number};
      d.id.producer = producer_id{0x2a + number};
      d.key = "k" + std::to_string(at);
      d.tag = at % 2 == 0 ? "even" : "odd";
      d.properties = {{"region", "us"}, {"region", at < 5 ? "eu" : "us"}};
      d.broker_time = unix_ms{1'795'341'600'000 + static_cast<std::int64_t>(at) * 1'000};
      state->deliveries.push_back(d);
    }
  return state;
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a message is named by its place or its id") {
  auto place = [](const std::string& text) {
    auto named = parse_message_name(text);
    REQUIRE(named.ok());
    return std::get<message_place>(*named);
  };
  CHECK(place("orders/3/17") == message_place{"orders", queue_number{3}, offset{17}});
  CHECK(place("%DLQ%g/0/18446744073709551615").offset == offset{~0ull});
  CHECK(to_string(place("a/1/2")) == "a/1/2");
  auto id = parse_message_name("940e0e438147c1d0-12");
  REQUIRE(id.ok());
  CHECK(std::get<client::message_id>(*id) ==
        client::message_id{producer_id{0x940e0e438147c1d0}, sequence{12}});
  for (auto wrong :
       {"", "orders", "orders/1", "/1/2", "orders//2", "orders/1/", "orders/x/1", "orders/1/-2",
        "orders/4294967296/1", "orders/1/18446744073709551616", "940e0e438147c1d0-",
        "940e0e438147c1d0-0", "940e0e438147c1d-1", "g40e0e438147c1d0-1", "940e0e438147c1d0-1x"}) {
    INFO(wrong);
    auto named = parse_message_name(wrong);
    REQUIRE_FALSE(named.ok());
    CHECK(holds(named.error().detail, std::string{'\''} + wrong + '\''));
  }
}

TEST_CASE("message get shows everything of the message at a place") {
  auto state = orders();
  state->deliveries[0].body = "two\nlines\x1b";
  auto ran = run_line(state, "message get orders/0/2");
  CHECK(ran.code == exit_code::ok);
  for (auto part : {"topic", "orders", "k2", "even", "000000000000002a-3", "region", "eu",
                    "2026-11-22T10:00:02.000Z", "two\nlines\\x1b\n"}) {
    INFO(part);
    CHECK(holds(ran.out, part));
  }
  CHECK(state->consumer_options.start ==
        start_position{.at = start_position::kind::at_offset, .from = offset{2}});
  CHECK(state->consumer_options.group.empty());
  CHECK(run_line(state, "message get orders/0/2 --body").out == "two\nlines\x1b");
  auto told = nlohmann::json::parse(run_line(state, "message get orders/3/9 --json").out);
  CHECK(told["offset"] == 9);
  CHECK(told["body"] == "body-3-9");
}

TEST_CASE("message get tells why there is none at a place") {
  auto state = orders();
  auto below = run_line(state, "message get orders/0/1");
  CHECK(below.code == exit_code::failed);
  CHECK(holds(below.err, "carafe: offset_out_of_range: "));
  CHECK(holds(below.err, "retention passed it, the earliest kept is 2"));
  auto beyond = run_line(state, "message get orders/0/10");
  CHECK(beyond.code == exit_code::failed);
  CHECK(holds(beyond.err, "the queue ends at 10"));
  CHECK(holds(run_line(state, "message get orders/4/2").err, "orders has 4 queues"));
  CHECK(holds(run_line(state, "message get nowhere/0/2").err, "topic_unknown"));
}

TEST_CASE("message get finds an id in its topic, between two times") {
  auto state = orders();
  CHECK(run_line(state, "message get 000000000000002c-8 --topic orders --body").out == "body-2-7");
  auto ran = run_line(state, "message get 000000000000002c-8 --topic orders --json "
                             "--since 2026-11-22T10:00:08Z");
  CHECK(ran.code == exit_code::failed);
  auto error = nlohmann::json::parse(ran.err)["error"];
  CHECK(error["code"] == "not_found");
  CHECK(error["detail"] == "000000000000002c-8 is none of the 8 messages that orders keeps since "
                           "2026-11-22T10:00:08.000Z");
  CHECK(run_line(state, "message get 000000000000002c-8 --topic orders --until "
                        "2026-11-22T10:00:07.001Z")
          .code == exit_code::ok);
  CHECK(run_line(state, "message get 000000000000002c-8 --topic orders --until "
                        "2026-11-22T10:00:07Z")
          .code == exit_code::failed);
}

TEST_CASE("message get is misused in words") {
  auto state = orders();
  for (auto line : {"message get", "message get orders", "message get 000000000000002c-8",
                    "message get orders/0/2 --topic orders", "message get orders/0/2 --since -1h",
                    "message get 000000000000002c-8 --topic orders --since soon",
                    "message get 000000000000002c-8 --topic orders --since -1h --until -2h"}) {
    INFO(line);
    CHECK(run_line(state, line).code == exit_code::usage);
  }
}

TEST_CASE("message find looks for a key in its own queue only, or in all") {
  auto state = orders();
  const auto own = queue_of_key("k5", queues);
  auto ran = run_line(state, "message find --topic orders --key k5");
  CHECK(ran.code == exit_code::ok);
  CHECK(lines_in(ran.out) == 1);
  CHECK(holds(ran.out, "body-" + std::to_string(own.value) + "-5"));
  CHECK(state->consumer_options.queues == std::vector{own});
  CHECK(lines_in(run_line(state, "message find --topic orders --key k5 --all-queues").out) ==
        queues);
}

TEST_CASE("message find reads of a key only what the node's index tells, page by page") {
  auto state = orders();
  // Far apart, and more than one answer tells of.
  std::vector<std::string> bodies;
  for (const std::uint64_t at : {3'000, 3'001, 5'000, 9'000, 9'100}) {
    auto d = fake_delivery(at, "mine-" + std::to_string(at));
    d.number = queue_number{1};
    d.key = "rare";
    d.tag = at > 3'000 ? "late" : "early";
    state->deliveries.push_back(d);
    bodies.push_back(d.body);
  }
  for (auto& queue : state->topics["orders"].queues) queue.end = offset{10'000};
  const auto rare = "message find --topic orders --key rare --all-queues";
  auto ran = run_line(state, rare);
  CHECK(ran.code == exit_code::ok);
  CHECK(lines_in(ran.out) == 5);
  for (const auto& body : bodies) CHECK(holds(ran.out, body));
  CHECK(state->key_questions.size() == 3 + 3); // Of its queue three, of each other one.
  CHECK(state->seeks == 2);
  CHECK(lines_in(run_line(state, std::string{rare} + " --tag late").out) == 4);
  CHECK(lines_in(run_line(state, std::string{rare} + " --limit 3").out) == 3);
  CHECK(state->key_questions.back().limit == 3);
  CHECK(run_line(state, "message find --topic orders --key nobodys --all-queues").err ==
        "0 messages found among 0 messages\n");
}

TEST_CASE("message find of a key reads everything where the node has no index") {
  auto state = orders();
  state->has_key_index = false;
  auto ran = run_line(state, "message find --topic orders --key k5 --all-queues");
  CHECK(ran.code == exit_code::ok);
  CHECK(lines_in(ran.out) == queues);
}

TEST_CASE("every condition of message find must hold") {
  auto state = orders();
  auto count = [&](const std::string& how) {
    auto ran = run_line(state, "message find --topic orders " + how);
    CHECK(ran.code == exit_code::ok);
    return lines_in(ran.out);
  };
  CHECK(count("--tag even") == 16);
  CHECK(count("--property region=eu") == 12); // The last property of a name counts.
  CHECK(count("--tag even --property region=eu") == 8);
  CHECK(count("--tag even --property region=eu --property region=us") == 0);
  CHECK(count("--tag even --limit 3") == 3);
  CHECK(count("--tag even --since 2026-11-22T10:00:04Z --until 2026-11-22T10:00:08Z") == 8);
  CHECK(count("--tag even --since 2026-11-22T11:00:00Z") == 0);
  CHECK(count("--tag neither") == 0);
  CHECK(run_line(state, "message find --topic orders --tag neither").err ==
        "0 messages found among 32 messages\n");
}

TEST_CASE("message find ends where the topic ended when it began") {
  auto state = orders();
  for (auto& queue : state->topics["orders"].queues) queue.end = offset{6};
  CHECK(lines_in(run_line(state, "message find --topic orders --tag even").out) == 8);
}

TEST_CASE("message find prints what consume prints as JSON, or a line for people") {
  auto state = orders();
  state->deliveries[0].body = "a\nb";
  auto line = run_line(state, "message find --topic orders --tag even --limit 1").out;
  CHECK(line == "   0         2  2026-11-22T10:00:02.000Z  k2  even  a\\x0ab\n");
  auto json = run_line(state, "message find --topic orders --tag even --limit 1 --json").out;
  CHECK(json == run_line(state, "consume orders --count 1 --json").out);
}

TEST_CASE("a scan that gets no messages gives up") {
  auto state = orders();
  state->deliveries.clear();
  state->reads_as_asked = false;
  auto ran = run_line(state, "message find --topic orders --tag even --timeout 60");
  CHECK(ran.code == exit_code::failed);
  CHECK(holds(ran.err, "carafe: timeout: "));
}

TEST_CASE("message find without a condition, or of an unknown topic, is an error") {
  auto state = orders();
  CHECK(run_line(state, "message find --topic orders").code == exit_code::usage);
  CHECK(run_line(state, "message find --key 1").code == exit_code::usage);
  CHECK(run_line(state, "message find --topic nowhere --key 1").code == exit_code::failed);
  CHECK(run_line(state, "message find --topic orders --tag x --limit 0").code == exit_code::usage);
}

TEST_CASE("topic tail prints a line a message, from the latest on") {
  auto state = orders();
  state->reads_as_asked = false;
  auto ran = run_line(state, "topic tail orders --count 2");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "   0         2  2026-11-22T10:00:02.000Z  k2  even  body-0-2\n"
                   "   0         3  2026-11-22T10:00:03.000Z  k3  odd  body-0-3\n");
  CHECK(state->consumer_options.start.at == start_position::kind::latest);
  CHECK(state->consumer_options.group.empty());
  CHECK(state->closed);
  CHECK(run_line(state, "topic tail orders --from 12 --queue 1 --queue 2 --count 1").code ==
        exit_code::ok);
  CHECK(state->consumer_options.start.from == offset{12});
  CHECK(state->consumer_options.queues == std::vector{queue_number{1}, queue_number{2}});
}

TEST_CASE("topic tail counts only what it prints") {
  auto state = orders();
  state->reads_as_asked = false;
  auto ran = run_line(state, "topic tail orders --tag odd --property region=eu --count 3 --json");
  CHECK(lines_in(ran.out) == 3);
  CHECK_FALSE(holds(ran.out, "\"tag\":\"even\""));
  CHECK(run_line(state, "topic tail orders --from soon").code == exit_code::usage);
  CHECK(run_line(state, "topic tail nowhere").code == exit_code::failed);
}
