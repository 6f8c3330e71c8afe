#include "storage/data_format.hpp"

#include "schema/batch.hpp"
#include "storage/file.hpp"
#include "storage/segment_layout.hpp"

#include <carafe/shared_bytes.hpp>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <optional>
#include <string>
#include <sys/random.h>

namespace carafe::storage {

namespace {

constexpr std::string_view format_prefix = "carafe data, format ";
constexpr std::size_t format_bytes_max = 512;

std::string hex(std::uint64_t value, int digits) {
  char text[17];
  std::snprintf(text, sizeof text, "%0*" PRIx64, digits, value);
  return text;
}

std::string encode_format(const data_format& content) {
  auto text = std::string{format_prefix} + std::to_string(storage_format) + "\nnode " +
              hex(content.node_id, 16) + "\ncreated " + std::to_string(content.created_ms) + "\n";
  return text + "check " + hex(crc32c(as_bytes(text)), 8) + "\n";
}

/// The number after `prefix` at the beginning of `text`, which is moved behind its line.
template <class Int>
std::optional<Int> take_number(std::string_view& text, std::string_view prefix, int base = 10) {
  if (!text.starts_with(prefix)) return std::nullopt;
  auto end_of_line = text.find('\n');
  if (end_of_line == std::string_view::npos) return std::nullopt;
  auto digits = text.substr(prefix.size(), end_of_line - prefix.size());
  Int value{};
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  text.remove_prefix(end_of_line + 1);
  return value;
}

constexpr std::string_view made_name = "carafe.filled";
constexpr std::string_view made_head = "A data directory with messages has these folders.\n";
constexpr std::string_view shard_line = "shard-";
constexpr std::size_t made_bytes_max = 64 * 1'024;

constexpr std::string_view note_prefix = "carafe log, format ";

struct note_words {
  std::string_view file;
  std::string_view line;
};

constexpr note_words words_of(log_note which) {
  return which == log_note::start ? note_words{"start", "first "} : note_words{"newest", "newest "};
}

result<data_format> decode_format(const std::string& text, const std::filesystem::path& path) {
  std::string_view rest{text};
  auto format = take_number<std::uint32_t>(rest, format_prefix);
  if (!format) return {errc::format_foreign, path.string() + " is not Carafe's format file"};
  if (auto known = check_format(*format, path.parent_path().string()); !known) return known.error();
  data_format content;
  auto node = take_number<std::uint64_t>(rest, "node ", 16);
  auto created = take_number<std::int64_t>(rest, "created ");
  auto checked = std::string_view{text}.substr(0, text.size() - rest.size());
  auto check = take_number<std::uint32_t>(rest, "check ", 16);
  if (!node || !created || !check || !rest.empty() || *check != crc32c(as_bytes(checked)))
    return {errc::storage_corrupt, path.string() + " is damaged"};
  content.node_id = *node;
  content.created_ms = *created;
  return content;
}

result<std::uint64_t> random_node_id() {
  std::uint64_t id = 0;
  while (id == 0) {
    if (::getrandom(&id, sizeof id, 0) != sizeof id && errno != EINTR)
      return {errc::storage_failed, "the kernel gives no random numbers"};
  }
  return id;
}

} // namespace

result<void> write_format(const std::filesystem::path& folder, const data_format& content) {
  return replace_file(folder / format_name, as_bytes(encode_format(content)));
}

result<data_format> make_format(const std::filesystem::path& folder) {
  auto id = random_node_id();
  if (!id) return id.error();
  auto now = std::chrono::system_clock::now().time_since_epoch();
  data_format content{*id, std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  if (auto done = write_format(folder, content); !done) return done.error();
  return content;
}

result<data_format> read_format(const std::filesystem::path& folder) {
  auto path = folder / format_name;
  auto text = read_small_file(path, format_bytes_max);
  if (text.code() == errc::not_found)
    return {errc::not_found, folder.string() + " is not a data directory of Carafe: it has no " +
                               std::string{format_name}};
  if (text.code() == errc::storage_corrupt)
    return {errc::format_foreign, path.string() + " is not Carafe's format file"};
  if (!text) return text.error();
  return decode_format(*text, path);
}

result<std::set<shard_id>> read_made_shards(const std::filesystem::path& folder) {
  std::set<shard_id> shards;
  auto text = read_small_file(folder / made_name, made_bytes_max);
  if (text.code() == errc::not_found) return shards;
  if (!text) return text.error();
  auto rest = std::string_view{*text};
  if (!rest.starts_with(made_head)) { // It was a sentence about the first shard once.
    shards.insert(shard_id{0});
    return shards;
  }
  rest.remove_prefix(made_head.size());
  while (!rest.empty()) {
    auto shard = take_number<std::uint16_t>(rest, shard_line);
    if (!shard) return {errc::storage_corrupt, (folder / made_name).string() + " is damaged"};
    shards.insert(shard_id{*shard});
  }
  return shards;
}

result<void> write_made_shards(const std::filesystem::path& folder,
                               const std::set<shard_id>& shards) {
  std::string text{made_head};
  for (const auto shard : shards)
    text += std::string{shard_line} + std::to_string(shard.value) + "\n";
  return replace_file(folder / made_name, as_bytes(text));
}

result<std::optional<entry_index>> read_log_note(const std::filesystem::path& shard_folder,
                                                 log_note which) {
  const auto words = words_of(which);
  auto path = shard_folder / words.file;
  auto text = read_small_file(path, format_bytes_max);
  if (text.code() == errc::not_found) return std::optional<entry_index>{};
  if (!text) return text.error();
  std::string_view rest{*text};
  auto format = take_number<std::uint32_t>(rest, note_prefix);
  if (!format) return {errc::storage_corrupt, path.string() + " is damaged"};
  if (auto known = check_format(*format, path.string()); !known) return known.error();
  auto first = take_number<std::uint64_t>(rest, words.line);
  auto checked = std::string_view{*text}.substr(0, text->size() - rest.size());
  auto check = take_number<std::uint32_t>(rest, "check ", 16);
  if (!first || !check || !rest.empty() || *check != crc32c(as_bytes(checked)))
    return {errc::storage_corrupt, path.string() + " is damaged"};
  return std::optional{entry_index{*first}};
}

result<void> write_log_note(const std::filesystem::path& shard_folder, log_note which,
                            entry_index first) {
  const auto words = words_of(which);
  auto text = std::string{note_prefix} + std::to_string(storage_format) + "\n" +
              std::string{words.line} + std::to_string(first.value) + "\n";
  text += "check " + hex(crc32c(as_bytes(text)), 8) + "\n";
  return replace_file(shard_folder / words.file, as_bytes(text));
}

result<void> write_or_remove_log_note(const std::filesystem::path& shard_folder, log_note which,
                                      entry_index first) {
  auto done = write_log_note(shard_folder, which, first);
  if (done.code() != errc::storage_full) return done;
  if (done = remove_file(shard_folder / words_of(which).file); !done) return done;
  return sync_folder(shard_folder);
}

} // namespace carafe::storage
