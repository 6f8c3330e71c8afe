#include "cli/shell/tx_choice.hpp"
#include "test/cli/fake_node.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::shell;
using namespace carafe::shell::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* name_text = "3-0123456789abcdef-42";

std::shared_ptr<fake_state> with_transactions() {
  auto state = std::make_shared<fake_state>();
  state->topics["orders"].name = "orders";
  client::pending_transaction t;
  t.transaction = *client::transaction_ref_from(name_text);
  t.group = "shop";
  t.state = client::transaction_state::held;
  t.opened = unix_ms{1'800'000'000'000};
  t.messages = 3;
  t.checks = 15;
  t.owes = {shard_id{1}, shard_id{2}};
  state->transactions.transactions = {t};
  state->transactions.total = 2;
  state->transactions.prepared = 9;
  return state;
}

} // namespace

TEST_CASE("a transaction's name is what its text says, and nothing else is one") {
  const auto which = client::transaction_ref_from(name_text);
  REQUIRE(which);
  CHECK(which->shard == shard_id{3});
  CHECK(which->number == 42);
  CHECK(client::to_string(*which) == name_text);
  for (const char* bad : {"", "3", "0123456789abcdef-42", "3-0123456789abcdef",
                          "x-0123456789abcdef-42", "70000-0123456789abcdef-42",
                          "3-0000000000000000-42", "3-0123456789abcdef-0", "-0123456789abcdef-42"})
    CHECK_FALSE(client::transaction_ref_from(bad));
}

TEST_CASE("tx list shows open transactions, and people how many there are") {
  const auto state = with_transactions();
  const auto ran = run_line(state, "tx list --limit 1");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out.find(name_text) != std::string::npos);
  CHECK(ran.out.find("held") != std::string::npos);
  CHECK(ran.err == "1 of 2 transactions\n");
  CHECK(run_line(state, "tx list --json").out.find(R"("owing_shards":["1","2"])") !=
        std::string::npos);
  CHECK(run_line(state, "tx list --counts --json").out.find(R"("prepared_messages":9)") !=
        std::string::npos);
  CHECK(run_line(state, "tx list --after 7").code == exit_code::usage);
}

TEST_CASE("tx commit and tx rollback end the transaction that is named") {
  const auto state = with_transactions();
  CHECK(run_line(state, "tx commit 3-0123456789abcdef-42").out ==
        "3-0123456789abcdef-42 is committed\n");
  CHECK(run_line(state, "tx rollback 3-0123456789abcdef-42").out ==
        "3-0123456789abcdef-42 is rolled back\n");
  REQUIRE(state->transactions_ended.size() == 2);
  CHECK(state->transactions_ended[0].second);
  CHECK_FALSE(state->transactions_ended[1].second);
  const auto unknown = run_line(state, "tx commit 3-0123456789abcdef-43");
  CHECK(unknown.code == exit_code::failed);
  CHECK(unknown.err.find("tx_unknown") != std::string::npos);
  CHECK(run_line(state, "tx commit").code == exit_code::usage);
}

TEST_CASE("tx produce sends all its messages in one transaction and ends it as it is told") {
  const auto state = with_transactions();
  const auto ran = run_line(state, "tx produce orders --group shop --body a --body b --commit");
  CHECK(ran.code == exit_code::ok);
  CHECK(ran.out == "0-0000000000000007-1 is committed: 2 messages\n");
  CHECK(state->transaction_bodies == std::vector<std::string>{"a", "b"});
  CHECK(state->transaction_story == "prepare commit");
  CHECK(
    run_line(state, "tx produce orders --group shop --body c --leave-open --check-first 1s").code ==
    exit_code::ok);
  CHECK(state->transaction_story == "prepare commit prepare");
  CHECK(state->transaction_options.check_first == 1s);
  CHECK(run_line(state, "tx produce orders --group shop --body c --rollback").code ==
        exit_code::ok);
  for (const char* wrong :
       {"tx produce orders --group shop --body x", "tx produce orders --body x --commit",
        "tx produce orders --group shop --body x --commit --rollback",
        "tx produce orders --group '' --body x --commit"})
    CHECK(run_line(state, wrong).code == exit_code::usage);
  CHECK(run_line(state, "tx produce nothing --group shop --body x --commit").code ==
        exit_code::failed);
}
