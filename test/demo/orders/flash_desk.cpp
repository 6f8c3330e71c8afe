/// Serves the customers of the flash sale, 6,000 a second: what comes faster waits in the broker.

#include "test/demo/orders/flash.hpp"
#include "test/demo/orders/service.hpp"

#include <thread>

using namespace carafe;
using namespace carafe::demo::orders;

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings& how, const client::client& node) {
    table answers{how.folder + "/flash"};
    std::uint64_t sold = 0;
    for (const auto& [customer, answer] : answers.rows()) sold += answer == "sold" ? 1 : 0;
    auto customers = must(node.make_consumer(
      {.topics = {"flash"}, .group = "flash-desk", .mode = client::group_mode::shared}));
    auto free = std::chrono::steady_clock::now();
    while (!stopping()) {
      std::vector<std::pair<std::string, std::string>> rows;
      const auto some = must(customers->poll(300, std::chrono::milliseconds{50}));
      for (const auto& d : some)
        if (!answers.get(d.body))
          rows.emplace_back(d.body, sold++ < flash_pieces ? "sold" : "none left");
      if (!rows.empty()) answers.put(rows);
      for (const auto& d : some) settled(customers->ack(d));
      const auto now = std::chrono::steady_clock::now();
      free = std::max(free, now - std::chrono::milliseconds{100}) +
             std::chrono::microseconds{some.size() * 1'000'000 / flash_served_per_second};
      std::this_thread::sleep_until(free);
    }
    must(customers->close());
  });
}
