#include "cli/shell/child_process.hpp"

#include <catch2/catch.hpp>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace carafe::shell;
using namespace std::chrono_literals;

namespace {

using end = child_outcome::end;

child_outcome run(const std::string& command, std::string_view input = {},
                  const child_limits& limits = {}) {
  interruption never;
  return run_child(command, input, limits, never);
}

/// No child is left behind, not even as a zombie.
bool all_reaped() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

} // namespace

TEST_CASE("a program gets its input, and what it writes is its output") {
  auto ran = run("cat; echo; printf '%s' done", "hello");
  CHECK(ran.good());
  CHECK(ran.output == "hello\ndone");
  CHECK(run("true").output.empty());
  const std::string large(3u << 20, 'x');
  CHECK(run("cat", large, {.output_bytes_max = 4u << 20}).output == large);
  CHECK(all_reaped());
}

TEST_CASE("a program may leave its input alone") {
  const std::string large(3u << 20, 'a');
  CHECK(run("true", large).good());
  CHECK(run("exec <&-; echo x", large).output == "x\n");
  CHECK(run("head -c 3", large).output == "aaa");
}

TEST_CASE("how a program ended is told") {
  auto ran = run("echo half; exit 3");
  CHECK(ran.how == end::exited);
  CHECK_FALSE(ran.good());
  CHECK(ran.text({}) == "exit code 3");
  CHECK(ran.output == "half\n");
  ran = run("kill -9 $$");
  CHECK(ran.how == end::killed);
  CHECK(ran.text({}) == "killed by signal 9");
  CHECK(run("no-such-program-here 2>/dev/null").text({}) == "exit code 127");
  CHECK(all_reaped());
}

TEST_CASE("a program that writes too much is killed") {
  const child_limits limits{.output_bytes_max = 2'048};
  CHECK(run("head -c 2048 /dev/zero", {}, limits).good());
  CHECK(run("head -c 2049 /dev/zero", {}, limits).how == end::output_too_large);
  auto ran = run("cat /dev/zero", {}, limits);
  CHECK(ran.how == end::output_too_large);
  CHECK(ran.text(limits) == "more output than 2.0 KiB");
  CHECK(all_reaped());
}

TEST_CASE("a program that takes too long is killed with what it started") {
  const child_limits limits{.time_max = 100ms};
  auto ran = run("sleep 1000 | cat", {}, limits);
  CHECK(ran.how == end::too_slow);
  CHECK(ran.text(limits) == "not done after 100 ms");
  CHECK(run("exec >&-; sleep 1000", {}, limits).how == end::too_slow);
  CHECK(all_reaped());
}

TEST_CASE("a program that leaves others behind is not waited for longer than itself") {
  auto ran = run("echo x; sleep 5 & echo $!");
  CHECK(ran.good());
  REQUIRE(ran.output.starts_with("x\n"));
  ::kill(std::stoi(ran.output.substr(2)), SIGKILL);
}

TEST_CASE("Ctrl-C asks a program to end, and kills one that does not") {
  for (auto command : {"sleep 1000", "trap '' TERM; while :; do sleep 0.05; done"}) {
    INFO(command);
    interruption stop;
    std::thread presser{[&] { stop.request(); }};
    auto ran = run_child(command, {}, {}, stop);
    presser.join();
    CHECK(ran.how == end::interrupted);
  }
  CHECK(all_reaped());
}
