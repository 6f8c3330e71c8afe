#include "cli/shell/commands.hpp"
#include "cli/shell/views.hpp"

namespace carafe::shell {

command node_status_command() {
  command c{.name = "node status",
            .summary = "Show uptime, traffic, log size and latencies of the node."};
  c.details =
    "Rates are over the last ten seconds. Commit latency is from a batch's arrival at its "
    "shard to its commit; fsync latency is the disk's part of it.";
  c.examples = {"carafe node status", "carafe node status --node 10.0.0.7:7470 --json"};
  c.run = [](command_context& context) {
    auto node = context.node()->node_status();
    if (!node) return context.fail(node.error());
    return context.show(node_view(*node));
  };
  return c;
}

} // namespace carafe::shell
