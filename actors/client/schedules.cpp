#include "actors/client/batch_content.hpp"
#include "actors/client/connection.hpp"
#include "schema/batch.hpp"

#include <carafe/client.hpp>

#include <limits>
#include <utility>

namespace carafe::client {
namespace {

failure odd_answer() { return {errc::internal, "the node answered with a frame of another kind"}; }

/// What the node sends is checked by the node.
constexpr batch_limits any_message{std::numeric_limits<std::uint32_t>::max() / 2, 1,
                                   std::numeric_limits<std::uint32_t>::max() / 2};

result<std::string> encoded(const message& m) {
  if (m.deliver_at.value != 0 || m.delay.count() != 0)
    return {errc::schedule_invalid, "the message has a time of delivery of its own"};
  auto view = message_view{m.key, m.body, m.tag, {}, unix_ms{0}, m.priority};
  view.ttl_ms = static_cast<std::uint64_t>(m.ttl.count());
  const auto properties = std::vector<std::pair<std::string_view, std::string_view>>{
    m.properties.begin(), m.properties.end()};
  view.properties = properties;
  auto builder = batch_builder{any_message};
  if (auto ok = builder.add(view); !ok) return ok.error();
  auto batch = builder.finish(codec::none);
  if (!batch) return batch.error();
  return std::string{batch->bytes.text()};
}

result<carafe::schedule_definition> frame_of(const schedule_definition& from) {
  auto to = carafe::schedule_definition{};
  to.name = from.name;
  to.topic = from.topic;
  if (const auto* cron = std::get_if<cron_times>(&from.when)) {
    to.when = cron_rule{cron->expression, cron->zone};
  } else {
    const auto& every = std::get<interval_times>(from.when);
    if (every.every.count() < 0) return {errc::schedule_invalid, "the interval is below 0"};
    to.when = every_rule{static_cast<std::uint64_t>(every.every.count()), every.from};
  }
  to.missed = static_cast<missed_policy>(from.missed);
  to.until = from.until;
  to.count_max = from.count_max;
  auto message = encoded(from.message);
  if (!message) return message.error();
  to.message = std::move(*message);
  return to;
}

message message_of(const std::string& bytes) {
  auto out = message{};
  auto batch = batch_reader::open(shared_bytes::copy_of(as_bytes(bytes)), codec::none, any_message);
  if (!batch || batch->count() != 1) return out;
  const auto view = batch->message(0);
  out.body = view.body;
  out.key = view.key;
  out.tag = view.tag;
  out.properties.assign(view.properties.begin(), view.properties.end());
  out.priority = view.priority;
  out.ttl = std::chrono::milliseconds{view.ttl_ms};
  return out;
}

schedule_info told(frames::schedule_line&& from) {
  auto to = schedule_info{};
  to.what.name = std::move(from.what.name);
  to.what.topic = std::move(from.what.topic);
  if (const auto* cron = std::get_if<cron_rule>(&from.what.when)) {
    to.what.when = cron_times{cron->expression, cron->zone};
  } else {
    const auto& every = std::get<every_rule>(from.what.when);
    to.what.when = interval_times{
      std::chrono::milliseconds{static_cast<std::int64_t>(every.interval_ms)}, every.from};
  }
  to.what.missed = static_cast<missed_times>(from.what.missed);
  to.what.until = from.what.until;
  to.what.count_max = from.what.count_max;
  if (!from.what.message.empty()) to.what.message = message_of(from.what.message);
  to.paused = from.paused;
  to.created = from.created;
  to.next = from.next;
  to.last_due = from.progress.last_due;
  to.last_fired = from.progress.last_fired;
  to.fired = from.progress.fired;
  to.missed = from.progress.missed;
  to.failed = from.progress.failed;
  to.error = std::move(from.progress.error);
  to.problem = std::move(from.problem);
  to.body_bytes = from.body_bytes;
  return to;
}

result<frames::schedules> ask(const connection& c, const frames::body& question, on_loss loss) {
  auto answer = c.ask(question, loss);
  if (!answer) return answer.error();
  auto* body = std::get_if<frames::schedules>(&*answer);
  if (body == nullptr) return odd_answer();
  return std::move(*body);
}

result<schedule_info> ask_one(const connection& c, const frames::body& question, on_loss loss) {
  auto answer = ask(c, question, loss);
  if (!answer) return answer.error();
  if (answer->lines.size() != 1) return odd_answer();
  return told(std::move(answer->lines.front()));
}

} // namespace

result<schedule_info> client::create_schedule(const schedule_definition& wanted,
                                              bool if_missing) const {
  auto frame = frame_of(wanted);
  if (!frame) return frame.error();
  // With `if_missing` a second attempt finds what the first one made.
  return ask_one(*connection_, frames::schedule_put{std::move(*frame), if_missing},
                 if_missing ? on_loss::resend : on_loss::report);
}

result<schedule_info> client::pause_schedule(const std::string& name) const {
  return ask_one(*connection_, frames::schedule_put{frames::schedule_put::pause{name}, false},
                 on_loss::resend);
}

result<schedule_info> client::resume_schedule(const std::string& name) const {
  return ask_one(*connection_, frames::schedule_put{frames::schedule_put::resume{name}, false},
                 on_loss::resend);
}

result<schedule_info> client::describe_schedule(const std::string& name) const {
  if (name.empty()) return {errc::schedule_unknown, "the name is empty"};
  return ask_one(*connection_, frames::schedule_list{name, {}, 1}, on_loss::resend);
}

result<std::vector<schedule_info>> client::list_schedules() const {
  auto out = std::vector<schedule_info>{};
  for (;;) {
    const auto after = out.empty() ? std::string{} : out.back().what.name;
    auto page = ask(*connection_, frames::schedule_list{{}, after, 0}, on_loss::resend);
    if (!page) return page.error();
    if (page->lines.empty()) return out;
    for (auto& line : page->lines) out.push_back(told(std::move(line)));
    if (out.size() >= page->total) return out;
  }
}

result<void> client::delete_schedule(const std::string& name) const {
  auto answer = connection_->ask(frames::schedule_delete{name}, on_loss::report);
  if (!answer) return answer.error();
  if (!std::holds_alternative<frames::ok>(*answer)) return odd_answer();
  return {};
}

} // namespace carafe::client
