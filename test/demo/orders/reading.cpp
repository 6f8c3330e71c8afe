#include "test/demo/orders/reading.hpp"

#include "test/demo/orders/service.hpp"

#include <algorithm>

namespace carafe::demo::orders {

void read_all(const client::client& node, const std::string& topic, const start_position& from,
              const std::function<void(const client::delivery&)>& take) {
  std::map<std::uint32_t, offset> ends;
  for (const auto& queue : must(node.describe_topic(topic)).queues)
    ends[queue.number.value] = queue.end;
  client::consumer_options options;
  options.topics = {topic};
  options.start = from;
  options.out_of_range = range_policy::latest; // Nothing is that young.
  auto consumer = must(node.make_consumer(options));
  const auto at_end = [&] {
    const auto queues = consumer->queues();
    return queues.size() == ends.size() && std::ranges::all_of(queues, [&](const auto& queue) {
             return queue.next >= ends.at(queue.number.value);
           });
  };
  do {
    for (const auto& d : must(consumer->poll(1'000, std::chrono::milliseconds{50}))) take(d);
  } while (!at_end());
}

} // namespace carafe::demo::orders
