#include "storage/key_building.hpp"

#include "storage/bytes.hpp"
#include "storage/log_reading.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace carafe::storage {

namespace {

using run_sink =
  std::function<result<void>(const std::vector<key_row>&, entry_index first, entry_index last)>;

/// Collects a segment's rows and hands them on in sorted runs; the same runs whenever it is done.
class key_collecting {
public:
  key_collecting(const segment& in, std::uint64_t rows_max, run_sink sink)
    : in_(in), rows_max_(std::max<std::uint64_t>(rows_max, 1)), sink_(std::move(sink)) {}

  result<void> run(const std::function<bool()>& stopped) {
    auto state = in_.snapshot();
    if (!state) return state.error();
    auto entries = (*state)->open(table_log);
    if (!entries) return entries.error();
    auto there = (*entries)->first();
    for (; there && *there; there = (*entries)->next()) {
      if (stopped()) return {errc::shutting_down, "building the index of keys was stopped"};
      auto stored = read_whole_value(**entries);
      if (!stored) return stored.error();
      auto entry = decode_entry(*stored);
      if (!entry) return in_.damaged(next_, entry.error().detail);
      if (entry->header.index != next_) return in_.damaged(next_, "is missing");
      if (auto done = add(*entry); !done) return done;
      next_ = next_ + 1;
    }
    if (!there) return there.error();
    return rows_.empty() ? result<void>{} : hand_on(next_);
  }

private:
  result<void> add(const decoded_entry& entry) {
    const auto number = next_.value - in_.first().value;
    if (number > std::numeric_limits<std::uint32_t>::max())
      return {errc::storage_failed, in_.path().string() + " has too many entries for an index"};
    for (const auto& effect : entry.effects) {
      const auto* batch = std::get_if<effects::batch>(&effect);
      if (batch == nullptr || batch->timed || batch->queue == kept_messages) continue;
      visit_keys(*batch, [&](std::uint32_t, std::string_view key) {
        rows_.push_back(std::uint64_t{hash_of_key(batch->queue, key)} << 32 | number);
      });
    }
    if (rows_.size() < rows_max_) return {};
    // Many may be the same: messages of one key in one batch.
    sort();
    return rows_.size() >= rows_max_ / 2 ? hand_on(next_ + 1) : result<void>{};
  }

  void sort() {
    std::ranges::sort(rows_);
    rows_.erase(std::ranges::unique(rows_).begin(), rows_.end());
  }

  result<void> hand_on(entry_index end) {
    sort();
    auto done = sink_(rows_, begin_, entry_index{end.value - 1});
    rows_.clear();
    begin_ = end;
    return done;
  }

  const segment& in_;
  std::uint64_t rows_max_;
  run_sink sink_;
  std::vector<key_row> rows_;
  entry_index next_ = in_.first();
  entry_index begin_ = in_.first();
};

} // namespace

result<key_source> key_source_of(const segment& in, shard_id shard) {
  auto state = in.snapshot();
  if (!state) return state.error();
  auto entries = (*state)->open(table_log);
  if (!entries) return entries.error();
  auto any = (*entries)->last();
  if (!any) return any.error();
  std::array<std::byte, entry_header_bytes> header{};
  if (!*any || (*entries)->value_bytes() < header.size())
    return in.damaged(in.last(), "the last entry is missing");
  if (auto done = (*entries)->read_value(header); !done) return done.error();
  return key_source{shard, in.first(), in.last(), get<std::uint32_t>(header, 0)};
}

result<void> build_key_file(const segment& in, const key_building& how) {
  const auto room_for = [&](std::uint64_t bytes) -> result<void> {
    auto free = free_space(in.path().parent_path());
    if (!free) return free.error();
    if (*free >= how.reserve_bytes + bytes) return {};
    return {errc::storage_full, "the disk has no room for " + key_file_path(in.path()).string()};
  };
  const auto build = [&]() -> result<void> {
    if (auto room = room_for(0); !room) return room;
    auto source = key_source_of(in, how.shard);
    if (!source) return source.error();
    auto writer = key_file_writer::begin(in.path());
    if (!writer) return writer.error();
    const auto add = [&](const std::vector<key_row>& rows, entry_index first,
                         entry_index last) -> result<void> {
      if (auto room = room_for(2 * rows.size() * sizeof(key_row)); !room) return room;
      return writer->add(rows, first, last);
    };
    key_collecting collecting{in, how.run_rows_max, add};
    if (auto done = collecting.run(how.stopped); !done) return done;
    return how.in_place([&] { return writer->finish(*source, how.run_rows_max); });
  };
  auto done = build();
  if (!done) static_cast<void>(remove_file(key_file_writer::unfinished_path(in.path())));
  return done;
}

result<void> check_key_file(const segment& in, const key_file& keys) {
  std::size_t at = 0;
  const auto differs = [&] {
    return failure{errc::storage_corrupt,
                   key_file_path(in.path()).string() + ": it does not have the segment's keys"};
  };
  const auto compare = [&](const std::vector<key_row>& rows, entry_index first,
                           entry_index last) -> result<void> {
    if (at == keys.runs().size()) return differs();
    const auto& run = keys.runs()[at++];
    if (run.first != first || run.last != last || run.rows != rows.size()) return differs();
    auto there = keys.read_run(run);
    if (!there) return there.error();
    return *there == rows ? result<void>{} : differs();
  };
  key_collecting collecting{in, keys.run_rows_max(), compare};
  if (auto done = collecting.run([] { return false; }); !done) return done;
  return at == keys.runs().size() ? result<void>{} : differs();
}

} // namespace carafe::storage
