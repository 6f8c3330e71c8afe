/// A batch as a client may send it, with a checksum that is right, so that what is behind it is
/// reached. Every batch that is accepted is read in full.

#include "schema/batch.hpp"
#include "test/fuzz/target.hpp"
#include "test/schema/samples.hpp"

#include <array>
#include <span>

namespace {

using namespace carafe;

constexpr std::array codecs{codec::none, codec::lz4, codec::zstd};
constexpr batch_limits limits{
  .message_bytes_max = 64 * 1024, .batch_count_max = 4'096, .batch_bytes_max = 256 * 1024};

/// Touches every byte of every message.
std::uint64_t read_all(const batch_reader& batch) {
  std::uint64_t payload = 0;
  std::uint32_t sum = 0;
  const auto take = [&](std::string_view text) {
    payload += text.size();
    sum = crc32c(as_bytes(text), sum);
  };
  for (std::uint32_t i = 0; i < batch.count(); ++i) {
    const auto message = batch.message(i);
    for (const auto part : {message.key, message.body, message.tag}) take(part);
    for (const auto& [name, value] : message.properties) {
      CARAFE_ASSERT(!name.empty());
      take(name);
      take(value);
    }
  }
  return payload;
}

} // namespace

/// The first byte is the codec.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto compression = codecs[data[0] % codecs.size()];
  const auto bytes = shared_bytes::copy_of(std::as_bytes(std::span{data + 1, size - 1}));
  auto batch = batch_reader::open(bytes, compression, limits);
  const auto count = batch ? batch->count() : 1;
  const auto valid = validate_batch(bytes.span(), compression, count, crc32c(bytes.span()), limits);
  CARAFE_ASSERT(valid.ok() == batch.ok());
  if (!batch) return 0;
  CARAFE_ASSERT(batch->count() <= limits.batch_count_max);
  CARAFE_ASSERT(read_all(*batch) == valid->payload_bytes &&
                batch->payload_bytes() == valid->payload_bytes && batch->timed() == valid->timed);
  CARAFE_ASSERT(
    !validate_batch(bytes.span(), compression, count + 1, crc32c(bytes.span()), limits));
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  const auto messages = test::sample_messages();
  std::vector<test::owned_message> many(300, messages.front());
  for (std::size_t i = 0; i < codecs.size(); ++i) {
    for (const auto& from : {messages, many}) {
      const auto batch = test::encode_messages(from, codecs[i]);
      out.emplace_back(1, static_cast<char>(batch.compression == codecs[i] ? i : 0));
      out.back() += as_text(batch.bytes.span());
    }
  }
  return out;
}
