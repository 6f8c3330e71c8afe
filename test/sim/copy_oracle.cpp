#include "test/sim/copy_oracle.hpp"

namespace carafe::sim {

namespace {

std::string text(const message_place& place) {
  return "offset " + std::to_string(place.at.value) + " of queue " +
         std::to_string(place.queue.value);
}

} // namespace

void copy_oracle::preparing(const transaction_name& name,
                            const std::vector<copied_message>& copies) {
  auto& known = deals_[name];
  known.copies = copies;
  for (const auto& copy : copies) known_[copy.name] = {name, copy.source};
  note_(to_string(name) + " copies " + std::to_string(copies.size()) + " from " +
        text(copies.front().source) + " on");
}

void copy_oracle::committed(const transaction_name& name) {
  auto& known = deals_.at(name);
  note_(to_string(name) + " is committed");
  expect(known.told != outcome::rolled_back, to_string(name) + " has two outcomes");
  known.told = outcome::committed;
}

void copy_oracle::rolled_back(const transaction_name& name) {
  auto& known = deals_.at(name);
  note_(to_string(name) + " is rolled back");
  expect(known.told != outcome::committed, to_string(name) + " has two outcomes");
  expect(known.seen == 0, to_string(name) + " is rolled back, and was seen");
  known.told = outcome::rolled_back;
}

void copy_oracle::seen(const message_name& name, const message_place& place) {
  const auto at = known_.find(name);
  expect(at != known_.end(), text(place) + " is a copy that nobody made");
  const auto& [deal_name, source] = at->second;
  auto& known = deals_.at(deal_name);
  expect(known.asked, to_string(deal_name) + " is seen, and nobody asked for its commit");
  expect(known.told != outcome::rolled_back,
         to_string(deal_name) + " is seen, and was rolled back");
  ++known.seen;
  ++copies_;
  expect(++sources_[source] == 1, text(source) + " is copied twice");
  const auto [last, fresh] = last_.try_emplace({source.queue, place.queue}, source.at);
  expect(fresh || last->second < source.at,
         text(source) + " is copied behind a later one of its queue");
  last->second = source.at;
}

std::uint64_t copy_oracle::missing(const std::function<offset(queue_id)>& earliest) const {
  std::uint64_t out = 0;
  for (const auto& [place, times] : sources_)
    if (times == 0 && place.at >= earliest(place.queue)) ++out;
  return out;
}

void copy_oracle::check_finished(const std::function<offset(queue_id)>& earliest,
                                 bool missed) const {
  if (missed) return; // Which of them nobody knows.
  for (const auto& [place, times] : sources_)
    expect(times == 1 || place.at < earliest(place.queue), text(place) + " has no copy");
  for (const auto& [name, known] : deals_) {
    const bool whole = known.seen == known.copies.size();
    expect(known.told != outcome::committed || whole,
           to_string(name) + " was committed, and is not seen whole");
    expect(known.seen == 0 || whole, to_string(name) + " is seen in part");
  }
}

} // namespace carafe::sim
