#include "log_fixture.hpp"

#include <atomic>
#include <limits>
#include <thread>

using namespace carafe;
using namespace carafe::test;
using namespace carafe::storage;

namespace {

constexpr entry_index all{std::numeric_limits<std::uint64_t>::max()};
constexpr queue_id one{1};
constexpr queue_id two{2};

} // namespace

TEST_CASE("a small message costs at most 24 bytes on disk besides its key and body") {
  const auto mode = GENERATE(durability::fsync, durability::memory);
  constexpr std::uint32_t in_batch = 500;
  constexpr std::size_t batches = 1'000;
  batch_builder builder;
  for (std::uint32_t i = 0; i < in_batch; ++i) {
    const std::string key(16, 'k'), body(100, 'b');
    message_view m;
    m.key = key;
    m.body = body;
    must(builder.add(m));
  }
  const auto encoded = must(builder.finish(codec::none));
  temporary_folder folder;
  auto how = small_log(mode);
  how.segment_bytes = 64 * small_segment;
  auto node = open_at(folder.path(), how);
  log_writer writer;
  // Each batch in a transaction of its own, which costs most.
  for (std::size_t i = 0; i < batches; ++i)
    writer.append(node.log(), 1, {one, in_batch, encoded.bytes.size()});
  const double stored = static_cast<double>(node.log().bounds().bytes) / (batches * in_batch);
  INFO(stored << " bytes a message");
  CHECK(stored - 116 <= 24);
}

TEST_CASE("a new log is empty") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  auto bounds = node.log().bounds();
  CHECK(bounds.first == entry_index{1});
  CHECK(bounds.last == entry_index{0});
  CHECK(bounds.synced == entry_index{0});
  CHECK(bounds.segments == 1);
  read_hint hint;
  CHECK(must(node.log().read_queue(one, offset{0}, all, 100, hint)).empty());
  CHECK(node.log().read_entries(entry_index{1}, all, 100).code() == errc::not_found);
  CHECK(!must(node.log().find_time(one, unix_ms{0}, all)));
  CHECK(must(node.log().ends_before(entry_index{1})).empty());
}

TEST_CASE("what is appended is read back, also after opening again, in every mode") {
  auto mode = GENERATE(durability::fsync, durability::interval, durability::memory);
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log(mode));
    for (std::size_t i = 0; i < 40; ++i) {
      writer.append(node.log(), 1 + i % 5, {one, 3, 40 + 300 * i});
      must(node.log().append(std::vector{writer.make({{two, 2, 8}, {one, 1, 5000}, {two, 1, 9}})}));
    }
    writer.check(node.log());
    if (mode == durability::fsync) CHECK(node.log().bounds().synced == node.log().bounds().last);
  }
  auto node = open_at(folder.path(), small_log(mode));
  CHECK(node.shard.notes.empty());
  CHECK(node.log().bounds().synced == node.log().bounds().last);
  writer.check(node.log());
}

TEST_CASE("entries must follow one another") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer ahead{entry_index{2}};
  CHECK(node.log().append(std::vector{ahead.make({{one}})}).code() == errc::invalid_argument);
  log_writer writer;
  writer.append(node.log(), 2, {one});
  CHECK(node.log().bounds().last == entry_index{2});
}

TEST_CASE("a log rolls to new segments and reads across them") {
  auto mode = GENERATE(durability::fsync, durability::memory);
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log(mode));
    for (std::size_t i = 0; i < 400; ++i)
      writer.append(node.log(), 4, {i % 7 ? one : two, 2, 3000});
    CHECK(node.log().bounds().segments >= 4);
    CHECK(node.log().bounds().segments == segment_files(folder.path()).size());
    writer.check(node.log());
  }
  auto node = open_at(folder.path(), small_log(mode));
  CHECK(node.shard.notes.empty());
  writer.check(node.log());
  writer.append(node.log(), 4, {one, 2, 3000});
  writer.check(node.log());
}

TEST_CASE("a group that does not fit the rest of a segment goes to the next one as a whole") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  writer.append(node.log(), 1, {one, 1, 600'000});
  writer.append(node.log(), 10, {one, 1, 50'000});
  CHECK(node.log().bounds().segments == 2);
  auto files = segment_files(folder.path());
  CHECK(files.back().filename() == "log-00000000000000000002.mdb");
  writer.check(node.log());
}

TEST_CASE("a group beyond a whole segment is refused and nothing of it is written") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  writer.append(node.log(), 1, {one});
  log_writer copy = writer;
  std::vector<log_write> group;
  for (int i = 0; i < 30; ++i) group.push_back(copy.make({{one, 1, 50'000}}));
  CHECK(node.log().append(group).code() == errc::batch_too_large);
  writer.check(node.log());
  writer.append(node.log(), 1, {two});
  writer.check(node.log());
}

TEST_CASE("half a segment always fits, the largest entry fits the smallest segment of a node") {
  temporary_folder folder;
  auto how = small_log(durability::memory);
  how.segment_bytes = std::uint64_t{16} << 20;
  auto node = open_at(folder.path(), how);
  log_writer writer;
  for (int i = 0; i < 4; ++i) writer.append(node.log(), 1, {one, 1, (8u << 20) + 4096});
  writer.append(node.log(), 1, {one, 1, group_bytes_max(how.segment_bytes)});
  for (std::size_t bytes :
       std::initializer_list<std::size_t>{16, 100, 1000, 1900, 2100, 5000, 70'000})
    writer.append(node.log(), group_bytes_max(how.segment_bytes) / (bytes + 200), {two, 1, bytes});
  writer.check(node.log());
}

TEST_CASE("many tiny groups between syncs do not fill a segment with copied pages") {
  temporary_folder folder;
  auto how = small_log(durability::memory);
  how.segment_bytes = 4 * small_segment;
  auto node = open_at(folder.path(), how);
  log_writer writer;
  for (int i = 0; i < 1500; ++i) writer.append(node.log(), 1, {one, 1, 16});
  CHECK(node.log().bounds().segments == 1);
  CHECK(node.log().bounds().synced.value > 0);
  writer.check(node.log());
}

TEST_CASE("reading a queue stops at the given entry and at the given size") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  writer.append(node.log(), 10, {one, 2, 100});
  read_hint hint;
  CHECK(must(node.log().read_queue(one, offset{0}, entry_index{4}, 1u << 20, hint)).size() == 4);
  CHECK(must(node.log().read_queue(one, offset{8}, entry_index{4}, 1u << 20, hint)).empty());
  CHECK(must(node.log().read_queue(one, offset{8}, all, 1u << 20, hint)).size() == 6);
  CHECK(must(node.log().read_queue(one, offset{0}, all, 250, hint)).size() == 3);
  CHECK(must(node.log().read_queue(one, offset{0}, all, 0, hint)).size() == 1);
  // The batch that holds an offset in its middle.
  CHECK(must(node.log().read_queue(one, offset{5}, all, 0, hint)).front().base == offset{4});
  CHECK(must(node.log().read_queue(one, offset{20}, all, 100, hint)).empty());
  CHECK(must(node.log().read_queue(queue_id{9}, offset{0}, all, 100, hint)).empty());
  CHECK(must(node.log().read_entries(entry_index{3}, entry_index{5}, 1u << 20)).size() == 3);
  CHECK(must(node.log().read_entries(entry_index{3}, all, 0)).size() == 1);
}

TEST_CASE("a hint stays right when the log grows by segments without the queue") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  writer.append(node.log(), 2, {one, 1, 100});
  read_hint hint;
  CHECK(must(node.log().read_queue(one, offset{0}, all, 1u << 20, hint)).size() == 2);
  for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {two, 1, 50'000});
  CHECK(must(node.log().read_queue(one, offset{2}, all, 100, hint)).empty());
  CHECK(hint.segment > entry_index{1});
  writer.append(node.log(), 1, {one, 1, 100});
  CHECK(must(node.log().read_queue(one, offset{2}, all, 100, hint)).size() == 1);
  // A hint that promises too much is found out.
  CHECK(must(node.log().read_queue(one, offset{0}, all, 100, hint)).front().base == offset{0});
}

TEST_CASE("truncation removes entries and their rows, within a segment and across segments") {
  auto mode = GENERATE(durability::fsync, durability::interval);
  temporary_folder folder;
  log_writer writer;
  {
    auto node = open_at(folder.path(), small_log(mode));
    for (int i = 0; i < 60; ++i) {
      writer.append(node.log(), 3, {one, 1, 10'000});
      writer.append(node.log(), 3, {two, 2, 2'000});
    }
    REQUIRE(node.log().bounds().segments >= 3);
    for (std::uint64_t last : {359u, 340u, 200u, 50u}) {
      must(node.log().truncate_after(entry_index{last}));
      writer.truncate_after(entry_index{last});
      writer.check(node.log());
      CHECK(node.log().bounds().segments == segment_files(folder.path()).size());
      CHECK(node.log().bounds().synced == entry_index{last});
      writer.append(node.log(), 2, {two, 2, 2'000});
      writer.check(node.log());
    }
  }
  {
    auto node = open_at(folder.path(), small_log(mode));
    CHECK(node.shard.notes.empty());
    writer.check(node.log());
    must(node.log().truncate_after(entry_index{0}));
    writer.truncate_after(entry_index{0});
    CHECK(node.log().bounds().last == entry_index{0});
    writer.append(node.log(), 1, {one});
    writer.check(node.log());
  }
  auto dir = must(data_dir::open(folder.path()));
  CHECK(must(verify(dir)).damage.empty());
}

TEST_CASE("dropping removes whole segments below an entry and keeps the newest") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  for (int i = 0; i < 100; ++i) writer.append(node.log(), 1, {one, 1, 50'000});
  auto before = node.log().bounds();
  REQUIRE(before.segments >= 4);
  must(node.log().drop_before(entry_index{2}));
  CHECK(node.log().bounds().segments == before.segments);
  must(node.log().drop_before(entry_index{60}));
  auto after = node.log().bounds();
  CHECK(after.first > entry_index{1});
  CHECK(after.first <= entry_index{60});
  CHECK(after.bytes < before.bytes);
  CHECK(after.segments == segment_files(folder.path()).size());
  writer.check(node.log(), after.first);
  CHECK(node.log().truncate_after(entry_index{1}).code() == errc::invalid_argument);
  must(node.log().drop_before(all));
  CHECK(node.log().bounds().segments == 1);
  CHECK(node.log().bounds().last == before.last);
  writer.append(node.log(), 1, {one});
  writer.check(node.log(), node.log().bounds().first);
}

TEST_CASE("retention is limited by age, size and checkpoint") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  for (int i = 0; i < 100; ++i) writer.append(node.log(), 1, {one, 1, 50'000});
  const auto& log = node.log();
  auto bounds = log.bounds();
  constexpr unix_ms never{0};
  constexpr unix_ms always{std::numeric_limits<std::int64_t>::max()};
  CHECK(log.retention_limit(never, 0, bounds.last) == entry_index{1});
  CHECK(log.retention_limit(never, bounds.bytes, bounds.last) == entry_index{1});
  auto newest = log.retention_limit(always, 0, bounds.last);
  CHECK(
    segment_files(folder.path()).back().filename().string().find(std::to_string(newest.value)) !=
    std::string::npos);
  CHECK(log.retention_limit(never, 1, bounds.last) == newest);
  CHECK(log.retention_limit(always, 1, entry_index{5}) == entry_index{1});
  auto by_age = log.retention_limit(log_writer::time_of(entry_index{50}), 0, bounds.last);
  CHECK(by_age > entry_index{1});
  CHECK(by_age <= entry_index{50});
  const auto second = log.second_segment(bounds.last);
  CHECK(second > entry_index{1});
  CHECK(second <= by_age);
  CHECK(log.second_segment(entry_index{second.value - 1}) == second);
  CHECK(log.second_segment(entry_index{second.value - 2}) == entry_index{1});
  must(node.log().drop_before(newest));
  CHECK(log.second_segment(bounds.last) == newest);
}

TEST_CASE("retention never passes the checkpoint") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  for (int i = 0; i < 100; ++i) writer.append(node.log(), 1, {one, 1, 50'000});
  const auto& log = node.log();
  constexpr unix_ms always{std::numeric_limits<std::int64_t>::max()};
  auto by_checkpoint = log.retention_limit(always, 0, entry_index{49});
  CHECK(by_checkpoint > entry_index{1});
  CHECK(by_checkpoint <= entry_index{50});
}

TEST_CASE("the ends of queues below an entry are those of its rows") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  for (std::uint64_t i = 0; i < 200; ++i)
    writer.append(node.log(), 1, {queue_id{1 + i % 3 + (i < 50 ? 10 : 0)}, 2, 20'000});
  for (std::uint64_t first : {1u, 2u, 30u, 77u, 150u, 201u}) {
    std::map<queue_id, offset> expected;
    for (const auto& [queue, batches] : writer.made())
      for (const auto& batch : batches)
        if (batch.row.entry < entry_index{first})
          expected[queue] = batch.row.base + batch.row.count;
    auto ends = must(node.log().ends_before(entry_index{first}));
    CHECK(std::map<queue_id, offset>{ends.begin(), ends.end()} == expected);
  }
}

TEST_CASE("a time is found across segments") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  for (std::uint64_t i = 0; i < 120; ++i)
    writer.append(node.log(), 1, {i % 40 < 30 ? one : two, 2, 40'000});
  for (auto queue : {one, two}) {
    const auto& batches = writer.made().at(queue);
    for (std::uint64_t i = 0; i <= 121; ++i) {
      auto time = unix_ms{log_writer::time_of(entry_index{i}).value + 1 - static_cast<int>(i % 2)};
      for (auto last : {all, entry_index{70}}) {
        auto found = must(node.log().find_time(queue, time, last));
        auto expected = std::find_if(batches.begin(), batches.end(), [&](const auto& b) {
          return b.row.time >= time && b.row.entry <= last;
        });
        REQUIRE(found.has_value() == (expected != batches.end()));
        if (found) REQUIRE(found->base == expected->row.base);
      }
    }
  }
}

TEST_CASE("a dropped segment stays readable for those who have it") {
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  log_writer writer;
  for (int i = 0; i < 60; ++i) writer.append(node.log(), 1, {one, 1, 50'000});
  auto held = must(node.log().read_entries(entry_index{1}, entry_index{5}, 1u << 20));
  must(node.log().drop_before(all));
  CHECK(node.log().read_entries(entry_index{1}, all, 100).code() == errc::not_found);
  for (const auto& entry : held) CHECK(check_entry(entry.span()).ok());
}

TEST_CASE("readers see whole groups while the log is written, rolled and dropped") {
  auto mode = GENERATE(durability::fsync, durability::memory);
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log(mode));
  log_writer writer;
  writer.append(node.log(), 1, {one, 1, 100});
  std::atomic<bool> done = false;
  std::atomic<std::uint64_t> problems = 0;
  std::atomic<std::uint64_t> reads = 0;
  auto read = [&] {
    read_hint hint;
    offset from{0};
    while (!done) {
      auto batches = node.log().read_queue(one, from, all, 100'000, hint);
      ++reads;
      if (!batches) ++problems;
      if (!batches || batches->empty()) {
        // Dropped meanwhile: go on at what is left.
        auto bounds = node.log().bounds();
        auto entries = node.log().read_entries(bounds.first, bounds.last, 1);
        if (!entries && entries.code() != errc::not_found) ++problems;
        if (auto row = node.log().find_time(one, log_writer::time_of(bounds.first), all);
            row && *row)
          from = std::max(from, (*row)->base);
        continue;
      }
      for (const auto& batch : *batches) {
        if (batch.base > from) ++problems;
        if (batch.batch.bytes.text() !=
            batch_bytes(one, batch.base, batch.batch.bytes.size()).text())
          ++problems;
        from = batch.base + batch.count;
      }
    }
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(read);
  for (int i = 0; i < 600; ++i) {
    writer.append(node.log(), 2, {one, 3, 7'000});
    if (i % 50 == 49) must(node.log().sync());
    if (i % 100 == 99 && node.log().bounds().last.value > 300)
      must(node.log().drop_before(entry_index{node.log().bounds().last.value - 300}));
  }
  done = true;
  for (auto& reader : readers) reader.join();
  CHECK(problems == 0);
  CHECK(reads > 0);
  writer.check(node.log(), node.log().bounds().first);
}

TEST_CASE("a copy opens, verifies and holds what the log held") {
  temporary_folder folder;
  temporary_folder copies;
  auto node = open_at(folder.path(), small_log(durability::interval));
  log_writer writer;
  for (int i = 0; i < 60; ++i) writer.append(node.log(), 2, {one, 1, 30'000});
  auto to = copies.path() / "copy";
  must(node.dir->begin_copy(to));
  CHECK(must(node.state().copy_to((to / "shard-0" / "state.mdb").string())) > 0);
  CHECK(must(node.log().copy_to((to / "shard-0").string())) > 0);
  CHECK(node.dir->begin_copy(to).code() == errc::already_exists);
  {
    auto dir = must(data_dir::open_existing(to));
    auto report = must(verify(dir));
    CHECK(report.damage.empty());
    CHECK(report.entries == 120);
  }
  auto copy = open_at(to, small_log());
  CHECK(copy.dir->node_id() == node.dir->node_id());
  writer.check(copy.log());
  writer.append(copy.log(), 40, {one, 1, 10'000});
  writer.check(copy.log());
}
