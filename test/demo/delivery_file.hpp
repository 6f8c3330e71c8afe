#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::demo {

/// A record as a consumer wrote it down.
struct received_record {
  std::uint32_t queue = 0;
  std::uint64_t offset = 0;
  std::string_view key;
  std::string_view body;
};

/// Adds it to the bytes of a delivery file.
void append_record(std::string& out, const received_record& r);

/// The records in the bytes of a delivery file; they point into it. The last one is left out if
/// its writer was killed in the middle of it: it was not acknowledged then.
[[nodiscard]] std::vector<received_record> read_records(std::string_view bytes);

} // namespace carafe::demo
