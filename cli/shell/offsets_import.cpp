#include "cli/shell/offsets_import.hpp"

#include <algorithm>

namespace carafe::shell {

namespace {

using outcome = offset_change::outcome;

const client::group_queue_info* find(const client::group_info& group, const std::string& topic,
                                     queue_number number) {
  const auto at = std::ranges::find_if(
    group.queues, [&](const auto& q) { return q.topic == topic && q.number == number; });
  return at == group.queues.end() ? nullptr : &*at;
}

void refuse(offset_change& change, std::string why) {
  change.what = outcome::refused;
  change.detail = std::move(why);
}

/// Holds the offset against what the queue keeps.
void fit(offset_change& change, const client::group_queue_info& queue, bool clamp) {
  const auto wanted = *change.to;
  const auto nearest = std::clamp(wanted, std::min(queue.earliest, queue.end), queue.end);
  if (nearest == wanted) return;
  const auto where = wanted < nearest
                       ? "below " + std::to_string(nearest.value) + ", the earliest kept"
                       : "past " + std::to_string(nearest.value) + ", the queue's end";
  const auto text = std::to_string(wanted.value) + " is " + where;
  if (!clamp) return refuse(change, text + "; --clamp takes the nearest");
  change.to = nearest;
  change.detail = text;
}

offset_change change_of(const group_offsets::queue& entry, const client::group_info& group,
                        bool clamp) {
  offset_change change{.topic = entry.topic, .number = entry.number, .to = entry.committed};
  const auto* queue = find(group, entry.topic, entry.number);
  if (queue) change.was = queue->committed;
  if (!entry.committed) {
    change.what = outcome::kept;
    change.detail = "nothing is committed in the file";
  } else if (std::ranges::find(group.topics, entry.topic) == group.topics.end()) {
    refuse(change, "the group does not read this topic");
  } else if (!queue) {
    refuse(change, "the topic has no queue of this number");
  } else {
    fit(change, *queue, clamp);
  }
  return change;
}

} // namespace

std::vector<offset_change> plan_import(const group_offsets& file, const client::group_info& group,
                                       bool clamp) {
  std::vector<offset_change> changes;
  for (const auto& entry : file.queues) changes.push_back(change_of(entry, group, clamp));
  for (const auto& q : group.queues) {
    const bool told = std::ranges::any_of(changes, [&q](const offset_change& change) {
      return change.topic == q.topic && change.number == q.number;
    });
    if (!told)
      changes.push_back({.topic = q.topic,
                         .number = q.number,
                         .was = q.committed,
                         .what = outcome::kept,
                         .detail = "the file does not name it"});
  }
  const bool refused = std::ranges::any_of(
    changes, [](const offset_change& change) { return change.what == outcome::refused; });
  for (auto& change : changes) {
    if (!refused || change.what != outcome::planned) continue;
    change.what = outcome::left;
    change.detail = "others are refused";
  }
  return changes;
}

std::string_view outcome_name(outcome what) noexcept {
  switch (what) {
  case outcome::planned:
    return "planned";
  case outcome::set:
    return "set";
  case outcome::kept:
    return "kept";
  case outcome::refused:
    return "refused";
  case outcome::failed:
    return "failed";
  case outcome::left:
    return "left";
  }
  return "unknown";
}

record change_view(const offset_change& change) {
  const auto offset_value = [](const std::optional<offset>& at) {
    return at ? value::id(at->value) : value::none();
  };
  const bool bad = change.what == outcome::refused || change.what == outcome::failed;
  record r;
  r.add("topic", value::text(change.topic));
  r.add("queue", value::id(change.number.value));
  r.add("was", offset_value(change.was));
  r.add("committed", offset_value(change.what == outcome::kept ? change.was : change.to));
  r.add("outcome", value::text(outcome_name(change.what)).in(bad ? tone::bad : tone::plain));
  r.add("detail", value::text(change.detail));
  return r;
}

} // namespace carafe::shell
