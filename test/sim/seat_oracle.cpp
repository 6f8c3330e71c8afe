#include "test/sim/seat_oracle.hpp"

#include "test/sim/oracle.hpp"

#include <algorithm>
#include <limits>

namespace carafe::sim {

namespace {

std::string text(queue_id queue) { return "queue " + std::to_string(queue.value); }

std::string text(stay s, const std::string& id) {
  return "member " + std::to_string(s.number) + (id.empty() ? "" : " with id '" + id + "'");
}

} // namespace

void seat_oracle::stir() {
  exact_ = calm_ = saved_ = false;
  for (auto& [s, m] : stays_) m.due.clear();
}

bool seat_oracle::any_there() const {
  return std::ranges::any_of(
    stays_, [](const auto& row) { return there(row.second) && !row.second.unsure; });
}

void seat_oracle::time_is(std::uint64_t now_ms) {
  now_ms_ = now_ms;
  const auto over =
    std::erase_if(kept_, [now_ms](const auto& row) { return row.second.until_ms <= now_ms; });
  // They go to others.
  if (over > 0) calm_ = saved_ = false;
  for (const auto& [s, m] : stays_)
    if (!m.joined && !m.gone && !m.due.empty() && m.due_until_ms <= now_ms) return stir();
}

/// Whether who has so many queues has as many as the others have who are there, or come back.
bool seat_oracle::is_share(std::size_t count) const {
  auto least = count, most = count;
  for (const auto& [s, m] : stays_) {
    if (m.gone || (!m.joined && m.due.empty())) continue;
    if (m.unsure) return false;
    const auto has = std::max(m.has.size(), m.due.size());
    least = std::min(least, has);
    most = std::max(most, has);
  }
  return most - least <= 1;
}

// -- coming and going -----------------------------------------------------------------------------

stay seat_oracle::joining(const std::string& id, std::uint64_t holder) {
  const stay s{stays_.size() + 1};
  staying m{id, holder};
  bool refused = calm_;
  for (auto& [other, o] : stays_) {
    if (id.empty() || o.id != id || o.noticed) continue;
    m.others.push_back(other);
    refused = refused && there(o) && !o.unsure && !same_holder(o, m);
    if (there(o))
      m.there_before.push_back(other);
    else if (same_holder(o, m)) // It is not known which one comes first.
      o.unsure = m.unsure = true;
  }
  m.due_until_ms = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [queue, k] : kept_)
    if (!id.empty() && k.id == id) {
      m.due.insert(queue);
      m.due_until_ms = std::min(m.due_until_ms, k.until_ms);
    }
  std::erase_if(kept_, [&id](const auto& row) { return !id.empty() && row.second.id == id; });
  // Only who comes back to what was kept, or is refused, moves nothing.
  const bool comes_back = calm_ && !m.due.empty() && m.others.empty() && is_share(m.due.size());
  refused = refused && m.others.size() == 1;
  if (!comes_back) m.due.clear();
  if (!comes_back && !refused) stir();
  stays_.emplace(s, std::move(m));
  return s;
}

void seat_oracle::joined(stay s) {
  auto& m = stays_.at(s);
  note_(text(s, m.id) + " is in the group");
  m.joined = true;
  for (const auto other : m.there_before)
    if (auto& o = stays_.at(other); same_holder(o, m)) o.taken_over = true;
  if (ghosts_.empty())
    away_.erase(m.id);
  else if (!m.id.empty())
    away_[m.id].reset();
  if (m.due.empty()) stir();
}

void seat_oracle::refused(stay s, bool name_in_use) {
  auto& m = stays_.at(s);
  if (name_in_use) check_refusal(s);
  for (const auto queue : m.due) kept_[queue] = {m.id, m.due_until_ms};
  m.due.clear();
  m.gone = m.noticed = true;
}

void seat_oracle::check_refusal(stay s) const {
  const auto& m = stays_.at(s);
  note_(text(s, m.id) + " is refused");
  for (const auto& [other, o] : stays_) {
    if (other == s || o.id != m.id || same_holder(o, m)) continue;
    // It was there, or it has wanted to join since, and was first.
    if (other > s || std::ranges::find(m.others, other) != m.others.end()) return;
  }
  expect(false, text(s, m.id) + " is refused, and nobody else has its id");
}

void seat_oracle::gone(stay s) {
  auto& m = stays_.at(s);
  if (m.gone) return;
  note_(text(s, m.id) + " is gone");
  m.gone = true;
  if (!m.joined) {
    ghosts_.push_back(s);
    for (auto& [other, o] : stays_)
      if (!m.id.empty() && o.id == m.id && !o.gone && same_holder(o, m)) o.unsure = true;
    stir();
  } else if (m.id.empty()) {
    calm_ = saved_ = false;
  } else if (std::ranges::any_of(stays_, [&m](const auto& row) {
               return !row.second.gone && row.second.id == m.id;
             })) {
    stir(); // Who waits may have the seat now.
  } else if (exact_) {
    for (const auto queue : m.has)
      if (!m.asked_back.contains(queue)) kept_[queue] = {m.id, now_ms_ + grace_ms_};
    calm_ = calm_ && m.due.empty();
  }
  m.due.clear();
  m.has.clear();
  m.asked_back.clear();
  if (!m.id.empty()) away_[m.id].reset();
}

void seat_oracle::forgetting(const std::string& id) {
  std::erase_if(kept_, [&id](const auto& row) { return row.second.id == id; });
  stir();
}

// -- queues ---------------------------------------------------------------------------------------

void seat_oracle::assigned(stay s, queue_id queue) {
  auto& m = stays_.at(s);
  const auto what = text(queue) + " goes to " + text(s, m.id);
  note_(what);
  if (const auto k = kept_.find(queue); k != kept_.end())
    expect(false, what + ", while it is kept for '" + k->second.id + "'");
  expect(!calm_ || m.due.contains(queue), what + ", and nobody has come or gone for good");
  if (m.due.contains(queue)) ++returns_;
  saved_ = saved_ && m.due.contains(queue);
  m.has.insert(queue);
  m.asked_back.erase(queue);
}

void seat_oracle::revoked(stay s, queue_id queue, bool taken) {
  auto& m = stays_.at(s);
  note_(text(s, m.id) + (taken ? " has lost " : " is to give back ") + text(queue));
  expect(!exact_ || (taken && m.asked_back.contains(queue)),
         text(s, m.id) + " is to give back " + text(queue) + ", and nobody has come");
  calm_ = saved_ = false;
  if (taken) {
    m.has.erase(queue);
    m.asked_back.erase(queue);
  } else if (m.has.contains(queue)) {
    m.asked_back.insert(queue);
  }
}

void seat_oracle::released(stay s, queue_id queue) {
  auto& m = stays_.at(s);
  m.has.erase(queue);
  m.asked_back.erase(queue);
  calm_ = saved_ = false;
}

// -- what must be so ------------------------------------------------------------------------------

/// Of an id one is there: who was taken over has nothing any more.
void seat_oracle::check_ids() {
  for (auto& [s, m] : stays_) {
    if (!there(m) || m.unsure || !m.taken_over) continue;
    expect(m.has.empty(), text(s, m.id) + " was taken over, and still has " +
                            (m.has.empty() ? "" : text(*m.has.begin())));
    m.gone = m.noticed = true;
  }
  for (const auto& [s, m] : stays_) {
    if (!there(m) || m.unsure) continue;
    for (const auto other : m.there_before) {
      const auto& o = stays_.at(other);
      expect(!there(o) || o.unsure,
             text(s, m.id) + " is in the group, and so is " + text(other, o.id));
    }
  }
}

void seat_oracle::settled() {
  check_ids();
  std::map<queue_id, stay> owners;
  bool waiting = !ghosts_.empty(), moving = false;
  for (auto& [s, m] : stays_) {
    m.noticed = m.noticed || (m.gone && (m.joined || ghosts_.empty()));
    waiting = waiting || (!m.joined && !m.gone);
    if (!there(m)) continue;
    moving = moving || !m.asked_back.empty();
    for (const auto queue : m.has) {
      const auto [at, fresh] = owners.emplace(queue, s);
      expect(fresh,
             text(queue) + " has two owners, " + text(at->second, {}) + " and " + text(s, m.id));
    }
  }
  if (any_there() && ghosts_.empty())
    for (auto& [id, since] : away_)
      if (!since) since = now_ms_;
  const auto placed = [this, &owners](queue_id queue) {
    return owners.contains(queue) || kept_.contains(queue);
  };
  exact_ = !waiting;
  calm_ = exact_ && !moving && std::ranges::all_of(queues_, placed);
}

void seat_oracle::rested(std::uint64_t since_ms) {
  ghosts_.clear();
  for (auto& [s, m] : stays_) {
    if (!there(m)) continue;
    for (const auto queue : m.due)
      expect(m.has.contains(queue),
             text(s, m.id) + " has come back, and not got " + text(queue) + " again");
    m.due.clear();
  }
  check_owners(since_ms);
  saved_ = exact_;
}

void seat_oracle::check_owners(std::uint64_t since_ms) const {
  std::set<queue_id> owned;
  for (const auto& [s, m] : stays_) {
    if (!m.joined && !m.gone) return; // Somebody is still to come.
    if (!m.asked_back.empty()) return;
    owned.insert(m.has.begin(), m.has.end());
  }
  if (!any_there()) return;
  for (const auto& [id, since] : away_)
    if (!since || since_ms < *since + grace_ms_) return; // It may be kept.
  for (const auto queue : queues_)
    expect(owned.contains(queue), text(queue) + " is nobody's, and for nobody it is kept");
}

// -- the node's ends ------------------------------------------------------------------------------

void seat_oracle::node_died() {
  const bool known = exact_ && saved_;
  if (!known) kept_.clear();
  for (auto& [s, m] : stays_) {
    if (known && !m.id.empty() && there(m))
      for (const auto queue : m.has)
        if (!m.asked_back.contains(queue)) kept_[queue] = {m.id, 0};
    if (!m.id.empty()) away_[m.id].reset();
    m.has.clear();
    m.asked_back.clear();
    m.gone = m.noticed = true;
  }
  ghosts_.clear();
  stir();
}

/// Who is back finds what it had; and if that is everything, nothing moves.
void seat_oracle::node_started() {
  for (auto& [queue, k] : kept_) k.until_ms = now_ms_ + grace_ms_;
  exact_ = calm_ = !queues_.empty() && kept_.size() == queues_.size();
}

} // namespace carafe::sim
