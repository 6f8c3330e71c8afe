#include "cli/shell/commands.hpp"
#include "cli/shell/tx_choice.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

namespace {

record transaction_row(const client::pending_transaction& t) {
  record row;
  row.add("transaction", value::text(client::to_string(t.transaction)));
  row.add("group", value::text(t.group));
  row.add("state", value::text(state_name(t.state)));
  row.add("opened", value::time(t.opened));
  row.add("messages", value::count(t.messages));
  row.add("bytes", value::count(t.bytes));
  row.add("acknowledges", value::count(t.consumed));
  row.add("checks", value::id(t.checks));
  row.add("next_check", value::time(t.next_check.value_or(unix_ms{0})));
  std::vector<std::string> shards;
  for (const auto shard : t.owes) shards.push_back(std::to_string(shard.value));
  row.add_hidden("owing_shards", value::names(shards));
  return row;
}

record counts_of(const client::pending_transactions& all) {
  record r;
  r.add("transactions", value::count(all.total));
  r.add("prepared_messages", value::count(all.prepared));
  r.add("committed_messages", value::count(all.committed));
  r.add("rolled_back_messages", value::count(all.rolled_back));
  r.add("pending_messages", value::count(all.pending));
  return r;
}

} // namespace

command tx_list_command() {
  struct options {
    std::optional<client::transaction_ref> after;
    std::uint32_t limit = 100;
    bool counts = false;
  };
  auto o = std::make_shared<options>();
  command c{.name = "tx list", .summary = "List transactions that have not ended."};
  c.details =
    "Open ones wait for their producer; it is asked at the time of the next check. Held ones were "
    "asked for 15 times and wait for tx commit or tx rollback. Committed ones are taken by the "
    "last shards.";
  c.examples = {"carafe tx list", "carafe tx list --json", "carafe tx list --counts"};
  c.options = {
    parsed("--after", "TRANSACTION", o->after, "Only those behind this one.", parse_transaction),
    number<std::uint32_t>("--limit", "N", o->limit, "At most so many (default 100).", 1, 10'000),
    flag("--counts", o->counts,
         "How many messages were ever prepared, committed and rolled back, and how many are "
         "pending, instead.")};
  c.run = [o](command_context& context) {
    auto found = context.node()->list_transactions(o->after, o->counts ? 1 : o->limit);
    if (!found) return context.fail(found.error());
    if (o->counts) return context.show(counts_of(*found));
    std::vector<record> rows;
    for (const auto& t : found->transactions) rows.push_back(transaction_row(t));
    const auto shown = context.show(rows, "no transaction is open");
    if (!rows.empty() && !context.globals.json && found->total > rows.size())
      context.terminal.write_error(std::to_string(rows.size()) + " of " +
                                   counted(found->total, "transaction") + "\n");
    return shown;
  };
  return c;
}

} // namespace carafe::shell
