#include "storage/key_indexer.hpp"

#include <algorithm>
#include <ranges>
#include <sys/resource.h>

namespace carafe::storage {

namespace {

/// Told and not taken yet.
constexpr std::size_t notes_max = 100;
/// Producers and consumers come first.
constexpr int niceness = 10;

} // namespace

key_indexer::key_indexer(shard_id shard, std::uint64_t reserve_bytes)
  : shard_(shard), reserve_bytes_(reserve_bytes) {}

void key_indexer::want(const std::vector<segment_ptr>& segments) {
  if (segments.empty()) return;
  std::lock_guard lock{mutex_};
  if (stopping_) return;
  for (auto& [first, known] : segments_)
    if (known.now == stage::failed) known.now = stage::waiting;
  for (const auto& each : segments)
    segments_[each->first()] = {each, stage::opening, nullptr, false};
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
  changed_.notify_all();
}

result<void> key_indexer::forget(const segment& in) {
  {
    std::lock_guard lock{mutex_};
    segments_.erase(in.first());
    changed_.notify_all();
  }
  return remove_file(key_file_path(in.path()));
}

void key_indexer::stop() {
  {
    std::lock_guard lock{mutex_};
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

std::shared_ptr<const key_file> key_indexer::of(const segment_ptr& in) {
  std::lock_guard lock{mutex_};
  const auto at = segments_.find(in->first());
  if (at == segments_.end() || at->second.segment != in) return nullptr;
  if (at->second.now == stage::failed) {
    at->second.now = stage::waiting;
    changed_.notify_all();
  }
  return at->second.keys;
}

void key_indexer::is_damaged(const segment_ptr& in, const failure& why) {
  std::lock_guard lock{mutex_};
  const auto at = segments_.find(in->first());
  if (at == segments_.end() || at->second.segment != in || !at->second.keys) return;
  tell(at->second, why);
  at->second.keys.reset();
  at->second.now = stage::waiting;
  changed_.notify_all();
}

std::vector<std::string> key_indexer::take_notes() {
  std::lock_guard lock{mutex_};
  return std::exchange(notes_, {});
}

void key_indexer::wait_idle() {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [this] { return stopping_ || is_idle(); });
}

bool key_indexer::is_idle() {
  return std::ranges::all_of(segments_ | std::views::values, [](const indexed& each) {
    return each.now == stage::failed || each.now == stage::ready;
  });
}

key_indexer::indexed* key_indexer::next() {
  for (const auto wanted : {stage::opening, stage::waiting})
    for (auto& each : segments_ | std::views::values | std::views::reverse)
      if (each.now == wanted) return &each;
  return nullptr;
}

void key_indexer::run() {
  // Without the right to it, it is done at the priority of the rest.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, niceness));
  std::unique_lock lock{mutex_};
  while (!stopping_) {
    if (auto* first = next())
      work_on(lock, *first);
    else
      changed_.wait(lock);
  }
}

bool key_indexer::is_wanted(const segment_ptr& in) {
  const auto at = segments_.find(in->first());
  return !stopping_ && at != segments_.end() && at->second.segment == in;
}

void key_indexer::work_on(std::unique_lock<std::mutex>& lock, indexed& first) {
  const auto in = first.segment;
  const auto build = first.now == stage::waiting;
  if (build) first.now = stage::building;
  lock.unlock();
  auto made = make(in, build);
  lock.lock();
  if (!is_wanted(in)) return;
  auto& mine = segments_[in->first()];
  if (made) {
    mine.keys = std::move(*made);
    mine.now = stage::ready;
    mine.told = false;
  } else if (build) {
    mine.now = stage::failed;
    tell(mine, made.error());
  } else {
    if (made.code() != errc::not_found) tell(mine, made.error());
    mine.now = stage::waiting;
  }
  changed_.notify_all();
}

result<std::shared_ptr<const key_file>> key_indexer::make(const segment_ptr& in, bool build) {
  auto source = key_source_of(*in, shard_);
  if (!source) return source.error();
  if (build) {
    key_building how;
    how.shard = shard_;
    how.reserve_bytes = reserve_bytes_;
    how.stopped = [&] {
      std::lock_guard lock{mutex_};
      return !is_wanted(in);
    };
    // Not after the segment was forgotten: then nobody would remove it.
    how.in_place = [&](const std::function<result<void>()>& finish) -> result<void> {
      std::lock_guard lock{mutex_};
      if (!is_wanted(in)) return {errc::shutting_down, "it is not wanted any more"};
      return finish();
    };
    if (auto done = build_key_file(*in, how); !done) return done.error();
  }
  return key_file::open(in->path(), *source);
}

/// Once, until it has a file again.
void key_indexer::tell(indexed& of, const failure& why) {
  if (!of.told && notes_.size() < notes_max)
    notes_.push_back(of.segment->path().filename().string() +
                     " is looked through until its index of keys is built: " + why.detail);
  of.told = true;
}

} // namespace carafe::storage
