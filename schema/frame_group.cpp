#include "schema/frame_codec.hpp"
#include "schema/log_codec.hpp"

#include <limits>

namespace carafe::frames {
namespace {

constexpr std::int32_t every_queue = -1;

void put(wire::GroupDescription::Member::Builder to, const group_member& from) {
  to.setMember(from.member.value);
  to.setName(wire_text{from.name});
  to.setClient(wire_text{from.client});
  to.setAddress(wire_text{from.address});
  to.setQueues(from.queues);
  to.setJoinedMs(from.joined.value);
  to.setInFlight(from.in_flight);
  to.setIdleMs(from.idle_ms);
  if (!from.id.empty()) to.setMemberId(wire_text{from.id});
  to.setKeptUntilMs(from.kept_until.value_or(unix_ms{0}).value);
}

group_member get(wire::GroupDescription::Member::Reader from, decoding& state) {
  auto to = group_member{};
  to.member = member_id{from.getMember()};
  to.name = state.text(from.getName());
  to.client = state.text(from.getClient());
  to.address = state.text(from.getAddress());
  to.queues = from.getQueues();
  to.joined = unix_ms{from.getJoinedMs()};
  to.in_flight = from.getInFlight();
  to.idle_ms = from.getIdleMs();
  to.id = state.text(from.getMemberId());
  if (from.getKeptUntilMs() != 0) to.kept_until = unix_ms{from.getKeptUntilMs()};
  return to;
}

void put(wire::GroupDescription::Queue::Builder to, const group_queue& from) {
  to.setTopic(wire_text{from.topic});
  to.setNumber(from.number.value);
  to.setQueue(from.queue.value);
  to.setCommitted(from.committed.value_or(offset{}).value);
  to.setHasCommitted(from.committed.has_value());
  to.setEarliest(from.earliest.value);
  to.setEnd(from.end.value);
  to.setOwner(from.owner.value);
  to.setLag(from.lag);
  to.setInFlight(from.in_flight);
  to.setWaiting(from.waiting);
}

group_queue get(wire::GroupDescription::Queue::Reader from, decoding& state) {
  auto to = group_queue{};
  to.topic = state.text(from.getTopic());
  to.number = queue_number{from.getNumber()};
  to.queue = queue_id{from.getQueue()};
  if (from.getHasCommitted()) to.committed = offset{from.getCommitted()};
  to.earliest = offset{from.getEarliest()};
  to.end = offset{from.getEnd()};
  to.owner = member_id{from.getOwner()};
  to.lag = from.getLag();
  to.in_flight = from.getInFlight();
  to.waiting = from.getWaiting();
  return to;
}

} // namespace

void put(capnp::List<wire::GroupSummary>::Builder to, const group_names& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    auto summary = to[i];
    auto& group = from.groups[i];
    summary.setName(wire_text{group.name});
    summary.setGroup(group.group.value);
    summary.setMode(wire_text{group.mode});
    put(summary.initTopics(size_of(group.topics.size())), group.topics);
    summary.setMembers(group.members);
    summary.setLag(group.lag);
  }
}

group_names get(capnp::List<wire::GroupSummary>::Reader from, decoding& state) {
  auto to = group_names{};
  to.groups.reserve(from.size());
  for (auto summary : from) {
    auto& group = to.groups.emplace_back();
    group.name = state.text(summary.getName());
    group.group = group_id{summary.getGroup()};
    group.mode = state.text(summary.getMode());
    group.topics = state.texts(summary.getTopics());
    group.members = summary.getMembers();
    group.lag = summary.getLag();
  }
  return to;
}

void put(wire::GroupDescription::Builder to, const group_description& from) {
  to.setName(wire_text{from.name});
  to.setGroup(from.group.value);
  to.setMode(wire_text{from.mode});
  put(to.initTopics(size_of(from.topics.size())), from.topics);
  auto members = to.initMembers(size_of(from.members.size()));
  for (unsigned i = 0; i < members.size(); ++i) put(members[i], from.members[i]);
  auto queues = to.initQueues(size_of(from.queues.size()));
  for (unsigned i = 0; i < queues.size(); ++i) put(queues[i], from.queues[i]);
  carafe::put(to.initDelivery(), from.delivery);
  to.setVersion(from.version);
  carafe::put(to.initFilter(), from.filter);
  if (!from.consumers.empty())
    put(to.initConsumers(size_of(from.consumers.size())), from.consumers);
  to.setFiltered(from.filtered);
  to.setExpired(from.expired);
}

group_description get(wire::GroupDescription::Reader from, decoding& state) {
  auto to = group_description{};
  to.name = state.text(from.getName());
  to.group = group_id{from.getGroup()};
  to.mode = state.text(from.getMode());
  to.topics = state.texts(from.getTopics());
  auto members = from.getMembers();
  to.members.reserve(members.size());
  for (auto member : members) to.members.push_back(get(member, state));
  auto queues = from.getQueues();
  to.queues.reserve(queues.size());
  for (auto queue : queues) to.queues.push_back(get(queue, state));
  if (from.hasDelivery()) carafe::get(from.getDelivery(), to.delivery);
  to.version = from.getVersion();
  to.filter = get(from.getFilter(), state);
  to.consumers = get(from.getConsumers(), state);
  to.filtered = from.getFiltered();
  to.expired = from.getExpired();
  return to;
}

void put(wire::GroupPut::Builder to, const group_put& from) {
  to.setName(wire_text{from.name});
  to.setMode(wire_text{from.mode});
  put(to.initTopics(size_of(from.topics.size())), from.topics);
  carafe::put(to.initDelivery(), from.delivery);
  to.setVersion(from.version);
  to.setIfMissing(from.if_missing);
  carafe::put(to.initFilter(), from.filter);
}

group_put get(wire::GroupPut::Reader from, decoding& state) {
  auto to = group_put{};
  to.name = state.text(from.getName());
  to.mode = state.text(from.getMode());
  to.topics = state.texts(from.getTopics());
  if (from.hasDelivery()) carafe::get(from.getDelivery(), to.delivery);
  to.version = from.getVersion();
  to.if_missing = from.getIfMissing();
  to.filter = get(from.getFilter(), state);
  return to;
}

void put(wire::GroupReset::Builder to, const group_reset& from) {
  to.setGroup(wire_text{from.group});
  to.setTopic(wire_text{from.topic});
  // A number past the range names no queue, there or here; it must not wrap into one that means
  // something.
  auto number = std::int32_t{every_queue};
  if (from.number) {
    constexpr auto most = std::uint32_t{std::numeric_limits<std::int32_t>::max()};
    number = static_cast<std::int32_t>(std::min(from.number->value, most));
  }
  to.setQueueNumber(number);
  put(to.initTo(), from.to);
  if (!from.consumer.empty()) to.setConsumer(wire_text{from.consumer});
}

group_reset get(wire::GroupReset::Reader from, decoding& state) {
  auto to = group_reset{};
  to.group = state.text(from.getGroup());
  to.topic = state.text(from.getTopic());
  auto number = from.getQueueNumber();
  if (number < every_queue) state.refuse(errc::frame_malformed, "queue number");
  if (number >= 0) to.number = queue_number{static_cast<std::uint32_t>(number)};
  to.to = get(from.getTo(), state);
  to.consumer = state.text(from.getConsumer());
  return to;
}

} // namespace carafe::frames
