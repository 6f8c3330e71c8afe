/// The coupon service: one coupon for each order that was paid, however often it hears of that.

#include "test/demo/orders/service.hpp"

using namespace carafe;
using namespace carafe::demo::orders;

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    table coupons{how.folder + "/coupons"};
    auto orders = must(node.make_consumer({.topics = {"orders"},
                                           .group = "coupons",
                                           .mode = client::group_mode::shared,
                                           .filter = {client::message_filter::kind::tags, paid}}));
    while (!stopping())
      for (const auto& d : must(orders->poll(100, std::chrono::milliseconds{50}))) {
        if (!coupons.get(d.key)) coupons.put({{d.key, "ten per cent"}});
        settled(orders->ack(d));
      }
    must(orders->close());
  });
}
