#include "cli/shell/line_input.hpp"
#include "cli/shell/progress_bar.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using nlohmann::json;

namespace {

std::shared_ptr<fake_state> with_orders() {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"] = fake_topic("orders", 4);
  return state;
}

std::vector<std::string> bodies(const fake_state& state) {
  std::vector<std::string> found;
  for (const auto& s : state.sent) found.push_back(s.message.body);
  return found;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("each line is a message, empty ones too") {
  auto state = with_orders();
  auto ran = run_line(state, "produce orders", "a\n\nb\r\nlast");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out.empty());
  CHECK(bodies(*state) == texts{"a", "", "b\r", "last"});
  CHECK(ran.err.find("4 messages, 7 B in ") == 0);
}

TEST_CASE("the whole input can be one message") {
  auto state = with_orders();
  CHECK(run_line(state, "produce orders --whole", "a\nb\n").code == exit_code::ok);
  CHECK(run_line(state, "produce orders --whole", "").code == exit_code::ok);
  CHECK(bodies(*state) == texts{"a\nb\n", ""});
}

TEST_CASE("no input is no message") {
  auto state = with_orders();
  auto ran = run_line(state, "produce orders --json", "");
  CHECK(ran.code == exit_code::ok);
  CHECK(json::parse(ran.out)["messages"] == 0);
  CHECK(state->sent.empty());
}

TEST_CASE("key, tag, properties and queue travel with each message") {
  auto state = with_orders();
  auto ran = run_line(
    state, "produce orders --key k --tag t --property a=1 --property b=2 --queue 3", "x\ny\n");
  REQUIRE(ran.code == exit_code::ok);
  const auto& sent = state->sent.at(1);
  CHECK(sent.message.key == "k");
  CHECK(sent.message.tag == "t");
  CHECK(sent.message.properties ==
        std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "2"}});
  CHECK(sent.to == queue_number{3});
}

TEST_CASE("producer options are passed on") {
  auto state = with_orders();
  REQUIRE(run_line(state,
                   "produce orders --linger-ms 5 --batch-bytes 256KiB --compression zstd "
                   "--timeout 900",
                   "")
            .code == exit_code::ok);
  CHECK(state->producer_options.linger == std::chrono::milliseconds{5});
  CHECK(state->producer_options.batch_bytes == 262'144);
  CHECK(state->producer_options.compression == codec::zstd);
  CHECK(state->producer_options.delivery_timeout == std::chrono::milliseconds{900});
}

TEST_CASE("a key separator splits each line once") {
  auto state = with_orders();
  CHECK(run_line(state, "produce orders --key-separator '\\t'", "k1\tv\tw\n\tno key\n").code ==
        exit_code::ok);
  CHECK(state->sent.at(0).message.key == "k1");
  CHECK(state->sent.at(0).message.body == "v\tw");
  CHECK(state->sent.at(1).message.key.empty());
}

TEST_CASE("a line without the separator ends the reading and is named") {
  auto state = with_orders();
  auto ran = run_line(state, "produce orders --key-separator :", "a:1\nb\nc:3\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(bodies(*state) == texts{"1"});
  CHECK(ran.err.find("carafe: key_separator_missing: line 2 does not hold the key separator ':'") ==
        0);
}

TEST_CASE("a message that is too large ends the reading and is named") {
  auto state = with_orders();
  auto ran = run_line(state, "produce orders", "ok\n" + std::string(1001, 'x') + "\nmore\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(bodies(*state) == texts{"ok"});
  CHECK(ran.err.find("message_too_large: ") != std::string::npos);
  CHECK(ran.err.find("(line 2: 1001 bytes)") != std::string::npos);
  CHECK(ran.err.find("1 message, 2 B in ") != std::string::npos);
}

TEST_CASE("a message that the node refuses is named by its line") {
  auto state = with_orders();
  state->fails_from = 3;
  auto ran = run_line(state, "produce orders --json", "a\nb\nc\nd\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err == R"({"error":{"code":"outcome_unknown","detail":"line 3: queue 3"}})"
                   "\n");
  auto summary = json::parse(ran.out);
  CHECK(summary["messages"] == 2);
  CHECK(summary["failed"] == 1);
}

TEST_CASE("receipts are printed for each message") {
  auto state = with_orders();
  auto ran = run_line(state, "produce orders --receipts", "a\nb\n");
  CHECK(ran.out == "line 1: queue 1, offset 0, fsync, 1 replica\n"
                   "line 2: queue 1, offset 1, fsync, 1 replica\n");
  ran = run_line(state, "produce orders --receipts --json", "a\nb\n");
  auto first = nlohmann::ordered_json::parse(ran.out.substr(0, ran.out.find('\n')));
  texts names;
  for (const auto& [name, value] : first.items()) names.push_back(name);
  CHECK(names == texts{"line", "topic", "queue", "queue_id", "offset", "id", "durability",
                       "replicas", "duplicate", "batch_first_offset", "batch_count",
                       "broker_time"});
  CHECK(first["id"] == "0000000000000007-1");
  CHECK(json::parse(ran.err)["messages"] == 2);
}

TEST_CASE("a receipt has null for what is not known of a message that was there before") {
  auto state = with_orders();
  state->receipt = [](client::receipt& r) { // Known by its dedup id.
    r.id = {};
    r.broker_time = unix_ms{0};
    r.duplicate = true;
  };
  auto ran = run_line(state, "produce orders --receipts --json", "a\n");
  auto got = json::parse(ran.out);
  CHECK(got["id"].is_null());
  CHECK(got["broker_time"].is_null());
  CHECK(got["offset"] == 0);
  state->receipt = [](client::receipt& r) { // Stored by an earlier run.
    r.id = {};
    r.broker_time = unix_ms{0};
    r.duplicate = true;
    r.batch_count = 0;
  };
  ran = run_line(state, "produce orders --receipts --json", "a\n");
  got = json::parse(ran.out);
  CHECK(got["offset"].is_null());
  CHECK(got["batch_first_offset"].is_null());
  CHECK(got["batch_count"] == 0);
}

TEST_CASE("people are told once that a quota holds their messages up") {
  auto state = with_orders();
  state->throttled = {errc::too_many_requests,
                      "the produce quota of topic orders: 1 bytes a second are used up; send again "
                      "after 60000 ms"};
  auto ran = run_line(state, "produce orders", "a\nb\n");
  CHECK(ran.code == exit_code::ok);
  const std::string line =
    "held up: the produce quota of topic orders: 1 bytes a second are used up; Ctrl-C gives up\n";
  CHECK(ran.err.find(line) != std::string::npos);
  CHECK(ran.err.find(line) == ran.err.rfind(line));
  CHECK(run_line(state, "produce orders --json", "a\n").err.empty());
}

TEST_CASE("a missing topic is told before anything is read, or created") {
  auto state = std::make_shared<fake_state>();
  auto ran = run_line(state, "produce orders", "a\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err.find("carafe: topic_unknown: ") == 0);
  CHECK(run_line(state, "produce orders --create", "a\n").code == exit_code::ok);
  CHECK(state->topics.at("orders").queues.size() == 4);
}

TEST_CASE("a queue that the topic does not have is an error") {
  auto ran = run_line(with_orders(), "produce orders --queue 4", "a\n");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err.find("(orders has 4 queues, numbered from 0)") != std::string::npos);
}

TEST_CASE("inputs that contradict each other are usage errors") {
  for (const char* line :
       {"produce orders --body a --file b", "produce orders --body a --whole",
        "produce orders --key a --key-separator b", "produce orders --key-separator ''",
        "produce orders --batch-bytes 12", "produce orders --rate 0"}) {
    INFO(line);
    CHECK(run_line(with_orders(), line).code == exit_code::usage);
  }
}

TEST_CASE("a file is read, and one that cannot be read is named") {
  auto state = with_orders();
  const auto path = std::filesystem::temp_directory_path() /
                    ("carafe-produce-" + std::to_string(::getpid()) + ".txt");
  std::ofstream{path} << "a\nb\n";
  CHECK(run_words(state, {"produce", "orders", "--file", path}, "not read").code == exit_code::ok);
  CHECK(bodies(*state) == texts{"a", "b"});
  std::filesystem::remove(path);
  auto ran = run_words(state, {"produce", "orders", "--file", path});
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err == "carafe: input_unreadable: " + path.string() + ": No such file or directory\n");
  CHECK(run_line(state, "produce orders --file /").err ==
        "carafe: input_unreadable: /: Is a directory\n");
}

TEST_CASE("a rate is kept") {
  auto state = with_orders();
  const auto begun = std::chrono::steady_clock::now();
  CHECK(run_line(state, "produce orders --rate 100", "1\n2\n3\n4\n5\n6\n").code == exit_code::ok);
  const auto took = std::chrono::steady_clock::now() - begun;
  CHECK(took >= std::chrono::milliseconds{45});
  CHECK(state->sent.size() == 6);
}

TEST_CASE("long lines grow the buffer up to its limit") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::string large(5u << 20, 'x');
  std::thread writer{[&] {
    for (const auto& text :
         {large + "\n", std::string{"short\n"}, std::string(line_input::bytes_max + 1, 'y')})
      for (std::size_t at = 0; at < text.size();) {
        auto count = ::write(ends[1], text.data() + at, text.size() - at);
        if (count <= 0) break;
        at += static_cast<std::size_t>(count);
      }
    ::close(ends[1]);
  }};
  interruption stop;
  line_input input{ends[0], line_input::unit::line, stop};
  REQUIRE(input.next() == line_input::event::piece);
  CHECK(input.piece() == large);
  REQUIRE(input.next() == line_input::event::piece);
  CHECK(input.piece() == "short");
  CHECK(input.next() == line_input::event::too_large);
  CHECK(input.number() == 3);
  ::close(ends[0]);
  writer.join();
}

TEST_CASE("waiting for input ends when it is interrupted") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  interruption stop;
  line_input input{ends[0], line_input::unit::line, stop};
  CHECK(input.next(false) == line_input::event::woken);
  std::thread other{[&] { stop.request(); }};
  CHECK(input.next() == line_input::event::woken);
  CHECK(stop.requested());
  other.join();
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("the progress line fits its terminal") {
  const progress half{.bytes = 50, .bytes_total = 100, .messages = 1'234'567, .seconds = 2};
  CHECK(progress_line(half, 100) ==
        "[===============>              ] 50%  1,234,567 messages  617,284/s  25 B/s  2.0 s left");
  for (std::size_t columns = 1; columns < 120; ++columns)
    CHECK(progress_line(half, columns).size() <= columns);
  const progress done{.bytes = 100, .bytes_total = 100, .messages = 2, .seconds = 0};
  CHECK(progress_line(done, 100).find("] 100%  2 messages") != std::string::npos);
}
