#include "storage/synced_meta.hpp"

#include "schema/batch.hpp"
#include "storage/bytes.hpp"
#include "storage/segment_layout.hpp"

#include <algorithm>
#include <fcntl.h>
#include <vector>

namespace carafe::storage {

namespace {

constexpr std::string_view slot_magic = "carafesm";
constexpr std::size_t slot_bytes = page_bytes + meta_pages * page_bytes;
constexpr std::size_t slots = 2;
constexpr std::size_t boot_id_bytes = 40;
constexpr std::size_t at_boot_id = 40;
constexpr std::size_t at_checksum = 80;

struct slot_content {
  std::uint64_t sequence = 0;
  synced_record record;
};

/// @returns Nothing for a slot that was never written.
result<std::optional<slot_content>> decode_slot(std::span<const std::byte> slot,
                                                const std::filesystem::path& path) {
  if (std::ranges::all_of(slot, [](std::byte b) { return b == std::byte{}; }))
    return std::optional<slot_content>{};
  auto metas = slot.subspan(page_bytes);
  if (get<std::uint32_t>(slot, at_checksum) != crc32c(metas, crc32c(slot.first(at_checksum))))
    return {errc::storage_corrupt, path.string() + ": a record's checksum is wrong"};
  if (as_text(slot.first(slot_magic.size())) != slot_magic)
    return {errc::format_foreign, path.string() + " does not hold synced states"};
  if (auto known = check_format(get<std::uint32_t>(slot, 8), path.string()); !known)
    return known.error();
  slot_content content;
  content.sequence = get<std::uint64_t>(slot, 16);
  auto& mark = content.record.mark;
  mark.clean = get<std::uint32_t>(slot, 12) != 0;
  mark.txn = get<std::uint64_t>(slot, 24);
  mark.last.value = get<std::uint64_t>(slot, 32);
  auto id = as_text(slot.subspan(at_boot_id, boot_id_bytes));
  mark.boot_id = id.substr(0, id.find('\0'));
  std::ranges::copy(metas, content.record.metas.begin());
  return std::optional{std::move(content)};
}

result<std::optional<slot_content>> load_newest(const file& from) {
  std::vector<std::byte> bytes(slots * slot_bytes);
  if (auto n = from.read_some(bytes, 0); !n) return n.error();
  std::optional<slot_content> newest;
  std::optional<failure> why;
  for (std::size_t i = 0; i < slots; ++i) {
    auto slot = decode_slot(std::span{bytes}.subspan(i * slot_bytes, slot_bytes), from.path());
    if (!slot) {
      // A newer program's record must not be passed over in favour of an older one.
      if (slot.code() == errc::format_newer) return slot.error();
      why = slot.error();
    } else if (*slot && (!newest || (*slot)->sequence > newest->sequence)) {
      newest = std::move(*slot);
    }
  }
  if (!newest && why) return *why;
  return newest;
}

} // namespace

std::filesystem::path synced_meta_path(const std::filesystem::path& segment) {
  auto path = segment;
  return path.replace_extension(".meta");
}

result<synced_meta_file> synced_meta_file::open(const std::filesystem::path& path) {
  auto opened = file::open(path, O_RDWR | O_CREAT);
  if (!opened) return opened.error();
  if (auto done = opened->reserve(slots * slot_bytes); !done) return done.error();
  if (auto done = opened->resize(slots * slot_bytes); !done) return done.error();
  if (auto done = opened->sync(); !done) return done.error();
  if (auto done = sync_folder(path.parent_path()); !done) return done.error();
  auto newest = load_newest(*opened);
  if (newest.code() == errc::format_newer) return newest.error();
  // Damaged slots are written over: what is in them helps nobody.
  auto sequence = newest.ok() && *newest ? (*newest)->sequence : 0;
  return synced_meta_file{std::move(*opened), sequence};
}

result<void> synced_meta_file::write(const synced_record& record) {
  CARAFE_ASSERT(record.mark.boot_id.size() <= boot_id_bytes);
  ++sequence_;
  std::vector<std::byte> slot(slot_bytes);
  auto out = std::span{slot};
  std::ranges::copy(as_bytes(slot_magic), out.begin());
  put(out, 8, storage_format);
  put(out, 12, std::uint32_t{record.mark.clean});
  put(out, 16, sequence_);
  put(out, 24, record.mark.txn);
  put(out, 32, record.mark.last.value);
  std::ranges::copy(as_bytes(record.mark.boot_id), out.begin() + at_boot_id);
  std::ranges::copy(record.metas, out.begin() + page_bytes);
  put(out, at_checksum, crc32c(out.subspan(page_bytes), crc32c(out.first(at_checksum))));
  if (auto done = file_.write(slot, sequence_ % slots * slot_bytes); !done) return done;
  return file_.sync();
}

result<std::optional<synced_record>> load_synced_meta(const std::filesystem::path& path) {
  auto opened = file::open(path, O_RDONLY);
  if (opened.code() == errc::not_found) return std::optional<synced_record>{};
  if (!opened) return opened.error();
  auto newest = load_newest(*opened);
  if (!newest) return newest.error();
  if (!*newest) return std::optional<synced_record>{};
  return std::optional{std::move((*newest)->record)};
}

result<std::string> current_boot_id() {
  auto text = read_small_file("/proc/sys/kernel/random/boot_id", 64);
  if (!text) return text.error();
  auto end = text->find_last_not_of(" \n");
  text->resize(end == std::string::npos ? 0 : end + 1);
  if (text->empty() || text->size() > boot_id_bytes)
    return {errc::storage_failed, "the kernel's boot id has an unexpected shape"};
  return text;
}

} // namespace carafe::storage
