#include "log_fixture.hpp"
#include "storage/key_building.hpp"
#include "storage/segmented_log.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>

using namespace carafe;
using namespace carafe::test;
using namespace carafe::storage;

namespace {

constexpr entry_index all{std::numeric_limits<std::uint64_t>::max()};

std::uint64_t fresh_seed() {
  if (const auto* given = std::getenv("CARAFE_SEED")) return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

/// A log of real batches, and where each key is.
class keyed_log {
public:
  explicit keyed_log(std::uint64_t seed) : random_(seed) {}

  /// Appends entries of one to three batches in queues 1 to 3.
  void append(commit_log& log, std::size_t entries) {
    std::vector<log_write> group;
    auto index = log.bounds().last;
    for (std::size_t i = 0; i < entries; ++i) {
      log_write write;
      index = index + 1;
      const entry_header header{entry_kind::command, index, term{1}, log_writer::time_of(index)};
      std::vector<effects::effect> effects;
      for (auto batches = 1 + random_() % 3; batches > 0; --batches)
        effects.emplace_back(make(header, write));
      write.entry = std::make_shared<encoded_entry>(encode_entry(header, effects));
      group.push_back(std::move(write));
      if (group.size() < 25 && i + 1 < entries) continue;
      must(log.append(group));
      group.clear();
    }
  }

  [[nodiscard]] std::vector<offset> places(queue_id queue, const std::string& key) const {
    const auto at = places_.find({queue, key});
    return at == places_.end() ? std::vector<offset>{} : at->second;
  }
  [[nodiscard]] offset end_of(queue_id queue) const {
    const auto at = ends_.find(queue);
    return at == ends_.end() ? offset{0} : at->second;
  }

private:
  effects::batch make(const entry_header& header, log_write& write) {
    effects::batch out;
    out.queue = queue_id{1 + random_() % 3};
    auto& end = ends_[out.queue];
    out.base = end;
    out.count = static_cast<std::uint32_t>(1 + random_() % 20);
    out.producer = producer_id{7};
    out.first = sequence{end.value + 1};
    // For later: not at a place of its queue yet.
    out.timed = random_() % 10 == 0;
    batch_builder builder;
    for (std::uint32_t i = 0; i < out.count; ++i) {
      const auto key = random_() % 4 == 0 ? std::string{} : "key-" + std::to_string(random_() % 60);
      const std::string body(random_() % 400, 'b');
      message_view message;
      message.key = key;
      message.body = body;
      if (out.timed) message.deliver_at = 1;
      must(builder.add(message));
      if (!out.timed) places_[{out.queue, key}].push_back(out.base + i);
    }
    const codec codecs[] = {codec::none, codec::lz4, codec::zstd};
    const auto encoded = must(builder.finish(codecs[random_() % 3]));
    out.bytes = encoded.bytes;
    out.compression = encoded.compression;
    out.checksum = encoded.checksum;
    if (out.timed) return out;
    write.rows.push_back({out.queue, out.base, out.count, header.time, header.index});
    end = end + out.count;
    return out;
  }

  std::mt19937_64 random_;
  std::map<queue_id, offset> ends_;
  std::map<std::pair<queue_id, std::string>, std::vector<offset>> places_;
};

segmented_log& segments_of(open_log& node) { return dynamic_cast<segmented_log&>(node.log()); }

void wait_for_indices(open_log& node) { segments_of(node).keys().wait_idle(); }

struct searched {
  std::vector<offset> found;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

/// Step by step, with or without a hint, to the end.
searched search(const commit_log& log, queue_id queue, const std::string& key, offset from,
                offset until, std::uint64_t bytes_max, std::size_t found_max, bool hints) {
  searched out;
  key_query query{queue, key, from, until, all, bytes_max, found_max};
  read_hint hint;
  while (query.from < until) {
    if (!hints) hint = {};
    const auto step = must(log.find_key(query, hint));
    REQUIRE(step.found.size() <= found_max);
    out.found.insert(out.found.end(), step.found.begin(), step.found.end());
    out.messages += step.messages;
    out.bytes += step.bytes;
    // With its hint a step may have only passed over segments that have nothing of the queue.
    REQUIRE(step.next >= query.from);
    query.from = step.next;
  }
  REQUIRE(query.from == std::max(from, until));
  return out;
}

searched search(const commit_log& log, queue_id queue, const std::string& key, offset until) {
  return search(log, queue, key, offset{0}, until, 4u << 20, 10'000, true);
}

std::vector<std::filesystem::path> key_files_in(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::directory_iterator{path / "shard-0"})
    if (entry.path().extension() == ".keys") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

/// What the index says is what is there, for some keys and some without messages.
void check_all(const keyed_log& made, const commit_log& log) {
  for (std::uint64_t queue = 1; queue <= 4; ++queue)
    for (int number = 0; number < 62; number += 9) {
      const auto key = "key-" + std::to_string(number);
      INFO("queue " << queue << ", " << key);
      const auto found = search(log, queue_id{queue}, key, made.end_of(queue_id{queue})).found;
      CHECK(found == made.places(queue_id{queue}, key));
    }
}

void overwrite(const std::filesystem::path& path, std::uint64_t at, const std::string& bytes) {
  std::fstream io{path, std::ios::binary | std::ios::in | std::ios::out};
  io.seekp(static_cast<std::streamoff>(at));
  io << bytes;
}

} // namespace

TEST_CASE("messages of a key are found through the indices, whatever codecs the batches have") {
  const auto seed = fresh_seed();
  INFO("CARAFE_SEED=" << seed);
  keyed_log made{seed};
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log(GENERATE(durability::fsync, durability::memory)));
  made.append(node.log(), 900);
  REQUIRE(node.log().bounds().segments >= 4);
  check_all(made, node.log()); // Whatever is built by now.
  wait_for_indices(node);
  CHECK(key_files_in(folder.path()).size() + 1 == node.log().bounds().segments);
  check_all(made, node.log());
  CHECK(node.log().take_notes().empty());
}

TEST_CASE("what an index tells, reading everything tells too, in steps of any size") {
  const auto seed = fresh_seed();
  INFO("CARAFE_SEED=" << seed);
  std::mt19937_64 random{seed};
  keyed_log made{random()};
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  made.append(node.log(), 600);
  wait_for_indices(node);
  const auto& log = node.log();
  for (int round = 0; round < 100; ++round) {
    const queue_id queue{1 + random() % 3};
    const auto key = "key-" + std::to_string(random() % 62);
    const auto end = made.end_of(queue).value;
    const offset from{random() % (end + 1)}, until{random() % (end + 1)};
    std::vector<offset> expected;
    for (auto at : made.places(queue, key))
      if (at >= from && at < until) expected.push_back(at);
    const std::size_t found_max = 1 + random() % 20;
    const std::uint64_t bytes_max = 1 + random() % (random() % 2 ? 500'000u : 100u);
    const auto with_hints = random() % 2 == 0 || bytes_max < 200'000; // A segment may cost 88 KiB.
    CHECK(search(log, queue, key, from, until, bytes_max, found_max, with_hints).found == expected);
    // As a log without indices does it.
    key_query query{queue, key, from, until, all, 1u << 20, 100'000};
    read_hint hint;
    std::vector<offset> read;
    while (query.from < until) {
      const auto step = must(log.commit_log::find_key(query, hint));
      read.insert(read.end(), step.found.begin(), step.found.end());
      query.from = step.next;
    }
    CHECK(read == expected);
  }
}

TEST_CASE("with indices a rare key costs few bytes of the log") {
  temporary_folder folder;
  auto how = small_log();
  how.segment_bytes = 4 * small_segment;
  auto node = open_at(folder.path(), how);
  keyed_log made{1};
  made.append(node.log(), 4'000);
  REQUIRE(node.log().bounds().segments >= 3);
  const auto end = made.end_of(queue_id{1});
  wait_for_indices(node);
  const auto with = search(node.log(), queue_id{1}, "nobody's", end);
  const auto read = [&] {
    key_query query{queue_id{1}, "nobody's", offset{0}, end, all, 1u << 30, 1};
    read_hint hint;
    return must(node.log().commit_log::find_key(query, hint)).messages;
  }();
  CHECK(read == end.value);
  // The newest segment is looked through.
  CHECK(with.messages < read / 2);
}

TEST_CASE("an index of keys that is missing, torn, damaged or another's is built anew") {
  const auto seed = fresh_seed();
  INFO("CARAFE_SEED=" << seed);
  std::mt19937_64 random{seed};
  keyed_log made{random()};
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    made.append(node.log(), 900);
    wait_for_indices(node);
  }
  const auto files = key_files_in(folder.path());
  REQUIRE(files.size() >= 3);
  enum class harm { missing, empty, torn, noise, another, unfinished };
  for (const auto what : {harm::missing, harm::empty, harm::torn, harm::noise, harm::another,
                          harm::unfinished, harm::noise, harm::noise, harm::torn}) {
    const auto& file = files[random() % files.size()];
    const auto size = std::filesystem::file_size(file);
    switch (what) {
    case harm::missing:
      std::filesystem::remove(file);
      break;
    case harm::empty:
      std::filesystem::resize_file(file, 0);
      break;
    case harm::torn: // The size was written, the pages were not.
      overwrite(file, random() % size / 4096 * 4096, std::string(4096, '\0'));
      std::filesystem::resize_file(file, size);
      break;
    case harm::noise: {
      std::string noise(1 + random() % 100, '\0');
      for (auto& c : noise) c = static_cast<char>(random());
      overwrite(file, random() % (size - noise.size()), noise);
      break;
    }
    case harm::another:
      std::filesystem::copy_file(files[0] == file ? files[1] : files[0], file,
                                 std::filesystem::copy_options::overwrite_existing);
      break;
    case harm::unfinished:
      std::filesystem::rename(file, file.string() + ".new");
      break;
    }
    {
      auto dir = must(data_dir::open(folder.path()));
      const auto report = must(verify(dir));
      CHECK(report.damage.empty());
      CHECK(report.key_indices == files.size() - 1);
      CHECK(report.notes.size() == (what == harm::missing || what == harm::unfinished ? 0 : 1));
    }
    auto node = open_at(folder.path(), small_log());
    check_all(made, node.log());
    wait_for_indices(node);
    check_all(made, node.log());
    wait_for_indices(node);
    node = {};
    CHECK(key_files_in(folder.path()) == files);
    CHECK(std::filesystem::file_size(file) == size);
    auto dir = must(data_dir::open(folder.path()));
    const auto report = must(verify(dir));
    CHECK(report.notes.empty());
    CHECK(report.key_indices == files.size());
  }
}

TEST_CASE("an index of keys goes with its segment, and one without is removed") {
  keyed_log made{3};
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    made.append(node.log(), 900);
    wait_for_indices(node);
    const auto files = key_files_in(folder.path());
    const auto segments = segment_files(folder.path());
    REQUIRE(files.size() >= 3);
    const auto kept = *parse_segment_name(segments[2].filename().string());
    must(node.log().drop_before(kept));
    CHECK(key_files_in(folder.path()) == std::vector(files.begin() + 2, files.end()));
    // What was dropped is not found any more; the rest is.
    read_hint hint;
    const auto read =
      must(node.log().read_queue(queue_id{1}, made.end_of(queue_id{1}), all, 1, hint));
    CHECK(read.empty());
    key_query query{queue_id{1}, "key-1",  offset{0}, made.end_of(queue_id{1}),
                    all,         1u << 30, 9'999};
    read_hint from_front;
    const auto found = must(node.log().find_key(query, from_front)).found;
    const auto all_places = made.places(queue_id{1}, "key-1");
    REQUIRE(!found.empty());
    CHECK(found.size() < all_places.size());
    CHECK(std::equal(found.rbegin(), found.rend(), all_places.rbegin()));
    // One that is being dropped while it is built leaves nothing behind.
    made.append(node.log(), 900);
    const auto now = segment_files(folder.path());
    must(node.log().drop_before(*parse_segment_name(now.back().filename().string())));
    wait_for_indices(node);
    CHECK(key_files_in(folder.path()).empty());
  }
  temporary_folder other;
  keyed_log few{4};
  {
    auto node = open_at(other.path(), small_log());
    few.append(node.log(), 10);
  }
  // Of the newest segment, and of none.
  for (const auto first : {entry_index{1}, entry_index{7}})
    std::ofstream{other.path() / "shard-0" / segment_name(first, ".keys")} << "stray";
  auto node = open_at(other.path(), small_log());
  wait_for_indices(node);
  CHECK(key_files_in(other.path()).empty());
  check_all(few, node.log());
}

TEST_CASE("a log that was cut back and written anew has indices of what it holds now") {
  keyed_log first{4};
  temporary_folder folder;
  auto node = open_at(folder.path(), small_log());
  first.append(node.log(), 900);
  wait_for_indices(node);
  const auto segments = segment_files(folder.path());
  REQUIRE(segments.size() >= 4);
  // In the second segment, which is written again from there on.
  const auto cut = *parse_segment_name(segments[2].filename().string());
  must(node.log().truncate_after(entry_index{cut.value - 3}));
  CHECK(key_files_in(folder.path()).size() == 1);
  must(node.log().truncate_after(entry_index{0}));
  CHECK(key_files_in(folder.path()).empty());
  keyed_log second{5};
  second.append(node.log(), 900);
  wait_for_indices(node);
  check_all(second, node.log());
}

TEST_CASE("a disk without room for an index of keys costs nothing but the looking") {
  keyed_log made{6};
  temporary_folder folder;
  auto how = small_log();
  how.reserve_bytes = std::numeric_limits<std::uint64_t>::max() / 2;
  {
    auto node = open_at(folder.path(), how);
    made.append(node.log(), 400);
    wait_for_indices(node);
    CHECK(key_files_in(folder.path()).empty());
    check_all(made, node.log());
    wait_for_indices(node);
    const auto notes = node.log().take_notes();
    CHECK(notes.size() == node.log().bounds().segments - 1); // Each is told once.
    made.append(node.log(), 1);
  }
  auto node = open_at(folder.path(), small_log());
  wait_for_indices(node);
  CHECK(key_files_in(folder.path()).size() + 1 == node.log().bounds().segments);
  check_all(made, node.log());
}

TEST_CASE("an index of many runs is searched like one of a single run") {
  keyed_log made{7};
  temporary_folder folder;
  {
    auto node = open_at(folder.path(), small_log());
    made.append(node.log(), 900);
  }
  // Built anew with runs of few rows, of more than one page, and just about one.
  for (const auto rows_max : {1u, 37u, 511u, 512u, 1'500u}) {
    for (const auto& path : segment_files(folder.path())) {
      if (path == segment_files(folder.path()).back()) continue;
      const auto first = *parse_segment_name(path.filename().string());
      const auto segment = must(sealed_segment::open(path, shard_id{0}, first));
      key_building how;
      how.run_rows_max = rows_max;
      must(build_key_file(*segment, how));
      const auto keys = must(key_file::open(path, must(key_source_of(*segment, shard_id{0}))));
      CHECK(keys->run_rows_max() == rows_max);
      CHECK(keys->runs().size() >= keys->rows() / (rows_max + 60));
      must(check_key_file(*segment, *keys));
    }
    auto node = open_at(folder.path(), small_log());
    wait_for_indices(node);
    check_all(made, node.log());
  }
}

TEST_CASE("a copy of the log comes without indices of keys, and gets its own") {
  keyed_log made{8};
  temporary_folder folder, copy;
  {
    auto node = open_at(folder.path(), small_log());
    made.append(node.log(), 900);
    wait_for_indices(node);
    must(node.dir->begin_copy(copy.path() / "node"));
    must(node.state().copy_to((copy.path() / "node" / "shard-0" / "state.mdb").string()));
    must(node.log().copy_to((copy.path() / "node" / "shard-0").string()));
  }
  CHECK(key_files_in(copy.path() / "node").empty());
  auto node = open_at(copy.path() / "node", small_log());
  wait_for_indices(node);
  CHECK(key_files_in(copy.path() / "node").size() + 1 == node.log().bounds().segments);
  check_all(made, node.log());
}
