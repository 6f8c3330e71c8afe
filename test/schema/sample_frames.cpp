#include "test/schema/samples.hpp"

namespace carafe::test {
namespace {

using namespace frames;

const auto start_at = unix_ms{1'700'000'000'000};

start_position at_offset() { return {.at = start_position::kind::at_offset, .from = offset{77}}; }

start_position at_time() { return {.at = start_position::kind::at_time, .time = start_at}; }

produce sample_produce() {
  auto batch = encode_messages(sample_messages(), codec::zstd);
  auto to = produce{};
  to.queue = queue_id{12};
  to.producer = producer_id{0x0123456789abcdef};
  to.first = sequence{41};
  to.previous = sequence{40};
  to.count = batch.count;
  to.compression = batch.compression;
  to.checksum = batch.checksum;
  to.batch = batch.bytes;
  to.named = {producer_name_id{51}, 7, sequence{300}, sequence{312}, 4};
  return to;
}

deliver sample_deliver() {
  auto batch = encode_messages(sample_messages(), codec::lz4);
  auto to = deliver{};
  to.subscription = subscription_id{1u << 31};
  to.queue = queue_id{12};
  to.base = offset{100};
  to.count = batch.count;
  to.broker_time = start_at;
  to.producer = producer_id{0x0123456789abcdef};
  to.first = sequence{41};
  to.compression = batch.compression;
  to.checksum = batch.checksum;
  to.batch = batch.bytes;
  to.sparse = true;
  to.ranges = {{offset{101}, 1}, {offset{104}, to.count - 1}};
  to.expired = {{offset{105}, 1}};
  return to;
}

transaction_name sample_name() { return {shard_id{1}, {producer_id{0x0123456789abcdef}, 42}}; }

tx_prepare sample_prepare() {
  const auto half = sample_half();
  const auto batch =
    tx_batch{half.queue, half.first, half.count, half.compression, half.checksum, half.bytes};
  return {sample_name(),  "shop",
          6'000,          30'000,
          {batch, batch}, {{"billing", queue_id{12}, {{offset{3}, 4}, {offset{9}, 1}}}}};
}

topic_description sample_topic_description() {
  auto settings =
    topic_settings{604'800'000, durability::interval, 90'000, 60'000, 10'000, 20'000, true};
  return {topic_id{11},
          "orders",
          settings,
          start_at,
          {{queue_number{1}, queue_id{12}, shard_id{1}, durability::interval, offset{3}, offset{9},
            start_at},
           {queue_number{2}, queue_id{13}, shard_id{2}, durability::memory, offset{1}, offset{2},
            start_at}},
          {3, 4}};
}

group_description sample_group_description() {
  auto to = group_description{};
  to.name = "billing";
  to.group = group_id{21};
  to.mode = "ordered";
  to.topics = {"orders", "refunds"};
  to.members = {
    {member_id{31}, "worker", "carafe", "[::1]:4711", 2, start_at, 5, 6, "w-1", start_at}};
  to.queues = {{"orders", queue_number{1}, queue_id{12}, offset{61}, offset{3}, offset{99},
                member_id{31}, 38, 7, 8},
               {"orders", queue_number{2}, queue_id{13}, std::nullopt, offset{3}, offset{99},
                member_id{31}, 96}};
  to.delivery = sample_delivery_group().delivery;
  to.version = 3;
  to.filter = sample_delivery_group().filter;
  to.filtered = 4'000;
  to.expired = 5'000;
  to.consumers = {{"desk-1", start_at, member_id{31}, {{queue_id{12}, offset{61}, 38}}},
                  {"desk-2", start_at, member_id{0}, {{queue_id{12}, std::nullopt, 96}}}};
  return to;
}

message_story sample_story() {
  auto event = story_event{};
  event.what = story_event::kind::failed;
  event.time = unix_ms{1'700'000'000'001};
  event.at = offset{64};
  event.queue = queue_id{14};
  event.due = unix_ms{1'700'000'060'000};
  event.attempt = 3;
  event.member = "worker-7";
  event.error = "the bank does not answer";
  event.transaction = {shard_id{2}, {producer_id{77}, 9}};
  event.schedule = "nightly";
  auto group = group_story{};
  group.group = "billing";
  group.consumer = "desk-1";
  group.mode = "shared";
  group.now = group_story::state::dead;
  group.events = {event, event};
  group.events_left_out = 2;
  group.member = "worker-8";
  group.until = unix_ms{1'700'000'000'002};
  group.attempts = 4;
  group.error = "busy";
  group.at = offset{63};
  group.letter_queue = queue_id{15};
  group.letter = offset{9};
  group.letter_is = group_story::letter_state::purged;
  group.letter_number = queue_number{2};
  auto to = message_story{};
  to.topic = "orders";
  to.number = queue_number{1};
  to.queue = queue_id{12};
  to.has_place = true;
  to.at = offset{65};
  to.producer = producer_id{0x0123456789abcdef};
  to.sequence = sequence{41};
  to.reached = durability::memory;
  to.now = message_story::state::deleted;
  to.told = unix_ms{1'700'000'000'003};
  to.known_from = unix_ms{1'700'000'000'000};
  to.events = {event};
  to.groups = {group};
  to.groups_left_out = 7;
  to.due = unix_ms{1'700'000'000'004};
  return to;
}

leased sample_leased() {
  auto batch = encode_messages(sample_messages(), codec::lz4);
  auto to = leased{};
  to.subscription = subscription_id{~0ull};
  to.topic = "orders";
  to.number = queue_number{1};
  to.queue = queue_id{12};
  to.ranges = {{offset{61}, 2}, {offset{70}, 4}};
  to.attempt = 3;
  to.broker_time = start_at;
  to.producer = producer_id{0x0123456789abcdef};
  to.first = sequence{41};
  to.base = offset{60};
  to.compression = batch.compression;
  to.checksum = batch.checksum;
  to.batch = batch.bytes;
  to.batch_count = 14;
  return to;
}

node_status_report sample_status() {
  auto to = node_status_report{};
  to.node = "n1";
  to.software = "carafe 0.1.0";
  to.uptime_ms = 1;
  to.connections = 2;
  to.topics = 3;
  to.groups = 4;
  to.messages_in = 5;
  to.bytes_in = 6;
  to.messages_out = 7;
  to.bytes_out = 8;
  to.messages_in_per_second = 9.5;
  to.messages_out_per_second = 10.5;
  to.bytes_in_per_second = 11.5;
  to.bytes_out_per_second = 12.5;
  to.shards = {{shard_id{1},
                durability::memory,
                "leader",
                term{2},
                entry_index{3},
                entry_index{4},
                entry_index{5},
                entry_index{6},
                7,
                8,
                9,
                10,
                {11, 12, 13, 14},
                {15, 16, 17, 18},
                true,
                {{19, 20}, {21, 22}}}};
  to.disk_free_bytes = 13;
  to.data_dir = "/var/lib/carafe";
  to.cpu_ms = 19;
  to.memory_bytes = 20;
  to.memory_peak_bytes = 21;
  to.disk_written_bytes = 22;
  to.fsyncs = 23;
  to.throttled = {24, 25};
  return to;
}

} // namespace

std::vector<named<frame>> sample_frames() {
  auto settings =
    topic_settings{604'800'000, durability::memory, 90'000, 60'000, 10'000, 20'000, true};
  auto bodies = std::vector<named<body>>{
    {"error", error{{errc::not_leader, "node n2"}, 250}},
    {"hello", hello{2, 3, "worker", "carafe 0.1.0"}},
    {"welcome", welcome{9, "n1", "carafe 0.1.0", 3, 4, 5, 6, 7}},
    {"ping", ping{}},
    {"pong", pong{}},
    {"ok", ok{}},
    {"produce", sample_produce()},
    {"receipt",
     receipt{queue_id{12}, offset{100}, 6, durability::interval, 3, true, start_at, true}},
    {"subscribe", subscribe{subscription_id{1}, queue_id{12}, at_offset(), range_policy::latest,
                            1u << 20, sample_delivery_group().filter, true}},
    {"subscribed", subscribed{subscription_id{1}, offset{77}, offset{3}, offset{99}}},
    {"unsubscribe", unsubscribe{subscription_id{1}}},
    {"credit", credit{subscription_id{1}, 1u << 20}},
    {"deliver", sample_deliver()},
    {"subscriptionEnded",
     subscription_ended{subscription_id{1}, {errc::offset_out_of_range, "3..99"}, member_id{31}}},
    {"join", join{"billing",
                  {"orders", "refunds"},
                  "worker",
                  at_time(),
                  range_policy::earliest,
                  1u << 20,
                  "shared",
                  9,
                  sample_delivery_group().filter,
                  "desk-1",
                  0x1122334455667788,
                  "w-1",
                  group_id{21}}},
    {"joined", joined{member_id{31}, group_id{21}, subscription_id{~0ull}, 30'000}},
    {"assigned", assigned{member_id{31}, subscription_id{~0ull}, generation{4}, "orders",
                          queue_number{1}, queue_id{12}, offset{61}}},
    {"revoked", revoked{member_id{31}, queue_id{12}, generation{4}, 5000}},
    {"release", release{member_id{31}, queue_id{12}, generation{4}}},
    {"commit", commit{member_id{31},
                      {{queue_id{12}, generation{4}, offset{62}},
                       {queue_id{13}, generation{5}, offset{63}}}}},
    {"leave", leave{member_id{31}}},
    {"topicDescribe", topic_describe{"orders", true}},
    {"topicDescription", sample_topic_description()},
    {"topicCreate", topic_create{"orders", 2, settings, true}},
    {"topicAlter", topic_alter{"orders", 4, 3'600'000, 90'000, 60'000, 10'000, 20'000, true}},
    {"topicDelete", topic_delete{"orders"}},
    {"topicList", topic_list{}},
    {"topicNames", topic_names{{{"orders", topic_id{11}, 2, 12}, {"x", topic_id{14}, 1, 2}}}},
    {"groupList", group_list{}},
    {"groupNames",
     group_names{{{"billing", group_id{21}, "ordered", {"orders", "refunds"}, 1, 134}}}},
    {"groupDescribe", group_describe{"billing"}},
    {"groupDescription", sample_group_description()},
    {"groupReset", group_reset{"billing", "orders", queue_number{1}, at_time(), "desk-1"}},
    {"groupDelete", group_delete{"billing"}},
    {"nodeStatus", node_status{}},
    {"nodeStatusReport", sample_status()},
    {"nodeActors", node_actors{}},
    {"nodeActorList", node_actor_list{{{"shard.0", "shard", 3}}}},
    {"backup", backup{"/backup"}},
    {"backupDone", backup_done{"/backup", 1, 2}},
    {"leased", sample_leased()},
    {"settle", settle{member_id{31},
                      {{queue_id{12}, {{offset{61}, 3}, {offset{70}, 1}}}},
                      {{queue_id{12}, offset{64}, true, 1'500, "no such account"},
                       {queue_id{13}, offset{9}, false, std::nullopt, "busy"}},
                      {{queue_id{13}, {{offset{10}, 5}}}}}},
    {"renew", renew{member_id{31}, {{queue_id{12}, {{offset{61}, 3}}}}}},
    {"renewed", renewed{{{queue_id{12}, {{offset{62}, 1}}}}}},
    {"groupPut", group_put{"billing",
                           "keyed",
                           {"orders"},
                           sample_delivery_group().delivery,
                           3,
                           true,
                           sample_delivery_group().filter}},
    {"deadLetters", dead_letters{"billing"}},
    {"deadLetterList",
     dead_letter_list{{{queue_id{14}, queue_number{2}, {{offset{3}, 4}, {offset{9}, 1}}}}}},
    {"redrive", redrive{"billing", {{queue_id{14}, {{offset{3}, 2}}}}, true}},
    {"redriven", redriven{{{queue_id{14}, offset{3}, {errc::not_found, "gone"}}}}},
    {"timerEnd", timer_end{{"orders", timer_which::message_id{producer_id{5}, sequence{6}}}}},
    {"timerMove", timer_move{{"orders", "close order 4711"}, -60'000}},
    {"timersChanged", timers_changed{1}},
    {"timerList", timer_list{"orders", unix_ms{1'700'000'000'000}, 100, queue_id{12}, 9}},
    {"timers",
     timers{{{unix_ms{1'700'000'090'000}, queue_number{1}, queue_id{12}, 9, producer_id{5},
              sequence{6}, "close order 4711", "customer-1", 120, unix_ms{1'700'000'000'008}},
             {unix_ms{1'700'000'090'001}, queue_number{0}, queue_id{11}, 8, producer_id{5},
              sequence{7}, "", "", 0, unix_ms{1'700'000'000'009}}},
            4}},
    {"groupForget", group_forget{"billing", "desk-1"}},
    {"txJoin", tx_join{"shop", true}},
    {"txPrepare", sample_prepare()},
    {"txPrepared", tx_prepared{12, true}},
    {"txEnd", tx_end{sample_name(), tx_outcome::rollback}},
    {"txCheck", tx_check{sample_name(), "shop", 3}},
    {"txList", tx_list{sample_name(), 100}},
    {"txs", txs{{{sample_name(),
                  "shop",
                  tx_state::held,
                  unix_ms{1'700'000'000'010},
                  12,
                  3'456,
                  5,
                  15,
                  unix_ms{1'700'000'036'010},
                  {shard_id{1}, shard_id{2}}},
                 {sample_name(), "bank", tx_state::open, unix_ms{1}, 1, 2, 0, 0, {}, {}}},
                9,
                40,
                20,
                8,
                12}},
    {"producerRequest", producer_request{producer_progress_ask{producer_name_id{51}, 7, "orders"}}},
    {"producerAnswer", producer_answer{producer_progress{
                         4, {{queue_id{12}, sequence{312}}, {queue_id{13}, sequence{311}}}}}},
    {"schedulePut", schedule_put{sample_schedule(), true}},
    {"scheduleDelete", schedule_delete{"nightly"}},
    {"scheduleList", schedule_list{"nightly", "a", 100}},
    {"schedules",
     schedules{{{sample_schedule(), sample_schedule_progress(), true, unix_ms{1'700'000'000'001},
                 unix_ms{1'700'000'000'002}, "the topic is gone", 22},
                {{"often", "reports", every_rule{5'000, unix_ms{1}}, missed_policy::skip,
                  unix_ms{0}, 0, ""},
                 {},
                 false,
                 unix_ms{3},
                 unix_ms{4},
                 "",
                 0}},
               2}},
    {"messageWhy",
     message_why{"orders", message_why::id{producer_id{5}, sequence{6}, unix_ms{1}}, "billing"}},
    {"messageStory", sample_story()},
    {"keyFind", key_find{"orders", queue_number{2}, std::string{"k\0y", 3}, offset{4}, offset{5},
                         unix_ms{6}, unix_ms{7}, 8}},
    {"keyFound", key_found{{offset{1}, offset{3}}, offset{5}, true, 9}},
  };
  auto list = std::vector<named<frame>>{};
  for (auto& [name, body] : bodies)
    list.push_back({name, {0x1122334455667788 + list.size(), body}});
  return list;
}

} // namespace carafe::test
