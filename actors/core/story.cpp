#include "actors/core/story.hpp"

#include "actors/core/schedule_message.hpp"
#include "actors/core/story_entry.hpp"
#include "actors/core/timer_batches.hpp"

#include <algorithm>
#include <string_view>

namespace carafe::core {

namespace {

using frames::story_event;
using kind = story_event::kind;
using letter_state = frames::group_story::letter_state;
using message_state = frames::message_story::state;

bool has_number(const effects::timers_ended& e, std::uint64_t number) {
  return std::ranges::any_of(e.which,
                             [number](const timer_key& key) { return key.number == number; });
}

bool has_id(const effects::batch& e, const story_subject::message_id& id) {
  return e.producer == id.producer && e.producer != no_producer && e.first <= id.number &&
         id.number.value - e.first.value < e.count;
}

bool has_offset(const effects::batch& e, offset at) {
  return !e.timed && e.base <= at && at.value - e.base.value < e.count;
}

/// The node sent it for a schedule: its properties say which, and for when.
void tell_schedule(const effects::batch& e, std::uint64_t position, story_event& to) {
  const auto reader = open_stored(e);
  if (!reader || position >= reader->count()) return;
  for (const auto& [name, value] :
       reader->message(static_cast<std::uint32_t>(position)).properties) {
    if (name == schedule_property) to.schedule = value;
    if (name == schedule_due_property)
      to.due = unix_ms{static_cast<std::int64_t>(number_in(value))};
  }
}

bool has_half(const half_batch& half, sequence number) {
  return half.first <= number && number.value - half.first.value < half.count;
}

/// Whether an effect concerns the subject.
struct concern {
  const story_subject& about;

  [[nodiscard]] bool told(group_id group, queue_id queue) const {
    return about.at && queue == about.queue && about.groups.contains(group);
  }
  bool operator()(const effects::batch& e) const {
    if (about.at && !e.timed) return e.queue == about.queue && has_offset(e, *about.at);
    return !about.number && about.wanted && has_id(e, *about.wanted) &&
           std::ranges::find(about.queues, e.queue) != about.queues.end();
  }
  bool operator()(const effects::commit& e) const { return told(e.group, e.queue); }
  bool operator()(const effects::queue_start& e) const {
    return about.at && e.queue == about.queue && e.start > *about.at;
  }
  bool operator()(const effects::settled& e) const {
    if (told(e.group, e.queue)) return holds(e.ranges, *about.at);
    const auto letters = about.groups.find(e.group);
    if (letters == about.groups.end()) return false;
    // The log may not go back to when it died.
    if (!letters->second) return about.at && e.why == effects::settled::reason::moved;
    return letters->second->queue == e.queue && holds(e.ranges, letters->second->at);
  }
  bool operator()(const effects::lent& e) const {
    return told(e.group, e.queue) && holds(e.ranges, *about.at);
  }
  bool operator()(const effects::waiting& e) const {
    return told(e.group, e.queue) && e.row.at == *about.at;
  }
  bool operator()(const effects::kept& e) const {
    return told(e.group, e.queue) &&
           std::ranges::any_of(e.rows, [this](const auto& row) { return row.at == *about.at; });
  }
  bool operator()(const effects::returned& e) const {
    return told(e.group, e.queue) && holds(e.ranges, *about.at);
  }
  bool operator()(const effects::tx_prepared& e) const {
    return about.wanted && e.id.producer == about.wanted->producer &&
           std::ranges::any_of(e.halves, [this](const half_batch& half) {
             return has_half(half, about.wanted->number) &&
                    std::ranges::find(about.queues, half.queue) != about.queues.end();
           });
  }
  bool operator()(const effects::tx_ended& e) const { return about.transaction == e.id; }
  bool operator()(const effects::timers_ended& e) const {
    return about.number && e.queue == about.queue && has_number(e, *about.number);
  }
  bool operator()(const effects::timer_moved& e) const {
    return about.number && e.row.at.queue == about.queue && e.row.at.number == *about.number;
  }
  template <class Other>
  bool operator()(const Other&) const {
    return false;
  }
};

} // namespace

bool story_subject::concerns(const effects::effect& e) const {
  return std::visit(concern{*this}, e);
}

void event_list::push(story_event e) {
  if (all_.size() == events_max) {
    all_.erase(all_.begin() + first_kept);
    ++left_out_;
  }
  all_.push_back(std::move(e));
}

bool story::part::finished() const {
  return now != stage::unread && now != stage::lent && now != stage::waiting;
}

story::story(story_subject about, const std::map<group_id, bool>& groups)
  : subject_(std::move(about)) {
  if (subject_.wanted) id_ = *subject_.wanted;
  if (subject_.at) {
    found_ = true;
    state_ = message_state::stored;
  }
  for (const auto& [group, lends] : groups) {
    subject_.groups.try_emplace(group);
    parts_[group].lends = lends;
  }
}

void story::filter_by(group_id group, std::shared_ptr<const filter> wanted) {
  parts_.at(group).wanted = std::move(wanted);
}

bool story::take(const decoded_entry& entry) {
  changed_ = false;
  for (const auto& effect : entry.effects)
    if (subject_.concerns(effect)) std::visit([&](const auto& e) { on(e, entry); }, effect);
  return changed_;
}

void story::waits(const timer_record& row) {
  found_ = true;
  state_ = message_state::pending;
  subject_.queue = row.at.queue;
  subject_.number = row.at.number;
  id_ = {row.producer, row.sequence};
  due_ = row.at.due;
  story_event e;
  e.what = kind::stored_for_later;
  e.time = row.armed;
  e.due = row.at.due;
  events_.push(std::move(e));
  stored_ = true;
}

std::vector<story_event> story::events(offset start) const {
  auto out = half_events_;
  out.insert(out.end(), events_.all().begin(), events_.all().end());
  for (auto& each : out)
    if (each.what == kind::stored) each.transaction = transaction_;
  if (deleted_ && subject_.at && *subject_.at < start) out.push_back(*deleted_);
  return out;
}

/// What an entry says that commits a transaction, that does.
story_event story::happened_in(kind what, const decoded_entry& entry) const {
  auto out = happened(what, entry);
  for (const auto& other : entry.effects)
    if (const auto* ended = std::get_if<effects::tx_ended>(&other); ended && ended->committed)
      out.transaction = {walking_, ended->id};
  return out;
}

// -- the message itself ---------------------------------------------------------------------------

void story::on(const effects::batch& e, const decoded_entry& entry) {
  found_ = true;
  subject_.queue = e.queue;
  if (e.timed)
    return stored_for_later(
      e, static_cast<std::uint32_t>(subject_.wanted->number.value - e.first.value),
      entry.header.time);
  if (subject_.at && fired(e, entry)) return;
  stored_ = true;
  if (!subject_.at) {
    subject_.at = e.base + (subject_.wanted->number.value - e.first.value);
    changed_ = true;
  }
  state_ = message_state::stored;
  const auto position = subject_.at->value - e.base.value;
  if (e.producer != no_producer) id_ = {e.producer, e.first + position};
  stored_at_ = entry.header.time;
  auto news = happened(kind::stored, entry);
  news.at = *subject_.at;
  if (e.transacted) committed_by(entry);
  if (e.producer == no_producer) tell_schedule(e, position, news);
  events_.push(std::move(news));
  look_into(e, position, entry.header.time);
}

/// Which transaction's commit the entry is, or of which shard's transactions it has parts.
void story::committed_by(const decoded_entry& entry) {
  for (const auto& other : entry.effects) {
    if (const auto* ended = std::get_if<effects::tx_ended>(&other); ended && ended->committed) {
      coordinator_ = walking_;
      transaction_ = {walking_, ended->id};
    }
    if (const auto* parts = std::get_if<effects::tx_applied>(&other); parts && !parts->confirmed)
      coordinator_ = parts->from;
  }
}

void story::on(const effects::tx_prepared& e, const decoded_entry& entry) {
  if (was_half()) return; // More of it was added, or its producers were asked.
  subject_.transaction = e.id;
  changed_ = true;
  transaction_ = {walking_, e.id};
  auto news = happened(kind::prepared, entry);
  news.member = e.group;
  news.transaction = transaction_;
  half_events_.push_back(std::move(news));
  if (found_) return;
  id_ = *subject_.wanted;
  stored_ = true;
  state_ = message_state::prepared;
  for (const auto& half : e.halves)
    if (has_half(half, subject_.wanted->number)) subject_.queue = half.queue;
}

void story::on(const effects::tx_ended& e, const decoded_entry& entry) {
  committed_ = e.committed;
  // In its own shard the commit has stored it, which says it all.
  if (e.committed && std::ranges::any_of(entry.effects, [this](const effects::effect& other) {
        return std::holds_alternative<effects::batch>(other) && subject_.concerns(other);
      }))
    return;
  auto news = happened(e.committed ? kind::committed : kind::rolled_back, entry);
  news.transaction = transaction_;
  half_events_.push_back(std::move(news));
  if (!e.committed) state_ = message_state::rolled_back;
}

/// What groups that commit offsets are not sent is not in the log: it follows from the message.
void story::look_into(const effects::batch& e, std::uint64_t position, unix_ms stored) {
  const auto filters = [](const auto& each) { return each.second.wanted != nullptr; };
  const bool ages = !expiry_.never && (e.ranked || expiry_.default_ttl_ms != 0);
  if (!ages && std::ranges::none_of(parts_, filters)) return;
  const auto batch = open_stored(e);
  if (!batch || position >= batch->count()) return;
  const auto at = static_cast<std::uint32_t>(position);
  expires_ = expiry_of(*batch, at, stored, expiry_);
  const auto message = batch->message(at);
  for (auto& [group, in] : parts_)
    if (in.wanted) in.passes = in.wanted->matches(message);
}

/// Whether a batch of messages whose time had come has it.
bool story::fired(const effects::batch& e, const decoded_entry& entry) {
  if (e.producer != no_producer) return false;
  for (const auto& other : entry.effects) {
    const auto* ended = std::get_if<effects::timers_ended>(&other);
    if (ended == nullptr || ended->queue != e.queue || ended->which.size() != e.count) continue;
    const auto position = subject_.at->value - e.base.value;
    fired_at(entry, *subject_.at, ended->which[position].due);
    look_into(e, position, entry.header.time);
    return true;
  }
  return false;
}

void story::fired_at(const decoded_entry& entry, offset at, unix_ms due) {
  subject_.at = at;
  subject_.number.reset();
  subject_.wanted.reset();
  changed_ = true;
  state_ = message_state::stored;
  auto news = happened(kind::fired, entry);
  news.at = at;
  news.due = due;
  events_.push(std::move(news));
}

void story::stored_for_later(const effects::batch& e, std::uint32_t position, unix_ms time) {
  stored_ = true;
  subject_.number = e.base.value + position;
  id_ = *subject_.wanted;
  state_ = message_state::pending;
  changed_ = true;
  if (const auto batch = open_stored(e); batch && position < batch->count()) {
    const auto wish = batch->message(position).deliver_at;
    due_ = unix_ms{wish > 0 ? wish : time.value - wish};
  }
  story_event news;
  news.what = kind::stored_for_later;
  news.time = time;
  news.due = due_;
  events_.push(std::move(news));
}

void story::on(const effects::timer_moved& e, const decoded_entry& entry) {
  due_ = e.row.at.due;
  auto news = happened(kind::moved, entry);
  news.due = due_;
  events_.push(std::move(news));
}

void story::on(const effects::timers_ended& e, const decoded_entry& entry) {
  using reason = effects::timers_ended::reason;
  if (e.why != reason::fired) {
    const bool cancelled = e.why == reason::cancelled;
    state_ = cancelled ? message_state::cancelled : message_state::dropped;
    events_.push(happened(cancelled ? kind::cancelled : kind::dropped, entry));
    return;
  }
  // The messages are in this entry's batch, in this order.
  const auto place = std::ranges::find(e.which, *subject_.number, &timer_key::number);
  for (const auto& other : entry.effects) {
    const auto* batch = std::get_if<effects::batch>(&other);
    if (batch == nullptr || batch->timed || batch->queue != e.queue ||
        batch->producer != no_producer)
      continue;
    const auto position = static_cast<std::uint64_t>(place - e.which.begin());
    fired_at(entry, batch->base + position, place->due);
    look_into(*batch, position, entry.header.time);
    return;
  }
}

void story::on(const effects::queue_start& e, const decoded_entry& entry) {
  if (deleted_) return;
  // What a group has is spared until there is a copy of it.
  const auto spared = [](const auto& each) {
    const auto& in = each.second;
    return (in.now == part::stage::lent || in.now == part::stage::waiting) && !in.copied;
  };
  if (e.sparing && std::ranges::any_of(parts_, spared)) return;
  deleted_ = happened(kind::deleted, entry);
  deleted_->at = e.start;
}

void story::is_there(const part& in) {
  if (!in.copied) deleted_.reset();
}

std::optional<story_subject::message_id> earlier_id_of(const effects::batch& batch, offset at) {
  if (!has_offset(batch, at)) return std::nullopt;
  if (batch.transacted)
    return story_subject::message_id{batch.producer, batch.first + (at.value - batch.base.value)};
  if (batch.producer != no_producer) return std::nullopt;
  const auto reader = open_stored(batch);
  const auto position = static_cast<std::uint32_t>(at.value - batch.base.value);
  if (!reader || position >= reader->count()) return std::nullopt;
  std::optional<story_subject::message_id> out;
  for (const auto& [name, value] : reader->message(position).properties) {
    const auto dash = value.find('-');
    if (name != timer_id_property || dash == std::string_view::npos) continue;
    // The node's own stands last.
    out = story_subject::message_id{producer_id{number_in(value.substr(0, dash), 16)},
                                    sequence{number_in(value.substr(dash + 1))}};
  }
  return out;
}

} // namespace carafe::core
