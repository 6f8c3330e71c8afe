#include "test/sim/broadcast_oracle.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

std::string text(queue_id queue, offset at) {
  return "offset " + std::to_string(at.value) + " of queue " + std::to_string(queue.value);
}

std::string text(const std::set<offset>& offsets) {
  std::string out;
  for (const auto at : offsets) out += (out.empty() ? "" : " or ") + std::to_string(at.value);
  return out;
}

} // namespace

// -- messages -------------------------------------------------------------------------------------

offset broadcast_oracle::sending(queue_id queue) const {
  const auto at = begun_.find(queue);
  return at == begun_.end() ? offset{0} : at->second;
}

void broadcast_oracle::stored(const message_place& place, const message_name& name, offset least) {
  expect(place.at >= least, text(place.queue, place.at) + " was sent after somebody had begun at " +
                              std::to_string(least.value) + ", who will not get it");
  seen(place, name);
  auto& end = acknowledged_[place.queue];
  end = std::max(end, place.at + 1);
}

void broadcast_oracle::seen(const message_place& place, const message_name& name) {
  const auto [at, fresh] = messages_.emplace(place, name);
  expect(fresh || at->second == name, text(place.queue, place.at) + " is " + to_string(name) +
                                        ", and was " + to_string(at->second));
}

offset broadcast_oracle::acknowledged_end(queue_id queue) const {
  const auto at = acknowledged_.find(queue);
  return at == acknowledged_.end() ? offset{0} : at->second;
}

// -- consumers ------------------------------------------------------------------------------------

void broadcast_oracle::assigned(const std::string& name, queue_id queue, generation owner,
                                offset begin, const beginning& wanted) {
  ++assignments_;
  const auto who = name.empty() ? "who has no name" : name;
  note_(who + " begins at " + text(queue, begin));
  auto& begun = begun_[queue];
  begun = std::max(begun, begin);
  auto& p = progress_[{name, queue}];
  const bool fresh = name.empty() || p.possible.empty();
  if (fresh) {
    expect(begin >= wanted.least && begin <= std::max(wanted.most, earliest_(queue)),
           who + " begins at " + text(queue, begin) + ", and was to begin from " +
             std::to_string(wanted.least.value) + " to " + std::to_string(wanted.most.value));
  } else if (!p.may_be_older) {
    // What retention has passed is not there to begin at.
    const bool overtaken = begin >= *p.possible.begin() && begin <= earliest_(queue);
    expect(p.possible.contains(begin) || p.under_way.contains(begin) || overtaken,
           who + " begins at " + text(queue, begin) + ", and has committed " + text(p.possible));
  }
  if (!name.empty()) p = {{begin}, {}, false, owner, begin};
}

void broadcast_oracle::committing(const std::string& name, queue_id queue, offset next) {
  progress_[{name, queue}].under_way.insert(next);
}

void broadcast_oracle::committed(const std::string& name, queue_id queue, generation owner,
                                 offset next) {
  note_(name + " has committed " + text(queue, next));
  auto& p = progress_[{name, queue}];
  if (p.owner != owner) {
    // It has begun anew meanwhile, which waits for commits that are under way.
    expect(next <= p.begin, name + " has begun at " + text(queue, p.begin) +
                              " before its commit of " + std::to_string(next.value) + " was done");
    return;
  }
  p.under_way.erase(next);
  p.possible = {next};
}

void broadcast_oracle::refused(const std::string& name, queue_id queue, offset next) {
  progress_[{name, queue}].under_way.erase(next);
}

void broadcast_oracle::check_committed(const std::string& name, queue_id queue,
                                       std::optional<offset> told) const {
  const auto at = progress_.find({name, queue});
  const auto may_be = [&] {
    const auto& possible = at->second.possible;
    // Of a commit that retention has passed only is known where it has led to.
    const bool overtaken =
      !possible.empty() && *told <= *possible.rbegin() && *possible.rbegin() <= earliest_(queue);
    return possible.contains(*told) || overtaken;
  };
  expect(at != progress_.end() && told && may_be(),
         "the node says that " + name + " has committed " +
           (told ? text(queue, *told) : "nothing of queue " + std::to_string(queue.value)));
}

void broadcast_oracle::lost_end(queue_id queue, offset end) {
  std::erase_if(messages_, [queue, end](const auto& each) {
    return each.first.queue == queue && each.first.at >= end;
  });
  if (const auto at = acknowledged_.find(queue); at != acknowledged_.end())
    at->second = std::min(at->second, end);
  begun_[queue] = offset{0};
  for (auto& [of, p] : progress_)
    if (of.second == queue) p.may_be_older = true;
}

} // namespace carafe::sim
