#include "schema/frame_codec.hpp"
#include "schema/log_codec.hpp"

namespace carafe::frames {

void put(wire::Join::Builder to, const join& from) {
  to.setGroup(wire_text{from.group});
  put(to.initTopics(size_of(from.topics.size())), from.topics);
  to.setMember(wire_text{from.member});
  put(to.initStart(), from.start);
  to.setOutOfRange(to_wire(from.out_of_range));
  to.setCreditBytes(from.credit_bytes);
  if (!from.mode.empty()) to.setMode(wire_text{from.mode});
  to.setInFlightMax(from.in_flight_max);
  if (from.filter.how != message_filter::kind::none) carafe::put(to.initFilter(), from.filter);
  if (!from.name.empty()) to.setName(wire_text{from.name});
  to.setHolder(from.holder);
  if (!from.member_id.empty()) to.setMemberId(wire_text{from.member_id});
  to.setRejoins(from.rejoins.value);
}

join get(wire::Join::Reader from, decoding& state) {
  auto to = join{};
  to.group = state.text(from.getGroup());
  to.topics = state.texts(from.getTopics());
  to.member = state.text(from.getMember());
  to.start = get(from.getStart(), state);
  to.out_of_range = state.enumerator(from.getOutOfRange());
  to.credit_bytes = from.getCreditBytes();
  to.mode = state.text(from.getMode());
  to.in_flight_max = from.getInFlightMax();
  to.filter = get(from.getFilter(), state);
  to.name = state.text(from.getName());
  to.holder = from.getHolder();
  to.member_id = state.text(from.getMemberId());
  to.rejoins = group_id{from.getRejoins()};
  return to;
}

void put(wire::Joined::Builder to, const joined& from) {
  to.setMember(from.member.value);
  to.setGroup(from.group.value);
  to.setSubscription(from.subscription.value);
  to.setLeaseMs(from.lease_ms);
}

joined get(wire::Joined::Reader from, decoding&) {
  return {member_id{from.getMember()}, group_id{from.getGroup()},
          subscription_id{from.getSubscription()}, from.getLeaseMs()};
}

void put(wire::Assigned::Builder to, const assigned& from) {
  to.setMember(from.member.value);
  to.setSubscription(from.subscription.value);
  to.setGeneration(from.owner.value);
  to.setTopic(wire_text{from.topic});
  to.setQueueNumber(from.number.value);
  to.setQueue(from.queue.value);
  to.setOffset(from.begin.value);
}

assigned get(wire::Assigned::Reader from, decoding& state) {
  auto to = assigned{};
  to.member = member_id{from.getMember()};
  to.subscription = subscription_id{from.getSubscription()};
  to.owner = generation{from.getGeneration()};
  to.topic = state.text(from.getTopic());
  to.number = queue_number{from.getQueueNumber()};
  to.queue = queue_id{from.getQueue()};
  to.begin = offset{from.getOffset()};
  return to;
}

void put(wire::Revoked::Builder to, const revoked& from) {
  to.setMember(from.member.value);
  to.setQueue(from.queue.value);
  to.setGeneration(from.owner.value);
  to.setDeadlineMs(from.deadline_ms);
}

revoked get(wire::Revoked::Reader from, decoding&) {
  return {member_id{from.getMember()}, queue_id{from.getQueue()}, generation{from.getGeneration()},
          from.getDeadlineMs()};
}

void put(wire::Release::Builder to, const release& from) {
  to.setMember(from.member.value);
  to.setQueue(from.queue.value);
  to.setGeneration(from.owner.value);
}

release get(wire::Release::Reader from, decoding&) {
  return {member_id{from.getMember()}, queue_id{from.getQueue()}, generation{from.getGeneration()}};
}

void put(wire::Commit::Builder to, const commit& from) {
  to.setMember(from.member.value);
  auto positions = to.initPositions(size_of(from.positions.size()));
  for (unsigned i = 0; i < positions.size(); ++i) {
    auto position = positions[i];
    position.setQueue(from.positions[i].queue.value);
    position.setGeneration(from.positions[i].owner.value);
    position.setOffset(from.positions[i].next.value);
  }
}

commit get(wire::Commit::Reader from, decoding&) {
  auto to = commit{};
  to.member = member_id{from.getMember()};
  auto positions = from.getPositions();
  to.positions.reserve(positions.size());
  for (auto position : positions)
    to.positions.push_back({queue_id{position.getQueue()}, generation{position.getGeneration()},
                            offset{position.getOffset()}});
  return to;
}

} // namespace carafe::frames
