#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

void put(wire::NamedConsumer::Place::Builder to, const consumer_place& from) {
  to.setQueue(from.queue.value);
  to.setCommitted(from.committed.value_or(offset{}).value);
  to.setHasCommitted(from.committed.has_value());
  to.setLag(from.lag);
}

consumer_place get(wire::NamedConsumer::Place::Reader from) {
  auto to = consumer_place{};
  to.queue = queue_id{from.getQueue()};
  if (from.getHasCommitted()) to.committed = offset{from.getCommitted()};
  to.lag = from.getLag();
  return to;
}

} // namespace

void put(capnp::List<wire::NamedConsumer>::Builder to, const std::vector<named_consumer>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    auto consumer = to[i];
    consumer.setName(wire_text{from[i].name});
    consumer.setCreatedMs(from[i].created.value);
    consumer.setMember(from[i].member.value);
    auto places = consumer.initQueues(size_of(from[i].places.size()));
    for (unsigned j = 0; j < places.size(); ++j) put(places[j], from[i].places[j]);
  }
}

std::vector<named_consumer> get(capnp::List<wire::NamedConsumer>::Reader from, decoding& state) {
  auto to = std::vector<named_consumer>{};
  to.reserve(from.size());
  for (auto consumer : from) {
    auto& named = to.emplace_back();
    named.name = state.text(consumer.getName());
    named.created = unix_ms{consumer.getCreatedMs()};
    named.member = member_id{consumer.getMember()};
    auto places = consumer.getQueues();
    named.places.reserve(places.size());
    for (auto place : places) named.places.push_back(get(place));
  }
  return to;
}

void put(wire::GroupForget::Builder to, const group_forget& from) {
  to.setGroup(wire_text{from.group});
  to.setName(wire_text{from.name});
}

group_forget get(wire::GroupForget::Reader from, decoding& state) {
  auto to = group_forget{};
  to.group = state.text(from.getGroup());
  to.name = state.text(from.getName());
  return to;
}

} // namespace carafe::frames
