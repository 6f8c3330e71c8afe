#include "schema/records.hpp"
#include "schema/latest.hpp"

#include "schema/enums.hpp"
#include "schema/flat_message.hpp"
#include "schema/log_codec.hpp"

namespace carafe {
namespace {

unsigned size_of(std::size_t size) { return static_cast<unsigned>(size); }

std::string_view text_of(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

capnp::Text::Reader text_of(const std::string& text) { return {text.c_str(), text.size()}; }

template <class Record>
struct shape;
template <>
struct shape<topic_record> {
  using wire = wire::TopicRecord;
};
template <>
struct shape<group_record> {
  using wire = wire::GroupRecord;
};
template <>
struct shape<queue_record> {
  using wire = wire::QueueRecord;
};
template <>
struct shape<producer_record> {
  using wire = wire::ProducerRecord;
};
template <>
struct shape<progress_record> {
  using wire = wire::ProgressRecord;
};
template <>
struct shape<waiting_record> {
  using wire = wire::WaitingRecord;
};
template <>
struct shape<timer_record> {
  using wire = wire::TimerRecord;
};
template <>
struct shape<latest_record> {
  using wire = wire::LatestRecord;
};
template <>
struct shape<schedule_record> {
  using wire = wire::schedule::Record;
};
template <>
struct shape<schedule_progress> {
  using wire = wire::schedule::Progress;
};
template <>
struct shape<named_producer_record> {
  using wire = wire::NamedProducerRecord;
};
template <>
struct shape<named_progress_record> {
  using wire = wire::NamedProgressRecord;
};
template <>
struct shape<stored_ids_record> {
  using wire = wire::StoredIdsRecord;
};
template <>
struct shape<catalogue_record> {
  using wire = wire::CatalogueRecord;
};
template <>
struct shape<half_batch> {
  using wire = wire::tx::HalfRecord;
};
template <>
struct shape<transaction_record> {
  using wire = wire::tx::TransactionRecord;
};
template <>
struct shape<transaction_counts> {
  using wire = wire::tx::TransactionCounts;
};
template <>
struct shape<transactions_applied> {
  using wire = wire::tx::TransactionsApplied;
};

} // namespace

void put(wire::TopicRecord::Builder to, const topic_record& from) {
  to.setTopic(from.topic.value);
  to.setName(text_of(from.name));
  auto count = size_of(from.queues.size());
  auto queues = to.initQueues(count);
  auto shards = to.initShards(count);
  for (unsigned i = 0; i < count; ++i) {
    queues.set(i, from.queues[i].queue.value);
    shards.set(i, from.queues[i].shard.value);
  }
  to.setRetentionMs(from.settings.retention_ms);
  to.setDurability(to_wire(from.settings.mode));
  to.setCreatedMs(from.created.value);
  to.setDefaultTtlMs(from.settings.default_ttl_ms);
  to.setDedupWindowMs(from.settings.dedup_window_ms);
  to.setCompacted(from.settings.compacted);
  to.setProduceBytesPerSecond(from.settings.produce_bytes_per_second);
  to.setConsumeBytesPerSecond(from.settings.consume_bytes_per_second);
}

errc get(wire::TopicRecord::Reader from, topic_record& to) {
  to.topic = topic_id{from.getTopic()};
  to.name = text_of(from.getName());
  auto queues = from.getQueues();
  auto shards = from.getShards();
  if (queues.size() != shards.size()) return errc::storage_corrupt;
  to.queues.reserve(queues.size());
  for (unsigned i = 0; i < queues.size(); ++i)
    to.queues.push_back({queue_id{queues[i]}, shard_id{shards[i]}});
  auto mode = from_wire(from.getDurability());
  if (!mode) return errc::format_newer;
  to.settings = {from.getRetentionMs(), *mode, from.getDefaultTtlMs(), from.getDedupWindowMs()};
  to.settings.produce_bytes_per_second = from.getProduceBytesPerSecond();
  to.settings.consume_bytes_per_second = from.getConsumeBytesPerSecond();
  to.settings.compacted = from.getCompacted();
  to.created = unix_ms{from.getCreatedMs()};
  return errc::none;
}

void put(wire::GroupRecord::Builder to, const group_record& from) {
  to.setGroup(from.group.value);
  to.setName(text_of(from.name));
  to.setMode(text_of(from.mode));
  auto topics = to.initTopics(size_of(from.topics.size()));
  for (unsigned i = 0; i < topics.size(); ++i) topics.set(i, text_of(from.topics[i]));
  to.setCreatedMs(from.created.value);
  put(to.initDelivery(), from.delivery);
  to.setVersion(from.version);
  if (from.filter.how != message_filter::kind::none) put(to.initFilter(), from.filter);
  if (from.queues.empty()) return;
  auto queues = to.initQueues(size_of(from.queues.size()));
  for (unsigned i = 0; i < queues.size(); ++i) queues.set(i, from.queues[i].value);
}

errc get(wire::GroupRecord::Reader from, group_record& to) {
  to.group = group_id{from.getGroup()};
  to.name = text_of(from.getName());
  to.mode = text_of(from.getMode());
  to.topics.clear();
  for (auto topic : from.getTopics()) to.topics.emplace_back(text_of(topic));
  to.created = unix_ms{from.getCreatedMs()};
  if (from.hasDelivery()) get(from.getDelivery(), to.delivery);
  to.version = from.getVersion();
  to.queues.clear();
  for (auto queue : from.getQueues()) to.queues.push_back(queue_id{queue});
  return from.hasFilter() ? get(from.getFilter(), to.filter) : errc::none;
}

void put(wire::QueueRecord::Builder to, const queue_record& from) {
  to.setTopic(from.topic.value);
  to.setStart(from.start.value);
  to.setNext(from.next.value);
  to.setLastTimeMs(from.last_time.value);
  to.setTimersNext(from.timers_next);
  to.setTimersPending(from.timers_pending);
  to.setTimersSum(from.timers_sum);
  to.setDedupWindowMs(from.dedup_window_ms);
  to.setCompacted(from.compacted);
  to.setKeptFrom(from.kept_from.value);
}

errc get(wire::QueueRecord::Reader from, queue_record& to) {
  to.topic = topic_id{from.getTopic()};
  to.start = offset{from.getStart()};
  to.next = offset{from.getNext()};
  to.last_time = unix_ms{from.getLastTimeMs()};
  to.timers_next = from.getTimersNext();
  to.timers_pending = from.getTimersPending();
  to.timers_sum = from.getTimersSum();
  to.dedup_window_ms = from.getDedupWindowMs();
  to.compacted = from.getCompacted();
  to.kept_from = offset{from.getKeptFrom()};
  return errc::none;
}

void put(wire::ProducerRecord::Builder to, const producer_record& from) {
  to.setLastTimeMs(from.last_time.value);
  to.setLastSequence(from.last.value);
  auto recent = to.initRecent(size_of(from.recent.size()));
  for (unsigned i = 0; i < recent.size(); ++i) {
    auto row = recent[i];
    row.setSequence(from.recent[i].first.value);
    row.setCount(from.recent[i].count);
    row.setBaseOffset(from.recent[i].base.value);
    row.setTimeMs(from.recent[i].time.value);
  }
}

errc get(wire::ProducerRecord::Reader from, producer_record& to) {
  to.last_time = unix_ms{from.getLastTimeMs()};
  to.last = sequence{from.getLastSequence()};
  auto recent = from.getRecent();
  to.recent.reserve(recent.size());
  for (auto row : recent)
    to.recent.push_back({sequence{row.getSequence()}, row.getCount(), offset{row.getBaseOffset()},
                         unix_ms{row.getTimeMs()}});
  return errc::none;
}

void put(wire::ProgressRecord::Builder to, const progress_record& from) {
  to.setOffset(from.next.value);
  to.setTimeMs(from.time.value);
  // Most groups have none, and a null list costs nothing.
  if (!from.done.empty()) put(to.initDone(size_of(from.done.size())), from.done);
  if (!from.lent.empty()) put(to.initLent(size_of(from.lent.size())), from.lent);
  to.setRead(from.read.value);
}

errc get(wire::ProgressRecord::Reader from, progress_record& to) {
  to = {offset{from.getOffset()}, unix_ms{from.getTimeMs()}};
  to.read = offset{from.getRead()};
  if (get(from.getDone(), to.done) != errc::none) return errc::storage_corrupt;
  return get(from.getLent(), to.lent);
}

void put(wire::CatalogueRecord::Builder to, const catalogue_record& from) {
  to.setNextId(from.next_id);
}

errc get(wire::CatalogueRecord::Reader from, catalogue_record& to) {
  to.next_id = from.getNextId();
  return errc::none;
}

template <class Record>
std::string encode_record(const Record& record) {
  using root = typename shape<Record>::wire;
  auto out = std::string{};
  with_single_segment(
    [&](capnp::MessageBuilder& builder) { put(builder.initRoot<root>(), record); },
    [&](kj::ArrayPtr<const kj::byte> segment) {
      auto chars = segment.asChars();
      out.assign(chars.begin(), chars.size());
    });
  return out;
}

template <class Record>
result<Record> decode_record(std::string_view bytes) {
  using root = typename shape<Record>::wire;
  if (bytes.empty() || bytes.size() % word_bytes != 0)
    return {errc::storage_corrupt, "record: no whole Cap'n Proto segment"};
  auto segment = aligned(shared_bytes{nullptr, as_bytes(bytes)});
  return reading<result<Record>>(errc::storage_corrupt, [&]() -> result<Record> {
    const auto words = as_words(segment.span());
    auto message = capnp::SegmentArrayMessageReader{{&words, 1}, reader_options(bytes.size())};
    auto record = Record{};
    auto wrong = get(message.getRoot<root>(), record);
    if (wrong != errc::none) return {wrong, "record"};
    return record;
  });
}

template std::string encode_record(const topic_record&);
template std::string encode_record(const group_record&);
template std::string encode_record(const queue_record&);
template std::string encode_record(const producer_record&);
template std::string encode_record(const progress_record&);
template std::string encode_record(const waiting_record&);
template std::string encode_record(const timer_record&);
template std::string encode_record(const latest_record&);
template std::string encode_record(const catalogue_record&);
template std::string encode_record(const half_batch&);
template std::string encode_record(const transaction_record&);
template std::string encode_record(const transaction_counts&);
template std::string encode_record(const transactions_applied&);
template std::string encode_record(const schedule_record&);
template std::string encode_record(const schedule_progress&);
template std::string encode_record(const named_producer_record&);
template std::string encode_record(const named_progress_record&);
template std::string encode_record(const stored_ids_record&);

template result<topic_record> decode_record<topic_record>(std::string_view);
template result<group_record> decode_record<group_record>(std::string_view);
template result<queue_record> decode_record<queue_record>(std::string_view);
template result<producer_record> decode_record<producer_record>(std::string_view);
template result<progress_record> decode_record<progress_record>(std::string_view);
template result<waiting_record> decode_record<waiting_record>(std::string_view);
template result<timer_record> decode_record<timer_record>(std::string_view);
template result<latest_record> decode_record<latest_record>(std::string_view);
template result<catalogue_record> decode_record<catalogue_record>(std::string_view);
template result<half_batch> decode_record<half_batch>(std::string_view);
template result<transaction_record> decode_record<transaction_record>(std::string_view);
template result<transaction_counts> decode_record<transaction_counts>(std::string_view);
template result<transactions_applied> decode_record<transactions_applied>(std::string_view);
template result<schedule_record> decode_record<schedule_record>(std::string_view);
template result<schedule_progress> decode_record<schedule_progress>(std::string_view);
template result<named_producer_record> decode_record<named_producer_record>(std::string_view);
template result<named_progress_record> decode_record<named_progress_record>(std::string_view);
template result<stored_ids_record> decode_record<stored_ids_record>(std::string_view);

} // namespace carafe
