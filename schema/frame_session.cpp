#include "schema/frame_codec.hpp"

#include "schema/utf8.hpp"

namespace carafe::frames {

std::string decoding::text(capnp::Text::Reader from) {
  auto view = std::string_view{from.begin(), from.size()};
  if (!is_wire_text(view)) {
    refuse(errc::frame_malformed, "a text is not UTF-8");
    return {};
  }
  return std::string{view};
}

std::vector<std::string> decoding::texts(capnp::List<capnp::Text>::Reader from) {
  auto list = std::vector<std::string>{};
  list.reserve(from.size());
  for (auto item : from) list.push_back(text(item));
  return list;
}

shared_bytes decoding::bytes(capnp::Data::Reader from) const {
  if (from.size() == 0) return {};
  auto first = static_cast<const void*>(from.begin());
  const auto view = std::span{static_cast<const std::byte*>(first), from.size()};
  if (view.size() < capacity_ / 2) return shared_bytes::copy_of(view);
  return {buffer_, view};
}

wire_text::wire_text(const std::string& from) : text_(&from) {
  if (is_wire_text(from)) return;
  mended_ = to_wire_text(from);
  text_ = &mended_;
}

void put(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& from) {
  for (unsigned i = 0; i < to.size(); ++i) to.set(i, wire_text{from[i]});
}

void put(wire::StartPosition::Builder to, const start_position& from) {
  switch (from.at) {
  case start_position::kind::earliest:
    return to.setEarliest();
  case start_position::kind::latest:
    return to.setLatest();
  case start_position::kind::at_offset:
    return to.setOffset(from.from.value);
  case start_position::kind::at_time:
    return to.setTimeMs(from.time.value);
  }
}

start_position get(wire::StartPosition::Reader from, decoding& state) {
  using kind = start_position::kind;
  switch (from.which()) {
  case wire::StartPosition::EARLIEST:
    return {.at = kind::earliest};
  case wire::StartPosition::LATEST:
    return {.at = kind::latest};
  case wire::StartPosition::OFFSET:
    return {.at = kind::at_offset, .from = offset{from.getOffset()}};
  case wire::StartPosition::TIME_MS:
    return {.at = kind::at_time, .time = unix_ms{from.getTimeMs()}};
  }
  state.refuse(errc::unsupported, "start position of a newer version");
  return {};
}

void put(wire::TopicSettings::Builder to, const topic_settings& from) {
  to.setRetentionMs(from.retention_ms);
  to.setDefaultTtlMs(from.default_ttl_ms);
  to.setDurability(to_wire(from.mode));
  to.setDedupWindowMs(from.dedup_window_ms);
  to.setProduceBytesPerSecond(from.produce_bytes_per_second);
  to.setConsumeBytesPerSecond(from.consume_bytes_per_second);
  to.setCompacted(from.compacted);
}

topic_settings get(wire::TopicSettings::Reader from, decoding& state) {
  auto to = topic_settings{from.getRetentionMs(), state.enumerator(from.getDurability()),
                           from.getDefaultTtlMs(), from.getDedupWindowMs()};
  to.produce_bytes_per_second = from.getProduceBytesPerSecond();
  to.consume_bytes_per_second = from.getConsumeBytesPerSecond();
  to.compacted = from.getCompacted();
  return to;
}

void put(wire::Error::Builder to, const failure& why) {
  to.setCode(static_cast<std::uint16_t>(why.code));
  to.setDetail(wire_text{why.detail});
}

void put(wire::Error::Builder to, const error& from) {
  put(to, from.why);
  to.setRetryAfterMs(from.retry_after_ms);
}

error get(wire::Error::Reader from, decoding& state) {
  auto to = error{};
  to.why = {errc_from_number(from.getCode()), state.text(from.getDetail())};
  to.retry_after_ms = from.getRetryAfterMs();
  if (to.why.code == errc::none) state.refuse(errc::frame_malformed, "an error without a code");
  return to;
}

void put(wire::Hello::Builder to, const hello& from) {
  to.setVersionMin(from.version_min);
  to.setVersionMax(from.version_max);
  to.setClient(wire_text{from.client});
  to.setSoftware(wire_text{from.software});
}

hello get(wire::Hello::Reader from, decoding& state) {
  auto to = hello{};
  to.version_min = from.getVersionMin();
  to.version_max = from.getVersionMax();
  to.client = state.text(from.getClient());
  to.software = state.text(from.getSoftware());
  return to;
}

void put(wire::Welcome::Builder to, const welcome& from) {
  to.setVersion(from.version);
  to.setNode(wire_text{from.node});
  to.setSoftware(wire_text{from.software});
  to.setFrameBytesMax(from.frame_bytes_max);
  to.setMessageBytesMax(from.message_bytes_max);
  to.setBatchCountMax(from.batch_count_max);
  to.setIdleTimeoutMs(from.idle_timeout_ms);
  to.setInFlightMax(from.in_flight_max);
}

welcome get(wire::Welcome::Reader from, decoding& state) {
  auto to = welcome{};
  to.version = from.getVersion();
  to.node = state.text(from.getNode());
  to.software = state.text(from.getSoftware());
  to.frame_bytes_max = from.getFrameBytesMax();
  to.message_bytes_max = from.getMessageBytesMax();
  to.batch_count_max = from.getBatchCountMax();
  to.idle_timeout_ms = from.getIdleTimeoutMs();
  to.in_flight_max = from.getInFlightMax();
  return to;
}

} // namespace carafe::frames
