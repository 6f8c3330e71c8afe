#include "schema/latest.hpp"
#include "schema/records.hpp"
#include "test/schema/samples.hpp"

#include <catch2/catch.hpp>

#include <random>

using namespace carafe;
using namespace carafe::test;

TEMPLATE_TEST_CASE("a record with nothing filled comes back as it was", "", topic_record,
                   group_record, queue_record, producer_record, progress_record, waiting_record,
                   timer_record, latest_record, catalogue_record, half_batch, transaction_record,
                   transaction_counts, transactions_applied, schedule_record, schedule_progress) {
  auto decoded = decode_record<TestType>(encode_record(TestType{}));
  REQUIRE(decoded);
  CHECK(*decoded == TestType{});
}

namespace {

template <class Record>
void check_record(const Record& record) {
  auto bytes = encode_record(record);
  auto decoded = decode_record<Record>(bytes);
  REQUIRE(decoded);
  CHECK(*decoded == record);
  CHECK_FALSE(*decoded == Record{});

  auto shifted = "x" + bytes;
  decoded = decode_record<Record>(std::string_view{shifted}.substr(1));
  REQUIRE(decoded);
  CHECK(*decoded == record);

  CHECK(decode_record<Record>("").code() == errc::storage_corrupt);
  CHECK(decode_record<Record>(bytes + "x").code() == errc::storage_corrupt);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto cut = decode_record<Record>(std::string_view{bytes}.substr(0, size));
    if (cut.code() != errc::storage_corrupt) FAIL("cut at " << size);
  }
  auto random = std::mt19937{1};
  for (int round = 0; round < 3000; ++round) {
    auto damaged = bytes;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      auto& byte = damaged[random() % damaged.size()];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
    }
    auto code = decode_record<Record>(damaged).code();
    if (code != errc::none && code != errc::storage_corrupt && code != errc::format_newer)
      FAIL(to_string(code));
  }
}

} // namespace

TEST_CASE("every record comes back as it was, and damage never crashes the decoder") {
  check_record(sample_topic());
  check_record(sample_group());
  check_record(sample_queue());
  check_record(sample_producer());
  check_record(sample_progress());
  check_record(sample_delivery());
  check_record(sample_waiting());
  check_record(sample_timer());
  check_record(sample_latest());
  check_record(sample_schedule_record());
  check_record(sample_schedule_progress());
  check_record(sample_kept());
  check_record(sample_delivery_group());
  check_record(sample_catalogue());
  check_record(sample_half());
  check_record(sample_transaction());
  check_record(transaction_counts{1, 2, 3, 4, 5});
  check_record(transactions_applied{17});
  check_record(sample_named_producer());
  check_record(sample_named_progress());
  check_record(sample_stored_ids());
}

TEST_CASE("a topic of many queues comes back as it was") {
  auto topic = sample_topic();
  for (std::uint64_t i = 0; i < 10'000; ++i)
    topic.queues.push_back({queue_id{i}, shard_id{static_cast<std::uint16_t>(i % 3)}});
  auto decoded = decode_record<topic_record>(encode_record(topic));
  REQUIRE(decoded);
  CHECK(*decoded == topic);
}
