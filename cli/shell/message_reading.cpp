#include "cli/shell/message_reading.hpp"

#include "cli/shell/message_scan.hpp"
#include "cli/shell/value_syntax.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::shell {

namespace {

constexpr std::chrono::milliseconds read_wait{50};

/// Why there is no message at this place, if the queue knows.
std::optional<failure> absence(const message_place& place, const client::queue_info& queue) {
  if (place.offset >= queue.end)
    return failure{errc::offset_out_of_range, to_string(place) + ": the queue ends at " +
                                                std::to_string(queue.end.value) +
                                                ", the offset that its next message gets"};
  if (place.offset < queue.earliest)
    return failure{errc::offset_out_of_range, to_string(place) +
                                                ": retention passed it, the earliest kept is " +
                                                std::to_string(queue.earliest.value)};
  return std::nullopt;
}

/// The last one of this name: a message may have died more than once.
std::string_view last_property(const client::delivery& d, std::string_view name) {
  const auto found = std::find_if(d.properties.rbegin(), d.properties.rend(),
                                  [name](const auto& each) { return each.first == name; });
  return found == d.properties.rend() ? std::string_view{} : std::string_view{found->second};
}

} // namespace

result<client::delivery> read_at(const message_place& place, node_api& node,
                                 std::chrono::milliseconds patience) {
  auto topic = topic_with(node, place.topic, {place.number});
  if (!topic) return topic.error();
  if (auto why = absence(place, topic->queues[place.number.value])) return *why;
  client::consumer_options options;
  options.topics = {place.topic};
  options.queues = {place.number};
  options.start = {start_position::kind::at_offset, place.offset, {}};
  options.credit_bytes = 1; // Its batch, and no more.
  options.expired = true;
  auto consumer = node.make_consumer(options);
  if (!consumer) return consumer.error();
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    auto messages = (*consumer)->poll(1, read_wait);
    if (!messages) return messages.error();
    if (messages->empty()) continue;
    if (messages->front().offset == place.offset) return std::move(messages->front());
    return {errc::not_found, to_string(place) + ": a later message of its key took its place"};
  }
  return {errc::timeout, to_string(place) + " could not be read"};
}

std::optional<letter_origin> origin_of(const client::delivery& letter, node_api& node) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const auto topic = last_property(letter, "carafe-dead-topic");
  const auto number = parse_number(last_property(letter, "carafe-dead-queue"), 0,
                                   std::numeric_limits<std::uint32_t>::max());
  const auto queue = parse_number(last_property(letter, "carafe-dead-queue-id"), 0, most);
  const auto at = parse_number(last_property(letter, "carafe-dead-offset"), 0, most);
  if (topic.empty() || !number || !queue || !at) return std::nullopt;
  letter_origin out{
    {std::string{topic}, queue_number{static_cast<std::uint32_t>(*number)}, offset{*at}},
    queue_id{*queue}};
  const auto now = node.describe_topic(out.place.topic);
  const auto& queues = now ? now->queues : std::vector<client::queue_info>{};
  out.gone = (now || now.code() == errc::topic_unknown) &&
             (*number >= queues.size() || queues[*number].queue != out.queue);
  return out;
}

} // namespace carafe::shell
