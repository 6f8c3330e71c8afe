#include "config/settings.hpp"

#include "test/config/loading.hpp"

#include <catch2/catch.hpp>

#include <limits>
#include <set>

using namespace carafe;
using namespace carafe::config;
using namespace carafe::test;

namespace {

bool is_text(const setting& what) {
  return std::holds_alternative<std::string node_options::*>(what.field);
}

bool is_word(const setting& what) {
  return std::holds_alternative<log_level node_options::*>(what.field);
}

bool is_integer(const setting& what) { return !is_text(what) && !is_word(what); }

/// Values that fit when everything else is at its default.
std::string some_integer(const setting& what) {
  return what.key == "segment-bytes" ? "33554432" : std::to_string(what.min + 1);
}

void require_refused(const setting& what, const std::string& value, errc expected) {
  const auto key = std::string{what.key};
  INFO(key << " = " << value);
  const auto done = load_line(key + " = " + value);
  INFO(done.detail());
  CHECK(done.code() == expected);
  CHECK(done.says("carafe." + key + " (" + done.path + ":2)"));
  CHECK(done.says("allowed: " + range_text(what)));
}

} // namespace

TEST_CASE("there are at most 30 settings, each with a key, a unit and a sentence of its own") {
  std::set<std::string_view> keys;
  std::set<std::string_view> sentences;
  CHECK(settings.size() <= 30);
  for (const auto& what : settings) {
    INFO(what.key);
    CHECK(keys.insert(what.key).second);
    CHECK(sentences.insert(what.about).second);
    CHECK(!what.unit.empty());
    CHECK(what.about.ends_with('.'));
    CHECK(find_setting(what.key) == &what);
  }
  CHECK(find_setting("no-such-key") == nullptr);
  CHECK(find_setting("") == nullptr);
}

TEST_CASE("every default is within its own range and fits the others") {
  node_options options;
  for (const auto& what : settings) {
    INFO(what.key);
    node_options changed;
    CHECK(assign_text(changed, what, value_text(what, node_options{}), "here").ok());
    CHECK(changed == options);
  }
  CHECK(!find_conflict(options));
}

TEST_CASE("defaults are those of the documents") {
  const node_options options;
  CHECK(options.data_dir == "./carafe-data");
  CHECK(options.listen_address == "127.0.0.1");
  CHECK(options.client_port == 7470);
  CHECK(options.cluster_port == 7471);
  CHECK(options.shards == 1);
  CHECK(options.message_bytes_max == 4 * 1024 * 1024);
  CHECK(options.frame_bytes_max() == 9 * 1024 * 1024);
  CHECK(options.create_on_use_queues == 0);
}

TEST_CASE("every setting can be set in the file and on the command line") {
  for (const auto& what : settings) {
    const auto key = std::string{what.key};
    const auto value = is_integer(what) ? some_integer(what) : is_word(what) ? "debug" : "other";
    INFO(key << " = " << value);
    const auto from_file =
      load_line(key + " = " + (is_integer(what) ? value : "\"" + value + "\""));
    INFO(from_file.detail());
    REQUIRE(from_file.what.ok());
    const auto from_argument = load_arguments({"--carafe." + key + "=" + value});
    INFO(from_argument.detail());
    REQUIRE(from_argument.what.ok());
    CHECK(from_file.node() != node_options{});
    CHECK(from_file.node() == from_argument.node());
  }
}

TEST_CASE("every setting refuses values of another type, naming key, file, line and range") {
  for (const auto& what : settings) {
    for (const auto* value : {"true", "1.5", "'atom'", "7s", "[1, 2]", "<tcp://localhost>"})
      require_refused(what, value, errc::config_wrong_type);
    if (is_integer(what))
      require_refused(what, "\"many\"", errc::config_wrong_type);
    else
      require_refused(what, "1", errc::config_wrong_type);
  }
}

TEST_CASE("every setting refuses values below and above its range") {
  for (const auto& what : settings) {
    if (is_integer(what)) {
      require_refused(what, "-1", errc::config_out_of_range);
      require_refused(what, "-9223372036854775808", errc::config_out_of_range);
      require_refused(what, "9223372036854775807", errc::config_out_of_range);
      require_refused(what, std::to_string(what.max + 1), errc::config_out_of_range);
      if (what.min > 0)
        require_refused(what, std::to_string(what.min - 1), errc::config_out_of_range);
    } else if (is_word(what)) {
      require_refused(what, "\"loud\"", errc::config_out_of_range);
      require_refused(what, "\"\"", errc::config_out_of_range);
      require_refused(what, "\"INFO\"", errc::config_out_of_range);
    } else {
      require_refused(what, "\"" + std::string(what.max + 1, 'x') + "\"",
                      errc::config_out_of_range);
      require_refused(what, "\"a\\nb\"", errc::config_out_of_range);
      if (what.min > 0) require_refused(what, "\"\"", errc::config_out_of_range);
    }
  }
}

TEST_CASE("both ends of every range are allowed") {
  for (const auto& what : settings) {
    if (!is_integer(what)) continue;
    for (const auto value : {what.min, what.max}) {
      INFO(what.key << " = " << value);
      node_options options;
      CHECK(assign_text(options, what, std::to_string(value), "here").ok());
      node_options again;
      CHECK(assign_text(again, what, value_text(what, options), "here").ok());
      CHECK(again == options);
    }
  }
}

TEST_CASE("a segment is a multiple of a page") {
  CHECK(load_line("segment-bytes = 33554433").code() == errc::config_out_of_range);
  CHECK(load_line("segment-bytes = 33554433").says("a multiple of 4096"));
  CHECK(load_line("segment-bytes = 33554432").what.ok());
}

TEST_CASE("sizes may have a unit") {
  CHECK(load_line("segment-bytes = \"2GiB\"").node().segment_bytes == 2ull << 30);
  CHECK(load_line("segment-bytes = \"2 GiB\"").node().segment_bytes == 2ull << 30);
  CHECK(load_arguments({"--carafe.segment-bytes=2GiB"}).node().segment_bytes == 2ull << 30);
  CHECK(load_line("segment-bytes = \"2 GB\"").code() == errc::config_wrong_type);
  CHECK(load_line("segment-bytes = \"15MiB\"").code() == errc::config_out_of_range);
  CHECK(load_line("segment-bytes = \"-2MiB\"").code() == errc::config_wrong_type);
  CHECK(load_line("segment-bytes = \"99999999999PiB\"").code() == errc::config_out_of_range);
  CHECK(load_line("client-port = \"7KiB\"").code() == errc::config_wrong_type);
}

TEST_CASE("settings that contradict each other are refused, naming both and their origins") {
  const auto ports = load_file("[carafe]\ncluster-port = 8000\n", {"--carafe.client-port=8000"});
  CHECK(ports.code() == errc::config_out_of_range);
  CHECK(ports.says("client-port: command line"));
  CHECK(ports.says("cluster-port: " + ports.path + ":2"));
  CHECK(load_line("client-port = 0\ncluster-port = 0").what.ok());

  const auto frame = load_line("segment-bytes = \"64MiB\"\nmessage-bytes-max = \"64MiB\"");
  CHECK(frame.code() == errc::config_out_of_range);
  CHECK(frame.says("segment-bytes"));
  CHECK(frame.says("message-bytes-max"));
  CHECK(load_line("segment-bytes = \"16MiB\"").what.ok());
}
