#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

using wire_request = wire::producer::Request;
using wire_answer = wire::producer::Answer;

struct request_writer {
  wire_request::Builder to;

  void operator()(const producer_open& from) { to.setOpen(wire_text{from.name}); }
  void operator()(const producer_progress_ask& from) {
    auto progress = to.initProgress();
    progress.setName(from.name.value);
    progress.setEpoch(from.epoch);
    progress.setTopic(wire_text{from.topic});
  }
  void operator()(const producer_list&) { to.setList(); }
  void operator()(const producer_forget& from) { to.setForget(wire_text{from.name}); }
};

struct answer_writer {
  wire_answer::Builder to;

  void operator()(const producer_opened& from) {
    auto opened = to.initOpened();
    opened.setName(from.name.value);
    opened.setEpoch(from.epoch);
  }
  void operator()(const producer_progress& from) {
    auto progress = to.initProgress();
    progress.setSpread(from.spread);
    auto queues = progress.initQueues(size_of(from.queues.size()));
    for (unsigned i = 0; i < queues.size(); ++i) {
      queues[i].setQueue(from.queues[i].queue.value);
      queues[i].setLast(from.queues[i].last.value);
    }
  }
  void operator()(const producer_names& from) {
    auto names = to.initNames(size_of(from.producers.size()));
    for (unsigned i = 0; i < names.size(); ++i) {
      const auto& each = from.producers[i];
      names[i].setName(wire_text{each.name});
      names[i].setId(each.id.value);
      names[i].setEpoch(each.epoch);
      names[i].setCreatedMs(each.created.value);
      names[i].setOpenedMs(each.opened.value);
    }
  }
  void operator()(const duplicates& from) {
    auto list = to.initDuplicates(size_of(from.messages.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setIndex(from.messages[i].index);
      list[i].setOffset(from.messages[i].at.value);
      list[i].setTimed(from.messages[i].timed);
    }
  }
};

producer_progress get_progress(wire_answer::Progress::Reader from) {
  auto to = producer_progress{from.getSpread(), {}};
  const auto queues = from.getQueues();
  to.queues.reserve(queues.size());
  for (auto each : queues)
    to.queues.push_back({queue_id{each.getQueue()}, sequence{each.getLast()}});
  return to;
}

producer_names get_names(capnp::List<wire_answer::Name>::Reader from, decoding& state) {
  auto to = producer_names{};
  to.producers.reserve(from.size());
  for (auto each : from)
    to.producers.push_back({state.text(each.getName()), producer_name_id{each.getId()},
                            each.getEpoch(), unix_ms{each.getCreatedMs()},
                            unix_ms{each.getOpenedMs()}});
  return to;
}

duplicates get_duplicates(capnp::List<wire_answer::Duplicate>::Reader from) {
  auto to = duplicates{};
  to.messages.reserve(from.size());
  for (auto each : from)
    to.messages.push_back({each.getIndex(), offset{each.getOffset()}, each.getTimed()});
  return to;
}

} // namespace

void put(wire_request::Builder to, const producer_request& from) {
  std::visit(request_writer{to}, from.what);
}

void put(wire_answer::Builder to, const producer_answer& from) {
  std::visit(answer_writer{to}, from.what);
}

producer_request get(wire_request::Reader from, decoding& state) {
  switch (from.which()) {
  case wire_request::OPEN:
    return {producer_open{state.text(from.getOpen())}};
  case wire_request::PROGRESS: {
    const auto progress = from.getProgress();
    return {producer_progress_ask{producer_name_id{progress.getName()}, progress.getEpoch(),
                                  state.text(progress.getTopic())}};
  }
  case wire_request::LIST:
    return {producer_list{}};
  case wire_request::FORGET:
    return {producer_forget{state.text(from.getForget())}};
  }
  state.refuse(errc::unsupported, "a request about producers of a newer version");
  return {};
}

producer_answer get(wire_answer::Reader from, decoding& state) {
  switch (from.which()) {
  case wire_answer::OPENED:
    return {
      producer_opened{producer_name_id{from.getOpened().getName()}, from.getOpened().getEpoch()}};
  case wire_answer::PROGRESS:
    return {get_progress(from.getProgress())};
  case wire_answer::NAMES:
    return {get_names(from.getNames(), state)};
  case wire_answer::DUPLICATES:
    return {get_duplicates(from.getDuplicates())};
  }
  state.refuse(errc::unsupported, "an answer about producers of a newer version");
  return {};
}

} // namespace carafe::frames
