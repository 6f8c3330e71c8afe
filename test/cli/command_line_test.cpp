#include "cli/shell/command_line.hpp"
#include "cli/shell/commands.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

/// The sentence of a usage error.
std::string error_of(const std::string& line) {
  auto ran = run_line(std::make_shared<fake_state>(), line);
  CHECK(ran.code == exit_code::usage);
  CHECK(ran.out.empty());
  return ran.err;
}

} // namespace

TEST_CASE("usage errors name cause and fix and exit with 2") {
  CHECK(error_of("tpoic list") == "carafe: no command 'tpoic'; did you mean 'topic'?\n");
  CHECK(error_of("frobnicate") == "carafe: no command 'frobnicate'; 'help' lists them\n");
  CHECK(error_of("topic creat x") ==
        "carafe: topic has no command 'creat'; did you mean 'create'?\n");
  CHECK(error_of("group frobnicate") ==
        "carafe: group has no command 'frobnicate'; it has create, "
        "list, describe, lag, alter, reset, forget, export, import, delete\n");
  CHECK(error_of("topic") ==
        "carafe: topic needs one of: create, list, describe, tail, alter, delete\n");
  CHECK(error_of("produce o --reciepts") ==
        "carafe: produce has no option '--reciepts'; did you mean '--receipts'?\n");
  CHECK(error_of("topic list --frobnicate") ==
        "carafe: topic list has no option '--frobnicate'; 'help topic list' lists them\n");
  CHECK(error_of("topic create o --queues") == "carafe: --queues needs a value: N\n");
  CHECK(error_of("topic create o --queues 0") ==
        "carafe: topic create: --queues: '0' is not in range: a whole number from 1 to 1024 "
        "is expected\n");
  CHECK(error_of("topic create o --durability disk") ==
        "carafe: topic create: --durability: 'disk' is none of fsync|interval|memory\n");
  CHECK(error_of("topic create o --retention 7") ==
        "carafe: topic create: --retention: '7' is not a duration: write a number with ms, s, m, "
        "h or d (90s, 15m, 12h, 7d), at most 36500d, or 0\n");
  CHECK(error_of("topic create") == "carafe: topic create: NAME is required\n");
  CHECK(error_of("topic create a b") == "carafe: topic create: 'b' is one value too many\n");
  CHECK(error_of("topic list --node nowhere") ==
        "carafe: topic list: --node: 'nowhere' is not an address: write HOST:PORT, such as "
        "127.0.0.1:7470\n");
  CHECK(error_of("topic create o --queues 1 --queues 2") ==
        "carafe: topic create: --queues is given more than once\n");
  CHECK(error_of("topic alter o") ==
        "carafe: topic alter needs --queues, --retention, --ttl, --dedup-window, --produce-quota, "
        "--consume-quota or --compacted\n");
  CHECK(
    error_of("group reset g --to nowhere").find("group reset: --to: 'nowhere' is not a place") !=
    std::string::npos);
  CHECK(error_of("group reset g") == "carafe: group reset: --to is required\n");
  CHECK(error_of("consume o p --queue 1") == "carafe: consume: --queue needs a single topic\n");
  CHECK(error_of("--json=maybe topic list") == "carafe: --json takes no value\n");
}

TEST_CASE("with --json errors are objects on stderr") {
  CHECK(error_of("--json tpoic") ==
        R"({"error":{"code":"usage","detail":"no command 'tpoic'; did you mean 'topic'?"}})"
        "\n");
  auto state = std::make_shared<fake_state>();
  auto ran = run_line(state, "topic describe orders --json");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.out.empty());
  CHECK(ran.err == R"({"error":{"code":"topic_unknown","detail":"orders"}})"
                   "\n");
}

TEST_CASE("errors of the node exit with 1 and say what to do") {
  auto state = std::make_shared<fake_state>();
  state->down = failure{errc::connection_refused, "127.0.0.1:7470"};
  auto ran = run_line(state, "topic list");
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err == "carafe: connection_refused: " + std::string{explain(errc::connection_refused)} +
                     " (127.0.0.1:7470)\n");
}

TEST_CASE("global options may stand anywhere; the last counts") {
  auto state = std::make_shared<fake_state>();
  for (const char* line :
       {"--node h:1 topic list", "topic --node h:1 list", "topic list --node h:1",
        "--node g:2 topic list --node h:1", "topic list --node=h:1"}) {
    INFO(line);
    CHECK(run_line(state, line).code == exit_code::ok);
    CHECK(state->connected_with.node == "h:1");
  }
  run_line(state, "topic list --timeout 250");
  CHECK(state->connected_with.timeout == std::chrono::milliseconds{250});
  run_line(state, "topic list");
  CHECK(state->connected_with.timeout == default_timeout);
}

TEST_CASE("values may look like options, commands or nothing") {
  auto state = std::make_shared<fake_state>();
  state->topics["o"] = fake_topic("o", 4);
  for (std::string body : {"-x", "--file", "--help", "", "[1,2]", "{}", "topic", "a=b", "--"}) {
    INFO(body);
    state->sent.clear();
    CHECK(run_words(state, {"produce", "o", "--body", body}).code == exit_code::ok);
    CHECK(run_words(state, {"produce", "o", "--body=" + body}).code == exit_code::ok);
    REQUIRE(state->sent.size() == 2);
    CHECK(state->sent[0].message.body == body);
    CHECK(state->sent[1].message.body == body);
  }
  for (const char* name : {"list", "topic", "produce", "help"}) {
    INFO(name);
    CHECK(run_words(state, {"topic", "create", name}).code == exit_code::ok);
    CHECK(state->topics.contains(name));
  }
  CHECK(run_words(state, {"topic", "create", "--", "-odd"}).code == exit_code::ok);
  CHECK(state->topics.contains("-odd"));
}

TEST_CASE("help is a command and an option") {
  auto state = std::make_shared<fake_state>();
  auto all = run_line(state, "help");
  CHECK(all.code == exit_code::ok);
  for (const auto& c : all_commands()) CHECK(all.out.find(c.name) != std::string::npos);
  CHECK(run_line(state, "--help").out == all.out);
  auto create = run_line(state, "help topic create");
  CHECK(create.out.find("carafe topic create NAME [--queues N]") != std::string::npos);
  CHECK(run_line(state, "topic create --help").out == create.out);
  CHECK(run_line(state, "topic create --queues -h").code == exit_code::usage);
  auto topic = run_line(state, "topic --help");
  CHECK(topic.out.find("topic alter") != std::string::npos);
  CHECK(topic.out.find("group list") == std::string::npos);
  auto wrong = run_line(state, "help tpoic");
  CHECK(wrong.code == exit_code::usage);
  CHECK(wrong.err == "carafe: no command 'tpoic'; did you mean 'topic'?\n");
}

TEST_CASE("every command is described in full") {
  std::set<std::string> names;
  for (const auto& c : all_commands()) {
    INFO(c.name);
    CHECK(names.insert(c.name).second);
    CHECK(c.summary.ends_with('.'));
    CHECK_FALSE(c.examples.empty());
    CHECK(c.run);
    for (const auto& o : c.options) {
      INFO(o.name);
      CHECK(o.help.ends_with('.'));
      CHECK(o.take);
    }
  }
}
