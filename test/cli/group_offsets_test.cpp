#include "cli/shell/offsets_import.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;

namespace {

using outcome_kind = offset_change::outcome;

/// Group `g` of topic `t` with three queues that keep 10 to 100 each; the last committed nothing.
client::group_info group_g() {
  client::group_info group;
  group.name = "g";
  group.mode = "ordered";
  group.topics = {"t"};
  for (std::uint32_t number = 0; number < 3; ++number) {
    client::group_queue_info q;
    q.topic = "t";
    q.number = queue_number{number};
    q.earliest = offset{10};
    q.end = offset{100};
    if (number < 2) q.committed = offset{20 + number};
    group.queues.push_back(q);
  }
  return group;
}

group_offsets sample() { return offsets_of(group_g(), unix_ms{1'795'341'600'123}); }

/// A name for a file that is removed when this goes.
class scratch {
public:
  scratch()
    : folder_(std::filesystem::temp_directory_path() /
              ("carafe-offsets-" + std::to_string(::getpid()))) {
    std::filesystem::create_directory(folder_);
  }
  ~scratch() { std::filesystem::remove_all(folder_); }
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  [[nodiscard]] std::string path() const { return (folder_ / "offsets.json").string(); }
  void write(const std::string& text) const { std::ofstream{path()} << text; }
  [[nodiscard]] std::string read() const {
    std::ostringstream all;
    all << std::ifstream{path()}.rdbuf();
    return all.str();
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator{folder_}, {}));
  }

private:
  std::filesystem::path folder_;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  return text.replace(text.find(from), from.size(), to);
}

} // namespace

TEST_CASE("a file of offsets is read as it was written") {
  const auto written = to_text(sample());
  CHECK(written.find("{\"topic\":\"t\",\"queue\":1,\"committed\":21},\n") != std::string::npos);
  auto read = parse_offsets(written);
  REQUIRE(read.ok());
  CHECK(*read == sample());
  group_offsets none{"g", "keyed", {}, unix_ms{1}, {}};
  CHECK(*parse_offsets(to_text(none)) == none);
}

TEST_CASE("every field of a file of offsets is checked") {
  const auto good = to_text(sample());
  auto wrong = [&](const std::string& from, const std::string& to, const std::string& why) {
    INFO(from << " -> " << to);
    auto read = parse_offsets(replaced(good, from, to));
    REQUIRE_FALSE(read.ok());
    CHECK(read.code() == errc::invalid_argument);
    CHECK_THAT(read.error().detail, Catch::Contains(why));
  };
  wrong("carafe group offsets", "other", "its format is not");
  wrong("\"version\": 1", "\"version\": 2", "its version is not 1");
  wrong("\"version\": 1", "\"version\": \"1\"", "its version is not 1");
  wrong("\"group\": \"g\"", "\"group\": \"\"", "group is not a text");
  wrong("\"group\": \"g\",\n", "", "group is missing");
  wrong("\"ordered\"", "\"broadcast\"", "mode is none of");
  wrong("[\"t\"]", "\"t\"", "topics is not a list");
  wrong("[\"t\"]", "[\"t\",\"t\"]", "topics[1]: t is there twice");
  wrong("[\"t\"]", "[\"u\"]", "queues[0].topic: t is none of the file's topics");
  wrong("2026-11-22T", "yesterday", "exported: ");
  wrong("\"queue\":1", "\"queue\":-1", "queues[1].queue is not a whole number");
  wrong("\"queue\":1", "\"queue\":4294967296", "queues[1].queue is not a whole number");
  wrong("\"queue\":1", "\"queue\":0", "queues[1]: queue t/0 is there twice");
  wrong("\"committed\":21", "\"committed\":2.5", "queues[1].committed is not a whole number");
  wrong("\"committed\":21", "\"committed\":\"21\"", "queues[1].committed is not a whole number");
  wrong(",\"committed\":21", "", "queues[1].committed is missing");
  wrong("\"committed\":21", "\"committed\":21,\"lag\":1", "queues[1].lag is not a field");
  wrong("\"committed\":21", "\"committed\":21,\"committed\":22", "committed is there twice");
  wrong("\"mode\"", "\"owner\": 1, \"mode\"", "owner is not a field");
  wrong("}\n", "", "it is not JSON");
  for (auto text : {"", "[]", "null", "\"x\"", "{}"}) CHECK_FALSE(parse_offsets(text).ok());
  // In words of its own, with the line.
  CHECK(parse_offsets("{\n\"format\": oops").error().detail.find("it is not JSON: see line 2; ") !=
        std::string::npos);
  CHECK(parse_offsets("{\n\"format\": oops").error().detail.find("[json") == std::string::npos);
}

TEST_CASE("an import is planned queue by queue, and all or none is set") {
  auto file = sample();
  auto outcomes = [&](bool clamp) {
    std::vector<outcome_kind> all;
    for (const auto& change : plan_import(file, group_g(), clamp)) all.push_back(change.what);
    return all;
  };
  using all = std::vector<outcome_kind>;
  CHECK(outcomes(false) == all{outcome_kind::planned, outcome_kind::planned, outcome_kind::kept});
  for (auto [at, clamped] : {std::pair{9u, 10u}, std::pair{101u, 100u}}) {
    file.queues[0].committed = offset{at};
    CHECK(outcomes(false) == all{outcome_kind::refused, outcome_kind::left, outcome_kind::kept});
    CHECK(plan_import(file, group_g(), true)[0].to == offset{clamped});
  }
  for (auto at : {10u, 100u}) {
    file.queues[0].committed = offset{at};
    CHECK(outcomes(false)[0] == outcome_kind::planned);
  }
  file.queues[0].number = queue_number{7};
  CHECK(outcomes(true) == all{outcome_kind::refused, outcome_kind::left, outcome_kind::kept,
                              outcome_kind::kept}); // t/0 is not in the file any more.
  file.queues[0].topic = "u";
  CHECK(plan_import(file, group_g(), true)[0].detail == "the group does not read this topic");
}

TEST_CASE("group export writes a new file, and replaces one only when told") {
  scratch at;
  auto state = std::make_shared<fake_state>();
  state->groups["g"] = group_g();
  auto ran = run_line(state, "group export g " + at.path());
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "offsets of 3 queues of group g written to " + at.path() + "\n");
  CHECK(ran.err.empty());
  CHECK(parse_offsets(at.read())->queues == sample().queues);
  at.write("precious");
  ran = run_line(state, "group export g " + at.path());
  CHECK(ran.code == exit_code::failed);
  CHECK_THAT(ran.err, Catch::StartsWith("carafe: output_failed: ") &&
                        Catch::Contains("--overwrite replaces the file"));
  CHECK(at.read() == "precious");
  CHECK(run_line(state, "group export g --overwrite " + at.path()).code == exit_code::ok);
  CHECK(parse_offsets(at.read()).ok());
  CHECK(at.files() == 1);
  CHECK(run_line(state, "group export g -").out.starts_with("{\n  \"format\""));
  CHECK(run_line(state, "group export nowhere -").code == exit_code::failed);
  state->groups["g"].queues[0].waiting = 2;
  CHECK_THAT(run_line(state, "group export g -").err, Catch::StartsWith("2 messages of the group"));
}

TEST_CASE("group import sets each queue and says what became of it") {
  auto state = std::make_shared<fake_state>();
  state->groups["g"] = group_g();
  state->groups["other"] = group_g();
  const auto text = replaced(to_text(sample()), "\"committed\":21", "\"committed\":55");
  auto ran = run_line(state, "group import - --json", text);
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.err.empty());
  CHECK(state->resets == std::vector<std::string>{"g t/0 20", "g t/1 55"});
  std::istringstream lines{ran.out};
  std::string line;
  std::getline(lines, line);
  std::getline(lines, line);
  CHECK(nlohmann::json::parse(line) == nlohmann::json{{"topic", "t"},
                                                      {"queue", 1},
                                                      {"was", 21},
                                                      {"committed", 55},
                                                      {"outcome", "set"},
                                                      {"detail", ""}});
  state->resets.clear();
  CHECK(run_line(state, "group import - --group other", text).err == "2 queues set\n");
  CHECK(state->resets.at(0) == "other t/0 20");
}

TEST_CASE("group import changes nothing in a dry run, or when an offset is refused") {
  auto state = std::make_shared<fake_state>();
  state->groups["g"] = group_g();
  CHECK(run_line(state, "group import - --dry-run", to_text(sample())).err ==
        "2 queues would be set; nothing was changed\n");
  const auto beyond = replaced(to_text(sample()), "\"committed\":21", "\"committed\":101");
  auto ran = run_line(state, "group import -", beyond);
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err == "0 queues set, 1 not\n");
  CHECK_THAT(ran.out, Catch::Contains("101 is past 100, the queue's end"));
  CHECK(state->resets.empty());
  CHECK(run_line(state, "group import - --clamp", beyond).code == exit_code::ok);
  CHECK(state->resets == std::vector<std::string>{"g t/0 20", "g t/1 100"});
}

TEST_CASE("a queue that cannot be set does not keep the others of an import back") {
  auto state = std::make_shared<fake_state>();
  state->groups["g"] = group_g();
  state->reset_failures[queue_number{0}] = failure{errc::group_in_use, "t/0"};
  auto ran = run_line(state, "group import -", to_text(sample()));
  CHECK(ran.code == exit_code::failed);
  CHECK(ran.err == "1 queue set, 1 not\n");
  CHECK_THAT(ran.out, Catch::Contains("group_in_use: "));
  CHECK(state->resets == std::vector<std::string>{"g t/1 21"});
}

TEST_CASE("group import tells what is wrong with its file and its group") {
  auto state = std::make_shared<fake_state>();
  auto error_of = [&](const std::string& line, const std::string& in = {}) {
    auto ran = run_line(state, line, in);
    CHECK(ran.code == exit_code::failed);
    return ran.err;
  };
  CHECK_THAT(error_of("group import /nowhere/x"), Catch::StartsWith("carafe: input_unreadable: "));
  CHECK_THAT(error_of("group import /tmp"), Catch::Contains("/tmp: Is a directory"));
  CHECK_THAT(error_of("group import -", "{}"), Catch::Contains("-: it is no file of"));
  CHECK_THAT(error_of("group import -", to_text(sample())), Catch::Contains("group_unknown"));
  state->groups["g"] = group_g();
  state->groups["g"].mode = "shared";
  CHECK_THAT(run_line(state, "group import -", to_text(sample())).err,
             Catch::StartsWith("the file is of a group of mode ordered, and g is shared\n"));
}
