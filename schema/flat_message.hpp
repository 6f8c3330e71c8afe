#pragma once

/// Internal to schema/: building and reading Cap'n Proto messages in plain memory.

#include <carafe/result.hpp>
#include <carafe/shared_bytes.hpp>

#include <capnp/message.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>

namespace carafe {

inline constexpr std::size_t word_bytes = sizeof(capnp::word);

constexpr std::size_t words_of(std::size_t bytes) noexcept {
  return (bytes + word_bytes - 1) / word_bytes;
}

constexpr std::size_t padded(std::size_t bytes) noexcept { return words_of(bytes) * word_bytes; }

inline bool is_aligned(const void* at) noexcept {
  return reinterpret_cast<std::uintptr_t>(at) % word_bytes == 0;
}

/// @pre is_aligned(bytes.data()); a last broken word is left out
inline kj::ArrayPtr<const capnp::word> as_words(std::span<const std::byte> bytes) noexcept {
  auto words = static_cast<const void*>(bytes.data());
  return {static_cast<const capnp::word*>(words), bytes.size() / word_bytes};
}

/// `bytes`, copied only if they are not aligned for Cap'n Proto.
inline shared_bytes aligned(shared_bytes bytes) {
  return is_aligned(bytes.data()) ? std::move(bytes) : shared_bytes::copy_of(bytes.span());
}

/// Room for the traversal of every word once, and little more: a message whose pointers share
/// targets must not cost more than its size.
inline capnp::ReaderOptions reader_options(std::size_t message_bytes) noexcept {
  constexpr std::size_t slack_words = 16;
  auto options = capnp::ReaderOptions{};
  options.traversalLimitInWords = words_of(message_bytes) + slack_words;
  options.nestingLimit = 16;
  return options;
}

/// Builds one segment in place, in memory whose size was computed before.
class segment_builder final : public capnp::MessageBuilder {
public:
  /// @pre `segment` is zeroed and lives as long as the builder
  explicit segment_builder(kj::ArrayPtr<capnp::word> segment) : segment_(segment) {}

  kj::ArrayPtr<capnp::word> allocateSegment(unsigned minimum_words) override {
    CARAFE_ASSERT(!given_ && minimum_words <= segment_.size());
    given_ = true;
    return segment_;
  }

private:
  kj::ArrayPtr<capnp::word> segment_;
  bool given_ = false;
};

/// Memory for small messages. `MallocMessageBuilder` needs it zeroed and leaves it zeroed.
inline kj::ArrayPtr<capnp::word> scratch() noexcept {
  static thread_local capnp::word words[1024]{};
  return {words, 1024};
}

/// Calls `fill(builder)` and then `use(segment)` with the message as a single segment; `fill` is
/// called again if the scratch memory was too small.
template <class Fill, class Use>
void with_single_segment(Fill&& fill, Use&& use) {
  std::size_t words = 0;
  {
    auto builder = capnp::MallocMessageBuilder{scratch()};
    fill(builder);
    auto segments = builder.getSegmentsForOutput();
    if (segments.size() == 1) return use(segments[0].asBytes());
    for (auto& segment : segments) words += segment.size();
  }
  CARAFE_ASSERT(words <= std::numeric_limits<unsigned>::max());
  auto builder = capnp::MallocMessageBuilder{static_cast<unsigned>(words)};
  fill(builder);
  auto segments = builder.getSegmentsForOutput();
  CARAFE_ASSERT(segments.size() == 1);
  use(segments[0].asBytes());
}

/// What is wrong with a message, without the conditions and source files of Cap'n Proto's own text.
std::string why_unreadable(const kj::Exception& what);

/// Calls `read`, which reads a message; what Cap'n Proto throws becomes `code`.
template <class Result, class Read>
Result reading(errc code, Read&& read) {
  try {
    return read();
  } catch (const kj::Exception& what) {
    return Result{code, why_unreadable(what)};
  }
}

} // namespace carafe
