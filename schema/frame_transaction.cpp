#include "schema/frame_codec.hpp"
#include "schema/log_codec.hpp"

namespace carafe::frames {
namespace {

void put(wire::tx::Name::Builder to, const transaction_name& from) {
  to.setShard(from.shard.value);
  to.setProducer(from.id.producer.value);
  to.setNumber(from.id.number);
}

transaction_name get(wire::tx::Name::Reader from) {
  return {shard_id{from.getShard()}, {producer_id{from.getProducer()}, from.getNumber()}};
}

void put(wire::tx::Batch::Builder to, const tx_batch& from) {
  to.setQueue(from.queue.value);
  to.setSequence(from.first.value);
  to.setCount(from.count);
  to.setCodec(to_wire(from.compression));
  to.setChecksum(from.checksum);
  const auto text = from.batch.text();
  to.setBatch(kj::ArrayPtr<const char>{text.data(), text.size()}.asBytes());
}

tx_batch get(wire::tx::Batch::Reader from, decoding& state) {
  auto to = tx_batch{};
  to.queue = queue_id{from.getQueue()};
  to.first = sequence{from.getSequence()};
  to.count = from.getCount();
  to.compression = state.enumerator(from.getCodec());
  to.checksum = from.getChecksum();
  to.batch = state.bytes(from.getBatch());
  return to;
}

void put(wire::tx::Consumed::Builder to, const tx_consumed& from) {
  to.setGroup(wire_text{from.group});
  to.setQueue(from.queue.value);
  carafe::put(to.initRanges(size_of(from.ranges.size())), from.ranges);
}

tx_consumed get(wire::tx::Consumed::Reader from, decoding& state) {
  auto to = tx_consumed{state.text(from.getGroup()), queue_id{from.getQueue()}, {}};
  if (carafe::get(from.getRanges(), to.ranges) != errc::none)
    state.refuse(errc::frame_malformed, "an empty range of offsets, or one past the last");
  return to;
}

void put(wire::tx::Transactions::Pending::Builder to, const pending_transaction& from) {
  put(to.initTransaction(), from.transaction);
  to.setGroup(wire_text{from.group});
  to.setState(enum_to_wire<wire::tx::State>(from.state));
  to.setOpenedMs(from.opened.value);
  to.setMessages(from.messages);
  to.setBytes(from.bytes);
  to.setConsumed(from.consumed);
  to.setChecks(from.checks);
  to.setNextCheckMs(from.next_check.value);
  auto owes = to.initOwes(size_of(from.owes.size()));
  for (unsigned i = 0; i < owes.size(); ++i) owes.set(i, from.owes[i].value);
}

pending_transaction get(wire::tx::Transactions::Pending::Reader from, decoding& state) {
  auto to = pending_transaction{};
  to.transaction = get(from.getTransaction());
  to.group = state.text(from.getGroup());
  const auto known = enum_from_wire(from.getState(), tx_state::committed);
  if (!known) state.refuse(errc::frame_malformed, "unknown enumerator");
  to.state = known.value_or(tx_state::open);
  to.opened = unix_ms{from.getOpenedMs()};
  to.messages = from.getMessages();
  to.bytes = from.getBytes();
  to.consumed = from.getConsumed();
  to.checks = from.getChecks();
  to.next_check = unix_ms{from.getNextCheckMs()};
  for (const auto shard : from.getOwes()) to.owes.push_back(shard_id{shard});
  return to;
}

} // namespace

void put(wire::tx::Join::Builder to, const tx_join& from) {
  to.setGroup(wire_text{from.group});
  to.setLeave(from.leave);
}

tx_join get(wire::tx::Join::Reader from, decoding& state) {
  return {state.text(from.getGroup()), from.getLeave()};
}

void put(wire::tx::Prepare::Builder to, const tx_prepare& from) {
  put(to.initTransaction(), from.transaction);
  to.setGroup(wire_text{from.group});
  to.setCheckFirstMs(from.check_first_ms);
  to.setCheckEveryMs(from.check_every_ms);
  auto batches = to.initBatches(size_of(from.batches.size()));
  for (unsigned i = 0; i < batches.size(); ++i) put(batches[i], from.batches[i]);
  auto consumed = to.initConsumed(size_of(from.consumed.size()));
  for (unsigned i = 0; i < consumed.size(); ++i) put(consumed[i], from.consumed[i]);
}

tx_prepare get(wire::tx::Prepare::Reader from, decoding& state) {
  auto to = tx_prepare{};
  to.transaction = get(from.getTransaction());
  to.group = state.text(from.getGroup());
  to.check_first_ms = from.getCheckFirstMs();
  to.check_every_ms = from.getCheckEveryMs();
  for (auto each : from.getBatches()) to.batches.push_back(get(each, state));
  for (auto each : from.getConsumed()) to.consumed.push_back(get(each, state));
  return to;
}

void put(wire::tx::Prepared::Builder to, const tx_prepared& from) {
  to.setMessages(from.messages);
  to.setDuplicate(from.duplicate);
}

tx_prepared get(wire::tx::Prepared::Reader from, decoding&) {
  return {from.getMessages(), from.getDuplicate()};
}

void put(wire::tx::End::Builder to, const tx_end& from) {
  put(to.initTransaction(), from.transaction);
  to.setOutcome(enum_to_wire<wire::tx::Outcome>(from.outcome));
}

tx_end get(wire::tx::End::Reader from, decoding& state) {
  const auto known = enum_from_wire(from.getOutcome(), tx_outcome::rollback);
  if (!known) state.refuse(errc::frame_malformed, "unknown enumerator");
  return {get(from.getTransaction()), known.value_or(tx_outcome::unknown)};
}

void put(wire::tx::Check::Builder to, const tx_check& from) {
  put(to.initTransaction(), from.transaction);
  to.setGroup(wire_text{from.group});
  to.setChecks(from.checks);
}

tx_check get(wire::tx::Check::Reader from, decoding& state) {
  return {get(from.getTransaction()), state.text(from.getGroup()), from.getChecks()};
}

void put(wire::tx::Query::Builder to, const tx_list& from) {
  put(to.initAfter(), from.after);
  to.setLimit(from.limit);
}

tx_list get(wire::tx::Query::Reader from, decoding&) {
  return {get(from.getAfter()), from.getLimit()};
}

void put(wire::tx::Transactions::Builder to, const txs& from) {
  auto list = to.initTransactions(size_of(from.transactions.size()));
  for (unsigned i = 0; i < list.size(); ++i) put(list[i], from.transactions[i]);
  to.setTotal(from.total);
  to.setPreparedMessages(from.prepared);
  to.setCommittedMessages(from.committed);
  to.setRolledBackMessages(from.rolled_back);
  to.setPendingMessages(from.pending);
}

txs get(wire::tx::Transactions::Reader from, decoding& state) {
  auto to = txs{};
  const auto list = from.getTransactions(); // Once: each look counts against the traversal limit.
  to.transactions.reserve(list.size());
  for (auto each : list) to.transactions.push_back(get(each, state));
  to.total = from.getTotal();
  to.prepared = from.getPreparedMessages();
  to.committed = from.getCommittedMessages();
  to.rolled_back = from.getRolledBackMessages();
  to.pending = from.getPendingMessages();
  return to;
}

} // namespace carafe::frames
