#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

void put(wire::timer::Selection::Builder to, const timer_which& from) {
  to.setTopic(wire_text{from.topic});
  if (const auto* name = std::get_if<std::string>(&from.by)) {
    to.setName(wire_text{*name});
    return;
  }
  const auto& id = std::get<timer_which::message_id>(from.by);
  auto out = to.initId();
  out.setProducer(id.producer.value);
  out.setSequence(id.sequence.value);
}

timer_which get(wire::timer::Selection::Reader from, decoding& state) {
  auto to = timer_which{state.text(from.getTopic()), {}};
  switch (from.which()) {
  case wire::timer::Selection::ID:
    to.by = timer_which::message_id{producer_id{from.getId().getProducer()},
                                    sequence{from.getId().getSequence()}};
    return to;
  case wire::timer::Selection::NAME:
    to.by = state.text(from.getName());
    return to;
  }
  state.refuse(errc::frame_malformed, "which timers");
  return to;
}

} // namespace

void put(wire::timer::End::Builder to, const timer_end& from) { put(to.initWhich(), from.which); }

timer_end get(wire::timer::End::Reader from, decoding& state) {
  return {get(from.getWhich(), state)};
}

void put(wire::timer::Move::Builder to, const timer_move& from) {
  put(to.initWhich(), from.which);
  to.setDeliverAtMs(from.deliver_at);
}

timer_move get(wire::timer::Move::Reader from, decoding& state) {
  return {get(from.getWhich(), state), from.getDeliverAtMs()};
}

void put(wire::timer::Query::Builder to, const timer_list& from) {
  to.setTopic(wire_text{from.topic});
  to.setAfter(from.after.value);
  to.setLimit(from.limit);
  to.setAfterQueue(from.after_queue.value);
  to.setAfterNumber(from.after_place);
}

timer_list get(wire::timer::Query::Reader from, decoding& state) {
  return {state.text(from.getTopic()), unix_ms{from.getAfter()}, from.getLimit(),
          queue_id{from.getAfterQueue()}, from.getAfterNumber()};
}

void put(wire::timer::Pending::Builder to, const timers& from) {
  auto list = to.initTimers(size_of(from.pending.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    const auto& each = from.pending[i];
    auto row = list[i];
    row.setDueMs(each.due.value);
    row.setQueueNumber(each.number.value);
    row.setQueue(each.queue.value);
    row.setNumber(each.place);
    row.setProducer(each.producer.value);
    row.setSequence(each.sequence.value);
    row.setName(wire_text{each.name});
    row.setKey(wire_text{each.key});
    row.setBodyBytes(each.body_bytes);
    row.setArmedMs(each.armed.value);
  }
  to.setTotal(from.total);
}

timers get(wire::timer::Pending::Reader from, decoding& state) {
  auto to = timers{};
  const auto list = from.getTimers(); // Once: each look at it counts against the traversal limit.
  to.pending.reserve(list.size());
  for (auto row : list) {
    auto& each = to.pending.emplace_back();
    each.due = unix_ms{row.getDueMs()};
    each.number = queue_number{row.getQueueNumber()};
    each.queue = queue_id{row.getQueue()};
    each.place = row.getNumber();
    each.producer = producer_id{row.getProducer()};
    each.sequence = sequence{row.getSequence()};
    each.name = state.text(row.getName());
    each.key = state.text(row.getKey());
    each.body_bytes = row.getBodyBytes();
    each.armed = unix_ms{row.getArmedMs()};
  }
  to.total = from.getTotal();
  return to;
}

} // namespace carafe::frames
