#include "schema/frame_codec.hpp"

namespace carafe::frames {
namespace {

using tag = wire::Frame;

/// Frames between a client and a queue: the many.
std::optional<body> get_stream(wire::Frame::Reader from, decoding& state) {
  switch (from.which()) {
  case tag::PRODUCE:
    return get(from.getProduce(), state);
  case tag::RECEIPT:
    return get(from.getReceipt(), state);
  case tag::SUBSCRIBE:
    return get(from.getSubscribe(), state);
  case tag::SUBSCRIBED:
    return get(from.getSubscribed(), state);
  case tag::UNSUBSCRIBE:
    return unsubscribe{subscription_id{from.getUnsubscribe()}};
  case tag::CREDIT:
    return get(from.getCredit(), state);
  case tag::DELIVER:
    return get(from.getDeliver(), state);
  case tag::SUBSCRIPTION_ENDED:
    return get(from.getSubscriptionEnded(), state);
  case tag::JOIN:
    return get(from.getJoin(), state);
  case tag::JOINED:
    return get(from.getJoined(), state);
  case tag::ASSIGNED:
    return get(from.getAssigned(), state);
  case tag::REVOKED:
    return get(from.getRevoked(), state);
  case tag::RELEASE:
    return get(from.getRelease(), state);
  case tag::COMMIT:
    return get(from.getCommit(), state);
  case tag::LEAVE:
    return leave{member_id{from.getLeave()}};
  case tag::LEASED:
    return get(from.getLeased(), state);
  case tag::SETTLE:
    return get(from.getSettle(), state);
  case tag::RENEW:
    return get(from.getRenew(), state);
  case tag::RENEWED:
    return get(from.getRenewed(), state);
  default:
    return std::nullopt;
  }
}

/// Frames about the connection itself.
std::optional<body> get_session(wire::Frame::Reader from, decoding& state) {
  switch (from.which()) {
  case tag::ERROR:
    return get(from.getError(), state);
  case tag::HELLO:
    return get(from.getHello(), state);
  case tag::WELCOME:
    return get(from.getWelcome(), state);
  case tag::PING:
    return ping{};
  case tag::PONG:
    return pong{};
  case tag::OK:
    return ok{};
  default:
    return std::nullopt;
  }
}

/// Frames about transactions.
std::optional<body> get_transaction(wire::Frame::Reader from, decoding& state) {
  switch (from.which()) {
  case tag::TX_JOIN:
    return get(from.getTxJoin(), state);
  case tag::TX_PREPARE:
    return get(from.getTxPrepare(), state);
  case tag::TX_PREPARED:
    return get(from.getTxPrepared(), state);
  case tag::TX_END:
    return get(from.getTxEnd(), state);
  case tag::TX_CHECK:
    return get(from.getTxCheck(), state);
  case tag::TX_LIST:
    return get(from.getTxList(), state);
  case tag::TXS:
    return get(from.getTxs(), state);
  default:
    return std::nullopt;
  }
}

/// Frames about topics, groups and the node.
std::optional<body> get_admin(wire::Frame::Reader from, decoding& state) {
  switch (from.which()) {
  case tag::TOPIC_DESCRIBE:
    return get(from.getTopicDescribe(), state);
  case tag::TOPIC_DESCRIPTION:
    return get(from.getTopicDescription(), state);
  case tag::TOPIC_CREATE:
    return get(from.getTopicCreate(), state);
  case tag::TOPIC_ALTER:
    return get(from.getTopicAlter(), state);
  case tag::TOPIC_DELETE:
    return topic_delete{state.text(from.getTopicDelete())};
  case tag::TOPIC_LIST:
    return topic_list{};
  case tag::TOPIC_NAMES:
    return get(from.getTopicNames(), state);
  case tag::GROUP_LIST:
    return group_list{};
  case tag::GROUP_NAMES:
    return get(from.getGroupNames(), state);
  case tag::GROUP_DESCRIBE:
    return group_describe{state.text(from.getGroupDescribe())};
  case tag::GROUP_DESCRIPTION:
    return get(from.getGroupDescription(), state);
  case tag::GROUP_RESET:
    return get(from.getGroupReset(), state);
  case tag::GROUP_DELETE:
    return group_delete{state.text(from.getGroupDelete())};
  case tag::GROUP_PUT:
    return get(from.getGroupPut(), state);
  case tag::DEAD_LETTERS:
    return dead_letters{state.text(from.getDeadLetters())};
  case tag::DEAD_LETTER_LIST:
    return get(from.getDeadLetterList(), state);
  case tag::REDRIVE:
    return get(from.getRedrive(), state);
  case tag::REDRIVEN:
    return get(from.getRedriven(), state);
  case tag::TIMER_END:
    return get(from.getTimerEnd(), state);
  case tag::TIMER_MOVE:
    return get(from.getTimerMove(), state);
  case tag::TIMERS_CHANGED:
    return timers_changed{from.getTimersChanged()};
  case tag::TIMER_LIST:
    return get(from.getTimerList(), state);
  case tag::TIMERS:
    return get(from.getTimers(), state);
  case tag::GROUP_FORGET:
    return get(from.getGroupForget(), state);
  case tag::SCHEDULE_PUT:
    return get(from.getSchedulePut(), state);
  case tag::SCHEDULE_DELETE:
    return schedule_delete{state.text(from.getScheduleDelete())};
  case tag::SCHEDULE_LIST:
    return get(from.getScheduleList(), state);
  case tag::SCHEDULES:
    return get(from.getSchedules(), state);
  case tag::MESSAGE_WHY:
    return get(from.getMessageWhy(), state);
  case tag::MESSAGE_STORY:
    return get(from.getMessageStory(), state);
  case tag::KEY_FIND:
    return get(from.getKeyFind(), state);
  case tag::KEY_FOUND:
    return get(from.getKeyFound());
  case tag::PRODUCER_REQUEST:
    return get(from.getProducerRequest(), state);
  case tag::PRODUCER_ANSWER:
    return get(from.getProducerAnswer(), state);
  case tag::NODE_STATUS:
    return node_status{};
  case tag::NODE_STATUS_REPORT:
    return get(from.getNodeStatusReport(), state);
  case tag::NODE_ACTORS:
    return node_actors{};
  case tag::NODE_ACTOR_LIST:
    return get(from.getNodeActorList(), state);
  case tag::BACKUP:
    return backup{state.text(from.getBackup())};
  case tag::BACKUP_DONE:
    return get(from.getBackupDone(), state);
  default:
    return std::nullopt;
  }
}

} // namespace

body get_body(wire::Frame::Reader from, decoding& state) {
  if (auto known = get_stream(from, state)) return std::move(*known);
  if (auto known = get_session(from, state)) return std::move(*known);
  if (auto known = get_transaction(from, state)) return std::move(*known);
  if (auto known = get_admin(from, state)) return std::move(*known);
  auto number = static_cast<unsigned>(from.which());
  state.refuse(errc::unsupported, "frame " + std::to_string(number));
  return {};
}

} // namespace carafe::frames
