#include "actors/core/schedule_message.hpp"

#include <limits>
#include <utility>
#include <vector>

namespace carafe::core {

result<schedule_message> make_schedule_message(const schedule_definition& what, unix_ms due,
                                               std::uint64_t passed, unix_ms now,
                                               const batch_limits& limits) {
  auto reader =
    batch_reader::open(shared_bytes::copy_of(as_bytes(what.message)), codec::none, limits);
  if (!reader) return reader.error();
  if (reader->count() != 1)
    return {errc::schedule_invalid, "it has one message, not " + std::to_string(reader->count())};
  if (reader->timed())
    return {errc::schedule_invalid, "its message has a time of delivery of its own"};
  auto message = reader->message(0);
  const auto due_text = std::to_string(due.value);
  const auto passed_text = std::to_string(passed);
  std::vector<std::pair<std::string_view, std::string_view>> properties{message.properties.begin(),
                                                                        message.properties.end()};
  properties.emplace_back(schedule_property, what.name);
  properties.emplace_back(schedule_due_property, due_text);
  if (passed > 0) properties.emplace_back(schedule_missed_property, passed_text);
  message.properties = properties;
  message.born = now;
  batch_builder builder{limits};
  if (auto ok = builder.add(message); !ok) return ok.error();
  auto batch = builder.finish(codec::none);
  if (!batch) return batch.error();
  return schedule_message{std::move(*batch), std::string{message.key}};
}

result<void> check_schedule_message(const schedule_definition& what, const batch_limits& limits) {
  if (what.message.size() > schedule_message_bytes_max)
    return {errc::message_too_large, "a schedule's message has at most " +
                                       std::to_string(schedule_message_bytes_max) + " bytes"};
  // The longest that it can become.
  const auto made = make_schedule_message(
    what, unix_ms{message_time_max}, std::numeric_limits<std::uint64_t>::max(), unix_ms{0}, limits);
  if (!made) return made.error();
  return {};
}

bool is_keyless(const schedule_definition& what) {
  const auto reader =
    batch_reader::open(shared_bytes::copy_of(as_bytes(what.message)), codec::none, {~0u, 1, ~0u});
  return reader && reader->count() == 1 && reader->message(0).key.empty();
}

} // namespace carafe::core
