#include "actors/client/connection.hpp"
#include "actors/client/key_search.hpp"
#include "actors/client/story.hpp"
#include "actors/client/told.hpp"

#include <carafe/client.hpp>

namespace carafe::client {
namespace {

/// Consumers have some time to give back what they have, by default 10 s (`revoke-timeout-ms`).
constexpr std::chrono::milliseconds giving_back{15'000};

failure odd_answer() { return {errc::internal, "the node answered with a frame of another kind"}; }

/// Asks, and turns the answer into what the caller of `client` gets.
template <class Answer>
auto ask(const connection& c, const frames::body& question, on_loss loss, bool again = true,
         std::chrono::milliseconds more = {}) -> result<decltype(told(std::declval<Answer>()))> {
  auto answer = c.ask(question, loss, again, more);
  if (!answer) return answer.error();
  auto body = std::get_if<Answer>(&*answer);
  if (!body) return odd_answer();
  return told(std::move(*body));
}

result<void> tell(const connection& c, const frames::body& request) {
  auto answer = c.ask(request, on_loss::report);
  if (!answer) return answer.error();
  if (!std::holds_alternative<frames::ok>(*answer)) return odd_answer();
  return {};
}

} // namespace

result<topic_info> client::create_topic(const std::string& name, std::uint32_t queues,
                                        topic_settings settings, bool if_missing) const {
  auto frame = frames::topic_create{};
  frame.name = name;
  frame.queues = queues;
  frame.settings = {settings.retention_ms, settings.mode, settings.default_ttl_ms,
                    settings.dedup_window_ms};
  frame.settings.produce_bytes_per_second = settings.produce_bytes_per_second;
  frame.settings.consume_bytes_per_second = settings.consume_bytes_per_second;
  frame.settings.compacted = settings.compacted;
  frame.if_missing = if_missing;
  // With `if_missing` a second attempt finds what the first one made.
  auto loss = if_missing ? on_loss::resend : on_loss::report;
  return ask<frames::topic_description>(*connection_, frame, loss);
}

result<topic_info> client::alter_topic(const std::string& name, const topic_change& change) const {
  auto frame = frames::topic_alter{name, change.queues.value_or(0), change.retention_ms,
                                   change.default_ttl_ms, change.dedup_window_ms};
  frame.produce_bytes_per_second = change.produce_bytes_per_second;
  frame.consume_bytes_per_second = change.consume_bytes_per_second;
  frame.compacted = change.compacted;
  // It says how the topic is to be, not what to change: twice is as good as once.
  return ask<frames::topic_description>(*connection_, frame, on_loss::resend);
}

result<void> client::delete_topic(const std::string& name) const {
  return tell(*connection_, frames::topic_delete{name});
}

result<std::vector<topic_line>> client::list_topics() const {
  return ask<frames::topic_names>(*connection_, frames::topic_list{}, on_loss::resend);
}

result<topic_info> client::describe_topic(const std::string& name, bool create_if_missing) const {
  return ask<frames::topic_description>(
    *connection_, frames::topic_describe{name, create_if_missing}, on_loss::resend);
}

result<std::vector<group_line>> client::list_groups() const {
  return ask<frames::group_names>(*connection_, frames::group_list{}, on_loss::resend);
}

result<group_info> client::describe_group(const std::string& name) const {
  return ask<frames::group_description>(*connection_, frames::group_describe{name},
                                        on_loss::resend);
}

result<group_info> client::put_group(const group_definition& wanted) const {
  auto loss = wanted.if_missing ? on_loss::resend : on_loss::report;
  // A change that fails may have interrupted consumers: whether they are once more, the caller
  // says.
  const bool again = wanted.version == 0;
  return ask<frames::group_description>(*connection_, frame_of(wanted), loss, again, giving_back);
}

result<group_info> client::reset_group(const std::string& name, const std::string& topic,
                                       std::optional<queue_number> number, start_position to,
                                       const std::string& consumer) const {
  return ask<frames::group_description>(*connection_,
                                        frames::group_reset{name, topic, number, to, consumer},
                                        on_loss::report, true, giving_back);
}

result<void> client::forget_consumer(const std::string& group, const std::string& name) const {
  return tell(*connection_, frames::group_forget{group, name});
}

result<std::vector<dead_letter_range>> client::dead_letters(const std::string& group) const {
  return ask<frames::dead_letter_list>(*connection_, frames::dead_letters{group}, on_loss::resend);
}

result<std::vector<redriven_letter>> client::redrive(const std::string& group,
                                                     const std::vector<dead_letter_range>& letters,
                                                     bool purge) const {
  auto frame = frames::redrive{};
  frame.group = group;
  frame.purge = purge;
  for (const auto& each : letters)
    frame.letters.push_back({each.queue, {{each.first, each.count}}});
  return ask<frames::redriven>(*connection_, frame, on_loss::report);
}

result<void> client::delete_group(const std::string& name) const {
  return tell(*connection_, frames::group_delete{name});
}

result<std::vector<producer_line>> client::list_producers() const {
  auto answer =
    connection_->ask(frames::producer_request{frames::producer_list{}}, on_loss::resend);
  if (!answer) return answer.error();
  auto body = std::get_if<frames::producer_answer>(&*answer);
  auto names = body ? std::get_if<frames::producer_names>(&body->what) : nullptr;
  if (!names) return odd_answer();
  auto lines = std::vector<producer_line>{};
  for (auto& each : names->producers)
    lines.push_back({std::move(each.name), each.epoch, each.created, each.opened});
  return lines;
}

result<void> client::forget_producer(const std::string& name) const {
  return tell(*connection_, frames::producer_request{frames::producer_forget{name}});
}

namespace {

frames::timer_which frame_of(const timer_selection& from) {
  frames::timer_which to;
  to.topic = from.topic;
  if (const auto* id = std::get_if<message_id>(&from.which))
    to.by = frames::timer_which::message_id{id->producer, id->sequence};
  else
    to.by = std::get<std::string>(from.which);
  return to;
}

} // namespace

result<std::uint32_t> client::cancel_timers(const timer_selection& which) const {
  return ask<frames::timers_changed>(*connection_, frames::timer_end{frame_of(which)},
                                     on_loss::report);
}

result<std::uint32_t> client::move_timers(const timer_selection& which, delivery_time to) const {
  const auto* at = std::get_if<unix_ms>(&to);
  if (at && at->value <= 0) return {errc::invalid_argument, "the time is before 1970"};
  if (!at && std::get<std::chrono::milliseconds>(to).count() < 0)
    return {errc::invalid_argument, "the delay is below 0"};
  const auto wire = at ? at->value : -std::get<std::chrono::milliseconds>(to).count();
  return ask<frames::timers_changed>(*connection_, frames::timer_move{frame_of(which), wire},
                                     on_loss::report);
}

result<pending_timers> client::list_timers(const std::string& topic, unix_ms after,
                                           std::uint32_t limit) const {
  return ask<frames::timers>(*connection_, frames::timer_list{topic, after, limit},
                             on_loss::resend);
}

result<pending_timers> client::list_timers(const std::string& topic, const timer_place& behind,
                                           std::uint32_t limit) const {
  return ask<frames::timers>(
    *connection_, frames::timer_list{topic, behind.due, limit, behind.queue, behind.number},
    on_loss::resend);
}

result<pending_transactions> client::list_transactions(std::optional<transaction_ref> after,
                                                       std::uint32_t limit) const {
  frames::tx_list wish;
  if (after) wish.after = {after->shard, {after->producer, after->number}};
  wish.limit = limit;
  return ask<frames::txs>(*connection_, wish, on_loss::resend);
}

result<void> client::end_transaction(const transaction_ref& which, bool commit) const {
  const auto how = commit ? frames::tx_outcome::commit : frames::tx_outcome::rollback;
  return tell(*connection_, frames::tx_end{{which.shard, {which.producer, which.number}}, how});
}

result<message_story> client::why(const story_question& which) const {
  return ask<frames::message_story>(*connection_, frame_of(which), on_loss::resend);
}

result<key_places> client::find_key(const key_question& which) const {
  return ask<frames::key_found>(*connection_, frame_of(which), on_loss::resend);
}

result<node_info> client::node_status() const {
  return ask<frames::node_status_report>(*connection_, frames::node_status{}, on_loss::resend);
}

result<std::vector<actor_line>> client::node_actors() const {
  return ask<frames::node_actor_list>(*connection_, frames::node_actors{}, on_loss::resend);
}

result<backup_info> client::backup(const std::string& path) const {
  // A copy that failed is for the caller to try again, in another place.
  return ask<frames::backup_done>(*connection_, frames::backup{path}, on_loss::report, false);
}

} // namespace carafe::client
