#include "test/sim/keeper.hpp"

#include "schema/offset_set.hpp"
#include "test/sim/content.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace carafe::sim {

namespace {

constexpr std::uint32_t credit_bytes = 4'000;

} // namespace

delivery_settings random_delivery(dice& d) {
  delivery_settings how;
  how.lease_ms = d.between(1'000, 3'000);
  how.attempts_max = static_cast<std::uint32_t>(d.between(1, 5));
  how.backoff_ms.clear();
  for (auto left = d.between(1, 3); left > 0; --left) how.backoff_ms.push_back(d.between(0, 1'500));
  how.jitter_percent = d.percent(50) ? static_cast<std::uint32_t>(d.below(101)) : 0;
  how.member_in_flight_max = static_cast<std::uint32_t>(d.between(1, 12));
  how.in_flight_max = static_cast<std::uint32_t>(d.between(2, 24));
  how.waiting_max = static_cast<std::uint32_t>(d.percent(50) ? d.between(1, 10) : 1'000);
  return how;
}

void keeper::node_died() {
  link_.forget();
  // What became of these nobody knows: they are asked for again.
  if (busy_ == wish::redrive) {
    open_.insert(redriving_.begin(), redriving_.end());
    for (const auto& [letter, source] : redriving_) doubtful_.insert(source);
  }
  busy_ = wish::none;
  for (auto& [queue, g] : graves_) g.subscribed = false;
}

void keeper::lost_power(shard_id shard) {
  for (auto& [queue, g] : graves_) {
    if (g.shard != shard) continue;
    group_->told.forget_letters(queue);
    doubtful_queues_.insert(queue);
    const auto there = [id = queue](const auto& each) { return each.first.queue == id; };
    std::erase_if(open_, there);
    std::erase_if(redriving_, there);
  }
}

void keeper::ask(wish what, frames::body body) {
  busy_ = what;
  asked_ = link_.post(std::move(body));
}

void keeper::step(dice& d, const oracle& o) {
  take(o);
  if (!link_.up()) {
    node_died();
    link_.connect();
    return;
  }
  if (busy_ != wish::none) return;
  if (d.percent(1)) {
    link_.cut();
    node_died();
    return;
  }
  const auto roll = d.below(100);
  if (roll < (graves_.empty() ? 60 : 10))
    return ask(wish::describe, frames::topic_describe{"%DLQ%" + group_->name, false});
  if (roll < 13) return ask(wish::letters, frames::dead_letters{group_->name});
  if (roll < 35) return subscribe();
  if (roll < 75) return redrive(d);
  if (roll < 78) {
    next_ = random_delivery(d);
    next_filter_ = d.pick(group_->filters);
    next_fewer_ = group_->topics.size() > 1 && d.percent(group_->fewer ? 30 : 40);
    return ask(wish::look, frames::group_describe{group_->name});
  }
  if (roll < 79) {
    group_->told.resetting();
    return ask(wish::reset, frames::group_reset{group_->name, {}, {}, {}});
  }
  for (auto& [queue, g] : graves_)
    if (g.subscribed && g.owed > 0)
      link_.post(
        frames::credit{g.subscription, static_cast<std::uint32_t>(std::exchange(g.owed, 0))});
}

bool keeper::finish(const oracle& o) {
  take(o);
  return busy_ == wish::none || !link_.up();
}

/// Always from the beginning: what is known already is passed over.
void keeper::subscribe() {
  for (auto& [queue, g] : graves_) {
    if (g.subscribed) continue;
    g.subscription = subscription_id{++subscriptions_};
    g.owed = 0;
    frames::subscribe what;
    what.subscription = g.subscription;
    what.queue = queue;
    what.credit_bytes = credit_bytes;
    subscribing_ = queue;
    return ask(wish::subscribe, what);
  }
}

void keeper::redrive(dice& d) {
  if (open_.empty()) return;
  purging_ = d.percent(20);
  redriving_.clear();
  frames::redrive what{group_->name, {}, purging_};
  for (auto left = d.between(1, 4); left > 0 && !open_.empty(); --left) {
    const auto at = std::next(open_.begin(), static_cast<std::ptrdiff_t>(d.below(open_.size())));
    redriving_.push_back(*at);
    what.letters.push_back({at->first.queue, {{at->first.at, 1}}});
    open_.erase(at);
  }
  if (!purging_)
    for (const auto& [letter, source] : redriving_) group_->told.redriving(source);
  ask(wish::redrive, what);
}

void keeper::take(const oracle& o) {
  for (const auto& frame : link_.take()) {
    if (const auto* d = std::get_if<frames::deliver>(&frame.body)) {
      read(*d, o);
    } else if (const auto* end = std::get_if<frames::subscription_ended>(&frame.body)) {
      for (auto& [queue, g] : graves_)
        if (g.subscription == end->subscription) g.subscribed = false;
    } else if (busy_ != wish::none && frame.request == asked_) {
      answered(std::exchange(busy_, wish::none), frame.body);
    }
  }
}

void keeper::answered(wish what, const frames::body& answer) {
  switch (what) {
  case wish::describe:
    if (const auto* topic = std::get_if<frames::topic_description>(&answer)) described(*topic);
    return;
  case wish::subscribe:
    graves_.at(subscribing_).subscribed = std::holds_alternative<frames::subscribed>(answer);
    return;
  case wish::redrive: {
    const auto* done = std::get_if<frames::redriven>(&answer);
    if (done == nullptr) return;
    for (const auto& each : done->letters)
      for (const auto& [letter, source] : redriving_)
        if (letter == message_place{each.queue, each.at}) {
          if (each.why.code == errc::none) // It is known by where it was before, too.
            std::erase_if(open_, [&](const auto& other) { return other.second == source; });
          if (purging_) {
            if (each.why.code == errc::none) group_->told.purged(source, letter);
            continue;
          }
          group_->told.redriven(source, each.why.code, letter);
          if (each.why.code == errc::none) ++redrives_;
        }
    return;
  }
  case wish::look:
    if (const auto* now = std::get_if<frames::group_description>(&answer)) {
      group_->told.may_have(next_);
      // Another filter or other topics, for another actor; or the same.
      group_->told.changing();
      group_->fewer |= next_fewer_;
      if (next_fewer_) group_->told.may_leave(queues_but_of_the_first());
      ask(wish::alter, frames::group_put{group_->name, group_->mode,
                                         next_fewer_ ? group_->first_topic() : group_->topics,
                                         next_, now->version, false, next_filter_});
    }
    return;
  case wish::reset:
    group_->told.reset();
    return;
  case wish::alter:
    // One that was asked for before a connection broke may still be under way.
    if (const auto* error = std::get_if<frames::error>(&answer);
        error != nullptr && error->why.code == errc::shard_unavailable)
      return;
    group_->told.changed();
    if (!std::holds_alternative<frames::group_description>(answer)) return;
    ++changes_;
    group_->fewer = next_fewer_;
    if (!next_fewer_) group_->told.stays_with(queues_but_of_the_first());
    return;
  case wish::letters:
  case wish::none:
    return;
  }
}

std::vector<queue_id> keeper::queues_but_of_the_first() const {
  std::vector<queue_id> out;
  for (std::size_t topic = 1; topic < group_->topics.size(); ++topic)
    for (std::uint32_t number = 0;; ++number) {
      const auto queue = find_(group_->topics[topic], queue_number{number});
      if (!queue) break;
      out.push_back(*queue);
    }
  return out;
}

void keeper::described(const frames::topic_description& topic) {
  for (const auto& queue : topic.queues) graves_[queue.queue].shard = queue.shard;
}

void keeper::read(const frames::deliver& d, const oracle& o) {
  const auto at = graves_.find(d.queue);
  if (at != graves_.end()) at->second.owed += d.batch.size();
  expect(crc32c(d.batch.span()) == d.checksum, "a dead letter has a wrong checksum");
  const auto batch = batch_reader::open(d.batch, d.compression, {});
  expect(batch.ok() && batch->count() == d.count, "a dead letter cannot be read");
  for (std::uint32_t i = 0; i < d.count; ++i)
    read_letter(batch->message(i), {d.queue, d.base + i}, o);
}

void keeper::read_letter(const message_view& message, const message_place& place, const oracle& o) {
  const auto where = "the dead letter at offset " + std::to_string(place.at.value) + " of queue " +
                     std::to_string(place.queue.value);
  std::map<std::string, std::string> says;
  for (const auto& [name, value] : message.properties)
    says.insert_or_assign(std::string{name}, std::string{value});
  expect(says["carafe-dead-group"] == group_->name, where + " names another group");
  const auto queue =
    find_(says["carafe-dead-topic"],
          queue_number{static_cast<std::uint32_t>(number_in(says["carafe-dead-queue"]))});
  expect(queue.has_value(), where + " names no queue of the group");
  letter_told told;
  told.letter = place;
  told.source = {*queue, offset{number_in(says["carafe-dead-offset"])}};
  told.name = name_in(message.body);
  told.attempts = static_cast<std::uint32_t>(number_in(says["carafe-dead-attempts"]));
  told.last_failed_ms = static_cast<std::int64_t>(number_in(says["carafe-dead-last-failed-ms"]));
  expect(message.body == body_of(told.name) && message.key == key_of(told.name) &&
           message.tag == tag_of(told.name),
         where + " is not what was sent");
  if (says.contains("carafe-dead-moved-from"))
    told.first = message_place{place.queue, offset{number_in(says["carafe-dead-moved-from"])}};
  const auto known = o.message_at(told.source.queue, told.source.at);
  expect(!known || *known == told.name, where + " names another message");
  if (group_->told.letter(told) && known) open_.emplace(place, told.source);
}

void keeper::read_all(const oracle& o) {
  rig::client client{*rig_, "reader of letters"};
  const auto topic =
    client.ask<frames::topic_description>(frames::topic_describe{"%DLQ%" + group_->name, false});
  if (!topic) return; // Nothing has died.
  std::uint64_t number = 0;
  for (const auto& queue : topic->queues) {
    frames::subscribe what;
    what.subscription = subscription_id{++number};
    what.queue = queue.queue;
    what.credit_bytes = 1u << 30;
    expect(client.ask<frames::subscribed>(what).ok(), "dead letters cannot be read");
    rig_->settle();
    while (const auto d = client.take<frames::deliver>()) read(*d, o);
  }
  const auto told = client.ask<frames::dead_letter_list>(frames::dead_letters{group_->name});
  expect(told.ok(), "dead letters cannot be listed");
  check_open(*told);
  client.post_disconnect();
}

/// Whatever nobody has dealt with is open, where it was read or where it was written again.
void keeper::check_open(const frames::dead_letter_list& told) const {
  std::map<queue_id, offset_set> places;
  for (const auto& queue : told.queues) places[queue.queue] = offset_set{queue.open};
  std::set<message_place> sources;
  for (const auto& [letter, source] : open_)
    if (const auto queue = places.find(letter.queue);
        queue != places.end() && queue->second.contains(letter.at))
      sources.insert(source);
  for (const auto& [letter, source] : open_)
    expect(sources.contains(source) || doubtful_.contains(source) ||
             doubtful_queues_.contains(letter.queue),
           "the dead letter at offset " + std::to_string(letter.at.value) + " of queue " +
             std::to_string(letter.queue.value) + " is gone, and nobody has dealt with it");
}

} // namespace carafe::sim
