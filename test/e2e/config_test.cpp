#include "test/e2e/node_process.hpp"
#include "test/e2e/temp_dir.hpp"

#include <catch2/catch.hpp>

#include <fstream>

namespace carafe::test {
namespace {

using Catch::Contains;

constexpr int exit_config = 78;

/// Starts a node with this file, which must be refused, and gives what it says.
std::string refusal_of(const temp_dir& dir, const std::string& content) {
  const auto file = dir / "wrong.conf";
  std::ofstream{file} << content;
  const auto run = run_node(
    dir.path(), {"--config-file=" + file.string(), "--carafe.data-dir=" + (dir / "data").string()});
  CHECK(run.end == exited(exit_config));
  CHECK(run.out.empty());
  CHECK_FALSE(std::filesystem::exists(dir / "data"));
  CHECK_THAT(run.err, Contains(file.string()));
  return run.err;
}

} // namespace

TEST_CASE(
  "a key that is not known is refused, with its name, its file and the one that was meant") {
  temp_dir dir;
  CHECK_THAT(refusal_of(dir, "[carafe]\nclient-prot = 1\n"),
             Contains("config_unknown_key") && Contains("carafe.client-prot") &&
               Contains("wrong.conf:2") && Contains("did you mean carafe.client-port?"));
  CHECK_THAT(refusal_of(dir, "[carafee]\nclient-port = 1\n"), Contains("carafee"));
}

TEST_CASE("a value of the wrong type is refused, with key, file and what is allowed") {
  temp_dir dir;
  CHECK_THAT(refusal_of(dir, "[carafe]\n\nshards = \"many\"\n"),
             Contains("config_wrong_type") && Contains("carafe.shards") &&
               Contains("wrong.conf:3") && Contains("1..64"));
  CHECK_THAT(refusal_of(dir, "[carafe]\nlog-level = 3\n"),
             Contains("config_wrong_type") && Contains("carafe.log-level") && Contains("warning"));
}

TEST_CASE("a value out of range is refused, with key, file and range") {
  temp_dir dir;
  CHECK_THAT(refusal_of(dir, "[carafe]\nsegment-bytes = \"1MiB\"\n"),
             Contains("config_out_of_range") && Contains("carafe.segment-bytes") &&
               Contains("wrong.conf:2") && Contains("16 MiB..64 GiB"));
  CHECK_THAT(refusal_of(dir, "[carafe]\nclient-port = 65536\n"),
             Contains("config_out_of_range") && Contains("0..65535"));
}

TEST_CASE("the command line is checked as the file is") {
  temp_dir dir;
  const auto unknown = run_node(dir.path(), {"--carafe.clientport=1"});
  CHECK(unknown.end == exited(exit_config));
  CHECK_THAT(unknown.err, Contains("carafe.clientport") && Contains("command line"));
  const auto range = run_node(dir.path(), {"--carafe.shards=0"});
  CHECK(range.end == exited(exit_config));
  CHECK_THAT(range.err, Contains("carafe.shards") && Contains("1..64"));
  const auto missing = run_node(dir.path(), {"--config-file=" + (dir / "none.conf").string()});
  CHECK(missing.end == exited(exit_config));
  CHECK_THAT(missing.err, Contains("config_unreadable") && Contains("none.conf"));
}

TEST_CASE("a node starts with the printed example, changed by the command line") {
  temp_dir dir;
  const auto example = run_node(dir / "print", {"--print-example-config"});
  REQUIRE(example.end == exited(0));
  const auto file = dir / "carafed.conf";
  std::ofstream{file} << example.out;
  const auto shown = run_node(
    dir / "dump", {"--config-file=" + file.string(), "--dump-config", "--carafe.client-port=0"});
  CHECK(shown.end == exited(0));
  CHECK_THAT(shown.out, Contains("client-port = 0"));
}

} // namespace carafe::test
