#pragma once

/// A disk as a node's recorded requests leave it: what is on stable storage for sure, and what
/// reached it by luck when the power failed.
///
/// It gives no more than POSIX does: a file's bytes are safe when a sync of the file that began
/// after they were written has ended; a name is safe when a sync of its folder has. Each page that
/// was written since may be there in any of its states, or torn between two; names made or removed
/// since may be there up to some point, in order, in each folder.

#include "test/core/dice.hpp"
#include "test/power/io_trace.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace carafe::power {

inline constexpr std::size_t page_bytes = 4'096;
inline constexpr std::size_t sector_bytes = 512;

/// One record of the trace; views point into the trace.
struct io_event {
  io_record record;
  std::string_view payload;
};

/// A last record that is not whole is left out: its process was killed meanwhile.
[[nodiscard]] std::vector<io_event> read_trace(std::string_view bytes);

class disk {
public:
  /// @param root  Inode of the data directory.
  explicit disk(std::uint64_t root);

  void apply(const io_event& event);

  /// How much of what is not synced is there after a power failure.
  struct luck {
    /// Of 100 pages, and of 100 names.
    std::uint64_t pages = 50;
    std::uint64_t names = 50;
    std::uint64_t torn = 10;
  };
  /// Writes the directory as it may be now into the folder `to`, which does not exist yet.
  void make_image(const std::filesystem::path& to, test::dice& d, const luck& how) const;

private:
  using page = std::array<char, page_bytes>;
  using page_ptr = std::shared_ptr<const page>;
  struct data_change {
    std::uint64_t number = 0;
    /// A page's new content; without one, only the size is new.
    std::uint64_t page_number = 0;
    page_ptr content;
    /// Of the file, after it.
    std::uint64_t size = 0;
  };
  struct file {
    std::map<std::uint64_t, page_ptr> pages;   // On stable storage.
    std::uint64_t size = 0;                    // On stable storage.
    std::map<std::uint64_t, page_ptr> present; // As the process sees it.
    std::uint64_t present_size = 0;
    std::deque<data_change> pending;
    std::map<std::uint64_t, std::uint64_t> syncs; // Number of the sync -> changes it covers.
  };
  struct name_change {
    std::string name;
    /// Nothing: it is gone.
    std::optional<std::uint64_t> node;
  };
  struct folder {
    std::map<std::string, std::uint64_t> names; // On stable storage.
    std::map<std::string, std::uint64_t> present;
    /// A rename is two changes that happen together.
    std::deque<std::vector<name_change>> pending;
    std::map<std::uint64_t, std::size_t> syncs;
    std::size_t settled = 0;
  };

  void write(file& f, std::uint64_t at, std::string_view bytes, bool synced);
  void resize(file& f, std::uint64_t size);
  void settle(file& f, std::uint64_t upto);
  void rename(const io_event& event);
  void change_names(folder& in, std::vector<name_change> changes);
  std::uint64_t node_of(std::uint64_t inode) const;
  void write_folder(const folder& f, const std::filesystem::path& to, test::dice& d,
                    const luck& how) const;
  void write_file(const file& f, const std::filesystem::path& to, test::dice& d,
                  const luck& how) const;

  /// Inodes are used again; nodes are not.
  std::uint64_t nodes_ = 0;
  std::uint64_t root_;
  std::map<std::uint64_t, std::uint64_t> node_by_inode_;
  std::map<std::uint64_t, file> files_;
  std::map<std::uint64_t, folder> folders_;
  std::uint64_t changes_ = 0;
};

} // namespace carafe::power
