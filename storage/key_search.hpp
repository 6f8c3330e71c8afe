#pragma once

/// Messages of a key, found through the segments' indices of keys.

#include "storage/commit_log.hpp"
#include "storage/key_file.hpp"
#include "storage/log_reading.hpp"

#include <carafe/result.hpp>

#include <memory>

namespace carafe::storage {

/// Which segments have their index of keys.
class key_files {
public:
  virtual ~key_files() = default;
  /// Null: the segment is to be looked through.
  virtual std::shared_ptr<const key_file> of(const std::shared_ptr<const segment>& in) = 0;
  /// It was met that the file is of no use.
  virtual void is_damaged(const std::shared_ptr<const segment>& in, const failure& why) = 0;
};

/// As `commit_log::find_key`.
result<key_findings> find_key(const segment_list& log, const key_query& query, key_files& files,
                              read_hint& hint);

/// Looks at batches one after another.
class key_matching {
public:
  /// @pre `query` and `out` outlive it.
  key_matching(const key_query& query, key_findings& out) : query_(query), out_(out) {}

  /// Adds what `batch` has; `out.next` is behind it then, or behind the last that is wanted.
  void look_at(const effects::batch& batch);
  /// Whether the step is over.
  [[nodiscard]] bool enough() const noexcept {
    return out_.found.size() >= query_.found_max || out_.bytes >= query_.bytes_max ||
           out_.next >= query_.until;
  }

private:
  const key_query& query_;
  key_findings& out_;
};

} // namespace carafe::storage
