#include "test/client/quick.hpp"

#include <carafe/request_reply.hpp>

#include <atomic>
#include <future>
#include <map>

using namespace carafe;
using namespace carafe::test;
using client::reply;
using client::reply_address_of;
using client::reply_error_of;

namespace {

/// A node with a topic for requests and one for answers.
struct office {
  office() : client(make_client()) {
    client::consumer_options options;
    options.topics = {"t"};
    auto made = client.make_consumer(options);
    REQUIRE(made.ok());
    requests = std::move(*made);
    auto sender = client.make_producer({});
    REQUIRE(sender.ok());
    answers = std::move(*sender);
  }

  client::client make_client() {
    node.add_topic("t", 2);
    node.add_topic("carafe-replies", 3);
    return connected(node);
  }

  std::unique_ptr<client::requester> requester(client::requester_options options = {}) {
    auto made = client.make_requester(std::move(options));
    REQUIRE(made.ok());
    return std::move(*made);
  }

  fake_node node;
  client::client client;
  std::unique_ptr<client::consumer> requests;
  std::unique_ptr<client::producer> answers;
};

using future_answer = std::future<result<delivery>>;

future_answer ask(client::requester& r, const std::string& body,
                  std::optional<std::chrono::milliseconds> within = {}) {
  auto promise = std::make_shared<std::promise<result<delivery>>>();
  auto future = promise->get_future();
  REQUIRE(r.request_async(
             "t", text(body),
             [promise](const result<delivery>& answer) { promise->set_value(answer); }, within)
            .ok());
  return future;
}

bool is_there(const future_answer& future) {
  return future.wait_for(5s) == std::future_status::ready;
}

} // namespace

TEST_CASE("each of many requests gets its own answer, in whatever order they are answered") {
  auto at = office{};
  auto r = at.requester();
  auto waiting = std::vector<future_answer>{};
  for (auto i = 0; i < 200; ++i) waiting.push_back(ask(*r, std::to_string(i)));
  auto got = take(*at.requests, 200);
  REQUIRE(got.size() == 200);
  CHECK(r->in_flight() == 200);
  for (auto d = got.rbegin(); d != got.rend(); ++d)
    REQUIRE(reply(*at.answers, *d, text("re " + d->body)).ok());
  for (auto i = 0; i < 200; ++i) {
    REQUIRE(is_there(waiting[static_cast<std::size_t>(i)]));
    auto answer = waiting[static_cast<std::size_t>(i)].get();
    REQUIRE(answer.ok());
    CHECK(answer->body == "re " + std::to_string(i));
    CHECK_FALSE(reply_error_of(*answer));
  }
  CHECK(r->in_flight() == 0);
}

TEST_CASE("two requesters on one reply queue get their own answers only") {
  auto at = office{};
  auto options = client::requester_options{};
  options.reply_queue = queue_number{1};
  auto one = at.requester(options);
  auto two = at.requester(options);
  auto first = ask(*one, "1");
  auto second = ask(*two, "2");
  for (auto& d : take(*at.requests, 2)) {
    CHECK(reply_address_of(d)->number == queue_number{1});
    REQUIRE(reply(*at.answers, d, text("re " + d.body)).ok());
  }
  CHECK(first.get()->body == "re 1");
  CHECK(second.get()->body == "re 2");
  CHECK(one->late() + two->late() == 0);
}

TEST_CASE("a request is not its own answer where answers come to the requests' topic") {
  auto at = office{};
  auto options = client::requester_options{};
  options.reply_topic = "t";
  auto r = at.requester(options);
  auto waiting = ask(*r, "1");
  for (auto& d : take(*at.requests, 1)) REQUIRE(reply(*at.answers, d, text("re 1")).ok());
  REQUIRE(is_there(waiting));
  CHECK(waiting.get()->body == "re 1");
}

TEST_CASE("a request that is not answered in time fails, and its late answer is dropped") {
  auto at = office{};
  auto r = at.requester();
  auto patient = ask(*r, "patient");
  auto hasty = ask(*r, "hasty", 20ms);
  REQUIRE(is_there(hasty));
  CHECK(hasty.get().code() == errc::timeout);
  auto got = take(*at.requests, 2);
  REQUIRE(got.size() == 2);
  for (auto& d : got) REQUIRE(reply(*at.answers, d, text("re " + d.body)).ok());
  CHECK(patient.get()->body == "re patient");
  CHECK(eventually([&] { return r->late() == 1; }));
  CHECK(r->request("t", text("x"), 20ms).code() == errc::timeout);
}

TEST_CASE("a request that could not be sent fails as its message does") {
  auto at = office{};
  auto options = client::requester_options{};
  options.in_flight_max = 1;
  auto r = at.requester(options);
  CHECK(r->request("nowhere", text("x"), {}).code() == errc::topic_unknown);
  CHECK(r->request("t", text(std::string(5u << 20, 'x')), {}).code() == errc::message_too_large);
  auto waiting = ask(*r, "x");
  CHECK(r->request("t", text("y"), {}).code() == errc::too_many_requests);
  r.reset();
  CHECK(waiting.get().code() == errc::disconnected);
}

TEST_CASE("a callback may send the next request, but not wait for it") {
  auto at = office{};
  auto r = at.requester();
  for (auto topic : {"nowhere", "t"}) { // Refused; or never answered.
    auto inner = std::promise<errc>{};
    auto next = std::promise<errc>{};
    auto in_callback = [&](const result<delivery>&) {
      inner.set_value(r->request("t", text("x"), {}).code());
      auto sent = r->request_async("nowhere", text("x"),
                                   [&](auto& answer) { next.set_value(answer.code()); }, {});
      if (!sent) next.set_value(sent.code());
    };
    REQUIRE(r->request_async(topic, text("x"), in_callback, 50ms).ok());
    CHECK(inner.get_future().get() == errc::invalid_argument);
    CHECK(next.get_future().get() == errc::topic_unknown);
  }
}

TEST_CASE("answers come although the connection broke meanwhile") {
  auto at = office{};
  auto r = at.requester();
  auto waiting = ask(*r, "x");
  auto got = take(*at.requests, 1);
  REQUIRE(got.size() == 1);
  at.node.cut();
  REQUIRE(reply(*at.answers, got[0], text("re x")).ok());
  REQUIRE(is_there(waiting));
  CHECK(waiting.get()->body == "re x");
}

TEST_CASE("a failure is an answer that says so") {
  auto at = office{};
  auto r = at.requester();
  auto failed = ask(*r, "1");
  auto large = ask(*r, "2");
  auto got = take(*at.requests, 2);
  REQUIRE(got.size() == 2);
  for (auto& d : got) {
    const auto sent = d.body == "1"
                        ? reply(*at.answers, d, failure{errc::not_found, "no such price"})
                        : reply(*at.answers, d, text(std::string(5u << 20, 'x')));
    REQUIRE(sent.ok());
  }
  CHECK_THAT(*reply_error_of(*failed.get()), Catch::Contains("(no such price)"));
  CHECK_THAT(*reply_error_of(*large.get()), Catch::StartsWith("message_too_large"));
}

TEST_CASE("where an answer goes is read from the request's properties") {
  auto address = [](std::vector<std::pair<std::string, std::string>> properties) {
    auto d = delivery{};
    d.properties = std::move(properties);
    return reply_address_of(d);
  };
  CHECK(address({{"reply-to", "a/3"}, {"correlation-id", "x"}}) ==
        client::reply_address{"a", queue_number{3}, "x"});
  CHECK(address({{"reply-to", "a/3"}, {"correlation-id", "x"}, {"reply-to", "b/0"}})->topic == "b");
  CHECK_FALSE(address({{"reply-to", "a/3"}}));
  CHECK_FALSE(address({{"correlation-id", "x"}}));
  CHECK_FALSE(address({{"reply-to", "a/3"}, {"correlation-id", ""}}));
  for (auto wrong : {"", "a", "/3", "a/", "a/x", "a/3x", "a/-1", "a/4294967296"})
    CHECK_FALSE(address({{"reply-to", wrong}, {"correlation-id", "x"}}));
}

TEST_CASE("respond answers requests, handles other messages, and goes on past lost requesters") {
  auto at = office{};
  auto r = at.requester();
  auto handled = std::atomic<int>{0};
  auto responder = std::thread{[&] {
    auto outcome = client::respond(*at.requests, *at.answers, [&](const delivery& d) {
      ++handled;
      return result<message>{text("re " + d.body)};
    });
    CHECK(outcome.ok());
  }};
  auto lost = text("lost");
  lost.properties = {{"reply-to", "nowhere/0"}, {"correlation-id", "x"}};
  CHECK((*at.client.make_producer({}))->send("t", lost).ok());
  CHECK((*at.client.make_producer({}))->send("t", text("no request")).ok());
  CHECK(eventually([&] { return handled == 2; }));
  auto answer = r->request("t", text("x"), {});
  REQUIRE(answer.ok());
  CHECK(answer->body == "re x");
  at.requests->stop();
  responder.join();
}

TEST_CASE("a requester whose reply queue ends says why, and takes no more requests") {
  auto at = office{};
  auto r = at.requester();
  auto waiting = ask(*r, "x");
  at.node.listen(false);
  at.node.delete_topic("carafe-replies");
  at.node.listen(true);
  REQUIRE(is_there(waiting));
  const auto why = waiting.get();
  CHECK_FALSE(why.ok());
  CHECK(r->request("t", text("y"), {}).code() == why.code());
}

TEST_CASE("options of a requester that make no sense are refused") {
  auto at = office{};
  auto refused = [&](auto change) {
    auto options = client::requester_options{};
    change(options);
    return at.client.make_requester(options).code();
  };
  CHECK(refused([](auto& o) { o.reply_topic = ""; }) == errc::invalid_argument);
  CHECK(refused([](auto& o) { o.timeout = 0ms; }) == errc::invalid_argument);
  CHECK(refused([](auto& o) { o.in_flight_max = 0; }) == errc::invalid_argument);
  CHECK(refused([](auto& o) { o.reply_queue = queue_number{3}; }) == errc::queue_unknown);
}
