#include "cli/shell/completion.hpp"

#include "cli/shell/commands.hpp"

#include <catch2/catch.hpp>

using namespace carafe::shell;
using words = std::vector<std::string>;

namespace {

class known_names final : public name_source {
public:
  words topics() override { return {"orders", "order-events", "refunds"}; }
  words groups() override { return {"billing", "mail"}; }
  words paths(const std::string& prefix) override {
    if (prefix.starts_with("data/")) return {"data/a file", "data/b/"};
    return {"data/", "notes.txt"};
  }
};

words offered(const std::string& typed) {
  known_names names;
  return complete(all_commands(), typed, names).candidates;
}

} // namespace

TEST_CASE("commands are completed word by word") {
  CHECK(offered("") == words{"bench", "consume", "dlq", "exit", "group", "help", "log", "message",
                             "node", "produce", "producer", "request", "respond", "schedule",
                             "timer", "topic", "tx", "version"});
  CHECK(offered("to") == words{"topic"});
  CHECK(offered("topic ") == words{"alter", "create", "delete", "describe", "list", "tail"});
  CHECK(offered("topic de") == words{"delete", "describe"});
  CHECK(offered("--json topic l") == words{"list"});
  CHECK(offered("--node h:1 gr") == words{"group"});
  CHECK(offered("xyzzy ").empty());
  CHECK(offered("help topic c") == words{"create"});
  CHECK(offered("help ") == words{"bench", "consume", "dlq", "group", "help", "log", "message",
                                  "node", "produce", "producer", "request", "respond", "schedule",
                                  "timer", "topic", "tx", "version"});
}

TEST_CASE("names come from the node") {
  CHECK(offered("produce or") == words{"order-events", "orders"});
  CHECK(offered("consume orders ") == words{"order-events", "refunds"});
  CHECK(offered("topic delete r") == words{"refunds"});
  CHECK(offered("topic delete orders ").empty());
  CHECK(offered("topic create o").empty());
  CHECK(offered("group describe ") == words{"billing", "mail"});
  CHECK(offered("consume orders --group m") == words{"mail"});
  CHECK(offered("group reset mail --topic re") == words{"refunds"});
}

TEST_CASE("options are offered once, unless they can be repeated") {
  CHECK(offered("topic create o --") == words{"--compacted", "--consume-quota", "--dedup-window",
                                              "--durability", "--help", "--if-missing", "--json",
                                              "--node", "--produce-quota", "--queues",
                                              "--retention", "--timeout", "--ttl"});
  CHECK(offered("topic create o --queues 4 --if-missing --q").empty());
  CHECK(offered("produce o --property a=b --prop") == words{"--property"});
  CHECK(offered("--no") == words{"--node"});
}

TEST_CASE("values of options are offered") {
  CHECK(offered("topic create o --durability ") == words{"fsync", "interval", "memory"});
  CHECK(offered("topic create o --durability=m") == words{"--durability=memory"});
  CHECK(offered("topic create o --queues ").empty());
  CHECK(offered("produce o --file ") == words{"data/", "notes.txt"});
  CHECK(offered("produce o --file data/") == words{"data/a\\ file", "data/b/"});
  CHECK(offered("log verify d") == words{"data/"});
}

TEST_CASE("a completion replaces the word that was begun, its quotes too") {
  known_names names;
  CHECK(complete(all_commands(), "produce or", names).replaced == 2);
  CHECK(complete(all_commands(), "produce ", names).replaced == 0);
  CHECK(complete(all_commands(), "produce \"or", names).replaced == 3);
  auto path = complete(all_commands(), "produce o --file data/a\\ f", names);
  CHECK(path.replaced == 9);
  CHECK(path.candidates == words{"data/a\\ file"});
}

TEST_CASE("the common beginning never splits a character") {
  CHECK(common_prefix({}).empty());
  CHECK(common_prefix({"orders"}) == "orders");
  CHECK(common_prefix({"orders", "order-events"}) == "order");
  CHECK(common_prefix({"aä", "aö"}) == "a");
  CHECK(ends_word("orders"));
  CHECK_FALSE(ends_word("data/"));
}
