#include "test/sim/name_oracle.hpp"

#include "test/sim/content.hpp"

#include <algorithm>
#include <tuple>

namespace carafe::sim {

namespace {

bool later(const frames::producer_opened& a, const frames::producer_opened& b) {
  return std::tie(a.name, a.epoch) > std::tie(b.name, b.epoch);
}

std::string text(const frames::producer_opened& holder) {
  return "epoch " + std::to_string(holder.epoch) + " of the name with id " +
         std::to_string(holder.name.value);
}

std::string text(queue_id queue, offset at) {
  return "offset " + std::to_string(at.value) + " of queue " + std::to_string(queue.value);
}

} // namespace

message_name content_of(const numbered& message) {
  return {producer_id{message.name.value}, message.number};
}

std::string to_string(const numbered& message) {
  return "number " + std::to_string(message.number.value) + " of the name with id " +
         std::to_string(message.name.value);
}

// -- who has the name -----------------------------------------------------------------------------

name_wish name_oracle::asking(bool forgets) {
  wishes_.push_back({forgets, node_lives_, newest_, gone_});
  return {wishes_.size() - 1};
}

name_holder name_oracle::opened(const name_wish& wish, const frames::producer_opened& answer) {
  auto& mine = wishes_[wish.number];
  note_(text(answer) + " is opened");
  expect(!mine.before || later(answer, *mine.before),
         text(answer) + " is opened, after " + (mine.before ? text(*mine.before) : "") + " was");
  bool may_be_forgotten = false;
  for (const auto& other : wishes_) {
    may_be_forgotten = may_be_forgotten || other.forgets;
    if (&other == &mine || other.forgets || !other.done) continue;
    expect(later(answer, other.opened) || later(other.opened, answer),
           text(answer) + " is opened twice");
  }
  expect(answer.name > mine.gone, text(answer) + " is opened, which was forgotten");
  expect(may_be_forgotten || !newest_ || newest_->name == answer.name,
         text(answer) + " is opened, and nobody has forgotten the id before");
  mine.done = true;
  mine.opened = answer;
  if (!newest_ || later(answer, *newest_)) newest_ = answer;
  return {wish, answer.name, answer.epoch};
}

void name_oracle::forgotten(const name_wish& wish) {
  auto& mine = wishes_[wish.number];
  note_("the name is forgotten");
  mine.done = true;
  if (mine.before) gone_ = std::max(gone_, mine.before->name);
}

void name_oracle::not_there(const name_wish& wish) {
  auto& mine = wishes_[wish.number];
  mine.done = true;
  if (!mine.before || mine.before->name <= gone_) return;
  const auto others = std::ranges::any_of(
    wishes_, [&mine](const asked& other) { return other.forgets && &other != &mine; });
  expect(others, text(*mine.before) + " is not there, and nobody has forgotten it");
  gone_ = std::max(gone_, mine.before->name);
}

void name_oracle::fenced(const name_holder& holder) {
  const frames::producer_opened mine{holder.name, holder.epoch};
  note_(text(mine) + " is fenced");
  const auto& opening = wishes_[holder.asked.number];
  for (std::size_t i = 0; i < wishes_.size(); ++i) {
    const auto& other = wishes_[i];
    if (i == holder.asked.number) continue;
    // Without an answer it may have come at any time while that node ran.
    if (!other.done && other.node_life >= opening.node_life) return;
    if (other.done && !other.forgets && later(other.opened, mine)) return;
    if (other.done && other.forgets && other.node_life >= opening.node_life) return;
  }
  expect(false, text(mine) + " is fenced, and nobody has asked for the name since");
}

void name_oracle::progress(const name_holder& holder, const frames::producer_progress& told) {
  std::map<queue_id, sequence> last;
  for (const auto& place : told.queues) last[place.queue] = place.last;
  std::set<queue_id> queues;
  for (const auto& [message, how] : sent_) {
    if (message.name != holder.name) continue;
    queues.insert(how.queue);
    const bool final = std::ranges::all_of(
      how.epochs, [&holder](const auto& each) { return each.second < holder.epoch; });
    if (how.stored && final)
      expect(last[how.queue] >= message.number, to_string(message) +
                                                  " was acknowledged, and its progress is " +
                                                  std::to_string(last[how.queue].value));
    expect(told.spread == 0 || told.spread == how.spread,
           "a name's messages are spread over another number of queues than they were sent for");
  }
  for (const auto& [queue, number] : last)
    expect(number.value == 0 || sent_.contains({holder.name, number}),
           to_string({holder.name, number}) + " is the progress, and was never sent");
  for (const auto queue : queues) {
    words_.push_back({holder, queue, last[queue]});
    for (const auto& [at, message] : seen_[queue]) check_last_word(words_.back(), message, queue);
  }
}

// -- messages -------------------------------------------------------------------------------------

void name_oracle::sent(const numbered& message, queue_id queue, producer_id life,
                       const name_holder& holder, std::uint64_t spread) {
  auto& how = sent_[message];
  how.queue = queue;
  how.spread = spread;
  how.epochs[life] = holder.epoch;
}

name_oracle::sending& name_oracle::find(const numbered& message, const char* what) {
  const auto at = sent_.find(message);
  expect(at != sent_.end(), to_string(message) + " was " + what + ", and never sent");
  return at->second;
}

void name_oracle::stored(const numbered& message, queue_id queue, offset at) {
  auto& how = find(message, "stored");
  expect(!how.place || *how.place == at, to_string(message) + " was acknowledged at " +
                                           text(queue, how.place.value_or(at)) + ", and at " +
                                           text(queue, at));
  note_(to_string(message) + " is stored at " + text(queue, at));
  how.place = at;
  how.stored = true;
  const auto& seen = seen_[queue];
  const auto there = seen.find(at);
  expect(there == seen.end() || there->second.message == message,
         to_string(message) + " was acknowledged at " + text(queue, at) + ", where " +
           (there == seen.end() ? "" : to_string(there->second.message)) + " is");
}

void name_oracle::stored_somewhere(const numbered& message) {
  note_(to_string(message) + " is stored");
  find(message, "stored").stored = true;
}

void name_oracle::delivered(const watcher::message& what) {
  const auto name = name_in(what.view.body);
  const numbered message{producer_name_id{name.producer.value}, name.number};
  const auto& how = find(message, "delivered");
  const auto life = how.epochs.find(what.producer);
  const auto where = text(what.place.queue, what.place.at);
  expect(how.queue == what.place.queue && life != how.epochs.end(),
         to_string(message) + " is at " + where + ", and was not sent so");
  expect(what.view.body == body_of(name) && what.view.key == key_of(name) &&
           what.view.tag == tag_of(name),
         to_string(message) + " is not what was sent");
  expect(!how.place || *how.place == what.place.at,
         to_string(message) + " is at " + where + ", and was acknowledged elsewhere");
  const seen_message now{message, life->second};
  check_order(now, how, what);
  for (const auto& word : words_) check_last_word(word, now, what.place.queue);
  seen_[what.place.queue].insert_or_assign(what.place.at, now);
  ++deliveries_;
}

void name_oracle::check_order(const seen_message& now, const sending& how,
                              const watcher::message& what) const {
  const auto of_queue = seen_.find(what.place.queue);
  const auto where = to_string(now.message) + " is at " + text(what.place.queue, what.place.at);
  const auto number = now.message.number.value;
  const bool first = number <= how.spread;
  if (of_queue == seen_.end() || of_queue->second.empty()) {
    expect(what.place.at > offset{0} || first, where + ", and those before it are missing");
    return;
  }
  const auto next = of_queue->second.lower_bound(what.place.at);
  if (next == of_queue->second.begin()) return;
  const auto& [at, before] = *std::prev(next);
  const bool follows = at + 1 == what.place.at;
  if (before.message.name != now.message.name) {
    expect(before.message.name < now.message.name,
           where + ", after its id was forgotten and " + to_string(before.message) + " came");
    expect(!follows || first, where + ", and those before it are missing");
    return;
  }
  expect(before.message.number < now.message.number,
         where + ", behind " + to_string(before.message) + ": it is there twice, or out of order");
  expect(!follows || before.message.number.value + how.spread == number,
         where + ", behind " + to_string(before.message) + ": those between are missing");
  expect(before.epoch <= now.epoch,
         where + ", of a holder that was fenced when " + to_string(before.message) + " was stored");
}

void name_oracle::check_last_word(const last_word& word, const seen_message& m,
                                  queue_id queue) const {
  if (word.queue != queue || word.holder.name != m.message.name) return;
  expect(m.epoch >= word.holder.epoch || m.message.number <= word.last,
         to_string(m.message) +
           " was stored by a fenced holder, after the next one was told that "
           "its progress is " +
           std::to_string(word.last.value));
}

// -- ends -----------------------------------------------------------------------------------------

void name_oracle::ends_at(queue_id queue, offset end) {
  note_("queue " + std::to_string(queue.value) + " ends at offset " + std::to_string(end.value));
  auto& seen = seen_[queue];
  seen.erase(seen.lower_bound(end), seen.end());
  for (auto& [message, how] : sent_) {
    if (how.queue != queue || (how.place && *how.place < end)) continue;
    how.place.reset();
    how.stored = false;
  }
}

void name_oracle::check_finished(const std::function<offset(queue_id)>& missed_below) const {
  std::map<queue_id, offset> begins;
  std::set<numbered> there;
  for (const auto& [queue, messages] : seen_)
    for (const auto& [at, m] : messages) there.insert(m.message);
  for (const auto& [message, how] : sent_) {
    if (!how.stored || there.contains(message)) continue;
    const auto [begin, fresh] = begins.try_emplace(how.queue);
    if (fresh) begin->second = missed_below(how.queue);
    // Of what retention took nobody knows more.
    const bool gone = how.place ? *how.place < begin->second : begin->second > offset{0};
    expect(gone, to_string(message) + " was acknowledged and is lost");
  }
}

sequence name_oracle::last_seen(producer_name_id name, queue_id queue) const {
  sequence last{0};
  if (const auto at = seen_.find(queue); at != seen_.end())
    for (const auto& [where, m] : at->second)
      if (m.message.name == name) last = std::max(last, m.message.number);
  return last;
}

} // namespace carafe::sim
