#include "test/build_paths.hpp"
#include "test/e2e/running_node.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>

namespace carafe::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t order_queues = 2;
constexpr std::uint64_t orders = 90;
constexpr std::uint64_t clicks = 20;
constexpr offset committed{10};
constexpr codec codecs[] = {codec::none, codec::lz4, codec::zstd};

/// The order with this number; it went into queue `number` % `order_queues`.
client::message order(std::uint64_t number) {
  const auto text = std::to_string(number);
  return {.body = "order " + text + ' ' + std::string(number * 7, 'o'),
          .key = "customer-" + std::to_string(number % 7),
          .tag = number % 3 == 0 ? "express" : "",
          .properties = {{"number", text}, {"region", number % 2 ? "north" : "south"}},
          .born = unix_ms{1'700'000'000'000 + static_cast<std::int64_t>(number)}};
}

std::string click(std::uint64_t number) { return "click " + std::to_string(number); }

void check_order(const client::delivery& d) {
  const auto wanted = order(d.offset.value * order_queues + d.number.value);
  CHECK(d.body == wanted.body);
  CHECK(d.key == wanted.key);
  CHECK(d.tag == wanted.tag);
  CHECK(d.properties == wanted.properties);
  CHECK(d.born == wanted.born);
}

/// Everything of the topic from where the group, if any, goes on.
std::vector<client::delivery> read_all(const client::client& c, const std::string& group) {
  client::consumer_options options;
  options.topics = {"orders"};
  options.group = group;
  auto consumer = must(c.make_consumer(options));
  std::vector<client::delivery> all;
  const auto wanted = orders - (group.empty() ? 0 : committed.value);
  while (all.size() < wanted) {
    auto some = must(consumer->poll(1'000, 10s));
    if (some.empty()) throw std::runtime_error{"nothing comes any more"};
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

void fill(const client::client& c) {
  must(c.create_topic("orders", order_queues, {.mode = durability::fsync}));
  must(c.create_topic("clicks", 1, {.mode = durability::memory}));
  std::uint64_t next = 0;
  for (auto compression : codecs) {
    auto p = must(c.make_producer({.linger = 50ms, .compression = compression}));
    for (; next < orders * (static_cast<std::uint64_t>(compression) + 1) / std::size(codecs);
         ++next)
      must(p->send_async(
        "orders", order(next), [](const auto& answer) { must(answer); },
        queue_number{static_cast<std::uint32_t>(next % order_queues)}));
    must(p->flush());
  }
  auto p = must(c.make_producer({}));
  for (std::uint64_t n = 0; n < clicks; ++n) must(p->send("clicks", {.body = click(n)}));
  client::consumer_options member;
  member.topics = {"orders"};
  member.group = "billing";
  must(c.make_consumer(member));
  must(c.reset_group("billing", "orders", queue_number{0},
                     {start_position::kind::at_offset, committed}));
}

/// Gives the space back that was taken for later pages.
void shorten(const fs::path& file) {
  constexpr std::size_t page_bytes = 4'096;
  const auto bytes = read_file(file);
  const auto end = bytes.find_last_not_of('\0');
  if (file.extension() == ".mdb" && end != std::string::npos)
    fs::resize_file(file, (end / page_bytes + 1) * page_bytes);
}

} // namespace

// Format 1 was released with this directory. It is read as long as this version or the one before
// it writes format 1 (docs/architecture.md).
TEST_CASE("a node goes on with the data of format 1") {
  temp_dir dir;
  node_process node{dir.path(),
                    {{"client-port", std::to_string(free_port())}, {"retention-ms", "0"}}};
  fs::copy(fs::path{source_dir} / "test/e2e/golden/format-1", node.data_dir(),
           fs::copy_options::recursive);
  shell run{dir.path(), node};
  const auto found = run.json({"log", "verify", node.data_dir().string()}).object();
  CHECK(found.at("ok") == true);
  CHECK(found.at("messages") == orders + clicks);

  for (int start = 0; start < 2; ++start) {
    node.start();
    const auto c = connect_to(node.address());
    const auto all = read_all(c, "");
    CHECK(all.size() == orders);
    for (const auto& d : all) check_order(d);
    const auto behind = read_all(c, "billing");
    CHECK(behind.size() == orders - committed.value);
    for (const auto& d : behind) check_order(d);
    const auto bodies = bodies_in(node.address(), "clicks", queue_number{0});
    REQUIRE(bodies.size() == clicks + static_cast<std::uint64_t>(start));
    for (std::uint64_t n = 0; n < bodies.size(); ++n) CHECK(bodies[n] == click(n));
    auto p = must(c.make_producer({}));
    CHECK(must(p->send("clicks", {.body = click(clicks + static_cast<std::uint64_t>(start))}))
            .offset.value == clicks + static_cast<std::uint64_t>(start));
    if (start == 0)
      node.kill();
    else
      CHECK(node.stop() == exited(0));
  }
}

// Run by hand when the format changes, with CARAFE_GOLDEN naming the new folder.
TEST_CASE("the data of this format is made", "[.golden]") {
  const auto* path = std::getenv("CARAFE_GOLDEN");
  REQUIRE(path);
  running_node at;
  fill(at.client);
  REQUIRE(at.node.stop() == exited(0));
  fs::create_directories(fs::path{path}.parent_path());
  fs::copy(at.node.data_dir(), path, fs::copy_options::recursive);
  for (const auto& entry : fs::recursive_directory_iterator{path}) {
    if (entry.path().extension() == ".mdb-lock" || entry.path().filename() == "lock")
      fs::remove(entry.path());
    else if (entry.is_regular_file())
      shorten(entry.path());
  }
}

} // namespace carafe::test
