#pragma once

/// Files by their descriptor, with errors that name them.

#include <carafe/result.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace carafe::storage {

/// "cannot <doing> <path>: <reason of `error`>", with the code that belongs to `error`.
/// ENOSPC, EDQUOT and EFBIG are `storage_full`; EACCES, EPERM and EROFS are `permission_denied`;
/// all else is `storage_failed`.
[[nodiscard]] failure io_failure(const char* doing, const std::filesystem::path& path, int error);

/// An open file. Positions are explicit, so any number of threads may read at the same time.
class file {
public:
  file() = default;
  file(file&& other) noexcept;
  file& operator=(file&& other) noexcept;
  ~file();

  /// @param flags  As in open(2); O_CLOEXEC is added, new files get mode 0644.
  /// @errors not_found for ENOENT, else as `io_failure`.
  static result<file> open(const std::filesystem::path& path, int flags);

  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  [[nodiscard]] int descriptor() const noexcept { return fd_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  [[nodiscard]] result<std::uint64_t> size() const;

  /// @returns Bytes read; fewer than asked for only at the end of the file.
  result<std::size_t> read_some(std::span<std::byte> out, std::uint64_t at) const;

  /// Reads exactly `out`.
  /// @errors storage_corrupt  the file ends before.
  result<void> read(std::span<std::byte> out, std::uint64_t at) const;

  result<void> write(std::span<const std::byte> bytes, std::uint64_t at) const;

  /// fdatasync. Never to be retried after an error.
  result<void> sync() const;

  result<void> resize(std::uint64_t bytes) const;

  /// Takes disk space for the first `bytes` bytes. A file system that cannot do that is no error.
  /// @errors storage_full
  result<void> reserve(std::uint64_t bytes) const;

  /// … and leaves the file's size as it is.
  result<void> reserve_behind(std::uint64_t bytes) const;

private:
  [[nodiscard]] result<void> allocate(int mode, std::uint64_t bytes) const;
  file(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::filesystem::path path_;
};

/// Names in a folder, in order, without "." and "..".
/// @errors not_found, else as `io_failure`.
result<std::vector<std::string>> list_folder(const std::filesystem::path& folder);

/// Whether there is a file or folder of this name.
[[nodiscard]] result<bool> is_there(const std::filesystem::path& path);

/// Free bytes of the file system that holds `path`, for users that are not root.
[[nodiscard]] result<std::uint64_t> free_space(const std::filesystem::path& path);

/// How often this process has waited for the disk to keep what was written: syncs of files and
/// folders, and commits of LMDB in synced mode. @thread Any.
[[nodiscard]] std::uint64_t fsyncs_so_far() noexcept;
void count_fsync() noexcept;

/// Makes names created in or removed from `folder` durable.
result<void> sync_folder(const std::filesystem::path& folder);

/// Removes a file if it is there.
result<void> remove_file(const std::filesystem::path& path);

/// The whole of a small file.
/// @errors not_found, storage_corrupt (longer than `bytes_max`).
result<std::string> read_small_file(const std::filesystem::path& path, std::size_t bytes_max);

/// Puts `bytes` in place of the file's content, all or nothing, on stable storage.
result<void> replace_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Copies the first `bytes` bytes of `from` into the new file `to` and syncs it.
result<void> copy_bytes(const file& from, std::uint64_t bytes, const std::filesystem::path& to);

} // namespace carafe::storage
