/// Bytes from a socket: cut into reads as they may arrive, split into frames, decoded. Every frame
/// that is accepted is encoded again and must mean the same.

#include "schema/frame.hpp"
#include "test/fuzz/target.hpp"
#include "test/schema/samples.hpp"

#include <carafe/errc.hpp>

#include <algorithm>
#include <span>

namespace {

using namespace carafe;

constexpr std::uint32_t frame_bytes_max = 1u << 20;

std::vector<char> encoded(const frames::frame& f) {
  std::vector<char> out;
  frames::encode(f, out);
  return out;
}

void check_round_trip(const frames::frame& f) {
  const auto bytes = encoded(f);
  frames::reader again{8 * frame_bytes_max};
  again.feed(test::as_bytes(bytes));
  auto next = again.next();
  CARAFE_ASSERT(next.ok() && next->has_value());
  CARAFE_ASSERT(again.buffered() == 0);
  CARAFE_ASSERT(encoded(**next) == bytes);
}

} // namespace

/// The first byte says how many bytes arrive at a time.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto step = std::size_t{data[0]} * 16 + 1;
  auto rest = std::as_bytes(std::span{data + 1, size - 1});
  frames::reader reader{frame_bytes_max};
  while (!rest.empty()) {
    const auto part = rest.first(std::min(step, rest.size()));
    rest = rest.subspan(part.size());
    reader.feed(part);
    for (;;) {
      auto next = reader.next();
      if (!next && next.code() == errc::unsupported) continue;
      if (!next) return 0; // The connection is closed.
      if (!*next) break;
      check_round_trip(**next);
    }
    CARAFE_ASSERT(reader.buffered() <= frame_bytes_max);
  }
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  std::string all{'\xff'};
  for (const auto& [name, frame] : test::sample_frames()) {
    const auto bytes = encoded(frame);
    out.emplace_back("\x04");
    out.back().append(bytes.begin(), bytes.end());
    all.append(bytes.begin(), bytes.end());
  }
  out.push_back(std::move(all));
  return out;
}
