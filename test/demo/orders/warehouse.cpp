/// The warehouse: sets pieces aside when an order is placed, and sends them or puts them back. It
/// relies on the order in which it hears of one order: `keyed` keeps it, also across kills.

#include "test/demo/orders/service.hpp"

namespace {

using namespace carafe;
using namespace carafe::demo::orders;

/// @returns Nothing: it has heard of that before.
std::optional<std::string> next_place(const std::string& place, const client::delivery& d) {
  if (d.body == created) return place.empty() ? std::optional{"aside"} : std::nullopt;
  if (d.body == paid && place == "aside") return "sent";
  if (d.body == closed && place == "aside") return "back";
  const bool later = d.body == refunding || d.body == refunded;
  const bool again = (d.body == paid && place == "sent") || (d.body == closed && place == "back");
  if (again || (later && place == "back")) return std::nullopt;
  throw std::runtime_error{d.key + " is " + d.body + ", and its pieces are " +
                           (place.empty() ? "on the shelf" : place)};
}

} // namespace

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    table pieces{how.folder + "/pieces"};
    auto orders = must(node.make_consumer(
      {.topics = {"orders"}, .group = "warehouse", .mode = client::group_mode::keyed}));
    while (!stopping())
      for (const auto& d : must(orders->poll(100, std::chrono::milliseconds{50}))) {
        if (const auto place = next_place(pieces.get(d.key).value_or(""), d))
          pieces.put({{d.key, *place}});
        settled(orders->ack(d));
      }
    must(orders->close());
  });
}
