#include "test/schema/samples.hpp"

#include <tuple>

namespace carafe::test {

std::vector<owned_message> sample_messages() {
  using namespace std::string_literals;
  return {
    {"key", "body", "tag", {{"name", "value"}, {"größe", "\xff\x00"s}}, 1'700'000'000'000},
    {"", "no key", "", {}, 1'700'000'000'001},
    {"only a key", "", "", {}, 1'699'999'999'000},
    {"", "", "", {}, 1'700'000'000'000},
    {"\x00\xff"s, "\xfe"s, "other tag", {{"name", ""}}, 1'700'000'000'000},
    {"key", std::string(1000, 'x'), "tag", {{"tag", "tag"}}, 1'704'294'966'295},
  };
}

encoded_batch encode_messages(const std::vector<owned_message>& messages, codec compression) {
  auto builder = batch_builder{};
  for (auto& message : messages) {
    auto properties = std::vector<std::pair<std::string_view, std::string_view>>{};
    for (auto& [name, value] : message.properties) properties.emplace_back(name, value);
    CARAFE_ASSERT(
      builder.add({message.key, message.body, message.tag, properties, unix_ms{message.born}}));
  }
  return *builder.finish(compression);
}

bool holds(const batch_reader& batch, const std::vector<owned_message>& messages) {
  if (batch.count() != messages.size()) return false;
  for (std::uint32_t i = 0; i < batch.count(); ++i) {
    auto message = batch.message(i);
    auto& wanted = messages[i];
    if (std::tie(message.key, message.body, message.tag) !=
        std::tuple<std::string_view, std::string_view, std::string_view>(wanted.key, wanted.body,
                                                                         wanted.tag))
      return false;
    if (message.born.value != wanted.born) return false;
    if (message.properties.size() != wanted.properties.size()) return false;
    for (std::size_t p = 0; p < wanted.properties.size(); ++p) {
      if (message.properties[p].first != wanted.properties[p].first) return false;
      if (message.properties[p].second != wanted.properties[p].second) return false;
    }
  }
  return true;
}

topic_record sample_topic() {
  return {topic_id{11},
          "orders",
          {{queue_id{12}, shard_id{1}}, {queue_id{13}, shard_id{2}}},
          {604'800'000, durability::memory, 90'000, 60'000, 10'000, 20'000, true},
          unix_ms{1'700'000'000'000}};
}

group_record sample_group() {
  return {group_id{21}, "billing", "shared", {"orders", "refunds"}, unix_ms{1'700'000'000'001}};
}

queue_record sample_queue() {
  queue_record out;
  out.topic = topic_id{11};
  out.start = offset{31};
  out.next = offset{32};
  out.last_time = unix_ms{1'700'000'000'002};
  return out;
}

producer_record sample_producer() {
  return {unix_ms{1'700'000'000'003},
          sequence{41},
          {{sequence{38}, 2, offset{50}, unix_ms{1'700'000'000'002}},
           {sequence{40}, 2, offset{52}, unix_ms{1'700'000'000'003}}}};
}

progress_record sample_progress() { return {offset{61}, unix_ms{1'700'000'000'004}}; }

progress_record sample_delivery() {
  return {offset{61},
          unix_ms{1'700'000'000'004},
          {{offset{63}, 2}, {offset{70}, 1}},
          {{offset{61}, 2}, {offset{67}, 3}},
          offset{72}};
}

waiting_record sample_waiting() {
  return {offset{64},
          3,
          unix_ms{1'700'000'060'000},
          "the bank does not answer",
          0xfedcba9876543210,
          true,
          unix_ms{1'700'000'000'006},
          unix_ms{1'700'000'000'007},
          queue_id{14},
          offset{3},
          {},
          {},
          {}};
}

waiting_record sample_kept() {
  auto row = sample_waiting();
  row.letter_queue = kept_messages;
  row.stored = unix_ms{1'700'000'000'000};
  row.producer = producer_id{0x0123456789abcdef};
  row.number = sequence{44};
  return row;
}

timer_record sample_timer() {
  return {{unix_ms{1'700'000'090'000}, queue_id{12}, 9},
          producer_id{0x0123456789abcdef},
          sequence{77},
          "close order 4711",
          unix_ms{1'700'000'000'008},
          "a batch of one message"};
}

latest_record sample_latest() {
  return {queue_id{12},
          offset{4711},
          unix_ms{1'700'000'090'000},
          producer_id{0x0123456789abcdef},
          sequence{77},
          {0x1122334455667788, 0x99aabbccddeeff00},
          "a batch of one message"};
}

schedule_definition sample_schedule() {
  return {"nightly",
          "reports",
          cron_rule{"30 2 * * mon-fri", "Europe/Berlin"},
          missed_policy::all,
          unix_ms{1'800'000'000'000},
          77,
          "a batch of one message"};
}

schedule_progress sample_schedule_progress() {
  return {9,
          6,
          2,
          1,
          unix_ms{1'700'000'000'009},
          unix_ms{1'700'000'000'008},
          unix_ms{1'700'000'000'010},
          "no such topic"};
}

schedule_record sample_schedule_record() {
  return {schedule_id{0xabcdef0123456789}, sample_schedule(), true, unix_ms{1'700'000'000'001},
          sample_schedule_progress()};
}

group_record sample_delivery_group() {
  auto group = sample_group();
  group.delivery = {60'000, 5, {1'000, 2'000}, 20, 7, 8, 9, true};
  group.version = 3;
  group.filter = {message_filter::kind::sql, "region = 'eu' AND amount > 10"};
  group.queues = {queue_id{12}, queue_id{13}};
  return group;
}

half_batch sample_half() {
  return {queue_id{12}, shard_id{1},
          sequence{41}, 6,
          codec::lz4,   0x12345678,
          true,         shared_bytes::copy_of(carafe::as_bytes("a batch of six messages"))};
}

transaction_record sample_transaction() {
  return {{producer_id{0x0123456789abcdef}, 42},
          "shop",
          unix_ms{1'700'000'000'010},
          unix_ms{1'700'000'006'010},
          6'000,
          30'000,
          3,
          transaction_state::committed,
          2,
          12,
          3'456,
          sequence{46},
          {{group_id{21}, true, queue_id{12}, shard_id{1}, {{offset{3}, 4}, {offset{9}, 1}}}},
          5,
          17,
          {shard_id{1}, shard_id{1000}}};
}

catalogue_record sample_catalogue() { return {71}; }

named_producer_record sample_named_producer() {
  return {producer_name_id{51}, "importer", 7, unix_ms{1'700'000'000'010},
          unix_ms{1'700'000'000'011}};
}

named_progress_record sample_named_progress() { return {sequence{312}, 4}; }

stored_ids_record sample_stored_ids() {
  return {unix_ms{1'700'000'060'000}, {{0x0123456789abcdef, 0xfedcba9876543210}, {}, {1, 2}}};
}

std::vector<named<effects::effect>> sample_effects() {
  auto batch = effects::batch{};
  auto encoded = encode_messages(sample_messages(), codec::lz4);
  batch.queue = queue_id{12};
  batch.base = offset{100};
  batch.count = encoded.count;
  batch.producer = producer_id{0x0123456789abcdef};
  batch.first = sequence{41};
  batch.compression = encoded.compression;
  batch.checksum = encoded.checksum;
  batch.bytes = encoded.bytes;
  batch.timed = true;
  batch.ranked = true;
  batch.transacted = true;
  batch.named.name = producer_name_id{51};
  batch.named.last = sequence{312};
  batch.named.spread = 4;
  for (std::uint64_t i = 0; i < batch.count; ++i) batch.ids.push_back({i, i * i});
  batch.id_window_ms = 60'000;
  return {
    {"batch", batch},
    {"commit",
     effects::commit{group_id{21}, queue_id{12}, offset{61}, effects::commit::reason::reset}},
    {"queueOpened", effects::queue_opened{queue_id{12}, topic_id{11}, 60'000, true}},
    {"queueClosed", effects::queue_closed{queue_id{12}}},
    {"queueStart", effects::queue_start{queue_id{12}, offset{31}, true}},
    {"topicPut", effects::topic_put{sample_topic()}},
    {"topicDeleted", effects::topic_deleted{topic_id{11}}},
    {"groupPut", effects::group_put{sample_group()}},
    {"groupDeleted", effects::group_deleted{group_id{21}}},
    {"progressDropped", effects::progress_dropped{group_id{21}}},
    {"settled", effects::settled{group_id{21},
                                 queue_id{12},
                                 {{offset{3}, 4}, {offset{90}, 1}},
                                 effects::settled::reason::expired}},
    {"lent", effects::lent{group_id{21}, queue_id{12}, {{offset{5}, 10}}, "worker-7"}},
    {"waiting", effects::waiting{group_id{21}, queue_id{12}, sample_waiting()}},
    {"timersEnded", effects::timers_ended{queue_id{12},
                                          effects::timers_ended::reason::cancelled,
                                          {{unix_ms{1'700'000'060'001}, queue_id{12}, 4},
                                           {unix_ms{1'700'000'060'002}, queue_id{12}, 7}}}},
    {"timerMoved", effects::timer_moved{unix_ms{1'700'000'060'003}, sample_timer()}},
    {"kept", effects::kept{group_id{21}, queue_id{12}, offset{70}, {sample_kept()}}},
    {"txPrepared", effects::tx_prepared{sample_transaction().id,
                                        "shop",
                                        6'000,
                                        30'000,
                                        3,
                                        {sample_half(), sample_half()},
                                        sample_transaction().consumed}},
    {"txEnded", effects::tx_ended{sample_transaction().id, true, {shard_id{1}, shard_id{2}}}},
    {"txApplied", effects::tx_applied{shard_id{1}, shard_id{2}, 17, true}},
    {"producerPut", effects::producer_put{sample_named_producer(), true}},
    {"schedulePut", effects::schedule_put{sample_schedule_record()}},
    {"scheduleDeleted", effects::schedule_deleted{schedule_id{31}}},
    {"scheduleFired", effects::schedule_fired{schedule_id{31}, sample_schedule_progress()}},
    {"returned", effects::returned{group_id{21}, queue_id{12}, {{offset{5}, 10}}}},
  };
}

entry_header sample_header() {
  return {entry_kind::command, entry_index{5}, term{3}, unix_ms{1'700'000'000'005}};
}

shared_bytes store(const encoded_entry& entry) {
  auto bytes = std::vector<std::byte>(entry.bytes(), std::byte{0xee});
  write_entry(entry, bytes);
  return shared_bytes::copy_of(bytes);
}

std::vector<char> wire_bytes(const frames::frame& f) {
  auto out = std::vector<char>{};
  frames::encode(f, out);
  return out;
}

} // namespace carafe::test
