#include "storage/page_sums.hpp"

#include "schema/batch.hpp"
#include "storage/bytes.hpp"
#include "storage/segment_layout.hpp"

#include <algorithm>
#include <string>

namespace carafe::storage {

namespace {

constexpr std::string_view sums_magic = "carafesu";
constexpr std::size_t header_bytes = 40;
/// Of a segment of 1 TiB.
constexpr std::size_t file_bytes_max = std::size_t{1} << 26;

std::filesystem::path sums_path(std::filesystem::path segment) {
  return segment.replace_extension(".sum");
}

std::uint64_t chunks_of(std::uint64_t bytes) {
  return (bytes + sum_chunk_bytes - 1) / sum_chunk_bytes;
}

} // namespace

result<std::optional<page_sums>> load_page_sums(const std::filesystem::path& segment) {
  auto path = sums_path(segment);
  auto text = read_small_file(path, file_bytes_max);
  if (text.code() == errc::not_found) return std::optional<page_sums>{};
  if (!text) return text.error();
  auto bytes = as_bytes(*text);
  if (bytes.size() < 12 || as_text(bytes.first(8)) != sums_magic)
    return {errc::format_foreign, path.string() + " does not hold page checksums"};
  if (auto known = check_format(get<std::uint32_t>(bytes, 8), path.string()); !known)
    return known.error();
  auto intact =
    bytes.size() >= header_bytes + 4 &&
    get<std::uint32_t>(bytes, bytes.size() - 4) == crc32c(bytes.first(bytes.size() - 4)) &&
    get<std::uint32_t>(bytes, 12) == sum_chunk_bytes;
  page_sums sums;
  if (intact) {
    sums.bytes = get<std::uint64_t>(bytes, 16);
    sums.first.value = get<std::uint64_t>(bytes, 24);
    sums.last.value = get<std::uint64_t>(bytes, 32);
    intact = bytes.size() - header_bytes - 4 == chunks_of(sums.bytes) * 4;
  }
  if (!intact) return {errc::storage_corrupt, path.string() + " is damaged"};
  for (auto at = header_bytes; at + 4 < bytes.size(); at += 4)
    sums.chunks.push_back(get<std::uint32_t>(bytes, at));
  return std::optional{std::move(sums)};
}

result<void> store_page_sums(const std::filesystem::path& segment, const page_sums& sums) {
  std::vector<std::byte> bytes;
  bytes.reserve(header_bytes + 4 * sums.chunks.size() + 4);
  std::ranges::copy(as_bytes(sums_magic), std::back_inserter(bytes));
  append(bytes, storage_format);
  append(bytes, static_cast<std::uint32_t>(sum_chunk_bytes));
  append(bytes, sums.bytes);
  append(bytes, sums.first.value);
  append(bytes, sums.last.value);
  for (auto sum : sums.chunks) append(bytes, sum);
  append(bytes, crc32c(bytes));
  return replace_file(sums_path(segment), bytes);
}

result<void> remove_page_sums(const std::filesystem::path& segment) {
  return remove_file(sums_path(segment));
}

result<bool> page_summing::advance(const page_file& from, std::uint64_t bytes) {
  buffer_.resize(sum_chunk_bytes);
  auto all = from.used_bytes();
  auto until = std::min(all, sums_.bytes + std::max<std::uint64_t>(bytes, 1));
  while (sums_.bytes < until) {
    auto size = std::min<std::uint64_t>(sum_chunk_bytes, all - sums_.bytes);
    auto chunk = std::span{buffer_}.first(static_cast<std::size_t>(size));
    if (auto done = from.raw().read(chunk, sums_.bytes); !done) return done.error();
    sums_.chunks.push_back(crc32c(chunk));
    sums_.bytes += size;
  }
  return sums_.bytes == all;
}

result<void> check_page_sums(const page_file& from, const page_sums& sums) {
  if (sums.bytes != from.used_bytes())
    return {errc::storage_corrupt,
            from.path().string() + " has another size than when it was sealed"};
  page_summing again{sums.first, sums.last};
  for (std::size_t i = 0; i < sums.chunks.size(); ++i) {
    if (auto done = again.advance(from, sum_chunk_bytes); !done) return done.error();
    if (again.sums().chunks[i] != sums.chunks[i])
      return from.damaged(i * (sum_chunk_bytes / page_bytes),
                          "or one of the " + std::to_string(sum_chunk_bytes / page_bytes - 1) +
                            " after it has changed since the segment was sealed");
  }
  return {};
}

} // namespace carafe::storage
