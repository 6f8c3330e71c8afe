#include "schema/flat_message.hpp"
#include "schema/log_codec.hpp"

#include <algorithm>
#include <limits>

namespace carafe {

void put(capnp::List<wire::OffsetRange>::Builder to, const std::vector<offset_range>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setFirst(from[i].first.value);
    to[i].setCount(from[i].count);
  }
}

errc get(capnp::List<wire::OffsetRange>::Reader from, std::vector<offset_range>& to) {
  to.clear();
  to.reserve(from.size());
  for (auto range : from) {
    const auto first = range.getFirst();
    const auto count = range.getCount();
    if (count == 0 || count > std::numeric_limits<std::uint64_t>::max() - first)
      return errc::storage_corrupt;
    to.push_back({offset{first}, count});
  }
  return errc::none;
}

void put(wire::WaitingRecord::Builder to, const waiting_record& from) {
  to.setOffset(from.at.value);
  to.setAttempts(from.attempts);
  to.setDueMs(from.due.value);
  to.setError({from.error.c_str(), from.error.size()});
  to.setKey(from.key);
  to.setKeyUnknown(from.key_unknown);
  to.setFirstFailedMs(from.first_failed.value);
  to.setLastFailedMs(from.last_failed.value);
  to.setLetterQueue(from.letter_queue.value);
  to.setLetterOffset(from.letter.value);
  to.setStoredMs(from.stored.value);
  to.setProducer(from.producer.value);
  to.setSequence(from.number.value);
  to.setPriority(from.priority);
}

errc get(wire::WaitingRecord::Reader from, waiting_record& to) {
  to.at = offset{from.getOffset()};
  to.attempts = from.getAttempts();
  to.due = unix_ms{from.getDueMs()};
  const auto error = from.getError();
  to.error.assign(error.begin(), error.size());
  to.key = from.getKey();
  to.key_unknown = from.getKeyUnknown();
  to.first_failed = unix_ms{from.getFirstFailedMs()};
  to.last_failed = unix_ms{from.getLastFailedMs()};
  to.letter_queue = queue_id{from.getLetterQueue()};
  to.letter = offset{from.getLetterOffset()};
  to.stored = unix_ms{from.getStoredMs()};
  to.producer = producer_id{from.getProducer()};
  to.number = sequence{from.getSequence()};
  to.priority = std::min(from.getPriority(), priority_max);
  return errc::none;
}

void put(wire::Filter::Builder to, const message_filter& from) {
  to.setKind(static_cast<wire::FilterKind>(from.how));
  to.setText({from.text.c_str(), from.text.size()});
}

errc get(wire::Filter::Reader from, message_filter& to) {
  switch (from.getKind()) {
  case wire::FilterKind::NONE:
  case wire::FilterKind::TAGS:
  case wire::FilterKind::SQL:
    break;
  default:
    return errc::format_newer;
  }
  to.how = static_cast<message_filter::kind>(from.getKind());
  const auto text = from.getText();
  to.text.assign(text.begin(), text.size());
  return errc::none;
}

void put(wire::DeliverySettings::Builder to, const delivery_settings& from) {
  to.setLeaseMs(from.lease_ms);
  to.setAttemptsMax(from.attempts_max);
  auto backoff = to.initBackoffMs(static_cast<unsigned>(from.backoff_ms.size()));
  for (unsigned i = 0; i < backoff.size(); ++i) backoff.set(i, from.backoff_ms[i]);
  to.setJitterPercent(from.jitter_percent);
  to.setMemberInFlightMax(from.member_in_flight_max);
  to.setInFlightMax(from.in_flight_max);
  to.setWaitingMax(from.waiting_max);
  to.setExpiredToDeadLetters(from.expired_to_dead_letters);
}

errc get(wire::DeliverySettings::Reader from, delivery_settings& to) {
  to.lease_ms = from.getLeaseMs();
  to.attempts_max = from.getAttemptsMax();
  to.backoff_ms.clear();
  for (auto pause : from.getBackoffMs()) to.backoff_ms.push_back(pause);
  to.jitter_percent = from.getJitterPercent();
  to.member_in_flight_max = from.getMemberInFlightMax();
  to.in_flight_max = from.getInFlightMax();
  to.waiting_max = from.getWaitingMax();
  to.expired_to_dead_letters = from.getExpiredToDeadLetters();
  return errc::none;
}

void put(wire::TimerRecord::Builder to, const timer_record& from) {
  to.setDueMs(from.at.due.value);
  to.setQueue(from.at.queue.value);
  to.setNumber(from.at.number);
  to.setProducer(from.producer.value);
  to.setSequence(from.sequence.value);
  to.setName({from.name.c_str(), from.name.size()});
  to.setArmedMs(from.armed.value);
  to.setBatch(kj::ArrayPtr<const char>{from.batch.data(), from.batch.size()}.asBytes());
}

errc get(wire::TimerRecord::Reader from, timer_record& to) {
  to.at = {unix_ms{from.getDueMs()}, queue_id{from.getQueue()}, from.getNumber()};
  to.producer = producer_id{from.getProducer()};
  to.sequence = sequence{from.getSequence()};
  const auto name = from.getName();
  to.name.assign(name.begin(), name.size());
  to.armed = unix_ms{from.getArmedMs()};
  const auto batch = from.getBatch().asChars();
  to.batch.assign(batch.begin(), batch.size());
  return errc::none;
}

} // namespace carafe
