#include "storage/segment.hpp"

#include "storage/page_cursor.hpp"
#include "storage/page_sums.hpp"

#include <string>

namespace carafe::storage {

namespace {

class sealed_snapshot final : public segment_snapshot {
public:
  sealed_snapshot(const page_file& from, const tree_root& log, const tree_root& index)
    : from_(from), log_(log), index_(index) {}

  result<std::unique_ptr<table_cursor>> open(segment_table table) const override {
    auto is_log = table == table_log;
    CARAFE_ASSERT(is_log || table == table_index);
    return std::unique_ptr<table_cursor>{
      std::make_unique<page_cursor>(from_, is_log ? log_ : index_, is_log)};
  }

private:
  const page_file& from_;
  const tree_root& log_;
  const tree_root& index_;
};

} // namespace

failure segment::damaged(entry_index index, std::string_view what) const {
  return {errc::storage_corrupt,
          path_.string() + ", entry " + std::to_string(index.value) + ": " + std::string{what}};
}

result<segment_identity> read_identity(const page_file& from) {
  auto root = find_table(from, segment_tables[table_meta].name);
  if (!root) return root.error();
  page_cursor rows{from, *root, false};
  auto there = rows.seek(as_bytes(identity_key));
  if (!there) return there.error();
  if (!*there || as_text(rows.key()) != identity_key || rows.place().overflow)
    return {errc::storage_corrupt, from.path().string() + " does not say which segment it is"};
  return decode_identity(rows.place().here, from.path());
}

sealed_segment::sealed_segment(page_file file, const segment_identity& identity)
  : segment(file.path(), identity.first), file_(std::move(file)), identity_(identity) {}

result<std::shared_ptr<sealed_segment>> sealed_segment::open(const std::filesystem::path& path,
                                                             shard_id shard, entry_index first,
                                                             const meta_page_bytes* metas) {
  auto file = page_file::open(path, metas);
  if (!file) return file.error();
  auto identity = read_identity(*file);
  if (!identity) return identity.error();
  if (identity->first != first || identity->shard != shard)
    return {errc::storage_corrupt, path.string() + " is another segment: of shard " +
                                     std::to_string(identity->shard.value) +
                                     ", beginning with entry " +
                                     std::to_string(identity->first.value)};
  std::shared_ptr<sealed_segment> made{new sealed_segment{std::move(*file), *identity}};
  if (auto done = made->find_bounds(); !done) return done.error();
  return made;
}

result<void> sealed_segment::find_bounds() {
  for (auto [table, root] : {std::pair{table_log, &log_}, std::pair{table_index, &index_}}) {
    auto found = find_table(file_, segment_tables[table].name);
    if (!found) return found.error();
    *root = *found;
  }
  page_cursor entries{file_, log_, true};
  auto any = entries.first();
  if (!any) return any.error();
  if (!*any) {
    set_last(entry_index{first().value - 1});
    return {};
  }
  if (entries.key().size() != log_key_bytes || decode_log_key(entries.key()) != first())
    return damaged(first(), "the first entry is missing");
  if (any = entries.last(); !any) return any.error();
  if (entries.key().size() != log_key_bytes)
    return damaged(first(), "the last entry's key has a wrong size");
  auto last = decode_log_key(entries.key());
  if (last < first() || last.value - first().value + 1 != log_.entries)
    return damaged(last, "the number of entries does not match the last one's index");
  set_last(last);
  return {};
}

result<std::unique_ptr<segment_snapshot>> sealed_segment::snapshot() const {
  return std::unique_ptr<segment_snapshot>{std::make_unique<sealed_snapshot>(file_, log_, index_)};
}

result<std::uint64_t> sealed_segment::copy_to(const std::filesystem::path& to) const {
  auto bytes = used_bytes();
  if (auto done = copy_bytes(file_.raw(), bytes, to / path().filename()); !done)
    return done.error();
  auto sums = load_page_sums(path());
  if (!sums) return sums.error();
  if (*sums) {
    if (auto done = store_page_sums(to / path().filename(), **sums); !done) return done.error();
  }
  return bytes;
}

} // namespace carafe::storage
