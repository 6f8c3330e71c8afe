#pragma once

#include "storage/latest_index.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace carafe {

/// A shard's index of the last message of each key, which its log reader and its checkpoint keeper
/// share. It is opened by whoever needs it first.
///
/// @thread Any.
class latest_messages {
public:
  /// @param folder Of the shard.
  explicit latest_messages(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Null: there is none, as no compacted queue has lost anything to retention.
  /// @errors Those of `latest_index::open`.
  /// @cost   The first time, all of it is looked through.
  result<std::shared_ptr<storage::latest_index>> find();
  /// Makes it if there is none.
  result<std::shared_ptr<storage::latest_index>> make();

  /// Up to where a queue was taken in; nothing: not at all.
  result<std::optional<offset>> horizon(queue_id queue);
  result<std::map<queue_id, offset>> horizons();
  void raise(queue_id queue, offset horizon);
  void forget(queue_id queue);

private:
  result<void> open(bool make);

  std::filesystem::path folder_;
  std::mutex lock_;
  bool looked_ = false; // Under lock_, and so the next.
  std::shared_ptr<storage::latest_index> index_;
  std::map<queue_id, offset> horizons_;
};

} // namespace carafe
