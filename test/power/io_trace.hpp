#pragma once

/// What a node asks of the file system, one record after another, as the preloaded recorder writes
/// it and the model of a disk reads it.

#include <cstdint>

namespace carafe::power {

enum class io : std::uint32_t {
  /// A process begins: no payload.
  process = 1,
  /// Name `payload` in folder `file` is now inode `other`; made by this call.
  made_file,
  made_folder,
  /// Name `payload` in folder `file` is gone.
  removed,
  /// payload: old name, NUL, new name; from folder `file` to folder `other`.
  renamed,
  /// `payload` was written to `file` at `offset`; `other` 1: through a descriptor that syncs.
  written,
  /// The size of `file` is `offset`; `other` 1: only if it was smaller.
  resized,
  /// A sync of `file` begins, number `other`, and has ended well.
  sync_begins,
  sync_ended,
  /// A client connected to descriptor `file`; `payload` was sent there.
  accepted,
  sent,
};

struct io_record {
  io what = io::process;
  std::uint32_t payload_bytes = 0;
  /// Inode, or as said above.
  std::uint64_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t other = 0;
};

} // namespace carafe::power
