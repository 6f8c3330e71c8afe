#include "cli/shell/tx_choice.hpp"

#include "cli/shell/commands.hpp"

#include <string>

namespace carafe::shell {

result<client::transaction_ref> parse_transaction(std::string_view text) {
  if (const auto which = client::transaction_ref_from(text)) return *which;
  return {errc::invalid_argument, "'" + std::string{text} +
                                    "' names no transaction; tx list shows names, such as "
                                    "0-0123456789abcdef-42"};
}

std::string_view state_name(client::transaction_state state) noexcept {
  switch (state) {
  case client::transaction_state::open:
    return "open";
  case client::transaction_state::held:
    return "held";
  case client::transaction_state::committed:
    return "committed";
  }
  return "open";
}

command tx_end_command(bool commit) {
  auto o = std::make_shared<std::optional<client::transaction_ref>>();
  const std::string done = commit ? "committed" : "rolled back";
  command c{.name = commit ? "tx commit" : "tx rollback",
            .summary = commit ? "Commit a transaction in its producer's place."
                              : "Roll a transaction back in its producer's place."};
  c.details = commit ? "Its messages become visible, and what it acknowledges is acknowledged. For "
                       "one that is held, or whose producers are gone for good."
                     : "Its messages are dropped, and nothing is acknowledged. For one that is "
                       "held, or whose producers are gone for good.";
  c.examples = {"carafe " + c.name + " 0-0123456789abcdef-42"};
  c.options = {
    parsed("TRANSACTION", "", *o, "Its name, as tx list shows it.", parse_transaction).must()};
  c.run = [o, commit, done](command_context& context) {
    const auto& which = **o;
    if (auto ended = context.node()->end_transaction(which, commit); !ended)
      return context.fail(ended.error());
    record r;
    r.add("transaction", value::text(client::to_string(which))).add("outcome", value::text(done));
    return context.done(r, client::to_string(which) + " is " + done);
  };
  return c;
}

command tx_commit_command() { return tx_end_command(true); }
command tx_rollback_command() { return tx_end_command(false); }

} // namespace carafe::shell
