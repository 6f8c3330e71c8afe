#include "schema/byte_order.hpp"
#include "schema/frame_codec.hpp"

#include <algorithm>

namespace carafe::frames {
namespace {

/// Puts a body into a frame.
struct body_writer {
  wire::Frame::Builder to;

  void operator()(const error& from) { put(to.initError(), from); }
  void operator()(const hello& from) { put(to.initHello(), from); }
  void operator()(const welcome& from) { put(to.initWelcome(), from); }
  void operator()(const ping&) { to.setPing(); }
  void operator()(const pong&) { to.setPong(); }
  void operator()(const ok&) { to.setOk(); }
  void operator()(const produce& from) { put(to.initProduce(), from); }
  void operator()(const receipt& from) { put(to.initReceipt(), from); }
  void operator()(const subscribe& from) { put(to.initSubscribe(), from); }
  void operator()(const subscribed& from) { put(to.initSubscribed(), from); }
  void operator()(const unsubscribe& from) { to.setUnsubscribe(from.subscription.value); }
  void operator()(const credit& from) { put(to.initCredit(), from); }
  void operator()(const deliver& from) { put(to.initDeliver(), from); }
  void operator()(const subscription_ended& from) { put(to.initSubscriptionEnded(), from); }
  void operator()(const join& from) { put(to.initJoin(), from); }
  void operator()(const joined& from) { put(to.initJoined(), from); }
  void operator()(const assigned& from) { put(to.initAssigned(), from); }
  void operator()(const revoked& from) { put(to.initRevoked(), from); }
  void operator()(const release& from) { put(to.initRelease(), from); }
  void operator()(const commit& from) { put(to.initCommit(), from); }
  void operator()(const leave& from) { to.setLeave(from.member.value); }
  void operator()(const topic_describe& from) { put(to.initTopicDescribe(), from); }
  void operator()(const topic_description& from) { put(to.initTopicDescription(), from); }
  void operator()(const topic_create& from) { put(to.initTopicCreate(), from); }
  void operator()(const topic_alter& from) { put(to.initTopicAlter(), from); }
  void operator()(const topic_delete& from) { to.setTopicDelete(wire_text{from.name}); }
  void operator()(const topic_list&) { to.setTopicList(); }
  void operator()(const topic_names& from) {
    put(to.initTopicNames(size_of(from.topics.size())), from);
  }
  void operator()(const group_list&) { to.setGroupList(); }
  void operator()(const group_names& from) {
    put(to.initGroupNames(size_of(from.groups.size())), from);
  }
  void operator()(const group_describe& from) { to.setGroupDescribe(wire_text{from.name}); }
  void operator()(const group_description& from) { put(to.initGroupDescription(), from); }
  void operator()(const group_reset& from) { put(to.initGroupReset(), from); }
  void operator()(const group_delete& from) { to.setGroupDelete(wire_text{from.name}); }
  void operator()(const node_status&) { to.setNodeStatus(); }
  void operator()(const node_status_report& from) { put(to.initNodeStatusReport(), from); }
  void operator()(const node_actors&) { to.setNodeActors(); }
  void operator()(const node_actor_list& from) {
    put(to.initNodeActorList(size_of(from.actors.size())), from);
  }
  void operator()(const backup& from) { to.setBackup(wire_text{from.path}); }
  void operator()(const backup_done& from) { put(to.initBackupDone(), from); }
  void operator()(const leased& from) { put(to.initLeased(), from); }
  void operator()(const settle& from) { put(to.initSettle(), from); }
  void operator()(const renew& from) { put(to.initRenew(), from); }
  void operator()(const renewed& from) { put(to.initRenewed(), from); }
  void operator()(const group_put& from) { put(to.initGroupPut(), from); }
  void operator()(const dead_letters& from) { to.setDeadLetters(wire_text{from.group}); }
  void operator()(const dead_letter_list& from) {
    put(to.initDeadLetterList(size_of(from.queues.size())), from);
  }
  void operator()(const redrive& from) { put(to.initRedrive(), from); }
  void operator()(const timer_end& from) { put(to.initTimerEnd(), from); }
  void operator()(const timer_move& from) { put(to.initTimerMove(), from); }
  void operator()(const timers_changed& from) { to.setTimersChanged(from.count); }
  void operator()(const timer_list& from) { put(to.initTimerList(), from); }
  void operator()(const timers& from) { put(to.initTimers(), from); }
  void operator()(const redriven& from) {
    put(to.initRedriven(size_of(from.letters.size())), from);
  }
  void operator()(const group_forget& from) { put(to.initGroupForget(), from); }
  void operator()(const tx_join& from) { put(to.initTxJoin(), from); }
  void operator()(const tx_prepare& from) { put(to.initTxPrepare(), from); }
  void operator()(const tx_prepared& from) { put(to.initTxPrepared(), from); }
  void operator()(const tx_end& from) { put(to.initTxEnd(), from); }
  void operator()(const tx_check& from) { put(to.initTxCheck(), from); }
  void operator()(const tx_list& from) { put(to.initTxList(), from); }
  void operator()(const txs& from) { put(to.initTxs(), from); }
  void operator()(const schedule_put& from) { put(to.initSchedulePut(), from); }
  void operator()(const schedule_delete& from) { to.setScheduleDelete(wire_text{from.name}); }
  void operator()(const schedule_list& from) { put(to.initScheduleList(), from); }
  void operator()(const schedules& from) { put(to.initSchedules(), from); }
  void operator()(const message_why& from) { put(to.initMessageWhy(), from); }
  void operator()(const message_story& from) { put(to.initMessageStory(), from); }
  void operator()(const key_find& from) { put(to.initKeyFind(), from); }
  void operator()(const key_found& from) { put(to.initKeyFound(), from); }
  void operator()(const producer_request& from) { put(to.initProducerRequest(), from); }
  void operator()(const producer_answer& from) { put(to.initProducerAnswer(), from); }
};

void append(std::vector<char>& out, std::span<const std::byte> bytes) {
  auto text = as_text(bytes);
  out.insert(out.end(), text.begin(), text.end());
}

template <class Int>
void append_little(std::vector<char>& out, Int value) {
  std::byte bytes[sizeof(Int)];
  store_little(std::span<std::byte>{bytes}, value);
  append(out, bytes);
}

std::span<const std::byte> bytes_of(kj::ArrayPtr<const capnp::word> words) {
  auto bytes = static_cast<const void*>(words.begin());
  return {static_cast<const std::byte*>(bytes), words.size() * word_bytes};
}

/// Room for `more` bytes, so that appending costs amortised constant time.
void make_room(std::vector<char>& out, std::size_t more) {
  auto needed = out.size() + more;
  if (needed > out.capacity()) out.reserve(std::max(needed, out.capacity() * 2));
}

/// Their batch is the first pointer of both.
template <class Struct>
constexpr std::uint32_t pointers_behind_batch = Struct::_capnpPrivate::pointerCount - 1;

/// Everything but the batch of a produce or deliver frame lies in one small segment, which ends
/// with the still empty pointer to the batch and `behind` more empty ones; the batch then follows
/// it as if the segment had been that much larger.
void append_bulk(capnp::MessageBuilder& builder, const shared_bytes& batch, std::uint32_t behind,
                 std::vector<char>& out) {
  constexpr std::size_t data_bytes_max = (std::size_t{1} << 29) - 1;
  CARAFE_ASSERT(batch.size() <= data_bytes_max);
  auto segments = builder.getSegmentsForOutput();
  CARAFE_ASSERT(segments.size() == 1);
  auto head = bytes_of(segments[0]);
  auto batch_bytes = padded(batch.size());
  make_room(out, word_bytes + head.size() + batch_bytes);
  append_little(out, std::uint32_t{0});
  append_little(out, static_cast<std::uint32_t>((head.size() + batch_bytes) / word_bytes));
  append(out, head.first(head.size() - (1 + behind) * word_bytes));
  // A list pointer: kind 1, offset in words from behind it; elements of a byte (2), and how many.
  append_little(out, std::uint32_t{behind << 2 | 1});
  append_little(out, static_cast<std::uint32_t>(batch.size() << 3 | 2));
  append(out, head.last(behind * word_bytes));
  append(out, batch.span());
  out.resize(out.size() + batch_bytes - batch.size());
}

void append_message(capnp::MessageBuilder& builder, std::vector<char>& out) {
  auto segments = builder.getSegmentsForOutput();
  auto table_bytes = padded(sizeof(std::uint32_t) * (1 + segments.size()));
  auto bytes = table_bytes;
  for (auto& segment : segments) bytes += segment.size() * word_bytes;
  make_room(out, bytes);
  append_little(out, static_cast<std::uint32_t>(segments.size() - 1));
  for (auto& segment : segments) append_little(out, static_cast<std::uint32_t>(segment.size()));
  if (segments.size() % 2 == 0) append_little(out, std::uint32_t{0});
  for (auto& segment : segments) append(out, bytes_of(segment));
}

} // namespace

void encode(const frame& f, std::vector<char>& out) {
  auto builder = capnp::MallocMessageBuilder{scratch()};
  auto root = builder.initRoot<wire::Frame>();
  root.setRequest(f.request);
  std::visit(body_writer{root}, f.body);
  if (auto bulk = std::get_if<produce>(&f.body); bulk && !bulk->batch.empty())
    return append_bulk(builder, bulk->batch, pointers_behind_batch<wire::Produce>, out);
  if (auto bulk = std::get_if<deliver>(&f.body); bulk && is_bulk(*bulk))
    return append_bulk(builder, bulk->batch, pointers_behind_batch<wire::Deliver>, out);
  append_message(builder, out);
}

} // namespace carafe::frames
