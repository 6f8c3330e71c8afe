#include "test/demo/delivery_file.hpp"

#include <cstring>

namespace carafe::demo {

namespace {

struct header {
  std::uint64_t offset = 0;
  std::uint32_t queue = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t body_bytes = 0;
  std::uint32_t padding = 0;
};

} // namespace

void append_record(std::string& out, const received_record& r) {
  header h;
  h.offset = r.offset;
  h.queue = r.queue;
  h.key_bytes = static_cast<std::uint32_t>(r.key.size());
  h.body_bytes = static_cast<std::uint32_t>(r.body.size());
  out.append(reinterpret_cast<const char*>(&h), sizeof h);
  out += r.key;
  out += r.body;
}

std::vector<received_record> read_records(std::string_view bytes) {
  std::vector<received_record> records;
  for (header h; bytes.size() >= sizeof h;) {
    std::memcpy(&h, bytes.data(), sizeof h);
    const auto whole = sizeof h + h.key_bytes + std::size_t{h.body_bytes};
    if (bytes.size() < whole) break;
    records.push_back({h.queue, h.offset, bytes.substr(sizeof h, h.key_bytes),
                       bytes.substr(sizeof h + h.key_bytes, h.body_bytes)});
    bytes.remove_prefix(whole);
  }
  return records;
}

} // namespace carafe::demo
