#include "schema/log_codec.hpp"

#include <span>

namespace carafe {

void put(wire::LatestRecord::Builder to, const latest_record& from) {
  to.setQueue(from.queue.value);
  to.setOffset(from.at.value);
  to.setTimeMs(from.time.value);
  to.setProducer(from.producer.value);
  to.setSequence(from.sequence.value);
  const auto digest = bytes_of({from.key});
  to.setDigest(kj::ArrayPtr<const char>{digest.data(), digest.size()}.asBytes());
  to.setBatch(kj::ArrayPtr<const char>{from.batch.data(), from.batch.size()}.asBytes());
}

errc get(wire::LatestRecord::Reader from, latest_record& to) {
  to.queue = queue_id{from.getQueue()};
  to.at = offset{from.getOffset()};
  to.time = unix_ms{from.getTimeMs()};
  to.producer = producer_id{from.getProducer()};
  to.sequence = sequence{from.getSequence()};
  const auto digest = from.getDigest();
  const auto digests = digests_from(std::as_bytes(std::span{digest.begin(), digest.size()}));
  if (!digests || digests->size() > 1) return errc::storage_corrupt;
  if (!digests->empty()) to.key = digests->front();
  const auto batch = from.getBatch().asChars();
  to.batch.assign(batch.begin(), batch.size());
  return errc::none;
}

} // namespace carafe
