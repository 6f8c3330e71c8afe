#include "cli/shell/value_text.hpp"
#include "cli/shell/views.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

/// Whether its messages are settled singly.
bool lends(const client::group_info& group) {
  return group.mode == "shared" || group.mode == "keyed";
}

value lag_value(std::uint64_t lag) {
  return value::count(lag).in(lag == 0 ? tone::good : tone::warning);
}

value backoff_value(const std::vector<std::uint64_t>& pauses) {
  value v{.json = "["};
  for (auto pause : pauses) {
    if (!v.shown.empty()) v.shown += ", ", v.json += ',';
    v.shown += span_text(pause);
    v.json += std::to_string(pause);
  }
  v.json += ']';
  return v;
}

value percent_value(std::uint32_t percent) {
  return value::count(percent).shown_as(std::to_string(percent) + '%');
}

std::string filter_text(const client::message_filter& filter) {
  switch (filter.how) {
  case client::message_filter::kind::tags:
    return "tags " + filter.text;
  case client::message_filter::kind::sql:
    return "where " + filter.text;
  case client::message_filter::kind::none:
    break;
  }
  return "";
}

/// Long is longer than a lease: such a consumer is alive and gets nothing done.
value idle_value(const client::member_info& member, const client::delivery_settings& how) {
  const bool stuck = member.in_flight > 0 && member.idle_ms >= how.lease_ms;
  return value::span(member.idle_ms).in(stuck ? tone::warning : tone::plain);
}

record member_row(const client::group_info& group, const client::member_info& m) {
  record row;
  row.add("member", value::text(m.name));
  const bool away = m.kept_until.has_value();
  row.add("member_id", away ? value::none() : value::id(m.member.value));
  if (group.mode == "ordered") {
    row.add("id", m.id.empty() ? value::none() : value::text(m.id));
    row.add("kept_until", away ? value::time(*m.kept_until).in(tone::warning) : value::none());
  }
  row.add("client", value::text(m.client));
  row.add("address", value::text(m.address));
  if (lends(group)) {
    row.add_hidden("queues", value::count(m.queues));
    row.add("in_flight", value::count(m.in_flight));
    row.add("idle_ms", idle_value(m, group.delivery));
  } else {
    row.add("queues", value::count(m.queues));
  }
  row.add("joined", value::time(m.joined));
  return row;
}

record queue_row(const client::group_info& group, const client::group_queue_info& q) {
  auto owner = std::find_if(group.members.begin(), group.members.end(),
                            [&](const auto& m) { return m.member == q.owner; });
  const bool owned = q.owner.value != 0 && owner != group.members.end();
  auto name = owned ? value::text(owner->name) : value::none();
  auto id = owned ? value::id(q.owner.value) : value::none();
  record row;
  row.add("topic", value::text(q.topic));
  row.add("queue", value::id(q.number.value));
  row.add_hidden("queue_id", value::id(q.queue.value));
  row.add("committed", q.committed ? value::id(q.committed->value) : value::none());
  row.add("earliest", value::id(q.earliest.value));
  row.add("end", value::id(q.end.value));
  row.add("lag", lag_value(q.lag));
  if (lends(group)) {
    row.add("in_flight", value::count(q.in_flight));
    row.add("waiting", value::count(q.waiting).in(q.waiting == 0 ? tone::plain : tone::warning));
  }
  if (group.mode == "ordered") {
    row.add("member", std::move(name));
    row.add("member_id", std::move(id));
  } else {
    row.add_hidden("member", std::move(name));
    row.add_hidden("member_id", std::move(id));
  }
  return row;
}

/// Of a broadcast group: a row for each named consumer on each queue, and one for a consumer that
/// has none: the group has no queues, or too many names and queues to tell.
std::vector<record> consumer_rows(const client::group_info& group) {
  using named = client::named_consumer_info;
  std::vector<record> rows;
  const auto add = [&](const named& c, const named::place* p, const client::group_queue_info* q) {
    record row;
    const bool live = c.member.value != 0;
    row.add("name", value::text(c.name));
    row.add("member_id", live ? value::id(c.member.value) : value::none());
    row.add_hidden("created", value::time(c.created));
    row.add("topic", q ? value::text(q->topic) : value::none());
    row.add("queue", q ? value::id(q->number.value) : value::none());
    row.add_hidden("queue_id", p ? value::id(p->queue.value) : value::none());
    row.add("committed", p && p->committed ? value::id(p->committed->value) : value::none());
    row.add("end", q ? value::id(q->end.value) : value::none());
    row.add("lag", p ? lag_value(p->lag) : value::none());
    rows.push_back(std::move(row));
  };
  for (const auto& c : group.consumers) {
    if (c.places.empty()) add(c, nullptr, nullptr);
    for (const auto& p : c.places) {
      const auto q = std::find_if(group.queues.begin(), group.queues.end(),
                                  [&](const auto& each) { return each.queue == p.queue; });
      add(c, &p, q == group.queues.end() ? nullptr : &*q);
    }
  }
  return rows;
}

void add_delivery(record& r, const client::group_info& group) {
  std::uint64_t in_flight = 0, waiting = 0;
  for (const auto& q : group.queues) {
    in_flight += q.in_flight;
    waiting += q.waiting;
  }
  const auto& how = group.delivery;
  r.add("in_flight", value::count(in_flight));
  r.add("waiting", value::count(waiting).in(waiting == 0 ? tone::plain : tone::warning));
  const bool held_up = waiting >= how.waiting_max;
  r.add("held_up", value::boolean(held_up).in(held_up ? tone::bad : tone::plain));
  r.add("lease_ms", value::span(how.lease_ms));
  r.add("attempts_max", value::count(how.attempts_max));
  r.add("backoff_ms", backoff_value(how.backoff_ms));
  r.add("jitter_percent", percent_value(how.jitter_percent));
  r.add("member_in_flight_max", value::count(how.member_in_flight_max));
  r.add("in_flight_max", value::count(how.in_flight_max));
  r.add("waiting_max", value::count(how.waiting_max));
  r.add("expired", value::text(how.expired_to_dead_letters ? "dead" : "drop"));
}

/// Those that it would read if they were there: each topic has queues.
std::vector<std::string> deleted_topics(const client::group_info& group) {
  auto out = group.topics;
  for (const auto& q : group.queues) std::erase(out, q.topic);
  return out;
}

} // namespace

record group_view(const client::group_info& group) {
  std::uint64_t lag = 0;
  std::vector<record> queues, members;
  for (const auto& m : group.members) members.push_back(member_row(group, m));
  for (const auto& q : group.queues) {
    queues.push_back(queue_row(group, q));
    lag += q.lag;
  }
  record r;
  r.add("group", value::text(group.name));
  r.add_hidden("group_id", value::id(group.group.value));
  r.add("mode", value::text(group.mode));
  r.add("topics", value::names(group.topics));
  if (auto gone = deleted_topics(group); !gone.empty())
    r.add("deleted_topics", value::names(std::move(gone)).in(tone::warning));
  r.add_hidden("version", value::id(group.version));
  r.add("lag", lag_value(lag));
  if (group.filter.how != client::message_filter::kind::none)
    r.add("filter", value::text(filter_text(group.filter)));
  r.add("filtered_messages", value::count(group.filtered));
  r.add("expired_messages", value::count(group.expired));
  if (lends(group)) add_delivery(r, group);
  r.add("queues", value::table(std::move(queues)));
  r.add("members", value::table(std::move(members)));
  if (group.mode == "broadcast") r.add("consumers", value::table(consumer_rows(group)));
  return r;
}

} // namespace carafe::shell
