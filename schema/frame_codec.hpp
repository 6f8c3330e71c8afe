#pragma once

/// Internal to schema/: frame bodies to and from their shape in wire.capnp, a source per topic.

#include "schema/enums.hpp"
#include "schema/flat_message.hpp"
#include "schema/frame.hpp"
#include "schema/wire.capnp.h"

#include <optional>
#include <string>
#include <string_view>

namespace carafe::frames {

/// The memory that a frame is decoded from, and the first thing found wrong with it.
class decoding {
public:
  decoding(const std::shared_ptr<std::byte[]>& buffer, std::size_t capacity)
    : buffer_(buffer), capacity_(capacity) {}

  void refuse(errc code, std::string_view what) {
    if (!wrong_) wrong_ = failure{code, std::string{what}};
  }
  [[nodiscard]] const std::optional<failure>& wrong() const noexcept { return wrong_; }

  /// A text that is UTF-8 without NUL.
  [[nodiscard]] std::string text(capnp::Text::Reader from);
  [[nodiscard]] std::vector<std::string> texts(capnp::List<capnp::Text>::Reader from);
  /// A view that keeps the buffer alive, or a copy of what is little of it: otherwise a small batch
  /// would keep a large buffer.
  [[nodiscard]] shared_bytes bytes(capnp::Data::Reader from) const;

  template <class Wire>
  [[nodiscard]] auto enumerator(Wire from) {
    auto known = from_wire(from);
    if (!known) refuse(errc::frame_malformed, "unknown enumerator");
    return known.value_or(typename decltype(known)::value_type{});
  }

private:
  const std::shared_ptr<std::byte[]>& buffer_;
  std::size_t capacity_;
  std::optional<failure> wrong_;
};

/// A text fit for the wire: what is not UTF-8 (a path in an error's detail) becomes '?', since the
/// receiver would refuse the whole frame.
class wire_text {
public:
  explicit wire_text(const std::string& from);
  operator capnp::Text::Reader() const { return {text_->c_str(), text_->size()}; }

private:
  const std::string* text_;
  std::string mended_;
};

[[nodiscard]] inline unsigned size_of(std::size_t size) { return static_cast<unsigned>(size); }

void put(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& from);
void put(wire::StartPosition::Builder to, const start_position& from);
[[nodiscard]] start_position get(wire::StartPosition::Reader from, decoding& state);
void put(wire::TopicSettings::Builder to, const topic_settings& from);
[[nodiscard]] topic_settings get(wire::TopicSettings::Reader from, decoding& state);
void put(wire::Throttling::Builder to, const throttling& from);
[[nodiscard]] throttling get(wire::Throttling::Reader from);

// frame_session.cpp
void put(wire::Error::Builder to, const failure& why);
void put(wire::Error::Builder to, const error& from);
void put(wire::Hello::Builder to, const hello& from);
void put(wire::Welcome::Builder to, const welcome& from);
[[nodiscard]] error get(wire::Error::Reader from, decoding& state);
[[nodiscard]] hello get(wire::Hello::Reader from, decoding& state);
[[nodiscard]] welcome get(wire::Welcome::Reader from, decoding& state);

// frame_stream.cpp. Of produce and deliver everything but the batch, except if that is sparse.
void put(wire::Produce::Builder to, const produce& from);
void put(wire::Receipt::Builder to, const receipt& from);
void put(wire::Subscribe::Builder to, const subscribe& from);
void put(wire::Subscribed::Builder to, const subscribed& from);
void put(wire::Credit::Builder to, const credit& from);
void put(wire::Deliver::Builder to, const deliver& from);
/// Whether its batch goes out without being copied into the frame first.
[[nodiscard]] inline bool is_bulk(const deliver& f) {
  return !f.batch.empty() && !f.sparse && f.ranges.empty() && f.expired.empty();
}
void put(wire::SubscriptionEnded::Builder to, const subscription_ended& from);
[[nodiscard]] produce get(wire::Produce::Reader from, decoding& state);
[[nodiscard]] receipt get(wire::Receipt::Reader from, decoding& state);
[[nodiscard]] subscribe get(wire::Subscribe::Reader from, decoding& state);
[[nodiscard]] subscribed get(wire::Subscribed::Reader from, decoding& state);
[[nodiscard]] credit get(wire::Credit::Reader from, decoding& state);
[[nodiscard]] deliver get(wire::Deliver::Reader from, decoding& state);
[[nodiscard]] subscription_ended get(wire::SubscriptionEnded::Reader from, decoding& state);

// frame_member.cpp
void put(wire::Join::Builder to, const join& from);
void put(wire::Joined::Builder to, const joined& from);
void put(wire::Assigned::Builder to, const assigned& from);
void put(wire::Revoked::Builder to, const revoked& from);
void put(wire::Release::Builder to, const release& from);
void put(wire::Commit::Builder to, const commit& from);
[[nodiscard]] join get(wire::Join::Reader from, decoding& state);
[[nodiscard]] joined get(wire::Joined::Reader from, decoding& state);
[[nodiscard]] assigned get(wire::Assigned::Reader from, decoding& state);
[[nodiscard]] revoked get(wire::Revoked::Reader from, decoding& state);
[[nodiscard]] release get(wire::Release::Reader from, decoding& state);
[[nodiscard]] commit get(wire::Commit::Reader from, decoding& state);

// frame_delivery.cpp
[[nodiscard]] std::vector<offset_range> get(capnp::List<wire::OffsetRange>::Reader from,
                                            decoding& state);
void put(wire::Leased::Builder to, const leased& from);
void put(wire::Settle::Builder to, const settle& from);
void put(wire::Renew::Builder to, const renew& from);
void put(wire::Renewed::Builder to, const renewed& from);
void put(capnp::List<wire::DeadLetters>::Builder to, const dead_letter_list& from);
void put(wire::Redrive::Builder to, const redrive& from);
void put(capnp::List<wire::Redriven>::Builder to, const redriven& from);
[[nodiscard]] dead_letter_list get(capnp::List<wire::DeadLetters>::Reader from, decoding& state);
[[nodiscard]] redrive get(wire::Redrive::Reader from, decoding& state);
[[nodiscard]] redriven get(capnp::List<wire::Redriven>::Reader from, decoding& state);
[[nodiscard]] message_filter get(wire::Filter::Reader from, decoding& state);
[[nodiscard]] leased get(wire::Leased::Reader from, decoding& state);
[[nodiscard]] settle get(wire::Settle::Reader from, decoding& state);
[[nodiscard]] renew get(wire::Renew::Reader from, decoding& state);
[[nodiscard]] renewed get(wire::Renewed::Reader from, decoding& state);

// frame_timer.cpp
void put(wire::timer::End::Builder to, const timer_end& from);
void put(wire::timer::Move::Builder to, const timer_move& from);
void put(wire::timer::Query::Builder to, const timer_list& from);
void put(wire::timer::Pending::Builder to, const timers& from);
[[nodiscard]] timer_end get(wire::timer::End::Reader from, decoding& state);
[[nodiscard]] timer_move get(wire::timer::Move::Reader from, decoding& state);
[[nodiscard]] timer_list get(wire::timer::Query::Reader from, decoding& state);
[[nodiscard]] timers get(wire::timer::Pending::Reader from, decoding& state);

// frame_transaction.cpp
void put(wire::tx::Join::Builder to, const tx_join& from);
void put(wire::tx::Prepare::Builder to, const tx_prepare& from);
void put(wire::tx::Prepared::Builder to, const tx_prepared& from);
void put(wire::tx::End::Builder to, const tx_end& from);
void put(wire::tx::Check::Builder to, const tx_check& from);
void put(wire::tx::Query::Builder to, const tx_list& from);
void put(wire::tx::Transactions::Builder to, const txs& from);
[[nodiscard]] tx_join get(wire::tx::Join::Reader from, decoding& state);
[[nodiscard]] tx_prepare get(wire::tx::Prepare::Reader from, decoding& state);
[[nodiscard]] tx_prepared get(wire::tx::Prepared::Reader from, decoding& state);
[[nodiscard]] tx_end get(wire::tx::End::Reader from, decoding& state);
[[nodiscard]] tx_check get(wire::tx::Check::Reader from, decoding& state);
[[nodiscard]] tx_list get(wire::tx::Query::Reader from, decoding& state);
[[nodiscard]] txs get(wire::tx::Transactions::Reader from, decoding& state);

// frame_schedule.cpp
void put(wire::schedule::Put::Builder to, const schedule_put& from);
void put(wire::schedule::Query::Builder to, const schedule_list& from);
void put(wire::schedule::Schedules::Builder to, const schedules& from);
[[nodiscard]] schedule_put get(wire::schedule::Put::Reader from, decoding& state);
[[nodiscard]] schedule_list get(wire::schedule::Query::Reader from, decoding& state);
[[nodiscard]] schedules get(wire::schedule::Schedules::Reader from, decoding& state);

// frame_key.cpp
void put(wire::keyfind::Question::Builder to, const key_find& from);
void put(wire::keyfind::Answer::Builder to, const key_found& from);
[[nodiscard]] key_find get(wire::keyfind::Question::Reader from, decoding& state);
[[nodiscard]] key_found get(wire::keyfind::Answer::Reader from);

// frame_story.cpp
void put(wire::story::Question::Builder to, const message_why& from);
void put(wire::story::Story::Builder to, const message_story& from);
[[nodiscard]] message_why get(wire::story::Question::Reader from, decoding& state);
[[nodiscard]] message_story get(wire::story::Story::Reader from, decoding& state);

// frame_topic.cpp
void put(wire::TopicDescribe::Builder to, const topic_describe& from);
void put(wire::TopicDescription::Builder to, const topic_description& from);
void put(wire::TopicCreate::Builder to, const topic_create& from);
void put(wire::TopicAlter::Builder to, const topic_alter& from);
void put(capnp::List<wire::TopicSummary>::Builder to, const topic_names& from);
[[nodiscard]] topic_describe get(wire::TopicDescribe::Reader from, decoding& state);
[[nodiscard]] topic_description get(wire::TopicDescription::Reader from, decoding& state);
[[nodiscard]] topic_create get(wire::TopicCreate::Reader from, decoding& state);
[[nodiscard]] topic_alter get(wire::TopicAlter::Reader from, decoding& state);
[[nodiscard]] topic_names get(capnp::List<wire::TopicSummary>::Reader from, decoding& state);

// frame_group.cpp
void put(capnp::List<wire::GroupSummary>::Builder to, const group_names& from);
void put(wire::GroupDescription::Builder to, const group_description& from);
void put(wire::GroupReset::Builder to, const group_reset& from);
void put(wire::GroupPut::Builder to, const group_put& from);
[[nodiscard]] group_names get(capnp::List<wire::GroupSummary>::Reader from, decoding& state);
[[nodiscard]] group_description get(wire::GroupDescription::Reader from, decoding& state);
[[nodiscard]] group_reset get(wire::GroupReset::Reader from, decoding& state);
[[nodiscard]] group_put get(wire::GroupPut::Reader from, decoding& state);

// frame_broadcast.cpp
void put(capnp::List<wire::NamedConsumer>::Builder to, const std::vector<named_consumer>& from);
void put(wire::GroupForget::Builder to, const group_forget& from);
[[nodiscard]] std::vector<named_consumer> get(capnp::List<wire::NamedConsumer>::Reader from,
                                              decoding& state);
[[nodiscard]] group_forget get(wire::GroupForget::Reader from, decoding& state);

// frame_producer.cpp
void put(wire::producer::Request::Builder to, const producer_request& from);
void put(wire::producer::Answer::Builder to, const producer_answer& from);
[[nodiscard]] producer_request get(wire::producer::Request::Reader from, decoding& state);
[[nodiscard]] producer_answer get(wire::producer::Answer::Reader from, decoding& state);

// frame_node.cpp
void put(wire::NodeStatus::Builder to, const node_status_report& from);
void put(capnp::List<wire::ActorInfo>::Builder to, const node_actor_list& from);
void put(wire::BackupDone::Builder to, const backup_done& from);
[[nodiscard]] node_status_report get(wire::NodeStatus::Reader from, decoding& state);
[[nodiscard]] node_actor_list get(capnp::List<wire::ActorInfo>::Reader from, decoding& state);
[[nodiscard]] backup_done get(wire::BackupDone::Reader from, decoding& state);

/// The frame's body; if something is wrong with it, `state` says so and the body means nothing.
[[nodiscard]] body get_body(wire::Frame::Reader from, decoding& state);

} // namespace carafe::frames
