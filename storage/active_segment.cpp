#include "storage/active_segment.hpp"

#include "storage/page_sums.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace carafe::storage {

using lmdb::put_outcome;

namespace {

/// Pages that may be copied between two syncs: 1/128 of the segment, so that what cannot be reused
/// meanwhile costs little of it. Small segments may spend up to a sixteenth: 64 pages are few.
std::uint64_t copies_between_syncs(std::uint64_t map_bytes) {
  const auto pages = map_bytes / page_bytes;
  return std::max(pages / 128, std::clamp<std::uint64_t>(pages / 16, 16, 64));
}

} // namespace

active_segment::active_segment(std::filesystem::path path, const segment_identity& identity,
                               const active_settings& settings)
  : segment(std::move(path), identity.first),
    identity_(identity),
    settings_(settings),
    copies_max_(copies_between_syncs(identity.map_bytes)) {}

result<std::shared_ptr<active_segment>> active_segment::create(const std::filesystem::path& folder,
                                                               const segment_identity& identity,
                                                               const active_settings& settings,
                                                               spare_segment* spare) {
  auto final_path = folder / segment_name(identity.first);
  auto new_path = folder / segment_name(identity.first, ".mdb.new");
  // What an interrupted attempt or a removed segment of this name may have left.
  for (const auto& left : {new_path, synced_meta_path(final_path)})
    if (auto done = remove_file(left); !done) return done.error();
  if (auto done = remove_page_sums(final_path); !done) return done.error();
  if (spare != nullptr) spare->become(new_path);
  std::shared_ptr<active_segment> made{new active_segment{new_path, identity, settings}};
  made->set_last(entry_index{identity.first.value - 1});
  made->synced_ = made->last().value;
  auto done = made->initialise(folder);
  if (!done) {
    made.reset();
    for (const auto& left : {new_path, final_path, synced_meta_path(final_path)})
      static_cast<void>(remove_file(left));
    return done.error();
  }
  return made;
}

result<void> active_segment::initialise(const std::filesystem::path& folder) {
  auto opened = lmdb::env::open(path(), {.map_bytes = identity_.map_bytes,
                                         .tables = segment_tables,
                                         .unsynced = settings_.unsynced,
                                         .create = true});
  if (!opened) return opened.error();
  env_ = std::move(*opened);
  auto raw = file::open(path(), O_RDWR);
  if (!raw) return raw.error();
  if (auto done = raw->reserve(identity_.map_bytes); !done) return done;
  reserved_ = true;
  auto txn = env_->begin_write();
  if (!txn) return txn.error();
  auto put =
    txn->put(env_->table_at(table_meta), as_bytes(identity_key), encode_identity(identity_));
  if (!put) return put.error();
  auto committed = txn->commit();
  if (!committed) return committed.error();
  if (*put == put_outcome::no_room || *committed == put_outcome::no_room)
    return {errc::invalid_argument, path().string() + ": a segment of " +
                                      std::to_string(identity_.map_bytes) + " bytes is too small"};
  if (auto done = sync_data(); !done) return done;
  auto final_path = folder / segment_name(identity_.first);
  // After a power failure a segment without its record would be taken for a synced one.
  if (settings_.unsynced) {
    if (auto done = prepare_write(synced_meta_path(final_path)); !done) return done;
  }
  if (::rename(path().c_str(), final_path.c_str()) != 0)
    return io_failure("put in place", final_path, errno);
  set_path(final_path);
  env_->set_path(final_path);
  if (auto done = sync_folder(folder); !done) return done;
  return prepare_write();
}

result<std::shared_ptr<active_segment>> active_segment::open(const std::filesystem::path& path,
                                                             const segment_identity& identity,
                                                             entry_index last, entry_index synced,
                                                             const active_settings& settings) {
  auto opened = lmdb::env::open(path, {.map_bytes = identity.map_bytes,
                                       .tables = segment_tables,
                                       .unsynced = settings.unsynced,
                                       .create = false});
  if (!opened) return opened.error();
  std::shared_ptr<active_segment> made{new active_segment{path, identity, settings}};
  made->env_ = std::move(*opened);
  made->set_last(last);
  made->synced_ = synced.value;
  // A killed process may have left its last commit in the page cache only. Without syncs that can
  // be much, and is done before the first write.
  if (!settings.unsynced) {
    if (auto done = made->prepare_write(); !done) return done.error();
  }
  return made;
}

result<void> active_segment::prepare_write() { return prepare_write(synced_meta_path(path())); }

result<void> active_segment::take_space() {
  if (reserved_) return {};
  auto raw = file::open(path(), O_RDWR);
  if (!raw) return raw.error();
  auto done = raw->reserve(identity_.map_bytes);
  reserved_ = done.ok();
  return done;
}

/// @param side  The `.meta` file's name, which is that of the segment once it is in place.
result<void> active_segment::prepare_write(const std::filesystem::path& side_path) {
  // Reading goes on with a full disk, so opening must not fail for it; appending will.
  if (auto done = take_space(); !done && done.code() != errc::storage_full) return done;
  if (prepared_) return {};
  if (settings_.unsynced) {
    if (settings_.keep_meta_file) {
      auto side = synced_meta_file::open(side_path);
      if (!side) return side.error();
      side_ = std::move(*side);
    }
    if (auto done = record_newest(false); !done) return done;
  } else {
    if (auto done = sync_data(); !done) return done;
    auto there = is_there(side_path);
    if (!there) return there.error();
    if (*there) {
      if (auto done = remove_file(side_path); !done) return done;
      if (auto done = sync_folder(path().parent_path()); !done) return done;
    }
    synced_ = last().value;
  }
  prepared_ = true;
  return {};
}

result<void> active_segment::sync_data() {
  if (settings_.fail_sync) {
    if (auto error = settings_.fail_sync(path()); error != 0) {
      settings_.sync_failed->store(true);
      auto why = io_failure("sync", path(), error);
      why.code = errc::storage_failed;
      return why;
    }
  }
  auto done = env_->sync();
  if (!done) settings_.sync_failed->store(true);
  return done;
}

bool active_segment::is_synced() const {
  return !settings_.unsynced || (synced() == last() && synced_txn_ == env_->used().txn);
}

result<active_segment::committed_state> active_segment::newest_state(bool clean) const {
  auto fresh = env_->begin_read();
  if (!fresh) return fresh.error();
  synced_record record;
  record.mark = {fresh->id(), last(), settings_.boot_id, clean};
  auto raw = file::open(path(), O_RDONLY);
  if (!raw) return raw.error();
  if (auto done = raw->read(record.metas, 0); !done) return done.error();
  if (auto state = read_metas(record.metas); !state || state->txn != fresh->id())
    return {errc::storage_corrupt, path().string() + ": its meta pages are not what was written"};
  return committed_state{std::move(*fresh), std::move(record)};
}

result<void> active_segment::record_synced(committed_state state) {
  if (auto done = sync_data(); !done) return done;
  if (side_) {
    if (auto done = side_->write(state.record); !done) {
      settings_.sync_failed->store(true);
      return {errc::storage_failed, done.error().detail};
    }
  }
  // Only now may pages of the state before be reused.
  pin_.emplace(std::move(state.pin));
  synced_txn_ = state.record.mark.txn;
  synced_.store(state.record.mark.last.value, std::memory_order_release);
  return {};
}

result<void> active_segment::record_newest(bool clean) {
  copied_pages_ = 0;
  auto state = newest_state(clean);
  if (!state) return state.error();
  return record_synced(std::move(*state));
}

result<sync_worker::job> active_segment::begin_sync(bool as_old) {
  if (auto ready = prepare_write(); !ready) return ready.error();
  copied_pages_ = 0;
  auto state = newest_state(false);
  if (!state) return state.error();
  // A job must be copyable, which a transaction is not.
  auto shared = std::make_shared<committed_state>(std::move(*state));
  return sync_worker::job{[self = shared_from_this(), shared, as_old]() -> result<void> {
    auto done = self->record_synced(std::move(*shared));
    return done && as_old ? self->become_old() : done;
  }};
}

result<void> active_segment::become_old() {
  auto raw = file::open(path(), O_RDWR);
  if (!raw) return raw.error();
  if (auto done = raw->resize((env_->used().last_page + 1) * page_bytes); !done) return done;
  if (auto done = remove_file(synced_meta_path(path())); !done) return done;
  return sync_folder(path().parent_path());
}

result<void> active_segment::close() {
  if (closed_ || settings_.sync_failed->load()) return {};
  closed_ = true;
  if (!settings_.unsynced) return sync_data();
  if (!prepared_ && synced() == last()) return {};
  if (auto ready = prepare_write(); !ready) return ready;
  return record_newest(true);
}

result<void> active_segment::pin_for(std::weak_ptr<const segment> reader) {
  auto state = env_->begin_read();
  if (!state) return state.error();
  reader_pin_.emplace(reader_pin{std::move(reader), std::move(*state)});
  return {};
}

} // namespace carafe::storage
