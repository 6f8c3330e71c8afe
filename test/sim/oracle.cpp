#include "test/sim/oracle.hpp"

#include <algorithm>
#include <iterator>

namespace carafe::sim {

namespace {

std::string text(queue_id queue, offset at) {
  return "queue " + std::to_string(queue.value) + ", offset " + std::to_string(at.value);
}

} // namespace

void expect(bool condition, const std::string& what) {
  if (!condition) throw broken{what};
}

std::string to_string(const batch_name& name) {
  return "batch " + std::to_string(name.producer.value) + ":" + std::to_string(name.first.value) +
         "+" + std::to_string(name.count);
}

std::string to_string(const message_name& name) {
  return "message " + std::to_string(name.producer.value) + ":" + std::to_string(name.number.value);
}

void oracle::sent(const batch_name& batch, queue_id queue) { batches_[batch].queue = queue; }

oracle::known_batch& oracle::find(const batch_name& batch, const char* what) {
  const auto at = batches_.find(batch);
  expect(at != batches_.end(), to_string(batch) + " was " + what + " and never sent");
  return at->second;
}

void oracle::acknowledged(const batch_name& name, const batch_place& at) {
  auto& batch = find(name, "acknowledged");
  ++acknowledgements_;
  batch.acknowledged = true;
  place(name, batch, at);
}

void oracle::stored_somewhere(const batch_name& name) {
  find(name, "said to be stored").stored = true;
}

void oracle::delivered(const batch_name& name, const batch_place& at) {
  auto& batch = find(name, "delivered");
  batch.delivered = true;
  place(name, batch, at);
}

void oracle::place(const batch_name& name, known_batch& batch, const batch_place& at) {
  const auto where = to_string(name) + " is at " + text(at.queue, at.base);
  expect(batch.queue == at.queue, where + ", and was sent to another queue");
  if (batch.place) {
    expect(*batch.place == at, where + ", time " + std::to_string(at.time.value) + ", and at " +
                                 text(batch.place->queue, batch.place->base) + ", time " +
                                 std::to_string(batch.place->time.value));
    return;
  }
  batch.place = at;
  auto& queue = queues_[at.queue];
  const auto [entry, fresh] = queue.batches.emplace(at.base, name);
  expect(fresh, where + ", where " + to_string(entry->second) + " is");
  check_neighbours(queue, entry, at);
}

void oracle::check_neighbours(const known_queue& queue,
                              std::map<offset, batch_name>::const_iterator at,
                              const batch_place& place) const {
  const auto& name = at->second;
  if (at != queue.batches.begin()) {
    const auto& before = std::prev(at)->second;
    expect(std::prev(at)->first + before.count <= at->first,
           to_string(name) + " overlaps " + to_string(before));
    expect(batches_.at(before).place->time <= place.time,
           to_string(name) + " has an earlier time than " + to_string(before) + " before it");
  }
  if (const auto after = std::next(at); after != queue.batches.end()) {
    expect(at->first + name.count <= after->first,
           to_string(name) + " overlaps " + to_string(after->second));
    expect(batches_.at(after->second).place->time >= place.time,
           to_string(name) + " has a later time than " + to_string(after->second) + " after it");
  }
}

void oracle::after_start(queue_id id, offset earliest, offset end, offset promised) {
  expect(end >= promised, text(id, promised) + " was promised to survive; the queue ends at " +
                            std::to_string(end.value));
  expect(earliest <= end, text(id, earliest) + " is its start, which is past its end");
  auto& queue = queues_[id];
  for (auto at = queue.batches.lower_bound(end); at != queue.batches.end();) {
    // Their messages may come again only if their producers send them again, which they do not.
    batches_.erase(at->second);
    at = queue.batches.erase(at);
  }
}

void oracle::check_all_read(queue_id id, offset earliest, offset end) const {
  const auto found = queues_.find(id);
  std::map<producer_id, sequence> last;
  auto next = earliest;
  if (found != queues_.end()) {
    for (const auto& [base, name] : found->second.batches) {
      auto& before = last[name.producer];
      expect(name.first > before, to_string(name) + " is at " + text(id, base) +
                                    ", after a later one of the same producer");
      before = sequence{name.first.value + name.count - 1};
      if (base + name.count <= earliest) continue;
      expect(base <= next, text(id, next) + " was never delivered");
      next = base + name.count;
      expect(batches_.at(name).delivered,
             to_string(name) + " at " + text(id, base) + " was acknowledged and is lost");
    }
  }
  expect(next == end || (next > end && earliest == end),
         text(id, next) + " is where the messages end; the node says " + std::to_string(end.value));
  for (const auto& [name, batch] : batches_)
    if (batch.queue == id && batch.stored && !batch.place)
      expect(earliest.value > 0, to_string(name) + " was said to be stored and is lost");
}

offset oracle::acknowledged_end(queue_id id) const {
  const auto found = queues_.find(id);
  if (found == queues_.end()) return offset{0};
  const auto& all = found->second.batches;
  for (auto at = all.rbegin(); at != all.rend(); ++at) {
    const auto& batch = batches_.at(at->second);
    if (batch.acknowledged || batch.delivered) return at->first + at->second.count;
  }
  return offset{0};
}

batch_name oracle::batch_with(const message_name& message) const {
  const auto& [producer, number] = message;
  auto at = batches_.lower_bound(batch_name{producer, number + 1, 0});
  const bool any = at != batches_.begin();
  if (any) --at;
  expect(any && at->first.producer == producer && number < at->first.first + at->first.count,
         to_string(message) + " was lent, and nobody sent it");
  return at->first;
}

std::optional<message_name> oracle::message_at(queue_id id, offset at) const {
  const auto found = queues_.find(id);
  if (found == queues_.end()) return std::nullopt;
  auto batch = found->second.batches.upper_bound(at);
  if (batch == found->second.batches.begin()) return std::nullopt;
  --batch;
  const auto& name = batch->second;
  if (batch->first + name.count <= at) return std::nullopt;
  return message_name{name.producer, name.first + (at.value - batch->first.value)};
}

const std::map<offset, batch_name>& oracle::batches_of(queue_id id) const {
  static const std::map<offset, batch_name> none;
  const auto found = queues_.find(id);
  return found == queues_.end() ? none : found->second.batches;
}

group_oracle::progress* group_oracle::of(queue_id queue, generation owner) {
  auto& p = queues_[queue];
  return p.owner == owner ? &p : nullptr;
}

void group_oracle::committing(queue_id queue, generation owner, offset next) {
  if (auto* p = of(queue, owner))
    p->under_way.insert(next);
  else if (owner < queues_[queue].owner)
    queues_[queue].in_vain.insert({owner, next});
}

void group_oracle::committed(queue_id queue, generation owner, offset next) {
  expect(!queues_[queue].in_vain.contains({owner, next}),
         "the group's " + text(queue, next) + " was committed by an owner of generation " +
           std::to_string(owner.value) + ", after another one was told");
  auto* p = of(queue, owner);
  if (p == nullptr) return;
  p->under_way.erase(next);
  p->possible = {next};
  p->may_be_older = false;
}

void group_oracle::refused(queue_id queue, generation owner, offset next) {
  if (auto* p = of(queue, owner)) p->under_way.erase(next);
}

void group_oracle::assigned(member_id member, queue_id queue, generation owner, offset begin) {
  auto& p = queues_[queue];
  if (owner < p.owner && member != p.member) return;
  const auto where = "the group's " + text(queue, begin);
  expect(owner > p.owner, where + " was assigned with generation " + std::to_string(owner.value) +
                            ", after " + std::to_string(p.owner.value));
  p.owner = owner;
  p.member = member;
  auto possible = p.possible;
  possible.insert(p.under_way.begin(), p.under_way.end());
  p.under_way.clear();
  // Retention may have passed the commit, and members go on at the earliest then.
  const bool moved = begin <= earliest_(queue) && (possible.empty() || *possible.begin() < begin);
  const bool older = p.may_be_older && (possible.empty() || begin <= *possible.rbegin());
  expect(possible.contains(begin) || moved || older,
         where + " was assigned, but committed was " +
           (possible.empty() ? "nothing" : std::to_string(possible.rbegin()->value)));
  p.possible = {begin};
  p.may_be_older = false;
}

void group_oracle::node_died() {
  for (auto& [queue, p] : queues_) {
    p.possible.insert(p.under_way.begin(), p.under_way.end());
    p.under_way.clear();
    p.in_vain.clear();
    p.owner = generation{0};
  }
}

void group_oracle::lost_power(queue_id queue) { queues_[queue].may_be_older = true; }

} // namespace carafe::sim
