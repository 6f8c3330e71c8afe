#include "test/config/loading.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::config;
using namespace carafe::test;

TEST_CASE("without arguments everything is at its default") {
  const auto done = load_arguments({});
  REQUIRE(done.what.ok());
  CHECK(*done.what == command::run);
  CHECK(done.node() == node_options{});
  CHECK(done.system->config_file_path.empty());
}

TEST_CASE("an empty file and a file of comments change nothing") {
  for (const auto* content : {"", "\n", "; only a comment", "\n\n; one\n;two\n\n", "[carafe]",
                              "[carafe]\n", "carafe { }\n", "[scheduler]\n"}) {
    INFO(content);
    const auto done = load_file(content);
    INFO(done.detail());
    REQUIRE(done.what.ok());
    CHECK(done.node() == node_options{});
  }
}

TEST_CASE("the file overrides the defaults and the command line overrides the file") {
  const auto content = "[carafe]\nshards = 2\nclient-port = 8000\n";
  const auto done = load_file(content, {"--carafe.client-port=9000", "--carafe.node-name=a"});
  REQUIRE(done.what.ok());
  CHECK(done.node().shards == 2);
  CHECK(done.node().client_port == 9000);
  CHECK(done.node().node_name == "a");
  CHECK(done.node().cluster_port == 7471);
  CHECK(done.system->config_file_path == done.path);
}

TEST_CASE("the last of two equal options on the command line counts") {
  CHECK(load_arguments({"--carafe.shards=2", "--carafe.shards=3"}).node().shards == 3);
}

TEST_CASE("a section in braces sets its keys like one in brackets") {
  const auto done = load_file("carafe { shards = 3, data-dir = \"here\" }\n");
  INFO(done.detail());
  REQUIRE(done.what.ok());
  CHECK(done.node().shards == 3);
  CHECK(done.node().data_dir == "here");
}

TEST_CASE("comments, spaces, CR LF, escapes and UTF-8 are taken as meant") {
  const auto done = load_file("; first\r\n[ carafe ]\r\n  shards=2 ; two\r\n"
                              "data-dir = \"a \\\"b\\\" \\\\ é\"\r\n");
  INFO(done.detail());
  REQUIRE(done.what.ok());
  CHECK(done.node().shards == 2);
  CHECK(done.node().data_dir == "a \"b\" \\ é");
}

TEST_CASE("an unknown key is refused with file, line and the key that was meant") {
  const auto done = load_file("[carafe]\n\nshard = 1\n");
  CHECK(done.code() == errc::config_unknown_key);
  CHECK(done.says("carafe.shard (" + done.path + ":3)"));
  CHECK(done.says("did you mean carafe.shards?"));
  CHECK(load_line("data_dir = \"x\"").says("did you mean carafe.data-dir?"));
  CHECK(load_file("data-dir = \"x\"\n").says("did you mean carafe.data-dir?"));
  const auto strange = load_line("entirely-different-thing = 1");
  CHECK(strange.code() == errc::config_unknown_key);
  CHECK(!strange.says("did you mean"));
}

TEST_CASE("an unknown section is refused, even without keys") {
  for (const auto* content :
       {"[caraffe]\n", "[caraffe]\nshards = 1\n", "caraffe { }\n", "[carafe]\n[other]\n",
        "[carafe.inner]\n", "[carafe]\nshards { a = 1 }\n", "[global]\nhelp = true\n",
        "[Carafe]\nshards = 1\n"}) {
    INFO(content);
    CHECK(load_file(content).code() == errc::config_unknown_key);
  }
  CHECK(load_file("[caraffe]\n").says("did you mean carafe?"));
}

TEST_CASE("flags of the command line are no keys of the file") {
  for (const auto* content : {"help = true\n", "dump-config = true\n", "config-file = \"x\"\n"}) {
    INFO(content);
    CHECK(load_file(content).code() == errc::config_unknown_key);
  }
}

TEST_CASE("a key set twice is refused with both lines") {
  for (const auto* content :
       {"[carafe]\nshards = 1\nshards = 2\n", "[carafe]\nshards = 1\n[carafe]\nshards = 1\n",
        "carafe { shards = 1, shards = 2 }\n", "[scheduler]\nmax-threads = 1\nmax-threads = 2\n"}) {
    INFO(content);
    const auto done = load_file(content);
    CHECK(done.code() == errc::config_unreadable);
    CHECK(done.says("set twice"));
  }
  const auto done = load_line("shards = 1\nshards = 2");
  CHECK(done.says(done.path + ":2"));
  CHECK(done.says(done.path + ":3"));
}

TEST_CASE("numbers that no integer holds are out of range, in the file and as arguments") {
  for (const std::string number :
       {"9223372036854775808", "-9223372036854775809", "99999999999999999999999999"}) {
    INFO(number);
    const auto in_file = load_line("retention-ms = " + number);
    CHECK(in_file.code() == errc::config_out_of_range);
    CHECK(in_file.says("carafe.retention-ms (" + in_file.path + ":2)"));
    const auto argument = load_arguments({"--carafe.retention-ms=" + number});
    CHECK(argument.code() == errc::config_out_of_range);
    CHECK(argument.says("carafe.retention-ms (command line)"));
  }
}

TEST_CASE("a file that cannot be read is refused by name") {
  for (const std::string path : {"/nonexistent/carafed.conf", "/"}) {
    const auto done = load_arguments({"--config-file=" + path});
    CHECK(done.code() == errc::config_unreadable);
    CHECK(done.says(path));
  }
}

TEST_CASE("a file with bad syntax is refused with its line") {
  for (const std::string line :
       {"shards", "shards =", "shards = two", "data-dir = ./x", "data-dir = \"x", "= 1", "[carafe",
        "shards = 1.5s", "shards = [1", "shards = {", "log-level = 'far-too-long-atom'",
        "\x01\x02\x03", "]", "}", "shards : 1"}) {
    INFO(line);
    const auto done = load_line(line);
    INFO(done.detail());
    CHECK(done.code() == errc::config_unreadable);
    CHECK((done.says(done.path + ":2: ") || done.says(done.path + ":3: ")));
  }
}

TEST_CASE("a file that is not text or too long is refused") {
  const auto nul = load_file(std::string_view{"[carafe]\nshards = 2\n\0[nonsense", 30});
  CHECK(nul.code() == errc::config_unreadable);
  CHECK(nul.says(":3: not a text file"));
  CHECK(load_file("\x7f"
                  "ELF\x02\x01\x01")
          .code() == errc::config_unreadable);
  CHECK(load_file(std::string((1 << 20) + 1, '\n')).code() == errc::config_unreadable);
  CHECK(load_file(std::string(1 << 20, '\n')).what.ok());
}

TEST_CASE("nesting without end is refused") {
  for (const char open : {'[', '{'}) {
    std::string content = "[carafe]\nshards = ";
    for (int i = 0; i < 200'000; ++i) content.append(open == '[' ? "[" : "{a=");
    const auto done = load_file(content);
    CHECK(done.code() == errc::config_unreadable);
    CHECK(done.says(done.path + ":2: nested too deep"));
  }
  std::string sections = "[a";
  for (int i = 0; i < 200'000; ++i) sections += ".a";
  CHECK(load_file(sections).code() == errc::config_unreadable);
}

TEST_CASE("any cut of a good file is either read or refused with the file's name") {
  const std::string content = "; c\n[carafe]\ndata-dir = \"a\\\"b\" ; d\nshards = 2\n"
                              "[logger]\ncomponent-blacklist = ['a', 'b']\n"
                              "[stream]\nmax-batch-delay = 5ms\n";
  for (std::size_t size = 0; size <= content.size(); ++size) {
    const auto done = load_file(content.substr(0, size));
    INFO(content.substr(0, size));
    CHECK((done.what.ok() || done.says(done.path)));
  }
}
