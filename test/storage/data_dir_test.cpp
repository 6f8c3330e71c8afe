#include "log_fixture.hpp"

#include <fcntl.h>
#include <fstream>
#include <unistd.h>

using namespace carafe;
using namespace carafe::test;
using namespace carafe::storage;

namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void spit(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path, std::ios::binary} << text;
}

void spit_at_begin(const std::filesystem::path& path, const std::string& text) {
  std::ofstream{path, std::ios::binary | std::ios::in} << text;
}

} // namespace

TEST_CASE("a data directory keeps its identity and its shards") {
  temporary_folder folder;
  auto path = folder.path() / "a" / "b";
  std::uint64_t id = 0;
  {
    auto dir = must(data_dir::open(path));
    id = dir.node_id();
    CHECK(id != 0);
    CHECK(dir.shards().empty());
    must(dir.open_shard(shard_id{2}, small_log()));
    must(dir.open_shard(shard_id{0}, small_log()));
    CHECK(dir.shards() == std::vector{shard_id{0}, shard_id{2}});
    CHECK(must(dir.free_bytes()) > 0);
  }
  auto dir = must(data_dir::open_existing(path));
  CHECK(dir.node_id() == id);
  CHECK(dir.path() == path);
}

TEST_CASE("a data directory in use is refused, with the pid of its holder") {
  temporary_folder folder;
  auto dir = std::make_unique<data_dir>(must(data_dir::open(folder.path())));
  for (auto open : {data_dir::open, data_dir::open_existing}) {
    auto again = open(folder.path());
    CHECK(again.code() == errc::storage_locked);
    CHECK(again.error().detail.find(std::to_string(::getpid())) != std::string::npos);
    CHECK(again.error().detail.find(folder.path().string()) != std::string::npos);
  }
  dir.reset();
  CHECK(data_dir::open(folder.path()).ok());
}

TEST_CASE("nothing is created where there is no data directory and none was asked for") {
  temporary_folder folder;
  auto path = folder.path() / "none";
  CHECK(data_dir::open_existing(path).code() == errc::not_found);
  CHECK(!std::filesystem::exists(path));
  CHECK(data_dir::open_existing(folder.path()).code() == errc::not_found);
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a folder with other things in it is not taken for a data directory") {
  temporary_folder folder;
  spit(folder.path() / "thesis.txt", "two years of work");
  auto opened = data_dir::open(folder.path());
  CHECK(opened.code() == errc::format_foreign);
  CHECK(opened.error().detail.find("thesis.txt") != std::string::npos);
  CHECK(!std::filesystem::exists(folder.path() / "carafe.format"));
  CHECK(!std::filesystem::exists(folder.path() / "lock"));
}

TEST_CASE("newer, foreign and damaged format files are told apart") {
  temporary_folder folder;
  must(data_dir::open(folder.path()));
  auto path = folder.path() / "carafe.format";
  auto text = slurp(path);
  REQUIRE(text.starts_with("carafe data, format 1\nnode "));

  auto newer = text;
  newer.replace(newer.find("format 1"), 8, "format 2");
  spit(path, newer);
  auto opened = data_dir::open(folder.path());
  CHECK(opened.code() == errc::format_newer);
  CHECK(opened.error().detail.find("format 2") != std::string::npos);

  auto older = text;
  older.replace(older.find("format 1"), 8, "format 0");
  spit(path, older);
  CHECK(data_dir::open(folder.path()).code() == errc::format_foreign);

  auto flipped = text;
  flipped[text.find("node ") + 5] ^= 1;
  spit(path, flipped);
  CHECK(data_dir::open(folder.path()).code() == errc::storage_corrupt);

  for (const auto& foreign : {std::string{}, std::string{"{}"}, std::string(4000, 'x')}) {
    spit(path, foreign);
    CHECK(data_dir::open(folder.path()).code() == errc::format_foreign);
  }
  spit(path, text);
  CHECK(data_dir::open(folder.path()).ok());
}

TEST_CASE("segment sizes that cannot be are refused") {
  temporary_folder folder;
  auto dir = must(data_dir::open(folder.path()));
  for (std::uint64_t bytes : {0ull, 4096ull, (1ull << 20) + 1}) {
    auto how = small_log();
    how.segment_bytes = bytes;
    CHECK(dir.open_shard(shard_id{0}, how).code() == errc::invalid_argument);
  }
  CHECK(dir.shards().empty());
}

TEST_CASE("a shard's files are not accepted in another shard") {
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    log_writer writer;
    writer.append(node.log(), 1, {queue_id{1}});
  }
  std::filesystem::rename(folder.path() / "shard-0", folder.path() / "shard-1");
  auto dir = must(data_dir::open(folder.path()));
  CHECK(dir.open_shard(shard_id{1}, small_log()).code() == errc::storage_corrupt);
  CHECK(must(verify(dir)).damage.size() == 2); // Nor is the other one there.
}

TEST_CASE("a log without its state is not opened as if it were new") {
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    log_writer writer;
    writer.append(node.log(), 1, {queue_id{1}});
  }
  std::filesystem::remove(folder.path() / "shard-0" / "state.mdb");
  auto why = fail_to_open(folder.path(), small_log());
  CHECK(why.code == errc::storage_corrupt);
  CHECK(why.detail.find("state.mdb") != std::string::npos);
}

TEST_CASE("a shard whose folder was emptied or removed is not made anew") {
  temporary_folder folder;
  const shard_id shard{GENERATE(as<std::uint16_t>{}, 0, 1)};
  const bool emptied = GENERATE(true, false);
  {
    auto dir = must(data_dir::open(folder.path()));
    must(dir.open_shard(shard_id{0}, small_log()));
    must(dir.open_shard(shard_id{1}, small_log()));
  }
  const auto gone = folder.path() / data_dir::shard_folder(shard);
  std::filesystem::remove_all(gone);
  if (emptied) std::filesystem::create_directory(gone);
  auto dir = must(data_dir::open(folder.path()));
  const auto why = dir.open_shard(shard, small_log()).error();
  CHECK(why.code == errc::storage_corrupt);
  CHECK(why.detail.find(gone.string()) != std::string::npos);
  CHECK(must(verify(dir)).damage.size() == 1);
}

TEST_CASE("a file of a shard without its meta pages is damaged, not foreign") {
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    log_writer writer;
    for (int i = 0; i < 40; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
  }
  const auto files = segment_files(folder.path());
  const auto which = GENERATE(0, 1, 2);
  const auto file = which == 0   ? files.front()
                    : which == 1 ? files.back()
                                 : folder.path() / "shard-0" / "state.mdb";
  spit_at_begin(file, std::string(2 * 4'096, '\0'));
  const auto why = fail_to_open(folder.path(), small_log());
  CHECK(why.code == errc::storage_corrupt);
  CHECK(why.detail.find(file.string()) != std::string::npos);
}

TEST_CASE("dump hands out entries from an index on until told to stop") {
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log());
    for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {queue_id{1}, 1, 50'000});
  }
  auto dir = must(data_dir::open_existing(folder.path()));
  std::vector<std::uint64_t> indices;
  std::string last_file;
  must(
    dump(dir, shard_id{0}, entry_index{25}, [&](const decoded_entry& entry, std::string_view file) {
      indices.push_back(entry.header.index.value);
      last_file = file;
      return entry.header.index.value < 50;
    }));
  REQUIRE(indices.size() == 26);
  CHECK(indices.front() == 25);
  CHECK(indices.back() == 50);
  CHECK(last_file.starts_with("log-"));
}

TEST_CASE("verify counts what there is") {
  temporary_folder folder;
  {
    auto dir = must(data_dir::open(folder.path()));
    for (auto shard : {shard_id{0}, shard_id{1}}) {
      auto opened = must(dir.open_shard(shard, small_log()));
      log_writer writer;
      for (int i = 0; i < 30; ++i) {
        writer.append(*opened.log, 1, {queue_id{1}, 3, 50'000});
        must(opened.log->append(std::vector{writer.make({})}));
      }
    }
  }
  auto dir = must(data_dir::open_existing(folder.path()));
  auto report = must(verify(dir));
  CHECK(report.damage.empty());
  CHECK(report.shards == 2);
  CHECK(report.entries == 120);
  CHECK(report.messages == 180);
  CHECK(report.queues == 2);
  CHECK(report.segments >= 4);
  CHECK(report.bytes > 60 * 50'000);
}
