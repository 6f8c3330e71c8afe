#include "test/config/loading.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::config;
using namespace carafe::test;

TEST_CASE("flags say what is to be done") {
  CHECK(*load_arguments({"--help"}).what == command::help);
  CHECK(*load_arguments({"-h"}).what == command::help);
  CHECK(*load_arguments({"--version"}).what == command::version);
  CHECK(*load_arguments({"--dump-config"}).what == command::dump_config);
  CHECK(*load_arguments({"--print-example-config"}).what == command::print_example);
  CHECK(*load_arguments({"--print-settings-table"}).what == command::print_table);
}

TEST_CASE("help needs no valid settings, a dump does") {
  CHECK(*load_arguments({"--carafe.shards=none", "--help"}).what == command::help);
  CHECK(load_arguments({"--carafe.shards=none", "--dump-config"}).code() ==
        errc::config_wrong_type);
}

TEST_CASE("unknown arguments are refused with the one that was meant") {
  const auto key = load_arguments({"--carafe.data-dirr=x"});
  CHECK(key.code() == errc::config_unknown_key);
  CHECK(key.says("carafe.data-dirr (command line): unknown; did you mean carafe.data-dir?"));
  CHECK(load_arguments({"--data-dir=x"}).says("did you mean carafe.data-dir?"));
  CHECK(load_arguments({"--hlep"}).says("did you mean help?"));
  CHECK(load_arguments({"--config-fil=x"}).says("did you mean config-file?"));
  for (const auto* argument : {"start", "-x", "--", "-", "", "--carafe.=1", "--carafe=1",
                               "--=", "--help=1", "--global.help", "--carafe.shards.more=1"}) {
    INFO(argument);
    CHECK(load_arguments({argument}).code() == errc::config_unknown_key);
  }
}

TEST_CASE("an option without its value is refused") {
  CHECK(load_arguments({"--carafe.shards"}).code() == errc::config_wrong_type);
  CHECK(load_arguments({"--carafe.shards", "2"}).code() == errc::config_unknown_key);
  CHECK(load_arguments({"--config-file"}).code() == errc::config_wrong_type);
  CHECK(load_arguments({"--config-file="}).code() == errc::config_wrong_type);
  CHECK(load_arguments({"--config-file", "x.conf"}).code() == errc::config_unknown_key);
}

TEST_CASE("numbers on the command line are whole and decimal") {
  for (const auto* value : {"", "2x", "x", "2.0", "0x2", "1e3", " 2", "2 ", "+2", "\"2\""}) {
    INFO(value);
    const auto done = load_arguments({std::string{"--carafe.shards="} + value});
    CHECK(done.code() == errc::config_wrong_type);
    CHECK(done.says("carafe.shards (command line): expected an integer (shards)"));
    CHECK(done.says("allowed: 1..64"));
  }
  CHECK(load_arguments({"--carafe.shards=-2"}).code() == errc::config_out_of_range);
}

TEST_CASE("texts on the command line are taken literally") {
  CHECK(load_arguments({"--carafe.data-dir=a b\"=c"}).node().data_dir == "a b\"=c");
  CHECK(load_arguments({"--carafe.node-name="}).node().node_name.empty());
  CHECK(load_arguments({"--carafe.data-dir="}).code() == errc::config_out_of_range);
  CHECK(load_arguments({"--carafe.listen-address=::1"}).node().listen_address == "::1");
  CHECK(load_arguments({"--carafe.listen-address=a b"}).code() == errc::config_out_of_range);
}
