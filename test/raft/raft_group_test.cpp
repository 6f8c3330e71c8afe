#include "actors/raft/raft_group.hpp"

#include "test/core/dice.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace carafe;
using namespace carafe::raft;
using namespace carafe::test;

namespace {

constexpr std::uint64_t this_node = 7;
const std::string address = "node-7";

std::string sole_voter() { return raft_group::sole_voter_configuration(this_node, address); }

entry_meta change_of(std::string configuration, std::uint64_t at_term = 1) {
  return {term{at_term}, entry_kind::change, std::move(configuration)};
}

entry_meta command_of(std::uint64_t at_term) { return {term{at_term}, entry_kind::command, {}}; }

/// A log of entry 1 and `commands` commands of term 1, to be started in term 2.
start_state log_with(std::size_t commands) {
  start_state state;
  state.vote.term = term{2};
  state.entries.push_back(change_of(sole_voter()));
  state.entries.insert(state.entries.end(), commands, command_of(1));
  return state;
}

/// A checkpoint at `index` of term 1 with `commands` commands after it.
start_state checkpoint_with(std::uint64_t index, std::size_t commands) {
  start_state state;
  state.vote.term = term{2};
  storage::checkpoint_mark mark;
  mark.index = entry_index{index};
  mark.term = term{1};
  mark.configuration = sole_voter();
  mark.configuration_index = entry_index{1};
  state.mark = std::move(mark);
  state.entries.insert(state.entries.end(), commands, command_of(1));
  return state;
}

struct fixture {
  raft_group group{this_node, address, 42};
  mono_ms now{1'000};

  step_outcome start(const start_state& state) {
    const auto outcome = group.start(state, now);
    REQUIRE(outcome.ok());
    return *outcome;
  }
  errc refusal(const start_state& state) { return group.start(state, now).code(); }
};

/// A configuration's bytes: format, count, then per server id, address, role.
std::string configuration_bytes(const std::vector<std::pair<std::uint64_t, std::string>>& servers,
                                char role = 1) {
  const auto number = [](std::uint64_t v) {
    std::string out;
    for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(v >> (8 * i)));
    return out;
  };
  std::string out = "\x01" + number(servers.size());
  for (const auto& [id, where] : servers) out += number(id) + where + '\0' + role;
  return out;
}

} // namespace

TEST_CASE("A sole voter elects itself when it starts, in the term it is given") {
  fixture f;
  const auto outcome = f.start(log_with(0));
  CHECK(outcome.leader);
  CHECK(outcome.term == term{2});
  CHECK(outcome.commit == entry_index{1});
  CHECK(f.group.configuration() == sole_voter());
  CHECK(f.group.configuration_index() == entry_index{1});
}

TEST_CASE("What is stored at the start is committed") {
  SECTION("a whole log") {
    fixture f;
    CHECK(f.start(log_with(9)).commit == entry_index{10});
    CHECK(f.group.last_index() == entry_index{10});
  }
  SECTION("a checkpoint and nothing after it") {
    fixture f;
    CHECK(f.start(checkpoint_with(50, 0)).commit == entry_index{50});
    CHECK(f.group.last_index() == entry_index{50});
  }
  SECTION("a checkpoint and the entries after it") {
    fixture f;
    CHECK(f.start(checkpoint_with(50, 5)).commit == entry_index{55});
    CHECK(f.group.configuration() == sole_voter());
  }
}

TEST_CASE("Entries get dense indices and are committed once they are persisted") {
  fixture f;
  f.start(log_with(0));
  CHECK(f.group.submit(1, f.now).value() == entry_index{2});
  CHECK(f.group.submit(3, f.now).value() == entry_index{3});
  CHECK(f.group.last_index() == entry_index{5});
  CHECK(f.group.commit_index() == entry_index{1});
  CHECK(f.group.persisted(entry_index{3}, f.now).value().commit == entry_index{3});
  CHECK(f.group.persisted(entry_index{5}, f.now).value().commit == entry_index{5});
}

TEST_CASE("Thousands of entries may be in flight") {
  fixture f;
  f.start(log_with(0));
  for (std::uint64_t i = 0; i < 10'000; ++i)
    REQUIRE(f.group.submit(1, f.now).value() == entry_index{2 + i});
  CHECK(f.group.persisted(entry_index{10'001}, f.now).value().commit == entry_index{10'001});
}

TEST_CASE("An idle sole voter stays leader, and never asks to be woken at once") {
  fixture f;
  f.start(log_with(0));
  for (int i = 0; i < 10'000; ++i) {
    REQUIRE(f.group.timeout().value >= f.now.value + 10);
    f.now = f.group.timeout();
    const auto outcome = f.group.tick(f.now);
    REQUIRE(outcome.ok());
    REQUIRE(outcome->leader);
    REQUIRE(outcome->term == term{2});
  }
}

TEST_CASE("A snapshot may keep any part of the log before it") {
  for (const bool restarted : {false, true}) {
    for (const std::uint64_t first_retained : {1u, 30u, 60u, 61u}) {
      fixture f;
      f.start(restarted ? checkpoint_with(50, 10) : log_with(59));
      REQUIRE(f.group.snapshot(entry_index{60}, entry_index{first_retained}, f.now).ok());
      CHECK(f.group.configuration() == sole_voter());
      CHECK(f.group.submit(4, f.now).value() == entry_index{61});
      CHECK(f.group.persisted(entry_index{64}, f.now).value().commit == entry_index{64});
      REQUIRE(f.group.snapshot(entry_index{62}, entry_index{62}, f.now).ok());
      REQUIRE(f.group.snapshot(entry_index{64}, entry_index{65}, f.now).ok());
      CHECK(f.group.submit(1, f.now).value() == entry_index{65});
    }
  }
}

TEST_CASE("A node that is not the sole voter does not lead and cannot submit") {
  auto state = log_with(3);
  state.entries.front() = change_of(raft_group::sole_voter_configuration(this_node + 1, "other"));
  fixture f;
  CHECK_FALSE(f.start(state).leader);
  CHECK(f.group.submit(1, f.now).code() == errc::not_leader);
}

TEST_CASE("A malformed configuration is refused, in the log and in the mark") {
  const auto good = configuration_bytes({{this_node, address}});
  REQUIRE(good == sole_voter().substr(0, good.size()));
  std::vector<std::string> bad{
    std::string{},
    std::string(9, '\0'),
    std::string(4'096, '\xff'),
    configuration_bytes({}),
    configuration_bytes({{0, "a"}}),
    configuration_bytes({{1, "a"}}, 3),
    configuration_bytes({{1, "a"}, {1, "b"}}),
    configuration_bytes({{1, "a"}, {2, "a"}}),
  };
  for (std::size_t length = 0; length < good.size(); ++length)
    bad.push_back(good.substr(0, length));
  auto huge = good;
  huge[8] = '\x7f';
  bad.push_back(huge);
  for (const auto& bytes : bad) {
    auto state = log_with(2);
    state.entries.front() = change_of(bytes);
    CHECK(fixture{}.refusal(state) == errc::storage_corrupt);
    auto later = log_with(2);
    later.entries.push_back(change_of(bytes));
    CHECK(fixture{}.refusal(later) == errc::storage_corrupt);
    auto marked = checkpoint_with(50, 2);
    marked.mark->configuration = bytes;
    CHECK(fixture{}.refusal(marked) == errc::storage_corrupt);
  }
}

TEST_CASE("A log that libraft would not take is refused") {
  std::vector<start_state> bad;
  const auto with = [&bad](start_state state, auto change) {
    change(state);
    bad.push_back(std::move(state));
  };
  with(log_with(2), [](auto& s) { s.entries.front() = command_of(1); });
  with(log_with(2), [](auto& s) { s.entries[1].term = term{0}; });
  with(log_with(2), [](auto& s) { s.entries[1].term = term{2}; });
  with(log_with(2), [](auto& s) { s.entries[2].term = term{3}; });
  with(checkpoint_with(50, 2), [](auto& s) { s.mark->term = term{0}; });
  with(checkpoint_with(50, 2), [](auto& s) { s.mark->term = term{2}; });
  with(checkpoint_with(50, 0), [](auto& s) { s.mark->term = term{3}; });
  with(checkpoint_with(50, 0), [](auto& s) { s.mark->index = entry_index{0}; });
  with(checkpoint_with(50, 0), [](auto& s) { s.mark->configuration_index = entry_index{51}; });
  for (const auto& state : bad) CHECK(fixture{}.refusal(state) == errc::storage_corrupt);
}

TEST_CASE("What is persisted is committed, through any schedule of snapshots and restarts") {
  with_seeds(50, [](dice& d) {
    std::vector<entry_meta> log{change_of(sole_voter())};
    std::optional<storage::checkpoint_mark> mark;
    std::uint64_t at_term = 1;
    std::optional<fixture> f;
    const auto restart = [&] {
      start_state state;
      state.vote.term = term{++at_term};
      state.mark = mark;
      const auto from = mark ? mark->index.value : 0;
      state.entries.assign(log.begin() + static_cast<std::ptrdiff_t>(from), log.end());
      f.emplace();
      const auto outcome = f->start(state);
      REQUIRE(outcome.leader);
      REQUIRE(outcome.commit == entry_index{log.size()});
    };
    restart();
    for (int i = 0; i < 200; ++i) {
      f->now.value += d.below(500);
      const auto submitted = f->group.last_index().value;
      const auto roll = d.below(10);
      if (roll < 4) {
        REQUIRE(f->group.submit(d.between(1, 5), f->now).value() == entry_index{submitted + 1});
      } else if (roll < 7 && submitted > log.size()) {
        log.resize(d.between(log.size() + 1, submitted), command_of(at_term));
        const auto outcome = f->group.persisted(entry_index{log.size()}, f->now);
        REQUIRE(outcome.ok());
        REQUIRE(outcome->commit == entry_index{log.size()});
      } else if (roll == 7) {
        REQUIRE(f->group.tick(f->now).value().leader);
      } else if (roll == 8 && log.size() > (mark ? mark->index.value : 0)) {
        const auto index = d.between(mark ? mark->index.value + 1 : 1, log.size());
        mark = storage::checkpoint_mark{entry_index{index}, log[index - 1].term, unix_ms{0},
                                        f->group.configuration(), f->group.configuration_index()};
        const auto first = entry_index{d.between(1, index + 1)};
        REQUIRE(f->group.snapshot(entry_index{index}, first, f->now).ok());
      } else if (roll == 9) {
        restart();
      }
    }
  });
}
