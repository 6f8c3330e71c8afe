#include "test/producers/named_simulation.hpp"

#include <algorithm>

namespace carafe::test {

using client::lane;
using std::chrono::milliseconds;

named_simulation::named_simulation(dice& d) : dice_(&d), node_(d) { begin_life(); }

queue_id named_simulation::queue_of(std::uint64_t number) const {
  return node_.topic().queues[number % simulated_node::queues_count].queue;
}

void named_simulation::begin_life() {
  auto l = std::make_shared<life>();
  lives_.push_back(l);
  node_.open([this, l](const frames::producer_opened& holder) {
    if (!l->dead) on_opened(*l, holder);
  });
}

void named_simulation::on_opened(life& l, const frames::producer_opened& holder) {
  l.holder = holder;
  l.opened = true;
  for (const auto& place : node_.progress(holder.name)) l.stored[place.queue] = place.last;
  // From what it knows, or from a place well before.
  l.next = 1 + (dice_->percent(30) ? dice_->below(checkpoint_ + 1) : checkpoint_);
  auto shared = std::make_shared<client::identity>(client::identity{producer_id{++ids_}});
  for (const auto& place : node_.topic().queues)
    l.lanes[place.queue] = std::make_unique<lane>(
      place.queue, shared, [this] { return producer_id{++ids_}; },
      named_part{holder.name, holder.epoch, {}, {}, simulated_node::queues_count});
}

void named_simulation::acknowledge(std::uint64_t number) {
  acknowledged_.insert(number);
  if (!calm_ && dice_->percent(60)) return; // It is written down now and then.
  while (acknowledged_.contains(checkpoint_ + 1)) ++checkpoint_;
}

/// The next few messages of the source, a batch for each queue that they go to.
void named_simulation::push(life& l) {
  std::map<queue_id, std::vector<std::uint64_t>> per_queue;
  for (auto count = dice_->between(1, 8); count > 0 && l.next <= messages; --count, ++l.next) {
    const auto queue = queue_of(l.next);
    if (sequence{l.next} <= l.stored[queue])
      acknowledge(l.next);
    else
      per_queue[queue].push_back(l.next);
  }
  for (auto& [queue, numbers] : per_queue) {
    client::sealed_batch batch;
    batch.data.count = static_cast<std::uint32_t>(numbers.size());
    batch.data.checksum = ++batches_;
    batch.deadline = now_ + milliseconds{1'500};
    batch.named_first = sequence{numbers.front()};
    batch.named_last = sequence{numbers.back()};
    numbers_[batches_] = std::move(numbers);
    l.lanes.at(queue)->push(std::move(batch));
  }
}

void named_simulation::settle(life& l, std::vector<lane::settled>& out) {
  for (const auto& each : out) {
    if (!each.outcome)
      l.stopped = true;
    else
      for (const auto number : numbers_.at(each.batch.data.checksum)) acknowledge(number);
  }
  out.clear();
}

/// Then the application makes another producer of the name.
bool named_simulation::is_over(const life& l) const {
  if (!l.stopped) return false;
  if (dice_->percent(5)) return true;
  return std::ranges::all_of(l.lanes, [](const auto& each) { return each.second->empty(); });
}

void named_simulation::send(life& l) {
  std::vector<lane::settled> out;
  for (auto& [queue, way] : l.lanes) {
    way->expire(now_, out);
    if (!l.connected) continue;
    while (auto next = way->next(now_, out))
      l.to_node.push_back({queue, next->batch, std::move(next->frame)});
  }
  settle(l, out);
}

void named_simulation::transport(const life_ptr& l) {
  if (!l->to_node.empty() && dice_->percent(60)) {
    auto f = std::move(l->to_node.front());
    l->to_node.pop_front();
    if (!calm_ && dice_->percent(4)) {
      const auto why = dice_->percent(50) ? errc::storage_full : errc::batch_too_large;
      l->to_client.push_back({f.queue, f.batch, why});
    } else {
      node_.produce(f.frame, [l, connection = l->connection, queue = f.queue,
                              batch = f.batch](result<frames::receipt> what) {
        if (l->connected && l->connection == connection)
          l->to_client.push_back({queue, batch, std::move(what)});
      });
    }
  }
  if (l->to_client.empty() || !dice_->percent(60)) return;
  auto a = std::move(l->to_client.front());
  l->to_client.pop_front();
  std::vector<lane::settled> out;
  auto& way = *l->lanes.at(a.queue);
  if (a.what)
    way.on_receipt(a.batch, *a.what, out);
  else
    way.on_error(a.batch, {a.what.error(), 0}, now_, out);
  settle(*l, out);
}

void named_simulation::cut(life& l) {
  for (auto& f : l.to_node) late_.push_back(std::move(f.frame));
  l.to_node.clear();
  l.to_client.clear();
  l.connected = false;
  ++l.connection;
  for (auto& [queue, way] : l.lanes) way->on_lost();
}

void named_simulation::kill(const life_ptr& l) {
  cut(*l);
  l->dead = true;
}

void named_simulation::crash_node() {
  for (auto& l : lives_) {
    cut(*l);
    if (!l->opened) l->dead = true; // Nobody will answer.
  }
  node_.crash();
}

void named_simulation::step() {
  now_ += milliseconds{dice_->below(25)};
  if (!calm_ && dice_->percent(1)) crash_node();
  node_.step();
  for (const auto& l : lives_) {
    if (!l->connected && dice_->percent(20)) l->connected = true;
    if (!l->opened || l->dead) continue;
    if (!calm_ && dice_->percent(2)) cut(*l);
    if (!calm_ && dice_->percent(1)) kill(l);
    if (!l->dead && !l->stopped && dice_->percent(15)) push(*l);
    if (!l->dead) send(*l);
    if (!l->dead) transport(l);
    if (!l->dead && is_over(*l)) kill(l);
    if (l->dead) cut(*l);
  }
  if (!late_.empty() && dice_->percent(15)) {
    const auto at = static_cast<std::ptrdiff_t>(dice_->below(late_.size()));
    node_.produce(late_[static_cast<std::size_t>(at)], [](const result<frames::receipt>&) {});
    late_.erase(late_.begin() + at);
  }
  std::erase_if(lives_, [](const life_ptr& l) { return l->dead; });
  // A second one may come while the first still sends.
  if (lives_.empty() || (!calm_ && dice_->percent(1))) begin_life();
}

void named_simulation::calm() {
  calm_ = true;
  // Whoever is there last goes on alone.
  for (const auto& l : lives_) kill(l);
  lives_.clear();
  begin_life();
}

bool named_simulation::done() const {
  return acknowledged_.size() == messages && late_.empty() && node_.idle();
}

void named_simulation::check() const {
  for (const auto& place : node_.topic().queues) {
    std::vector<std::uint64_t> got, wanted;
    for (const auto checksum : node_.stored(place.queue))
      for (const auto number : numbers_.at(checksum)) got.push_back(number);
    for (std::uint64_t number = 1; number <= messages; ++number)
      if (queue_of(number) == place.queue) wanted.push_back(number);
    REQUIRE(got == wanted);
  }
}

} // namespace carafe::test
