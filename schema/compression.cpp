#include "schema/compression.hpp"

#include <lz4frame.h>
#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>

namespace carafe {
namespace {

// Brokers want speed: higher levels cost several times the time for a few percent.
constexpr int zstd_level = 1;
constexpr std::size_t output_bytes_min = 64 * 1024;

struct step {
  std::size_t taken = 0;
  std::size_t made = 0;
  bool done = false;
  bool bad = false;
};

class lz4_stream {
public:
  lz4_stream() : context_(std::move(spare())) {
    if (context_) return;
    LZ4F_dctx* fresh = nullptr;
    CARAFE_ASSERT(!LZ4F_isError(LZ4F_createDecompressionContext(&fresh, LZ4F_VERSION)));
    context_.reset(fresh);
  }
  lz4_stream(const lz4_stream&) = delete;
  lz4_stream& operator=(const lz4_stream&) = delete;

  // A context whose frame was left unfinished is not used again: resetting it (LZ4 1.9.4) keeps
  // the content size still expected, and the next frame would be refused.
  ~lz4_stream() {
    if (whole_) spare() = std::move(context_);
  }

  /// Content size that the frame announces; nothing if it does not.
  /// @post `input` begins behind the frame's header.
  result<std::optional<std::uint64_t>> announced(std::span<const std::byte>& input) {
    auto info = LZ4F_frameInfo_t{};
    auto taken = input.size();
    auto hint = LZ4F_getFrameInfo(context_.get(), &info, input.data(), &taken);
    if (LZ4F_isError(hint)) return {errc::batch_malformed, "no LZ4 frame"};
    if (info.frameType != LZ4F_frame || info.dictID != 0)
      return {errc::batch_malformed, "no plain LZ4 frame"};
    input = input.subspan(taken);
    if (info.contentSize == 0) return std::optional<std::uint64_t>{};
    return std::optional<std::uint64_t>{info.contentSize};
  }

  step next(std::span<const std::byte> input, std::span<std::byte> output) {
    auto taken = input.size();
    auto made = output.size();
    auto hint =
      LZ4F_decompress(context_.get(), output.data(), &made, input.data(), &taken, nullptr);
    whole_ = hint == 0;
    return {taken, made, whole_, LZ4F_isError(hint) != 0};
  }

private:
  struct release {
    void operator()(LZ4F_dctx* old) const noexcept { LZ4F_freeDecompressionContext(old); }
  };
  using context = std::unique_ptr<LZ4F_dctx, release>;

  static context& spare() {
    static thread_local auto kept = context{};
    return kept;
  }

  context context_;
  bool whole_ = false;
};

class zstd_stream {
public:
  explicit zstd_stream(std::size_t bytes_max) : context_(context()) {
    // A frame that announces no size makes the decoder allocate its window, which compressors
    // choose up to 8 MiB for small content too.
    auto window_log = std::clamp(static_cast<int>(std::bit_width(bytes_max)), 23, 27);
    ZSTD_DCtx_reset(context_, ZSTD_reset_session_and_parameters);
    ZSTD_DCtx_setParameter(context_, ZSTD_d_windowLogMax, window_log);
  }

  result<std::optional<std::uint64_t>> announced(std::span<const std::byte>& input) {
    auto size = ZSTD_getFrameContentSize(input.data(), input.size());
    if (size == ZSTD_CONTENTSIZE_ERROR) return {errc::batch_malformed, "no Zstandard frame"};
    if (size == ZSTD_CONTENTSIZE_UNKNOWN) return std::optional<std::uint64_t>{};
    return std::optional<std::uint64_t>{size};
  }

  step next(std::span<const std::byte> input, std::span<std::byte> output) {
    auto in = ZSTD_inBuffer{input.data(), input.size(), 0};
    auto out = ZSTD_outBuffer{output.data(), output.size(), 0};
    auto hint = ZSTD_decompressStream(context_, &out, &in);
    return {in.pos, out.pos, hint == 0, ZSTD_isError(hint) != 0};
  }

private:
  static ZSTD_DCtx* context() {
    struct release {
      void operator()(ZSTD_DCtx* old) const noexcept { ZSTD_freeDCtx(old); }
    };
    static thread_local auto kept = std::unique_ptr<ZSTD_DCtx, release>(ZSTD_createDCtx());
    CARAFE_ASSERT(kept != nullptr);
    return kept.get();
  }

  ZSTD_DCtx* context_;
};

/// Output that grows up to a limit.
class growing_output {
public:
  explicit growing_output(std::size_t capacity) { reserve(capacity); }

  std::span<std::byte> room() { return {bytes_.get() + size_, capacity_ - size_}; }
  void advance(std::size_t made) { size_ += made; }
  std::size_t capacity() const { return capacity_; }
  std::size_t size() const { return size_; }

  void reserve(std::size_t capacity) {
    auto larger = std::shared_ptr<std::byte[]>(new std::byte[capacity]);
    if (size_ > 0) std::memcpy(larger.get(), bytes_.get(), size_);
    bytes_ = std::move(larger);
    capacity_ = capacity;
  }

  shared_bytes take() {
    auto view = std::span<const std::byte>{bytes_.get(), size_};
    return {std::move(bytes_), view};
  }

private:
  std::shared_ptr<std::byte[]> bytes_;
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

template <class Stream>
result<shared_bytes> inflate(Stream&& stream, std::span<const std::byte> input,
                             std::size_t bytes_max) {
  auto header = stream.announced(input);
  if (!header) return header.error();
  auto announced = *header;
  if (announced && *announced > bytes_max)
    return {errc::batch_too_large, "decompressed " + std::to_string(*announced) + " bytes of " +
                                     std::to_string(bytes_max)};
  auto guess =
    std::clamp(input.size() * 4, output_bytes_min, std::max(output_bytes_min, bytes_max));
  auto output = growing_output{announced ? static_cast<std::size_t>(*announced) : guess};
  for (;;) {
    auto made = stream.next(input, output.room());
    if (made.bad) return {errc::batch_malformed, "compressed bytes are damaged"};
    input = input.subspan(made.taken);
    output.advance(made.made);
    if (output.size() > bytes_max) return {errc::batch_too_large, "decompressed"};
    if (made.done) break;
    if (made.taken > 0 || made.made > 0) continue;
    if (!output.room().empty()) return {errc::batch_malformed, "compressed bytes end too early"};
    if (announced) return {errc::batch_malformed, "decompressed size is not the announced one"};
    if (output.capacity() >= bytes_max) return {errc::batch_too_large, "decompressed"};
    output.reserve(std::min(output.capacity() * 2, bytes_max));
  }
  if (!input.empty()) return {errc::batch_malformed, "bytes behind the compressed frame"};
  if (announced && output.size() != *announced)
    return {errc::batch_malformed, "decompressed size is not the announced one"};
  return output.take();
}

result<std::size_t> compress_lz4(std::span<const std::byte> plain, std::vector<std::byte>& out) {
  auto preferences = LZ4F_preferences_t{};
  preferences.frameInfo.contentSize = plain.size();
  out.resize(LZ4F_compressFrameBound(plain.size(), &preferences));
  auto made = LZ4F_compressFrame(out.data(), out.size(), plain.data(), plain.size(), &preferences);
  if (LZ4F_isError(made)) return {errc::internal, LZ4F_getErrorName(made)};
  return made;
}

result<std::size_t> compress_zstd(std::span<const std::byte> plain, std::vector<std::byte>& out) {
  struct release {
    void operator()(ZSTD_CCtx* old) const noexcept { ZSTD_freeCCtx(old); }
  };
  static thread_local auto context = std::unique_ptr<ZSTD_CCtx, release>(ZSTD_createCCtx());
  CARAFE_ASSERT(context != nullptr);
  out.resize(ZSTD_compressBound(plain.size()));
  auto made = ZSTD_compressCCtx(context.get(), out.data(), out.size(), plain.data(), plain.size(),
                                zstd_level);
  if (ZSTD_isError(made)) return {errc::internal, ZSTD_getErrorName(made)};
  return made;
}

} // namespace

result<std::span<const std::byte>> compress(codec compression, std::span<const std::byte> plain,
                                            std::vector<std::byte>& out) {
  CARAFE_ASSERT(compression != codec::none);
  auto made = compression == codec::lz4 ? compress_lz4(plain, out) : compress_zstd(plain, out);
  if (!made) return made.error();
  return std::span<const std::byte>{out.data(), *made};
}

result<shared_bytes> decompress(codec compression, std::span<const std::byte> compressed,
                                std::size_t bytes_max) {
  switch (compression) {
  case codec::lz4:
    return inflate(lz4_stream{}, compressed, bytes_max);
  case codec::zstd:
    return inflate(zstd_stream{bytes_max}, compressed, bytes_max);
  case codec::none:
    break;
  }
  return {errc::codec_unknown, std::to_string(static_cast<unsigned>(compression))};
}

} // namespace carafe
