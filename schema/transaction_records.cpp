#include "schema/enums.hpp"
#include "schema/flat_message.hpp"
#include "schema/log_codec.hpp"

namespace carafe {

namespace {

unsigned size_of(std::size_t size) { return static_cast<unsigned>(size); }

} // namespace

void put(wire::tx::Half::Builder to, const half_batch& from) {
  to.setQueue(from.queue.value);
  to.setShard(from.shard.value);
  to.setSequence(from.first.value);
  to.setCount(from.count);
  to.setCodec(to_wire(from.compression));
  to.setChecksum(from.checksum);
  to.setRanked(from.ranked);
  to.setBytes(static_cast<std::uint32_t>(from.bytes.size()));
}

errc get(wire::tx::Half::Reader from, half_batch& to) {
  to.queue = queue_id{from.getQueue()};
  to.shard = shard_id{from.getShard()};
  to.first = sequence{from.getSequence()};
  to.count = from.getCount();
  const auto compression = from_wire(from.getCodec());
  if (!compression) return errc::format_newer;
  to.compression = *compression;
  to.checksum = from.getChecksum();
  to.ranked = from.getRanked();
  return errc::none;
}

void put(wire::tx::HalfRecord::Builder to, const half_batch& from) {
  put(to.initHalf(), from);
  const auto text = from.bytes.text();
  to.setBatch(kj::ArrayPtr<const char>{text.data(), text.size()}.asBytes());
}

errc get(wire::tx::HalfRecord::Reader from, half_batch& to) {
  const auto batch = from.getBatch().asChars();
  to.bytes = shared_bytes::copy_of(as_bytes({batch.begin(), batch.size()}));
  return get(from.getHalf(), to);
}

void put(wire::tx::Settling::Builder to, const consumed_messages& from) {
  to.setGroup(from.group.value);
  to.setOrdered(from.ordered);
  to.setQueue(from.queue.value);
  to.setShard(from.shard.value);
  put(to.initRanges(size_of(from.ranges.size())), from.ranges);
}

errc get(wire::tx::Settling::Reader from, consumed_messages& to) {
  to.group = group_id{from.getGroup()};
  to.ordered = from.getOrdered();
  to.queue = queue_id{from.getQueue()};
  to.shard = shard_id{from.getShard()};
  return get(from.getRanges(), to.ranges);
}

void put(capnp::List<std::uint16_t>::Builder to, const std::vector<shard_id>& from) {
  for (unsigned i = 0; i < to.size(); ++i) to.set(i, from[i].value);
}

void get(capnp::List<std::uint16_t>::Reader from, std::vector<shard_id>& to) {
  to.clear();
  to.reserve(from.size());
  for (const auto shard : from) to.push_back(shard_id{shard});
}

void put(wire::tx::TransactionRecord::Builder to, const transaction_record& from) {
  to.setProducer(from.id.producer.value);
  to.setNumber(from.id.number);
  to.setGroup({from.group.c_str(), from.group.size()});
  to.setOpenedMs(from.opened.value);
  to.setCheckedMs(from.checked.value);
  to.setCheckFirstMs(from.check_first_ms);
  to.setCheckEveryMs(from.check_every_ms);
  to.setChecks(from.checks);
  to.setState(static_cast<std::uint16_t>(from.state));
  to.setHalves(from.halves);
  to.setMessages(from.messages);
  to.setBytes(from.bytes);
  to.setLastSequence(from.last.value);
  auto consumed = to.initConsumed(size_of(from.consumed.size()));
  for (unsigned i = 0; i < consumed.size(); ++i) put(consumed[i], from.consumed[i]);
  to.setEnded(from.ended);
  to.setSerial(from.serial);
  put(to.initOwes(size_of(from.owes.size())), from.owes);
}

errc get(wire::tx::TransactionRecord::Reader from, transaction_record& to) {
  to.id = {producer_id{from.getProducer()}, from.getNumber()};
  const auto group = from.getGroup();
  to.group.assign(group.begin(), group.size());
  to.opened = unix_ms{from.getOpenedMs()};
  to.checked = unix_ms{from.getCheckedMs()};
  to.check_first_ms = from.getCheckFirstMs();
  to.check_every_ms = from.getCheckEveryMs();
  to.checks = from.getChecks();
  const auto state = from.getState();
  if (state > static_cast<std::uint16_t>(transaction_state::rolled_back)) return errc::format_newer;
  to.state = static_cast<transaction_state>(state);
  to.halves = from.getHalves();
  to.messages = from.getMessages();
  to.bytes = from.getBytes();
  to.last = sequence{from.getLastSequence()};
  to.consumed.clear();
  for (auto each : from.getConsumed())
    if (const auto wrong = get(each, to.consumed.emplace_back()); wrong != errc::none) return wrong;
  to.ended = from.getEnded();
  to.serial = from.getSerial();
  get(from.getOwes(), to.owes);
  return errc::none;
}

void put(wire::tx::TransactionCounts::Builder to, const transaction_counts& from) {
  to.setPrepared(from.prepared);
  to.setCommitted(from.committed);
  to.setRolledBack(from.rolled_back);
  to.setEnded(from.ended);
  to.setSerial(from.serial);
}

errc get(wire::tx::TransactionCounts::Reader from, transaction_counts& to) {
  to.prepared = from.getPrepared();
  to.committed = from.getCommitted();
  to.rolled_back = from.getRolledBack();
  to.ended = from.getEnded();
  to.serial = from.getSerial();
  return errc::none;
}

void put(wire::tx::TransactionsApplied::Builder to, const transactions_applied& from) {
  to.setSerial(from.serial);
}

errc get(wire::tx::TransactionsApplied::Reader from, transactions_applied& to) {
  to.serial = from.getSerial();
  return errc::none;
}

// -- effects --------------------------------------------------------------------------------------

void put(wire::tx::TxPrepared::Builder to, const effects::tx_prepared& from,
         std::size_t& attached) {
  to.setProducer(from.id.producer.value);
  to.setNumber(from.id.number);
  to.setGroup({from.group.c_str(), from.group.size()});
  to.setCheckFirstMs(from.check_first_ms);
  to.setCheckEveryMs(from.check_every_ms);
  to.setChecks(from.checks);
  auto halves = to.initHalves(size_of(from.halves.size()));
  for (unsigned i = 0; i < halves.size(); ++i) {
    put(halves[i], from.halves[i]);
    halves[i].setAttachment(static_cast<std::uint32_t>(attached));
    attached += padded(from.halves[i].bytes.size());
  }
  auto consumed = to.initConsumed(size_of(from.consumed.size()));
  for (unsigned i = 0; i < consumed.size(); ++i) put(consumed[i], from.consumed[i]);
}

errc get(wire::tx::TxPrepared::Reader from, const shared_bytes& attachments,
         effects::tx_prepared& to) {
  to.id = {producer_id{from.getProducer()}, from.getNumber()};
  const auto group = from.getGroup();
  to.group.assign(group.begin(), group.size());
  to.check_first_ms = from.getCheckFirstMs();
  to.check_every_ms = from.getCheckEveryMs();
  to.checks = from.getChecks();
  for (auto each : from.getHalves()) {
    auto& half = to.halves.emplace_back();
    if (const auto wrong = get(each, half); wrong != errc::none) return wrong;
    const std::size_t at = each.getAttachment();
    const std::size_t bytes = each.getBytes();
    if (at % word_bytes != 0 || at > attachments.size() || bytes > attachments.size() - at)
      return errc::storage_corrupt;
    half.bytes = attachments.slice(at, bytes);
  }
  for (auto each : from.getConsumed())
    if (const auto wrong = get(each, to.consumed.emplace_back()); wrong != errc::none) return wrong;
  return errc::none;
}

void put(wire::tx::TxEnded::Builder to, const effects::tx_ended& from) {
  to.setProducer(from.id.producer.value);
  to.setNumber(from.id.number);
  to.setCommitted(from.committed);
  put(to.initOwes(size_of(from.owes.size())), from.owes);
}

effects::tx_ended get(wire::tx::TxEnded::Reader from) {
  auto to = effects::tx_ended{};
  to.id = {producer_id{from.getProducer()}, from.getNumber()};
  to.committed = from.getCommitted();
  get(from.getOwes(), to.owes);
  return to;
}

void put(wire::tx::TxApplied::Builder to, const effects::tx_applied& from) {
  to.setFrom(from.from.value);
  to.setTo(from.to.value);
  to.setSerial(from.serial);
  to.setConfirmed(from.confirmed);
}

effects::tx_applied get(wire::tx::TxApplied::Reader from) {
  return {shard_id{from.getFrom()}, shard_id{from.getTo()}, from.getSerial(), from.getConfirmed()};
}

} // namespace carafe
