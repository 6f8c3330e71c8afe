#include "test/sim/content.hpp"

#include <charconv>
#include <utility>

namespace carafe::sim {

std::string body_of(const message_name& name) {
  const auto number = name.number.value;
  return std::to_string(name.producer.value) + ":" + std::to_string(number) +
         std::string(number * 37 % 120, static_cast<char>('a' + number % 26));
}

std::uint64_t number_in(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

message_name name_in(std::string_view body) {
  const auto colon = body.find(':');
  if (colon == std::string_view::npos) return {};
  return {producer_id{number_in(body)}, sequence{number_in(body.substr(colon + 1))}};
}

std::string key_of(const message_name& name) {
  const auto key = (name.number.value * 7 + name.producer.value) % 4;
  return key == 0 ? std::string{} : "key " + std::to_string(key);
}

std::string tag_of(const message_name& name) {
  const char* const tags[] = {"red", "blue", ""};
  return tags[(name.number.value * 5 + name.producer.value) % 3];
}

frames::produce produce_of(const batch_name& name, queue_id queue, sequence previous) {
  batch_builder builder;
  for (std::uint32_t i = 0; i < name.count; ++i) {
    const message_name each{name.producer, name.first + i};
    const auto body = body_of(each), key = key_of(each), tag = tag_of(each);
    message_view m;
    m.body = body;
    m.key = key;
    m.tag = tag;
    expect(builder.add(m).ok(), "a batch cannot be made");
  }
  const auto batch = builder.finish(codec::none);
  expect(batch.ok(), "a batch cannot be made");
  frames::produce out;
  out.queue = queue;
  out.producer = name.producer;
  out.first = name.first;
  out.previous = previous;
  out.count = batch->count;
  out.compression = batch->compression;
  out.checksum = batch->checksum;
  out.batch = batch->bytes;
  return out;
}

void check_message(const batch_reader& batch, std::uint32_t place, const message_name& name) {
  const auto message = batch.message(place);
  expect(message.body == body_of(name) && message.key == key_of(name) &&
           message.tag == tag_of(name),
         to_string(name) + " is not what was sent");
}

batch_name read_batch(const frames::deliver& d) {
  const batch_name name{d.producer, d.first, d.count};
  expect(crc32c(d.batch.span()) == d.checksum, to_string(name) + " came with a wrong checksum");
  const auto batch = batch_reader::open(d.batch, d.compression, {});
  expect(batch.ok() && batch->count() == d.count, to_string(name) + " is not what was sent");
  for (std::uint32_t i = 0; i < d.count; ++i) check_message(*batch, i, {d.producer, d.first + i});
  return name;
}

} // namespace carafe::sim
