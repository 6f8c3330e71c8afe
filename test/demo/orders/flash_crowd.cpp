/// A flash sale's customers: 30,000 of them in three seconds.

#include "test/demo/orders/flash.hpp"
#include "test/demo/orders/service.hpp"

#include <atomic>
#include <thread>

using namespace carafe;
using namespace carafe::demo::orders;

int main(int argc, char** argv) {
  return run(argc, argv, [](const settings&, const client::client& node) {
    auto producer = must(node.make_producer({}));
    std::atomic<std::uint64_t> failed = 0;
    const auto began = std::chrono::steady_clock::now();
    for (std::uint64_t n = 0; n < flash_customers; ++n) {
      std::this_thread::sleep_until(began + std::chrono::microseconds{n * 1'000'000 / 10'000});
      must(producer->send_async("flash", {.body = std::to_string(n)},
                                [&failed](const auto& answer) { failed += answer ? 0 : 1; }));
    }
    must(producer->flush());
    if (failed > 0) throw std::runtime_error{std::to_string(failed) + " customers got no answer"};
  });
}
