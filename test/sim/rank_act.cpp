#include "test/sim/rank_act.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <utility>

namespace carafe::sim {

namespace {

constexpr producer_id sender_id{400'000};
constexpr int rounds_max = 600;
/// More than may pass over the oldest message.
constexpr std::size_t flood_size = 150;
constexpr std::uint64_t an_hour_ms = 3'600'000;
const std::string letters_name = std::string{"%DLQ%"} + rank_group;

std::uint64_t some_ttl(dice& d) {
  if (d.percent(60)) return 0;
  return d.percent(90) ? d.between(1, 1'500) : an_hour_ms;
}

} // namespace

rank_act::rank_act(stage s, dice& d)
  : act(std::move(s)),
    told_([this](const std::string& what) { stage_.note(what); }, stage_.earliest),
    member_(stage_, told_),
    letters_(*stage_.node, "watcher of letters",
             [this](const watcher::message& m) { read_letter(m); }),
    sender_(*stage_.node, "sender of ranks") {
  // What retention copies has to be read again, and others may go before it.
  if (!d.percent(60)) return;
  stage_.node->shard_settings.retention_bytes = 0;
  told_.judges_order();
}

void rank_act::begin(dice& d) {
  frames::topic_create wish;
  wish.name = rank_topic;
  wish.queues = static_cast<std::uint32_t>(d.between(1, 2));
  if (d.percent(30)) wish.settings.default_ttl_ms = default_ttl_ms_ = d.between(200, 5'000);
  topic_ = stage_.ask<frames::topic_description>(wish);
  for (const auto& queue : topic_.queues) queues_[queue.number] = queue.queue;
  frames::group_put group{rank_group, "shared", {rank_topic}};
  group.delivery.lease_ms = d.between(1'000, 3'000);
  group.delivery.attempts_max = 1'000;
  group.delivery.backoff_ms = {d.between(0, 500)};
  group.delivery.expired_to_dead_letters = d.percent(50);
  told_.buries_expired(group.delivery.expired_to_dead_letters);
  stage_.ask<frames::group_description>(group);
}

void rank_act::step(dice& d) {
  told_.wall_is(stage_.wall_ms());
  const auto roll = d.below(100);
  if (roll < 35) return send(d);
  if (roll < 85) return member_.step(d);
  letters_.step(d);
}

// -- who sends ------------------------------------------------------------------------------------

/// A message of the next batch, which has so many before it.
ranked_message rank_act::next_message(std::size_t before, std::uint8_t priority,
                                      std::uint64_t ttl_ms) const {
  return {{sender_id, counter_ + 1 + before}, priority, ttl_ms, counter_ + 1, told_.node_life()};
}

void rank_act::offer(queue_id queue, std::vector<ranked_message> batch) {
  batch_builder builder;
  for (auto& each : batch) {
    const auto body = body_of(each.name);
    message_view m;
    m.body = body;
    m.priority = each.priority;
    m.ttl_ms = each.ttl_ms;
    expect(builder.add(m).ok(), "a batch cannot be made");
    if (each.ttl_ms == 0) each.ttl_ms = default_ttl_ms_;
  }
  const auto made = builder.finish(codec::none);
  expect(made.ok(), "a batch cannot be made");
  const auto previous = std::exchange(last_[queue], batch.back().name.number);
  sender_.offer({queue,
                 sender_id,
                 batch.front().name.number,
                 previous,
                 made->count,
                 made->compression,
                 made->checksum,
                 made->bytes,
                 {}});
  counter_ = batch.back().name.number;
  told_.sent(batch);
  queue_ = queue;
  batch_ = std::move(batch);
}

void rank_act::take_receipt() {
  if (const auto receipt = sender_.step())
    told_.stored(batch_, queue_, receipt->first, receipt->broker_time.value);
}

void rank_act::send(dice& d) {
  if (sender_.idle()) {
    std::vector<ranked_message> batch;
    for (auto left = d.between(1, 6); left > 0; --left) {
      const auto priority = d.percent(50) ? d.below(priority_max + 1u) : priority_default;
      batch.push_back(next_message(batch.size(), static_cast<std::uint8_t>(priority), some_ttl(d)));
    }
    offer(topic_.queues[d.below(topic_.queues.size())].queue, std::move(batch));
  }
  if (d.percent(2)) sender_.cut();
  take_receipt();
}

void rank_act::node_died() {
  told_.wall_is(stage_.wall_ms());
  told_.node_died();
  member_.node_died();
  letters_.node_died();
  sender_.node_died();
}

// -- dead letters ---------------------------------------------------------------------------------

void rank_act::find_letters() {
  rig::client client{*stage_.node, "finder of letters"};
  const auto topic =
    client.ask<frames::topic_description>(frames::topic_describe{letters_name, false});
  client.post_disconnect();
  if (!topic) return; // Nothing has died.
  for (const auto& queue : topic->queues)
    if (watched_.insert(queue.queue).second) letters_.watch(queue.queue);
}

void rank_act::read_letter(const watcher::message& m) {
  told_.wall_is(stage_.wall_ms());
  std::map<std::string, std::string> says;
  for (const auto& [name, value] : m.view.properties)
    says.insert_or_assign(std::string{name}, std::string{value});
  const auto number = static_cast<std::uint32_t>(number_in(says["carafe-dead-queue"]));
  const auto queue = queues_.find(queue_number{number});
  expect(says["carafe-dead-topic"] == rank_topic && queue != queues_.end(),
         "a dead letter names no queue of its group");
  const message_place source{queue->second, offset{number_in(says["carafe-dead-offset"])}};
  const auto ms = [&says](const char* name) {
    return static_cast<std::int64_t>(number_in(says[name]));
  };
  const auto name = name_in(m.view.body);
  expect(m.view.body == body_of(name), "a dead letter is not what was sent");
  // One that was written again for retention is the same letter.
  auto first = m.place;
  if (says.contains("carafe-dead-moved-from"))
    first.at = offset{number_in(says["carafe-dead-moved-from"])};
  std::erase_if(read_, [&source](const auto& each) { return each.second == source; });
  if (letters_known_.insert(first).second)
    told_.letter(source, name, ms("carafe-dead-stored-ms"), says["carafe-dead-error"],
                 ms("carafe-dead-last-failed-ms"));
  read_[m.place] = source;
}

// -- the end --------------------------------------------------------------------------------------

void rank_act::look() {
  told_.wall_is(stage_.wall_ms());
  letters_.hurry();
  member_.finish();
  stage_.pass(std::chrono::milliseconds{50});
}

void rank_act::wait(const std::function<bool()>& over, const std::string& otherwise) {
  for (int round = 0; round < rounds_max && !over(); ++round) look();
  expect(over(), otherwise);
}

/// The group comes to its end.
void rank_act::drain() {
  const auto left = [this] {
    const auto now = stage_.ask<frames::group_description>(frames::group_describe{rank_group});
    std::uint64_t sum = 0;
    for (const auto& queue : now.queues) sum += queue.lag + queue.waiting + queue.in_flight;
    return sum;
  };
  auto waiting = left();
  for (int round = 1; round <= rounds_max && (waiting > 0 || !member_.idle()); ++round) {
    look();
    if (round % 5 == 0) waiting = left();
  }
  expect(waiting == 0 && member_.idle(), "group " + std::string{rank_group} + " does not finish: " +
                                           std::to_string(waiting) + " messages are left");
}

/// Many messages of high priority come to an empty queue behind one of low priority.
void rank_act::flood(dice& d) {
  member_.cut();
  stage_.pass(std::chrono::milliseconds{50});
  const auto queue = topic_.queues[d.below(topic_.queues.size())].queue;
  const auto low = static_cast<std::uint8_t>(d.below(4));
  const auto first = next_message(0, low, an_hour_ms);
  told_.flood(queue, first.name);
  for (std::size_t sent = 0; sent < flood_size;) {
    std::vector<ranked_message> batch;
    for (auto left = d.between(1, 60); left > 0; --left, ++sent) {
      const auto high = static_cast<std::uint8_t>(d.between(4, priority_max));
      batch.push_back(sent == 0 ? first : next_message(batch.size(), high, an_hour_ms));
    }
    offer(queue, std::move(batch));
    for (int round = 0; round < rounds_max && !sender_.idle(); ++round) {
      take_receipt();
      stage_.pass(std::chrono::milliseconds{50});
    }
    expect(sender_.idle(), "a sender of a flood gets no answer");
  }
  member_.takes(static_cast<std::uint32_t>(d.between(5, 40)));
  drain();
}

void rank_act::read_letters() {
  find_letters();
  const auto read = [this] {
    if (watched_.empty()) return true;
    return std::ranges::all_of(stage_.topic(letters_name).queues, [this](const auto& queue) {
      return letters_.next(queue.queue) >= queue.end;
    });
  };
  wait(read, "the dead letters cannot be read to their end");
}

/// Brings back every letter that is still there.
void rank_act::redrive() {
  if (read_.empty()) return;
  frames::redrive wish{rank_group, {}, false};
  for (const auto& [letter, source] : read_)
    if (letter.at >= stage_.earliest(letter.queue))
      wish.letters.push_back({letter.queue, {{letter.at, 1}}});
  if (wish.letters.empty()) return;
  // Before they are lent again the member has to be told of it.
  member_.cut();
  stage_.pass(std::chrono::milliseconds{50});
  const auto done = stage_.ask<frames::redriven>(wish);
  for (const auto& each : done.letters) {
    if (each.why.code != errc::none) continue;
    const auto source = read_.find({each.queue, each.at});
    expect(source != read_.end(), "a letter was brought back that nobody named");
    told_.redriven(source->second);
  }
  drain();
}

void rank_act::ask_why(dice& d) {
  stage_.pass(std::chrono::milliseconds{500}); // What expired is written a little later.
  const auto places = told_.places();
  for (int left = places.empty() ? 0 : 6; left > 0; --left) {
    const auto& place = places[d.below(places.size())];
    const auto number = std::ranges::find_if(
      queues_, [&place](const auto& each) { return each.second == place.queue; });
    frames::message_why wish;
    wish.topic = rank_topic;
    wish.which = frames::message_why::place{number->first, place.at};
    wish.group = rank_group;
    const auto told = stage_.ask<frames::message_story>(wish);
    expect(told.groups.size() == 1, "a story does not tell of the group that was asked for");
    const auto& part = told.groups.front();
    told_.check_story(place, part, told.known_from.value == 0 && part.events_left_out == 0);
  }
}

void rank_act::finish(dice& d) {
  for (int round = 0; round < rounds_max && !sender_.idle(); ++round) {
    take_receipt();
    look();
  }
  expect(sender_.idle(), "a sender of messages with priorities gets no answer");
  drain();
  if (d.percent(40)) flood(d);
  read_letters();
  if (d.percent(50)) redrive();
  read_letters();
  ask_why(d);
  told_.check_finished(letters_.missed());
}

} // namespace carafe::sim
