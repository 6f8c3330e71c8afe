#include "test/demo/connecting.hpp"

#include <chrono>
#include <thread>

namespace carafe::demo {

result<client::client> connect(const client::connect_options& options) {
  using clock = std::chrono::steady_clock;
  const auto until = clock::now() + std::chrono::seconds{10};
  for (;;) {
    auto node = client::connect(options);
    const bool down = node.code() == errc::connection_refused || node.code() == errc::disconnected;
    if (!down || clock::now() > until) return node;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

} // namespace carafe::demo
