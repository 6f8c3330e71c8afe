#include "schema/byte_order.hpp"
#include "schema/frame_codec.hpp"

#include <capnp/serialize.h>

#include <algorithm>
#include <atomic>
#include <bit>

namespace carafe::frames {
namespace {

constexpr std::size_t segments_max = 512;
constexpr std::size_t capacity_min = 16 * 1024;
/// A larger buffer is given back as soon as it is empty.
constexpr std::size_t capacity_kept = 256 * 1024;

/// Size of the frame that `bytes` begins with, from its segment table; 0 if more bytes are needed
/// to tell.
/// @errors frame_malformed, frame_too_large
result<std::size_t> frame_bytes(std::span<const std::byte> bytes, std::size_t bytes_max) {
  constexpr auto entry_bytes = sizeof(std::uint32_t);
  if (bytes.size() < word_bytes) return std::size_t{0};
  auto segments = std::size_t{load_little<std::uint32_t>(bytes)} + 1;
  if (segments > segments_max) return {errc::frame_malformed, "too many segments"};
  auto table_bytes = padded(entry_bytes * (1 + segments));
  if (bytes.size() < table_bytes) return std::size_t{0};
  auto total = table_bytes;
  for (std::size_t i = 1; i <= segments; ++i)
    total += std::size_t{load_little<std::uint32_t>(bytes.subspan(i * entry_bytes))} * word_bytes;
  if (total > bytes_max)
    return {errc::frame_too_large,
            std::to_string(total) + " bytes of " + std::to_string(bytes_max)};
  return total;
}

} // namespace

reader::reader(std::uint32_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {}

std::size_t reader::buffered() const noexcept { return end_ - begin_; }

void reader::feed(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (capacity_ - end_ < bytes.size()) make_room(bytes.size());
  std::memcpy(buffer_.get() + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

void reader::make_room(std::size_t more) {
  auto tail = buffered();
  auto needed = tail + more;
  if (needed <= capacity_ && buffer_.use_count() == 1) {
    // Whoever shared the buffer has let go of it, maybe on another thread: its reads come first.
    std::atomic_thread_fence(std::memory_order_acquire);
    std::memmove(buffer_.get(), buffer_.get() + begin_, tail);
  } else {
    auto capacity = std::bit_ceil(std::max(needed, capacity_min));
    // What a frame announces is trusted up to what this connection has sent in one before: an
    // announcement costs its sender nothing.
    auto announced = frame_bytes({buffer_.get() + begin_, tail}, frame_bytes_max_);
    if (announced && *announced <= frame_bytes_seen_) capacity = std::max(capacity, *announced);
    auto fresh = std::shared_ptr<std::byte[]>(new std::byte[capacity]);
    if (tail > 0) std::memcpy(fresh.get(), buffer_.get() + begin_, tail);
    buffer_ = std::move(fresh);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = tail;
}

result<std::optional<frame>> reader::next() {
  last_request_ = 0;
  auto held = std::span<const std::byte>{buffer_.get() + begin_, buffered()};
  auto size = frame_bytes(held, frame_bytes_max_);
  if (!size) return size.error();
  if (*size == 0 || held.size() < *size) return std::optional<frame>{};
  frame_bytes_seen_ = std::max(frame_bytes_seen_, *size);
  auto decoded = decode(held.first(*size));
  begin_ += *size;
  if (begin_ == end_ && capacity_ > capacity_kept) {
    buffer_.reset();
    begin_ = end_ = capacity_ = 0;
  }
  return decoded;
}

result<std::optional<frame>> reader::decode(std::span<const std::byte> bytes) {
  using decoded = result<std::optional<frame>>;
  return reading<decoded>(errc::frame_malformed, [&]() -> decoded {
    auto message = capnp::FlatArrayMessageReader{as_words(bytes), reader_options(bytes.size())};
    auto root = message.getRoot<wire::Frame>();
    last_request_ = root.getRequest();
    auto state = decoding{buffer_, capacity_};
    auto f = std::optional<frame>{frame{last_request_, get_body(root, state)}};
    if (state.wrong()) return *state.wrong();
    return f;
  });
}

} // namespace carafe::frames
