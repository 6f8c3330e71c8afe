#include "log_fixture.hpp"

#include <csignal>
#include <sys/resource.h>

using namespace carafe;
using namespace carafe::test;
using namespace carafe::storage;

namespace {

std::map<std::string, std::string> rows_of(const state_store& state) {
  std::map<std::string, std::string> rows;
  must(state.load_rows([&](std::string_view key, std::string_view value) {
    if (!rows.empty()) CHECK(std::string{key} > rows.rbegin()->first);
    rows.emplace(key, value);
  }));
  return rows;
}

checkpoint_mark mark_at(std::uint64_t index) {
  return {entry_index{index}, term{3}, unix_ms{-5}, std::string("\0conf", 5), entry_index{1}};
}

} // namespace

TEST_CASE("a new state has no vote, no mark and no rows") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  CHECK(must(node.state().load_vote()).term == term{0});
  CHECK(must(node.state().load_vote()).voted_for == 0);
  CHECK(!must(node.state().load_mark()));
  CHECK(rows_of(node.state()).empty());
}

TEST_CASE("vote and checkpoint outlive a kill") {
  temporary_folder folder;
  temporary_folder copies;
  auto node = open_at(folder.path(), small_log());
  must(node.state().save_vote({term{7}, 42}));
  log_writer writer;
  writer.append(node.log(), 9, {queue_id{1}});
  must(node.state().save_checkpoint(mark_at(5),
                                    {{"a", "1"}, {"b", std::string(5000, 'x')}, {"c", ""}}));
  must(node.state().save_checkpoint(mark_at(9),
                                    {{"a", std::nullopt}, {"c", "3"}, {"zz", std::nullopt}}));
  copy_as_killed(folder.path(), copies.path() / "copy");

  auto again = open_at(copies.path() / "copy", small_log());
  CHECK(must(again.state().load_vote()).term == term{7});
  CHECK(must(again.state().load_vote()).voted_for == 42);
  auto mark = must(again.state().load_mark());
  REQUIRE(mark);
  CHECK(mark->index == entry_index{9});
  CHECK(mark->term == term{3});
  CHECK(mark->time == unix_ms{-5});
  CHECK(mark->configuration == std::string("\0conf", 5));
  CHECK(mark->configuration_index == entry_index{1});
  CHECK(rows_of(again.state()) ==
        std::map<std::string, std::string>{{"b", std::string(5000, 'x')}, {"c", "3"}});
}

TEST_CASE("a checkpoint is taken as a whole or not at all") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  must(node.state().save_checkpoint(mark_at(0), {{"a", "1"}}));
  for (const auto& key : {std::string{}, std::string(512, 'k')})
    CHECK(node.state().save_checkpoint(mark_at(9), {{"a", "2"}, {key, "v"}}).code() ==
          errc::invalid_argument);
  CHECK(rows_of(node.state()) == std::map<std::string, std::string>{{"a", "1"}});
  CHECK(must(node.state().load_mark())->index == entry_index{0});
  must(node.state().save_checkpoint(mark_at(0), {{std::string(511, 'k'), "v"}}));
}

TEST_CASE("votes and checkpoints can be written when the disk is full") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  // Stands for a full disk: no file may grow.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto size = std::filesystem::file_size(folder.path() / "shard-0" / "state.mdb");
  auto full = before;
  full.rlim_cur = size;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  auto vote_saved = node.state().save_vote({term{8}, 1});
  auto small = node.state().save_checkpoint(mark_at(0), {{"a", std::string(1u << 20, 'a')}});
  auto huge = node.state().save_checkpoint(mark_at(0), {{"b", std::string(40u << 20, 'b')}});
  auto vote_again = node.state().save_vote({term{9}, 1});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  CHECK(vote_saved.ok());
  CHECK(small.ok());
  CHECK(huge.code() == errc::storage_full);
  CHECK(vote_again.ok());
  CHECK(must(node.state().load_vote()).term == term{9});
  CHECK(rows_of(node.state()).size() == 1);
  must(node.state().save_checkpoint(mark_at(0), {{"b", std::string(40u << 20, 'b')}}));
  CHECK(rows_of(node.state()).size() == 2);
}

TEST_CASE("many checkpoints do not make the state grow without end") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  for (int i = 0; i < 60; ++i)
    must(node.state().save_checkpoint(mark_at(0), {{"row", std::string(500'000, 'x')}}));
  CHECK(std::filesystem::file_size(folder.path() / "shard-0" / "state.mdb") <= 24u << 20);
}
