#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

namespace {

using properties = std::vector<std::pair<std::string, std::string>>;

std::shared_ptr<fake_state> with_topic() {
  auto state = std::make_shared<fake_state>();
  state->topics["prices"] = fake_topic("prices", 2);
  return state;
}

/// Requests with these bodies, at offsets from 0 on, that want their answers in `answers/1`.
std::shared_ptr<fake_state> with_requests(const std::vector<std::string>& bodies) {
  auto state = with_topic();
  for (const auto& body : bodies) {
    const auto at = state->deliveries.size();
    auto d = fake_delivery(at, body);
    d.properties = {{"reply-to", "answers/1"}, {"correlation-id", "c" + std::to_string(at)}};
    state->deliveries.push_back(d);
  }
  return state;
}

} // namespace

TEST_CASE("request sends its message and prints the answer") {
  auto state = with_topic();
  state->answer = fake_delivery(3, "12.50");
  auto ran = run_line(state, "request prices tea --key k --tag t --property a=b --timeout 700");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "12.50\n");
  const auto& sent = state->sent.at(0);
  CHECK(sent.topic == "prices");
  CHECK(sent.message.body == "tea");
  CHECK(sent.message.key == "k");
  CHECK(sent.message.tag == "t");
  CHECK(sent.message.properties == properties{{"a", "b"}});
  CHECK(state->requester_options.timeout == std::chrono::milliseconds{700});
  CHECK(state->requester_options.reply_topic == "carafe-replies");
  CHECK(json::parse(run_line(state, "request prices tea --json").out)["body"] == "12.50");
  state->answer->body = "two\nlines\n";
  CHECK(run_line(state, "request prices tea --reply-topic mine").out == "two\nlines\n");
  CHECK(state->requester_options.reply_topic == "mine");
}

TEST_CASE("a request that fails says why") {
  auto state = with_topic();
  auto ran = run_line(state, "request prices tea");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err.starts_with("carafe: timeout: "));
  state->answer = fake_delivery(3, "so far");
  state->answer->properties = {{"reply-error", "exit code 3"}};
  ran = run_line(state, "request prices tea");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.out == "so far\n");
  CHECK(ran.err == "carafe: request_failed: exit code 3\n");
  CHECK(run_line(state, "request nowhere tea").err.starts_with("carafe: topic_unknown: "));
  CHECK(run_line(state, "request prices").code == exit_code::usage);
}

TEST_CASE("respond --echo answers each request with its body, and then acknowledges it") {
  auto state = with_requests({"a", "b"});
  auto ran = run_line(state, "respond prices --group g --echo --count 2");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.err == "2 messages handled, 2 answered\n");
  REQUIRE(state->sent.size() == 2);
  CHECK(state->sent[1].topic == "answers");
  CHECK(state->sent[1].to == queue_number{1});
  CHECK(state->sent[1].message.body == "b");
  CHECK(state->sent[1].message.properties == properties{{"correlation-id", "c1"}});
  CHECK(state->acknowledged == std::vector{offset{0}, offset{1}});
  CHECK(state->closed);
  CHECK(state->consumer_options.mode == client::group_mode::shared);
  CHECK(state->consumer_options.in_flight_max == 8);
  CHECK_FALSE(state->producer_options.create_topics);
}

TEST_CASE("respond --exec answers with what the program writes, or says that it failed") {
  auto state = with_requests({"tea", "coffee", "milk"});
  auto ran =
    run_words(state, {"respond", "prices", "--group", "g", "--count", "3", "--exec",
                      "read x; test $x = coffee && exit 3; printf 'price of %s' $x", "--json"});
  CHECK(ran.code == exit_code::ok);
  CHECK(json::parse(ran.out) == json{{"topic", "prices"},
                                     {"group", "g"},
                                     {"handled", 3},
                                     {"answered", 3},
                                     {"errors", 1},
                                     {"unanswerable", 0}});
  REQUIRE(state->sent.size() == 3);
  CHECK(state->sent[0].message.body == "price of tea");
  CHECK(state->sent[1].message.properties ==
        properties{{"reply-error", "exit code 3"}, {"correlation-id", "c1"}});
  CHECK(state->acknowledged.size() == 3);
  state = with_requests({"tea"});
  ran = run_words(state, {"respond", "prices", "--group", "g", "--count", "1", "--output-max", "4",
                          "--exec", "echo 12345"});
  CHECK(state->sent.at(0).message.properties.at(0).second == "more output than 4 B");
  CHECK(ran.err == "orders/2/0: more output than 4 B\n"
                   "1 message handled, 1 answered, 1 of them with an error\n");
}

TEST_CASE("respond handles messages that are no requests, and requests of nobody any more") {
  auto state = with_requests({"a", "b"});
  state->deliveries[0].properties.clear();
  state->fails_from = 1;
  state->send_failure = failure{errc::topic_unknown, "answers"};
  auto ran = run_line(state, "respond prices --group g --echo --count 2");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.err ==
        "2 messages handled, 0 answered, 1 with an answer that could not be delivered\n");
  CHECK(state->acknowledged.size() == 2);
}

TEST_CASE("a request whose answer could not be sent now is not acknowledged") {
  auto state = with_requests({"a", "b"});
  state->fails_from = 2;
  state->send_failure = failure{errc::disconnected, "node"};
  auto ran = run_line(state, "respond prices --group g --echo");
  CHECK(ran.code == exit_code::failed);
  CHECK(state->acknowledged == std::vector{offset{0}});
  CHECK(state->closed);
}

TEST_CASE("respond joins a group as it is") {
  auto state = with_requests({"a"});
  state->groups["g"].mode = "ordered";
  REQUIRE(run_line(state, "respond prices --group g --echo --count 1 --from latest").code ==
          exit_code::ok);
  CHECK(state->consumer_options.mode == client::group_mode::ordered);
  CHECK(state->consumer_options.in_flight_max == 0);
  CHECK(state->consumer_options.start.at == start_position::kind::latest);
}

TEST_CASE("respond is misused in words") {
  auto state = with_requests({"a"});
  for (auto line : {"respond prices --group g", "respond prices --group g --echo --exec cat",
                    "respond prices --echo", "respond prices --group g --exec ''",
                    "respond prices --group g --exec cat --exec-timeout 0",
                    "respond prices --group g --exec cat --output-max 0",
                    "respond prices --group g --echo --from soon",
                    "respond prices --group g --echo --in-flight 0"})
    CHECK(run_line(state, line).code == exit_code::usage);
}
