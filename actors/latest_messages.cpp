#include "actors/latest_messages.hpp"

#include <utility>

namespace carafe {

/// @pre lock_ is held.
result<void> latest_messages::open(bool make) {
  if (index_ || (looked_ && !make)) return {};
  if (!make && !storage::latest_index::is_there(folder_)) {
    looked_ = true;
    return {};
  }
  auto opened = storage::latest_index::open(folder_);
  if (!opened) return opened.error();
  auto kept = (*opened)->queues();
  if (!kept) return kept.error();
  for (const auto& each : *kept) horizons_.emplace(each.queue, each.horizon);
  index_ = std::move(*opened);
  looked_ = true;
  return {};
}

result<std::shared_ptr<storage::latest_index>> latest_messages::find() {
  const std::lock_guard guard{lock_};
  if (auto ok = open(false); !ok) return ok.error();
  return index_;
}

result<std::shared_ptr<storage::latest_index>> latest_messages::make() {
  const std::lock_guard guard{lock_};
  if (auto ok = open(true); !ok) return ok.error();
  return index_;
}

result<std::optional<offset>> latest_messages::horizon(queue_id queue) {
  const std::lock_guard guard{lock_};
  if (auto ok = open(false); !ok) return ok.error();
  const auto at = horizons_.find(queue);
  return at == horizons_.end() ? std::optional<offset>{} : std::optional{at->second};
}

result<std::map<queue_id, offset>> latest_messages::horizons() {
  const std::lock_guard guard{lock_};
  if (auto ok = open(false); !ok) return ok.error();
  return horizons_;
}

void latest_messages::raise(queue_id queue, offset horizon) {
  const std::lock_guard guard{lock_};
  horizons_[queue] = horizon;
}

void latest_messages::forget(queue_id queue) {
  const std::lock_guard guard{lock_};
  horizons_.erase(queue);
}

} // namespace carafe
