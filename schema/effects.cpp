#include "schema/effects.hpp"

#include "schema/enums.hpp"
#include "schema/flat_message.hpp"
#include "schema/log_codec.hpp"

#include <variant>

namespace carafe {
namespace {

failure corrupt(std::string_view what) { return {errc::storage_corrupt, std::string{what}}; }

failure newer(std::string_view what) { return {errc::format_newer, std::string{what}}; }

/// Puts effects into a message and gives batches their places in the attachments.
struct effect_writer {
  std::size_t attached = 0;

  void operator()(wire::Effect::Builder to, const effects::batch& from) {
    auto batch = to.initBatch();
    batch.setQueue(from.queue.value);
    batch.setBaseOffset(from.base.value);
    batch.setCount(from.count);
    batch.setProducer(from.producer.value);
    batch.setSequence(from.first.value);
    batch.setCodec(to_wire(from.compression));
    batch.setChecksum(from.checksum);
    batch.setAttachment(static_cast<std::uint32_t>(attached));
    batch.setBytes(static_cast<std::uint32_t>(from.bytes.size()));
    batch.setTimed(from.timed);
    batch.setRanked(from.ranked);
    batch.setTransacted(from.transacted);
    batch.setName(from.named.name.value);
    batch.setNameLast(from.named.last.value);
    batch.setNameSpread(from.named.spread);
    if (!from.ids.empty()) {
      const auto ids = bytes_of(from.ids);
      batch.setIdWindowMs(from.id_window_ms);
      batch.setIds(kj::ArrayPtr<const char>{ids.data(), ids.size()}.asBytes());
    }
    attached += padded(from.bytes.size());
  }
  void operator()(wire::Effect::Builder to, const effects::commit& from) {
    auto commit = to.initCommit();
    commit.setGroup(from.group.value);
    commit.setQueue(from.queue.value);
    commit.setOffset(from.next.value);
    commit.setWhy(enum_to_wire<wire::OffsetCommitted::Why>(from.why));
  }
  void operator()(wire::Effect::Builder to, const effects::queue_opened& from) {
    auto opened = to.initQueueOpened();
    opened.setQueue(from.queue.value);
    opened.setTopic(from.topic.value);
    opened.setDedupWindowMs(from.dedup_window_ms);
    opened.setCompacted(from.compacted);
  }
  void operator()(wire::Effect::Builder to, const effects::queue_closed& from) {
    to.setQueueClosed(from.queue.value);
  }
  void operator()(wire::Effect::Builder to, const effects::queue_start& from) {
    auto start = to.initQueueStart();
    start.setQueue(from.queue.value);
    start.setStart(from.start.value);
    start.setSparing(from.sparing);
  }
  void operator()(wire::Effect::Builder to, const effects::topic_put& from) {
    put(to.initTopicPut(), from.topic);
  }
  void operator()(wire::Effect::Builder to, const effects::topic_deleted& from) {
    to.setTopicDeleted(from.topic.value);
  }
  void operator()(wire::Effect::Builder to, const effects::group_put& from) {
    put(to.initGroupPut(), from.group);
  }
  void operator()(wire::Effect::Builder to, const effects::group_deleted& from) {
    to.setGroupDeleted(from.group.value);
  }
  void operator()(wire::Effect::Builder to, const effects::progress_dropped& from) {
    to.setProgressDropped(from.group.value);
  }
  void operator()(wire::Effect::Builder to, const effects::settled& from) {
    auto settled = to.initSettled();
    settled.setGroup(from.group.value);
    settled.setQueue(from.queue.value);
    put(settled.initRanges(static_cast<unsigned>(from.ranges.size())), from.ranges);
    settled.setWhy(enum_to_wire<wire::Settled::Why>(from.why));
  }
  void operator()(wire::Effect::Builder to, const effects::lent& from) {
    auto lent = to.initLent();
    lent.setGroup(from.group.value);
    lent.setQueue(from.queue.value);
    put(lent.initRanges(static_cast<unsigned>(from.ranges.size())), from.ranges);
    lent.setMember(from.member);
  }
  void operator()(wire::Effect::Builder to, const effects::returned& from) {
    auto returned = to.initReturned();
    returned.setGroup(from.group.value);
    returned.setQueue(from.queue.value);
    put(returned.initRanges(static_cast<unsigned>(from.ranges.size())), from.ranges);
  }
  void operator()(wire::Effect::Builder to, const effects::waiting& from) {
    auto waiting = to.initWaiting();
    waiting.setGroup(from.group.value);
    waiting.setQueue(from.queue.value);
    put(waiting.initRow(), from.row);
  }
  void operator()(wire::Effect::Builder to, const effects::timers_ended& from) {
    auto ended = to.initTimersEnded();
    ended.setQueue(from.queue.value);
    ended.setWhy(enum_to_wire<wire::TimersEnded::Why>(from.why));
    const auto count = static_cast<unsigned>(from.which.size());
    auto due = ended.initDueMs(count);
    auto numbers = ended.initNumbers(count);
    for (unsigned i = 0; i < count; ++i) {
      due.set(i, from.which[i].due.value);
      numbers.set(i, from.which[i].number);
    }
  }
  void operator()(wire::Effect::Builder to, const effects::timer_moved& from) {
    auto moved = to.initTimerMoved();
    moved.setFromMs(from.from.value);
    put(moved.initRow(), from.row);
  }
  void operator()(wire::Effect::Builder to, const effects::kept& from) {
    auto kept = to.initKept();
    kept.setGroup(from.group.value);
    kept.setQueue(from.queue.value);
    kept.setRead(from.read.value);
    auto rows = kept.initRows(static_cast<unsigned>(from.rows.size()));
    for (unsigned i = 0; i < rows.size(); ++i) put(rows[i], from.rows[i]);
  }
  void operator()(wire::Effect::Builder to, const effects::tx_prepared& from) {
    put(to.initTxPrepared(), from, attached);
  }
  void operator()(wire::Effect::Builder to, const effects::tx_ended& from) {
    put(to.initTxEnded(), from);
  }
  void operator()(wire::Effect::Builder to, const effects::tx_applied& from) {
    put(to.initTxApplied(), from);
  }
  void operator()(wire::Effect::Builder to, const effects::schedule_put& from) {
    put(to.initSchedulePut(), from.schedule);
  }
  void operator()(wire::Effect::Builder to, const effects::schedule_deleted& from) {
    to.setScheduleDeleted(from.schedule.value);
  }
  void operator()(wire::Effect::Builder to, const effects::schedule_fired& from) {
    auto fired = to.initScheduleFired();
    fired.setSchedule(from.schedule.value);
    put(fired.initProgress(), from.progress);
  }
  void operator()(wire::Effect::Builder to, const effects::producer_put& from) {
    auto row = to.initProducerPut();
    put(row.initProducer(), from.producer);
    row.setForgotten(from.forgotten);
  }
};

result<effects::effect> get_batch(wire::BatchAppended::Reader from,
                                  const shared_bytes& attachments) {
  auto batch = effects::batch{};
  batch.queue = queue_id{from.getQueue()};
  batch.base = offset{from.getBaseOffset()};
  batch.count = from.getCount();
  batch.producer = producer_id{from.getProducer()};
  batch.first = sequence{from.getSequence()};
  auto compression = from_wire(from.getCodec());
  if (!compression) return newer("batch: codec");
  batch.compression = *compression;
  batch.checksum = from.getChecksum();
  std::size_t at = from.getAttachment();
  std::size_t bytes = from.getBytes();
  if (at % word_bytes != 0 || at > attachments.size() || bytes > attachments.size() - at)
    return corrupt("batch: outside the attachments");
  batch.bytes = attachments.slice(at, bytes);
  batch.timed = from.getTimed();
  batch.ranked = from.getRanked();
  batch.transacted = from.getTransacted();
  batch.named.name = producer_name_id{from.getName()};
  batch.named.last = sequence{from.getNameLast()};
  batch.named.spread = from.getNameSpread();
  const auto ids = from.getIds();
  auto digests = digests_from(std::as_bytes(std::span{ids.begin(), ids.size()}));
  if (!digests || (!digests->empty() && digests->size() != batch.count))
    return corrupt("batch: ids");
  batch.ids = std::move(*digests);
  batch.id_window_ms = from.getIdWindowMs();
  return effects::effect{std::move(batch)};
}

template <class Effect, class Wire, class Record>
result<effects::effect> get_put(Wire from, Record Effect::*record) {
  auto effect = Effect{};
  auto wrong = get(from, effect.*record);
  if (wrong != errc::none) return {wrong, "record"};
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_fired(wire::schedule::Fired::Reader from) {
  auto effect = effects::schedule_fired{schedule_id{from.getSchedule()}, {}};
  if (get(from.getProgress(), effect.progress) != errc::none) return corrupt("fired: progress");
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_settled(wire::Settled::Reader from) {
  const auto why = enum_from_wire(from.getWhy(), effects::settled::reason::moved);
  if (!why) return newer("settled: why");
  auto effect = effects::settled{group_id{from.getGroup()}, queue_id{from.getQueue()}, {}, *why};
  if (get(from.getRanges(), effect.ranges) != errc::none) return corrupt("settled: ranges");
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_commit(wire::OffsetCommitted::Reader from) {
  const auto why = enum_from_wire(from.getWhy(), effects::commit::reason::reset);
  if (!why) return newer("commit: why");
  return effects::effect{effects::commit{group_id{from.getGroup()}, queue_id{from.getQueue()},
                                         offset{from.getOffset()}, *why}};
}

result<effects::effect> get_lent(wire::Lent::Reader from) {
  auto effect = effects::lent{group_id{from.getGroup()}, queue_id{from.getQueue()}, {}, {}};
  if (get(from.getRanges(), effect.ranges) != errc::none) return corrupt("lent: ranges");
  const auto member = from.getMember();
  effect.member.assign(member.begin(), member.size());
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_returned(wire::Returned::Reader from) {
  auto effect = effects::returned{group_id{from.getGroup()}, queue_id{from.getQueue()}, {}};
  if (get(from.getRanges(), effect.ranges) != errc::none) return corrupt("returned: ranges");
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_waiting(wire::Waiting::Reader from) {
  auto effect = effects::waiting{group_id{from.getGroup()}, queue_id{from.getQueue()}, {}};
  get(from.getRow(), effect.row);
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_timers_ended(wire::TimersEnded::Reader from) {
  using reason = effects::timers_ended::reason;
  const auto why = enum_from_wire(from.getWhy(), reason::dropped);
  if (!why) return newer("timersEnded: why");
  auto effect = effects::timers_ended{queue_id{from.getQueue()}, *why, {}};
  const auto due = from.getDueMs();
  const auto numbers = from.getNumbers();
  if (due.size() != numbers.size()) return corrupt("timersEnded: lists differ");
  effect.which.reserve(due.size());
  for (unsigned i = 0; i < due.size(); ++i)
    effect.which.push_back({unix_ms{due[i]}, effect.queue, numbers[i]});
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_timer_moved(wire::TimerMoved::Reader from) {
  auto effect = effects::timer_moved{unix_ms{from.getFromMs()}, {}};
  get(from.getRow(), effect.row);
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_kept(wire::Kept::Reader from) {
  auto effect =
    effects::kept{group_id{from.getGroup()}, queue_id{from.getQueue()}, offset{from.getRead()}, {}};
  for (auto row : from.getRows()) get(row, effect.rows.emplace_back());
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_tx_prepared(wire::tx::TxPrepared::Reader from,
                                        const shared_bytes& attachments) {
  auto effect = effects::tx_prepared{};
  const auto wrong = get(from, attachments, effect);
  if (wrong != errc::none) return {wrong, "txPrepared"};
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_producer_put(wire::ProducerPut::Reader from) {
  auto effect = effects::producer_put{{}, from.getForgotten()};
  if (get(from.getProducer(), effect.producer) != errc::none) return corrupt("producerPut");
  return effects::effect{std::move(effect)};
}

result<effects::effect> get_effect(wire::Effect::Reader from, const shared_bytes& attachments) {
  switch (from.which()) {
  case wire::Effect::BATCH:
    return get_batch(from.getBatch(), attachments);
  case wire::Effect::COMMIT:
    return get_commit(from.getCommit());
  case wire::Effect::QUEUE_OPENED: {
    auto opened = from.getQueueOpened();
    return effects::effect{effects::queue_opened{queue_id{opened.getQueue()},
                                                 topic_id{opened.getTopic()},
                                                 opened.getDedupWindowMs(), opened.getCompacted()}};
  }
  case wire::Effect::QUEUE_CLOSED:
    return effects::effect{effects::queue_closed{queue_id{from.getQueueClosed()}}};
  case wire::Effect::QUEUE_START: {
    auto start = from.getQueueStart();
    return effects::effect{effects::queue_start{queue_id{start.getQueue()},
                                                offset{start.getStart()}, start.getSparing()}};
  }
  case wire::Effect::TOPIC_PUT:
    return get_put(from.getTopicPut(), &effects::topic_put::topic);
  case wire::Effect::TOPIC_DELETED:
    return effects::effect{effects::topic_deleted{topic_id{from.getTopicDeleted()}}};
  case wire::Effect::GROUP_PUT:
    return get_put(from.getGroupPut(), &effects::group_put::group);
  case wire::Effect::GROUP_DELETED:
    return effects::effect{effects::group_deleted{group_id{from.getGroupDeleted()}}};
  case wire::Effect::PROGRESS_DROPPED:
    return effects::effect{effects::progress_dropped{group_id{from.getProgressDropped()}}};
  case wire::Effect::SETTLED:
    return get_settled(from.getSettled());
  case wire::Effect::LENT:
    return get_lent(from.getLent());
  case wire::Effect::WAITING:
    return get_waiting(from.getWaiting());
  case wire::Effect::TIMERS_ENDED:
    return get_timers_ended(from.getTimersEnded());
  case wire::Effect::TIMER_MOVED:
    return get_timer_moved(from.getTimerMoved());
  case wire::Effect::KEPT:
    return get_kept(from.getKept());
  case wire::Effect::PRODUCER_PUT:
    return get_producer_put(from.getProducerPut());
  case wire::Effect::TX_PREPARED:
    return get_tx_prepared(from.getTxPrepared(), attachments);
  case wire::Effect::TX_ENDED:
    return effects::effect{get(from.getTxEnded())};
  case wire::Effect::TX_APPLIED:
    return effects::effect{get(from.getTxApplied())};
  case wire::Effect::SCHEDULE_PUT:
    return get_put(from.getSchedulePut(), &effects::schedule_put::schedule);
  case wire::Effect::SCHEDULE_DELETED:
    return effects::effect{effects::schedule_deleted{schedule_id{from.getScheduleDeleted()}}};
  case wire::Effect::SCHEDULE_FIRED:
    return get_fired(from.getScheduleFired());
  case wire::Effect::RETURNED:
    return get_returned(from.getReturned());
  }
  return newer("effect " + std::to_string(static_cast<unsigned>(from.which())));
}

} // namespace

std::vector<std::byte> encode_effects(const std::vector<effects::effect>& effects) {
  auto out = std::vector<std::byte>{};
  with_single_segment(
    [&](capnp::MessageBuilder& builder) {
      auto list =
        builder.initRoot<wire::Effects>().initEffects(static_cast<unsigned>(effects.size()));
      auto write = effect_writer{};
      for (unsigned i = 0; i < effects.size(); ++i)
        std::visit([&](auto& effect) { write(list[i], effect); }, effects[i]);
    },
    [&](kj::ArrayPtr<const kj::byte> segment) {
      auto bytes = static_cast<const void*>(segment.begin());
      auto first = static_cast<const std::byte*>(bytes);
      out.assign(first, first + segment.size());
    });
  return out;
}

result<std::vector<effects::effect>> decode_effects(shared_bytes segment,
                                                    const shared_bytes& attachments) {
  using decoded = result<std::vector<effects::effect>>;
  if (segment.empty()) return decoded::value_type{};
  auto plain = aligned(std::move(segment));
  return reading<decoded>(errc::storage_corrupt, [&]() -> decoded {
    const auto words = as_words(plain.span());
    auto message = capnp::SegmentArrayMessageReader{{&words, 1}, reader_options(plain.size())};
    auto list = message.getRoot<wire::Effects>().getEffects();
    auto effects = decoded::value_type{};
    effects.reserve(list.size());
    for (auto from : list) {
      auto effect = get_effect(from, attachments);
      if (!effect) return effect.error();
      effects.push_back(std::move(*effect));
    }
    return effects;
  });
}

} // namespace carafe
