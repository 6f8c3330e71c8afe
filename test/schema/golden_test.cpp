// Bytes of the first version of the schema, kept as files: they decode forever. A field that is
// added later is not in them and must come out as its default here.

#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "schema/records.hpp"
#include "test/build_paths.hpp"
#include "test/schema/fields.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace carafe;
using namespace carafe::test;

namespace {

std::filesystem::path path_of(const std::string& name) {
  return std::filesystem::path{source_dir} / "test/schema/golden/v1" / (name + ".bin");
}

shared_bytes golden(const std::string& name) {
  auto file = std::ifstream{path_of(name), std::ios::binary};
  REQUIRE(file);
  auto text = std::string{std::istreambuf_iterator<char>{file}, {}};
  return shared_bytes::copy_of(carafe::as_bytes(text));
}

/// Never writes over a file: what was once released stays.
void keep(const std::string& name, std::string_view bytes) {
  if (std::filesystem::exists(path_of(name))) return;
  std::filesystem::create_directories(path_of(name).parent_path());
  auto file = std::ofstream{path_of(name), std::ios::binary};
  file << bytes;
  REQUIRE(file.flush());
}

std::vector<named<codec>> codecs() {
  return {{"batch-none", codec::none}, {"batch-lz4", codec::lz4}, {"batch-zstd", codec::zstd}};
}

/// Calls `use(name, record)` with every sample record.
template <class Use>
void for_each_record(Use use) {
  use("record-topic", sample_topic());
  use("record-group", sample_group());
  use("record-queue", sample_queue());
  use("record-producer", sample_producer());
  use("record-progress", sample_progress());
  use("record-delivery", sample_delivery());
  use("record-waiting", sample_waiting());
  use("record-timer", sample_timer());
  use("record-group-delivery", sample_delivery_group());
  use("record-catalogue", sample_catalogue());
  use("record-half", sample_half());
  use("record-transaction", sample_transaction());
  use("record-schedule", sample_schedule_record());
  use("record-schedule-progress", sample_schedule_progress());
  use("record-named-producer", sample_named_producer());
  use("record-named-progress", sample_named_progress());
  use("record-stored-ids", sample_stored_ids());
}

/// These came later.
void take_later_settings(topic_settings& from) {
  from.dedup_window_ms = 0;
  from.produce_bytes_per_second = from.consume_bytes_per_second = 0;
  from.compacted = false;
}

encoded_entry sample_change() {
  return encode_change(sample_header(), carafe::as_bytes("configuration of libraft"));
}

} // namespace

TEST_CASE("write golden files that are missing", "[.write-golden]") {
  for (auto& [name, frame] : sample_frames()) {
    auto bytes = wire_bytes(frame);
    keep("frame-" + name, {bytes.data(), bytes.size()});
  }
  for (auto& [name, compression] : codecs())
    keep(name, encode_messages(sample_messages(), compression).bytes.text());
  for (auto& [name, effect] : sample_effects())
    keep("entry-" + name, store(encode_entry(sample_header(), {effect})).text());
  keep("entry-change", store(sample_change()).text());
  for_each_record([](auto name, const auto& record) { keep(name, encode_record(record)); });
}

TEST_CASE("golden frames decode") {
  for (auto& [name, frame] : sample_frames()) {
    CAPTURE(name);
    auto reader = frames::reader{1u << 20};
    reader.feed(golden("frame-" + name).span());
    auto decoded = reader.next();
    REQUIRE(decoded);
    REQUIRE(decoded->has_value());
    CHECK(reader.buffered() == 0);
    CHECK((*decoded)->request == frame.request);
    // A compressor may choose other bytes for the same batch.
    auto expected = frame.body;
    auto take_batch = [&](auto* to, auto* from) {
      if (!to) return;
      auto opened = batch_reader::open(from->batch, from->compression, {});
      REQUIRE(opened);
      CHECK(holds(*opened, sample_messages()));
      CHECK(crc32c(from->batch.span()) == from->checksum);
      to->batch = from->batch;
      to->checksum = from->checksum;
    };
    auto& body = (*decoded)->body;
    REQUIRE(body.index() == expected.index());
    take_batch(std::get_if<frames::produce>(&expected), std::get_if<frames::produce>(&body));
    take_batch(std::get_if<frames::deliver>(&expected), std::get_if<frames::deliver>(&body));
    take_batch(std::get_if<frames::leased>(&expected), std::get_if<frames::leased>(&body));
    if (auto* list = std::get_if<frames::timer_list>(&expected)) {
      list->after_queue = {}; // These came later.
      list->after_place = 0;
    }
    if (auto* status = std::get_if<frames::node_status_report>(&expected)) {
      status->fsyncs = 0; // These came later.
      status->throttled = {};
      for (auto& shard : status->shards) shard.group_sizes.clear();
    }
    if (auto* join = std::get_if<frames::join>(&expected)) {
      join->mode.clear();
      join->in_flight_max = 0;
      join->filter = {};
      join->name.clear();
      join->holder = 0;
      join->member_id.clear();
      join->rejoins = {};
    }
    if (auto* ended = std::get_if<frames::subscription_ended>(&expected)) ended->member = {};
    // What it was before 2 became the one that goes without saying.
    if (auto* welcome = std::get_if<frames::welcome>(&expected)) welcome->version = 2;
    if (auto* deliver = std::get_if<frames::deliver>(&expected)) {
      deliver->sparse = false;
      deliver->ranges.clear();
      deliver->expired.clear();
    }
    if (auto* subscribe = std::get_if<frames::subscribe>(&expected)) {
      subscribe->filter = {};
      subscribe->expired = false;
    }
    if (auto* reset = std::get_if<frames::group_reset>(&expected)) reset->consumer.clear();
    if (auto* produce = std::get_if<frames::produce>(&expected)) produce->named = {};
    if (auto* create = std::get_if<frames::topic_create>(&expected))
      take_later_settings(create->settings);
    if (auto* alter = std::get_if<frames::topic_alter>(&expected)) {
      alter->dedup_window_ms.reset();
      alter->produce_bytes_per_second.reset();
      alter->consume_bytes_per_second.reset();
      alter->compacted.reset();
    }
    if (auto* topic = std::get_if<frames::topic_description>(&expected)) {
      take_later_settings(topic->settings);
      topic->throttled = {};
    }
    if (auto* joined = std::get_if<frames::joined>(&expected))
      *joined = {joined->member, joined->group, {}, 0};
    if (auto* group = std::get_if<frames::group_description>(&expected)) {
      group->delivery = {};
      group->version = 0;
      group->filter = {};
      group->consumers.clear();
      group->filtered = group->expired = 0;
      for (auto& member : group->members) {
        member.in_flight = member.idle_ms = 0;
        member.id.clear();
        member.kept_until.reset();
      }
      for (auto& queue : group->queues) queue.in_flight = queue.waiting = 0;
    }
    CHECK(same(body, expected));
  }
}

TEST_CASE("golden batches decode") {
  for (auto& [name, compression] : codecs()) {
    CAPTURE(name);
    auto opened = batch_reader::open(golden(name), compression, {});
    REQUIRE(opened);
    CHECK(holds(*opened, sample_messages()));
  }
}

TEST_CASE("golden entries decode") {
  for (auto& [name, effect] : sample_effects()) {
    CAPTURE(name);
    auto decoded = decode_entry(golden("entry-" + name));
    REQUIRE(decoded);
    REQUIRE(decoded->effects.size() == 1);
    auto& got = decoded->effects[0];
    auto expected = effect;
    REQUIRE(got.index() == expected.index());
    if (auto batch = std::get_if<effects::batch>(&expected)) {
      auto& from = std::get<effects::batch>(got);
      auto opened = batch_reader::open(from.bytes, from.compression, {});
      REQUIRE(opened);
      CHECK(holds(*opened, sample_messages()));
      batch->bytes = from.bytes;
      batch->checksum = from.checksum;
      batch->transacted = false; // These came later.
      batch->named = {};
      batch->ids.clear();
      batch->id_window_ms = 0;
    }
    if (auto opened = std::get_if<effects::queue_opened>(&expected)) {
      opened->dedup_window_ms = 0;
      opened->compacted = false;
    }
    if (auto topic = std::get_if<effects::topic_put>(&expected))
      take_later_settings(topic->topic.settings);
    if (auto* commit = std::get_if<effects::commit>(&expected)) commit->why = {};
    if (auto* settled = std::get_if<effects::settled>(&expected)) settled->why = {};
    CHECK(same(got, expected));
    CHECK(decoded->header.index == sample_header().index);
    CHECK(decoded->header.term == sample_header().term);
    CHECK(decoded->header.time == sample_header().time);
  }
  auto change = decode_entry(golden("entry-change"));
  REQUIRE(change);
  CHECK(change->header.kind == entry_kind::change);
  CHECK(change->configuration.text() == "configuration of libraft");
}

TEST_CASE("golden records decode") {
  for_each_record([](auto name, const auto& record) {
    CAPTURE(name);
    auto decoded = decode_record<std::remove_cvref_t<decltype(record)>>(golden(name).text());
    REQUIRE(decoded);
    auto expected = record;
    if constexpr (std::is_same_v<decltype(expected), topic_record>)
      take_later_settings(expected.settings);
    if constexpr (std::is_same_v<decltype(expected), group_record>) expected.queues.clear();
    CHECK(*decoded == expected);
  });
}
