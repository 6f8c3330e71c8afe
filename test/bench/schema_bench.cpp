// How fast one core encodes, validates and reads batches, frames and entries.

#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "schema/records.hpp"
#include "test/bench/measure.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

using namespace carafe;
using bench::measure;
using bench::sink;

constexpr std::uint32_t batch_count = 500;
constexpr std::size_t body_bytes = 100;
constexpr std::size_t key_bytes = 16;

struct source {
  std::vector<std::string> keys;
  std::string body;

  source() {
    for (std::uint32_t i = 0; i < batch_count; ++i) {
      auto key = std::to_string(i * 7919);
      keys.push_back(std::string(key_bytes - key.size(), 'k') + key);
    }
    for (std::size_t i = 0; i < body_bytes; ++i) body += static_cast<char>('a' + i * i % 23);
  }
};

void fill(batch_builder& builder, const source& from) {
  auto message = message_view{};
  message.body = from.body;
  message.born = unix_ms{1'700'000'000'000};
  for (auto& key : from.keys) {
    message.key = key;
    if (!builder.add(message)) std::abort();
  }
}

encoded_batch encode(batch_builder& builder, const source& from, codec compression) {
  fill(builder, from);
  auto batch = builder.finish(compression);
  return std::move(*batch);
}

void read_all(const encoded_batch& batch) {
  auto opened = batch_reader::open(batch.bytes, batch.compression, {});
  for (std::uint32_t i = 0; i < opened->count(); ++i) {
    auto message = opened->message(i);
    sink += message.body.size() + static_cast<unsigned char>(message.key.back());
  }
}

void validate(const encoded_batch& batch) {
  auto valid =
    validate_batch(batch.bytes.span(), batch.compression, batch.count, batch.checksum, {});
  sink += valid->payload_bytes;
}

void measure_batches(const char* name, codec compression, const source& from) {
  auto builder = batch_builder{};
  auto batch = encode(builder, from, compression);
  std::printf("batch of %u, %s: %zu bytes\n", batch_count, name, batch.bytes.size());
  measure("  encode with checksum", "messages", batch_count,
          [&] { sink += encode(builder, from, compression).checksum; });
  measure("  validate with checksum", "messages", batch_count, [&] { validate(batch); });
  measure("  open and iterate", "messages", batch_count, [&] { read_all(batch); });
  measure("  validate, open and iterate", "messages", batch_count, [&] {
    validate(batch);
    read_all(batch);
  });
}

void measure_frames(const char* name, const frames::frame& f) {
  constexpr std::size_t read_bytes = 64 * 1024;
  auto one = std::vector<char>{};
  frames::encode(f, one);
  auto many = std::vector<char>{};
  auto count = 0;
  for (; many.size() < 16 * read_bytes; ++count) frames::encode(f, many);
  std::printf("%s: %zu bytes\n", name, one.size());
  auto out = std::vector<char>{};
  measure("  encode", "frames", count, [&] {
    out.clear();
    for (int i = 0; i < count; ++i) frames::encode(f, out);
    sink += out.size();
  });
  auto reader = frames::reader{64u << 20};
  measure("  read, 64 KiB at a time", "frames", count, [&] {
    auto rest = as_bytes({many.data(), many.size()});
    while (!rest.empty()) {
      auto part = rest.first(std::min(rest.size(), read_bytes));
      rest = rest.subspan(part.size());
      reader.feed(part);
      for (;;) {
        auto next = reader.next();
        if (!next->has_value()) break;
        sink += (*next)->request;
      }
    }
  });
}

void measure_entries(const encoded_batch& batch) {
  auto effect = effects::batch{};
  effect.queue = queue_id{7};
  effect.count = batch.count;
  effect.checksum = batch.checksum;
  effect.bytes = batch.bytes;
  const auto list = std::vector<effects::effect>{effect};
  auto entry = encode_entry({}, list);
  auto stored = std::vector<std::byte>(entry.bytes());
  std::printf("entry of one batch: %zu bytes of effects\n", entry.effects.size());
  measure("  encode", "entries", 1, [&] { sink += encode_entry({}, list).effects.size(); });
  measure("  write with checksum", "entries", 1, [&] { write_entry(entry, stored); });
  auto shared = shared_bytes::copy_of(stored);
  measure("  decode with checksum", "entries", 1,
          [&] { sink += decode_entry(shared)->effects.size(); });
}

} // namespace

int main() {
  auto from = source{};
  measure_batches("none", codec::none, from);
  measure_batches("lz4", codec::lz4, from);
  measure_batches("zstd", codec::zstd, from);

  auto builder = batch_builder{};
  auto message = message_view{};
  message.body = from.body;
  message.key = from.keys.front();
  if (!builder.add(message)) return 1;
  auto single = builder.finish(codec::none);
  auto large = encode(builder, from, codec::none);

  auto produce = frames::produce{};
  produce.batch = single->bytes;
  measure_frames("produce of one message", {1, produce});
  produce.batch = large.bytes;
  measure_frames("produce of a batch", {1, produce});
  measure_frames("receipt", {1, frames::receipt{}});
  measure_frames("credit", {1, frames::credit{}});
  measure_entries(large);
  return sink == 0 ? 1 : 0;
}
