#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace carafe {

/// A view of immutable bytes that keeps their owner alive. Copying copies no bytes.
class shared_bytes {
public:
  shared_bytes() = default;

  /// `view` must lie in memory that `owner` keeps alive.
  shared_bytes(std::shared_ptr<const void> owner, std::span<const std::byte> view)
    : owner_(std::move(owner)), view_(view) {}

  /// Copies `bytes` into a buffer of its own, aligned for Cap'n Proto (16 bytes).
  [[nodiscard]] static shared_bytes copy_of(std::span<const std::byte> bytes) {
    auto owner = std::shared_ptr<std::byte[]>(new std::byte[bytes.size()]);
    if (!bytes.empty()) std::memcpy(owner.get(), bytes.data(), bytes.size());
    auto view = std::span<const std::byte>{owner.get(), bytes.size()};
    return {std::move(owner), view};
  }

  [[nodiscard]] const std::byte* data() const noexcept { return view_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return view_.size(); }
  [[nodiscard]] bool empty() const noexcept { return view_.empty(); }
  [[nodiscard]] std::span<const std::byte> span() const noexcept { return view_; }
  [[nodiscard]] std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(view_.data()), view_.size()};
  }

  /// A part of these bytes, sharing the owner.
  [[nodiscard]] shared_bytes slice(std::size_t at, std::size_t count) const {
    return {owner_, view_.subspan(at, count)};
  }

private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> view_;
};

[[nodiscard]] inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

[[nodiscard]] inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace carafe
