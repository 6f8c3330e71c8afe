#include "schema/frame_codec.hpp"
#include "schema/log_codec.hpp"

namespace carafe::frames {

void put(wire::Produce::Builder to, const produce& from) {
  to.setQueue(from.queue.value);
  to.setProducer(from.producer.value);
  to.setSequence(from.first.value);
  to.setPrevious(from.previous.value);
  to.setCount(from.count);
  to.setCodec(to_wire(from.compression));
  to.setChecksum(from.checksum);
  to.setName(from.named.name.value);
  to.setNameFirst(from.named.first.value);
  to.setNameLast(from.named.last.value);
  to.setEpoch(from.named.epoch);
  to.setNameSpread(from.named.spread);
}

produce get(wire::Produce::Reader from, decoding& state) {
  auto to = produce{};
  to.queue = queue_id{from.getQueue()};
  to.producer = producer_id{from.getProducer()};
  to.first = sequence{from.getSequence()};
  to.previous = sequence{from.getPrevious()};
  to.count = from.getCount();
  to.compression = state.enumerator(from.getCodec());
  to.checksum = from.getChecksum();
  to.batch = state.bytes(from.getBatch());
  to.named = {producer_name_id{from.getName()}, from.getEpoch(), sequence{from.getNameFirst()},
              sequence{from.getNameLast()}, from.getNameSpread()};
  return to;
}

void put(wire::Receipt::Builder to, const receipt& from) {
  to.setQueue(from.queue.value);
  to.setFirstOffset(from.first.value);
  to.setCount(from.count);
  to.setDurability(to_wire(from.reached));
  to.setReplicas(from.replicas);
  to.setDuplicate(from.duplicate);
  to.setBrokerTimeMs(from.broker_time.value);
  to.setTimed(from.timed);
}

receipt get(wire::Receipt::Reader from, decoding& state) {
  auto to = receipt{};
  to.queue = queue_id{from.getQueue()};
  to.first = offset{from.getFirstOffset()};
  to.count = from.getCount();
  to.reached = state.enumerator(from.getDurability());
  to.replicas = from.getReplicas();
  to.duplicate = from.getDuplicate();
  to.broker_time = unix_ms{from.getBrokerTimeMs()};
  to.timed = from.getTimed();
  return to;
}

void put(wire::Subscribe::Builder to, const subscribe& from) {
  to.setSubscription(from.subscription.value);
  to.setQueue(from.queue.value);
  put(to.initStart(), from.start);
  to.setOutOfRange(to_wire(from.out_of_range));
  to.setCreditBytes(from.credit_bytes);
  if (from.filter.how != message_filter::kind::none) carafe::put(to.initFilter(), from.filter);
  to.setExpired(from.expired);
}

subscribe get(wire::Subscribe::Reader from, decoding& state) {
  auto to = subscribe{};
  to.subscription = subscription_id{from.getSubscription()};
  to.queue = queue_id{from.getQueue()};
  to.start = get(from.getStart(), state);
  to.out_of_range = state.enumerator(from.getOutOfRange());
  to.credit_bytes = from.getCreditBytes();
  to.filter = get(from.getFilter(), state);
  to.expired = from.getExpired();
  return to;
}

void put(wire::Subscribed::Builder to, const subscribed& from) {
  to.setSubscription(from.subscription.value);
  to.setOffset(from.begin.value);
  to.setEarliest(from.earliest.value);
  to.setEnd(from.end.value);
}

subscribed get(wire::Subscribed::Reader from, decoding&) {
  return {subscription_id{from.getSubscription()}, offset{from.getOffset()},
          offset{from.getEarliest()}, offset{from.getEnd()}};
}

void put(wire::Credit::Builder to, const credit& from) {
  to.setSubscription(from.subscription.value);
  to.setBytes(from.bytes);
}

credit get(wire::Credit::Reader from, decoding&) {
  return {subscription_id{from.getSubscription()}, from.getBytes()};
}

void put(wire::Deliver::Builder to, const deliver& from) {
  to.setSubscription(from.subscription.value);
  to.setQueue(from.queue.value);
  to.setBaseOffset(from.base.value);
  to.setCount(from.count);
  to.setBrokerTimeMs(from.broker_time.value);
  to.setProducer(from.producer.value);
  to.setSequence(from.first.value);
  to.setCodec(to_wire(from.compression));
  to.setChecksum(from.checksum);
  if (is_bulk(from)) return;
  const auto bytes = from.batch.text();
  to.setBatch({static_cast<const kj::byte*>(static_cast<const void*>(bytes.data())), bytes.size()});
  to.setSparse(from.sparse);
  carafe::put(to.initRanges(size_of(from.ranges.size())), from.ranges);
  carafe::put(to.initExpired(size_of(from.expired.size())), from.expired);
}

deliver get(wire::Deliver::Reader from, decoding& state) {
  auto to = deliver{};
  to.subscription = subscription_id{from.getSubscription()};
  to.queue = queue_id{from.getQueue()};
  to.base = offset{from.getBaseOffset()};
  to.count = from.getCount();
  to.broker_time = unix_ms{from.getBrokerTimeMs()};
  to.producer = producer_id{from.getProducer()};
  to.first = sequence{from.getSequence()};
  to.compression = state.enumerator(from.getCodec());
  to.checksum = from.getChecksum();
  to.batch = state.bytes(from.getBatch());
  to.sparse = from.getSparse();
  to.ranges = get(from.getRanges(), state);
  to.expired = get(from.getExpired(), state);
  return to;
}

void put(wire::SubscriptionEnded::Builder to, const subscription_ended& from) {
  to.setSubscription(from.subscription.value);
  put(to.initError(), from.why);
  to.setMember(from.member.value);
}

subscription_ended get(wire::SubscriptionEnded::Reader from, decoding& state) {
  return {subscription_id{from.getSubscription()}, get(from.getError(), state).why,
          member_id{from.getMember()}};
}

} // namespace carafe::frames
