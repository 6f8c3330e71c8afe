#include "schema/frame_codec.hpp"

namespace carafe::frames {

void put(wire::keyfind::Question::Builder to, const key_find& from) {
  to.setTopic(wire_text{from.topic});
  to.setQueueNumber(from.number.value);
  const auto key = as_bytes(from.key);
  to.setKey({reinterpret_cast<const kj::byte*>(key.data()), key.size()});
  to.setFrom(from.from.value);
  to.setUntil(from.until.value);
  to.setSinceMs(from.since.value);
  to.setBeforeMs(from.before.value);
  to.setLimit(from.limit);
}

key_find get(wire::keyfind::Question::Reader from, decoding& state) {
  key_find to;
  to.topic = state.text(from.getTopic());
  to.number = queue_number{from.getQueueNumber()};
  const auto key = from.getKey().asChars();
  to.key.assign(key.begin(), key.size());
  to.from = offset{from.getFrom()};
  to.until = offset{from.getUntil()};
  to.since = unix_ms{from.getSinceMs()};
  to.before = unix_ms{from.getBeforeMs()};
  to.limit = from.getLimit();
  return to;
}

void put(wire::keyfind::Answer::Builder to, const key_found& from) {
  auto offsets = to.initOffsets(size_of(from.offsets.size()));
  for (unsigned i = 0; i < offsets.size(); ++i) offsets.set(i, from.offsets[i].value);
  to.setNext(from.next.value);
  to.setMore(from.more);
  to.setLooked(from.looked);
}

key_found get(wire::keyfind::Answer::Reader from) {
  key_found to;
  const auto offsets = from.getOffsets();
  to.offsets.reserve(offsets.size());
  for (auto each : offsets) to.offsets.emplace_back(each);
  to.next = offset{from.getNext()};
  to.more = from.getMore();
  to.looked = from.getLooked();
  return to;
}

} // namespace carafe::frames
