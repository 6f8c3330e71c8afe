/// The payment service: asks customers for their money, and gives it back.

#include "test/demo/orders/service.hpp"

#include <filesystem>

namespace {

using namespace carafe;
using namespace carafe::demo::orders;
using std::chrono::milliseconds;

/// Whether and when its customer pays.
std::optional<milliseconds> pays_after(const std::string& order, milliseconds day) {
  const auto number = order_number(order);
  switch (customer_of(number)) {
  case customer::pays:
    return milliseconds{50 + number * 7919 % 500};
  case customer::pays_late:
    return day * 3 / 2;
  case customer::never_pays:
    break;
  }
  return std::nullopt;
}

void collect(client::producer& producer, client::consumer& bills, const client::delivery& d,
             milliseconds day) {
  if (const auto after = pays_after(d.key, day)) {
    client::message m{.body = paid, .key = d.key};
    m.delay = *after;
    // If this process dies before the acknowledgement, it is said twice; the order service knows.
    must(producer.send("payments", m));
  }
  settled(bills.ack(d));
}

void pay_back(client::producer& producer, client::consumer& refunds, const client::delivery& d,
              const std::string& folder) {
  const bool open = std::filesystem::exists(folder + "/bank-is-open");
  if (bank_refuses(order_number(d.key)) && !open)
    return settled(refunds.nack(d, {.error = "the bank refuses: account unknown"}));
  must(producer.send("payments", {.body = refunded, .key = d.key}));
  settled(refunds.ack(d));
}

} // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    auto producer = must(node.make_producer({}));
    auto bills =
      must(node.make_consumer({.topics = {"orders"},
                               .group = "payment",
                               .mode = client::group_mode::shared,
                               .filter = {client::message_filter::kind::tags, created}}));
    auto refunds = must(node.make_consumer(
      {.topics = {"refunds"}, .group = "bank", .mode = client::group_mode::keyed}));
    while (!stopping()) {
      for (const auto& d : must(bills->poll(100, milliseconds{20})))
        collect(*producer, *bills, d, how.day);
      for (const auto& d : must(refunds->poll(100, milliseconds{20})))
        pay_back(*producer, *refunds, d, how.folder);
    }
    must(bills->close());
    must(refunds->close());
  });
}
