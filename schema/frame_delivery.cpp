#include "schema/frame_codec.hpp"
#include "schema/log_codec.hpp"

namespace carafe::frames {
namespace {

using wire_queues = capnp::List<wire::QueueRanges>;

void put(wire_queues::Builder to, const std::vector<queue_ranges>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setQueue(from[i].queue.value);
    carafe::put(to[i].initRanges(size_of(from[i].ranges.size())), from[i].ranges);
  }
}

std::vector<queue_ranges> get(wire_queues::Reader from, decoding& state) {
  std::vector<queue_ranges> to;
  to.reserve(from.size());
  for (auto each : from) to.push_back({queue_id{each.getQueue()}, get(each.getRanges(), state)});
  return to;
}

} // namespace

std::vector<offset_range> get(capnp::List<wire::OffsetRange>::Reader from, decoding& state) {
  std::vector<offset_range> to;
  if (carafe::get(from, to) != errc::none)
    state.refuse(errc::frame_malformed, "an empty range of offsets, or one past the last");
  return to;
}

void put(wire::Leased::Builder to, const leased& from) {
  to.setSubscription(from.subscription.value);
  to.setTopic(wire_text{from.topic});
  to.setQueueNumber(from.number.value);
  to.setQueue(from.queue.value);
  carafe::put(to.initRanges(size_of(from.ranges.size())), from.ranges);
  to.setAttempt(from.attempt);
  to.setBrokerTimeMs(from.broker_time.value);
  to.setProducer(from.producer.value);
  to.setSequence(from.first.value);
  to.setBaseOffset(from.base.value);
  to.setCodec(to_wire(from.compression));
  to.setChecksum(from.checksum);
  const auto bytes = from.batch.text();
  to.setBatch({static_cast<const kj::byte*>(static_cast<const void*>(bytes.data())), bytes.size()});
  to.setBatchCount(from.batch_count);
}

leased get(wire::Leased::Reader from, decoding& state) {
  auto to = leased{};
  to.subscription = subscription_id{from.getSubscription()};
  to.topic = state.text(from.getTopic());
  to.number = queue_number{from.getQueueNumber()};
  to.queue = queue_id{from.getQueue()};
  to.ranges = get(from.getRanges(), state);
  to.attempt = from.getAttempt();
  to.broker_time = unix_ms{from.getBrokerTimeMs()};
  to.producer = producer_id{from.getProducer()};
  to.first = sequence{from.getSequence()};
  to.base = offset{from.getBaseOffset()};
  to.compression = state.enumerator(from.getCodec());
  to.checksum = from.getChecksum();
  to.batch = state.bytes(from.getBatch());
  to.batch_count = from.getBatchCount();
  return to;
}

void put(wire::Settle::Builder to, const settle& from) {
  to.setMember(from.member.value);
  put(to.initDone(size_of(from.done.size())), from.done);
  auto failed = to.initFailed(size_of(from.failed.size()));
  for (unsigned i = 0; i < failed.size(); ++i) {
    const auto& each = from.failed[i];
    failed[i].setQueue(each.queue.value);
    failed[i].setOffset(each.at.value);
    failed[i].setDead(each.dead);
    failed[i].setHasDelay(each.delay_ms.has_value());
    failed[i].setDelayMs(each.delay_ms.value_or(0));
    failed[i].setError(wire_text{each.error});
  }
  put(to.initReturned(size_of(from.returned.size())), from.returned);
}

settle get(wire::Settle::Reader from, decoding& state) {
  auto to = settle{};
  to.member = member_id{from.getMember()};
  to.done = get(from.getDone(), state);
  auto failed = from.getFailed();
  to.failed.reserve(failed.size());
  for (auto each : failed) {
    auto& row = to.failed.emplace_back();
    row.queue = queue_id{each.getQueue()};
    row.at = offset{each.getOffset()};
    row.dead = each.getDead();
    if (each.getHasDelay()) row.delay_ms = each.getDelayMs();
    row.error = state.text(each.getError());
  }
  to.returned = get(from.getReturned(), state);
  return to;
}

void put(wire::Renew::Builder to, const renew& from) {
  to.setMember(from.member.value);
  put(to.initHeld(size_of(from.held.size())), from.held);
}

renew get(wire::Renew::Reader from, decoding& state) {
  return {member_id{from.getMember()}, get(from.getHeld(), state)};
}

void put(wire::Renewed::Builder to, const renewed& from) {
  put(to.initLost(size_of(from.lost.size())), from.lost);
}

renewed get(wire::Renewed::Reader from, decoding& state) { return {get(from.getLost(), state)}; }

message_filter get(wire::Filter::Reader from, decoding& state) {
  const auto how = enum_from_wire(from.getKind(), message_filter::kind::sql);
  if (!how) state.refuse(errc::frame_malformed, "kind of filter");
  return {how.value_or(message_filter::kind::none), state.text(from.getText())};
}

void put(capnp::List<wire::DeadLetters>::Builder to, const dead_letter_list& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    const auto& each = from.queues[i];
    to[i].setQueue(each.queue.value);
    to[i].setQueueNumber(each.number.value);
    carafe::put(to[i].initOpen(size_of(each.open.size())), each.open);
  }
}

dead_letter_list get(capnp::List<wire::DeadLetters>::Reader from, decoding& state) {
  auto to = dead_letter_list{};
  to.queues.reserve(from.size());
  for (auto each : from)
    to.queues.push_back(
      {queue_id{each.getQueue()}, queue_number{each.getQueueNumber()}, get(each.getOpen(), state)});
  return to;
}

void put(wire::Redrive::Builder to, const redrive& from) {
  to.setGroup(wire_text{from.group});
  put(to.initLetters(size_of(from.letters.size())), from.letters);
  to.setPurge(from.purge);
}

redrive get(wire::Redrive::Reader from, decoding& state) {
  auto to = redrive{};
  to.group = state.text(from.getGroup());
  to.letters = get(from.getLetters(), state);
  to.purge = from.getPurge();
  return to;
}

void put(capnp::List<wire::Redriven>::Builder to, const redriven& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    const auto& each = from.letters[i];
    to[i].setQueue(each.queue.value);
    to[i].setOffset(each.at.value);
    to[i].setCode(static_cast<std::uint16_t>(each.why.code));
    to[i].setDetail(wire_text{each.why.detail});
  }
}

redriven get(capnp::List<wire::Redriven>::Reader from, decoding& state) {
  auto to = redriven{};
  to.letters.reserve(from.size());
  for (auto each : from)
    to.letters.push_back({queue_id{each.getQueue()}, offset{each.getOffset()},
                          failure{errc_from_number(each.getCode()), state.text(each.getDetail())}});
  return to;
}

} // namespace carafe::frames
