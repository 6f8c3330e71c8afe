#include "test/config/loading.hpp"

#include <caf/actor_system.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::config;
using namespace carafe::test;

TEST_CASE("CAF's settings are taken from the file and the command line") {
  const auto done = load_file("stream { max-batch-delay = 7ms }\n"
                              "[scheduler]\nmax-threads = 3\npolicy = 'sharing'\n"
                              "[middleman]\nworkers = 2\nheartbeat-interval = 1s\n"
                              "[logger]\ncomponent-blacklist = ['one', 'two']\n"
                              "[openssl]\ncertificate = \"a.pem\"\n",
                              {"--scheduler.max-threads=2", "--scheduler.enable-profiling",
                               "--work-stealing.relaxed-sleep-duration=20ms"});
  INFO(done.detail());
  REQUIRE(done.what.ok());
  const auto& system = *done.system;
  CHECK(caf::get<std::size_t>(system, "scheduler.max-threads") == 2);
  CHECK(caf::get<caf::atom_value>(system, "scheduler.policy") == caf::atom("sharing"));
  CHECK(caf::get<bool>(system, "scheduler.enable-profiling"));
  CHECK(caf::get<std::size_t>(system, "middleman.workers") == 2);
  CHECK(caf::get<caf::timespan>(system, "work-stealing.relaxed-sleep-duration") ==
        caf::timespan{20'000'000});
  // Values that CAF reads from its members, not from its dictionary.
  CHECK(system.stream_max_batch_delay == caf::timespan{7'000'000});
  CHECK(system.openssl_certificate == "a.pem");
}

TEST_CASE("idle workers wait to be woken unless the user wants otherwise") {
  const caf::string_view poll = "work-stealing.moderate-poll-attempts";
  const auto ours = load_arguments({});
  CHECK(caf::get<std::size_t>(*ours.system, poll) == 0);
  CHECK(caf::get<std::size_t>(*ours.system, "middleman.workers") == 0);
  const auto theirs = load_file("[work-stealing]\nmoderate-poll-attempts = 500\n");
  CHECK(caf::get<std::size_t>(*theirs.system, poll) == 500);
}

TEST_CASE("a key that CAF does not know is refused") {
  const auto done = load_file("[scheduler]\nmax-thread = 2\n");
  CHECK(done.code() == errc::config_unknown_key);
  CHECK(done.says("scheduler.max-thread (" + done.path + ":2)"));
  CHECK(done.says("did you mean scheduler.max-threads?"));
  CHECK(load_file("[scheduler.inner]\na = 1\n").code() == errc::config_unknown_key);
  CHECK(load_arguments({"--scheduler.max-thread=2"}).code() == errc::config_unknown_key);
  CHECK(load_arguments({"--caf#scheduler.max-threads=2"}).code() == errc::config_unknown_key);
}

TEST_CASE("a CAF setting refuses values of another type") {
  for (const auto* line :
       {"max-threads = \"2\"", "max-threads = 2.5", "max-threads = true", "policy = \"stealing\"",
        "enable-profiling = 1", "profiling-resolution = 100", "profiling-output-file = 'x'"}) {
    INFO(line);
    const auto done = load_file("[scheduler]\n" + std::string{line} + "\n");
    CHECK(done.code() == errc::config_wrong_type);
    CHECK(done.says(done.path + ":2"));
  }
  for (const auto* argument :
       {"--scheduler.max-threads=two", "--scheduler.max-threads=", "--scheduler.max-threads",
        "--scheduler.enable-profiling=maybe", "--stream.max-batch-delay=5"}) {
    INFO(argument);
    CHECK(load_arguments({argument}).code() == errc::config_wrong_type);
  }
}

TEST_CASE("a CAF setting refuses values that CAF would stumble over") {
  for (const auto* argument :
       {"--scheduler.max-threads=0", "--scheduler.max-threads=-1", "--scheduler.max-throughput=0",
        "--scheduler.policy=lazy", "--work-stealing.relaxed-steal-interval=0",
        "--middleman.network-backend=other", "--stream.max-batch-delay=-5ms"}) {
    INFO(argument);
    const auto done = load_arguments({argument});
    CHECK(done.code() == errc::config_out_of_range);
    CHECK(done.says("allowed: "));
  }
}

TEST_CASE("an actor system starts from the settings") {
  auto done = load_arguments({"--scheduler.max-threads=1"});
  REQUIRE(done.what.ok());
  caf::actor_system system{*done.system};
  CHECK(system.scheduler().num_workers() == 1);
}
