#include "test/sim/transaction_oracle.hpp"

#include "test/sim/content.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

std::string text(const message_place& place) {
  return "offset " + std::to_string(place.at.value) + " of queue " +
         std::to_string(place.queue.value);
}

} // namespace

std::string to_string(const transaction_name& name) {
  return "transaction " + std::to_string(name.shard.value) + "-" +
         std::to_string(name.id.producer.value) + "-" + std::to_string(name.id.number);
}

bool may_refuse(errc code) {
  return code == errc::too_many_requests || code == errc::storage_full ||
         code == errc::shutting_down || code == errc::shard_unavailable ||
         code == errc::outcome_unknown || code == errc::too_many_transactions;
}

transaction_oracle::deal& transaction_oracle::find(const transaction_name& name) {
  const auto at = deals_.find(name);
  expect(at != deals_.end(), to_string(name) + " was never begun");
  return at->second;
}

std::uint64_t transaction_oracle::messages_in(const deal& known, bool stored) const {
  std::uint64_t sum = 0;
  for (const auto& each : known.parts)
    if (each.stored || !stored) sum += each.what.messages.size();
  return sum;
}

// -- what they are told ---------------------------------------------------------------------------

void transaction_oracle::preparing(const transaction_name& name, const deal_part& what) {
  note_(to_string(name) + " gets a part of " + std::to_string(what.messages.size()) +
        " messages, which acknowledges " + std::to_string(what.consumed.size()));
  auto& known = deals_[name];
  known.parts.push_back({what});
  for (const auto& each : what.messages) {
    of_message_[each.name] = name;
    queues_[each.name] = each.queue;
  }
  for (const auto& [place, shard] : what.consumed) consumers_[place].insert(name);
}

void transaction_oracle::prepared(const transaction_name& name, std::uint64_t messages) {
  auto& known = find(name);
  known.parts.back().stored = true;
  if (known.stored_at == 0) known.stored_at = ++moments_;
  expect(known.unsure || messages == messages_in(known, true),
         to_string(name) + " has " + std::to_string(messages) + " messages, and was given " +
           std::to_string(messages_in(known, true)));
}

void transaction_oracle::ending(const transaction_name& name, bool commit) {
  note_(to_string(name) + (commit ? " is to be committed" : " is to be rolled back"));
  auto& known = find(name);
  (commit ? known.commit_asked : known.rollback_asked) = true;
  if (known.end_asked_at == 0) known.end_asked_at = ++moments_;
}

void transaction_oracle::settle(const transaction_name& name, deal& known, bool commit) {
  note_(to_string(name) + (commit ? " is committed" : " is rolled back"));
  if (known.unsure) return;
  expect(!known.outcome || *known.outcome == commit,
         to_string(name) + " is said to be committed, and to be rolled back");
  if (known.outcome) return;
  known.outcome = commit;
  known.outcome_at = ++moments_;
  if (commit) return check_acknowledged_once(name, known);
  for (const auto& each : known.parts)
    for (const auto& m : each.what.messages)
      expect(!seen_.contains(m.name),
             to_string(name) + " was rolled back, and " + to_string(m.name) + " of it is seen");
}

void transaction_oracle::ended(const transaction_name& name, bool commit) {
  settle(name, find(name), commit);
}

bool transaction_oracle::may_be_acknowledged_by_others(const transaction_name& name,
                                                       const deal& known) const {
  for (const auto& each : known.parts)
    for (const auto& [place, shard] : each.what.consumed) {
      if (forgotten_.contains(place) || place.at < earliest_(place.queue)) return true;
      for (const auto& other : consumers_.at(place))
        if (other != name && deals_.at(other).commit_asked) return true;
    }
  return false;
}

void transaction_oracle::ended_otherwise(const transaction_name& name, bool asked_commit) {
  auto& known = find(name);
  if (!known.unsure && asked_commit)
    expect(known.rollback_asked || may_be_acknowledged_by_others(name, known),
           to_string(name) + " was rolled back, and nobody asked for that");
  if (!known.unsure && !asked_commit)
    expect(known.commit_asked, to_string(name) + " was committed, and nobody asked for that");
  settle(name, known, !asked_commit);
}

void transaction_oracle::unknown(const transaction_name& name) {
  auto& known = find(name);
  expect(known.unsure || known.stored_at == 0, to_string(name) + " was prepared, and is not known");
}

void transaction_oracle::ended_while_prepared(const transaction_name& name) {
  const auto& known = find(name);
  expect(known.unsure || known.commit_asked || known.rollback_asked,
         to_string(name) + " is said to have ended, and nobody asked for that");
}

bool transaction_oracle::may_take(const transaction_name& name, const message_place& place) const {
  const auto who = consumers_.find(place);
  return who == consumers_.end() || !who->second.contains(name);
}

void transaction_oracle::checked(const transaction_name& name) {
  // The answer to its end may have come first.
  note_(to_string(name) + " is asked for");
  find(name);
}

void transaction_oracle::check_acknowledged_once(const transaction_name& name,
                                                 const deal& known) const {
  for (const auto& each : known.parts)
    for (const auto& [place, shard] : each.what.consumed) {
      if (!each.stored || shard != name.shard || forgotten_.contains(place)) continue;
      for (const auto& other : consumers_.at(place)) {
        const auto& theirs = deals_.at(other);
        if (other == name || other.shard != shard || theirs.unsure) continue;
        const bool has = std::ranges::any_of(theirs.parts, [&place = place](const auto& p) {
          return p.stored && std::ranges::any_of(p.what.consumed, [&place](const auto& c) {
                   return c.first == place;
                 });
        });
        expect(!has || theirs.outcome != true, to_string(name) + " and " + to_string(other) +
                                                 " are committed, and both acknowledge " +
                                                 text(place));
      }
    }
}

void transaction_oracle::listed(std::uint64_t asked, const frames::txs& what) {
  expect(what.prepared == what.committed + what.rolled_back + what.pending,
         "of " + std::to_string(what.prepared) + " half messages " +
           std::to_string(what.committed) + " are committed, " + std::to_string(what.rolled_back) +
           " rolled back and " + std::to_string(what.pending) + " pending");
  std::set<transaction_name> there;
  std::uint64_t pending = 0;
  for (const auto& each : what.transactions) {
    const auto& known = find(each.transaction);
    const bool open = each.state != frames::tx_state::committed;
    there.insert(each.transaction);
    if (open) pending += each.messages;
    if (known.unsure) continue;
    const auto which = to_string(each.transaction);
    expect(!open || !known.outcome || known.outcome_at > asked,
           which + " has ended, and is listed as open");
    expect(open || known.commit_asked,
           which + " is listed as committed, and nobody asked for that");
    expect(each.messages <= messages_in(known, false),
           which + " is listed with more messages than it was given");
  }
  expect(pending == what.pending || what.transactions.size() < what.total,
         std::to_string(what.pending) +
           " half messages are said to be pending, and those listed "
           "have " +
           std::to_string(pending));
  if (what.transactions.size() < what.total) return;
  for (const auto& [name, known] : deals_)
    if (!known.unsure && known.stored_at != 0 && known.stored_at < asked && known.end_asked_at == 0)
      expect(there.contains(name), to_string(name) + " was prepared, and is not listed");
}

// -- what is seen ---------------------------------------------------------------------------------

void transaction_oracle::seen(const watcher::message& what) {
  const message_name name{what.producer, what.number};
  const auto of = of_message_.find(name);
  expect(of != of_message_.end(), to_string(name) + " came, and nobody sent it");
  auto& known = deals_.at(of->second);
  const auto which = to_string(name) + " of " + to_string(of->second);
  note_(which + " comes at " + text(what.place));
  expect(what.view.body == body_of(name) && what.view.key == key_of(name) &&
           what.view.tag == tag_of(name) && what.place.queue == queues_.at(name),
         which + " is not what was sent");
  const auto [at, fresh] = seen_.emplace(name, what.place);
  expect(fresh, which + " is at " + text(what.place) + ", and at " + text(at->second));
  if (known.unsure) return;
  expect(known.commit_asked, which + " is seen, and nobody asked to commit it");
  expect(known.outcome != false, which + " is seen, and was rolled back");
  for (const auto& each : known.parts)
    for (const auto& m : each.what.messages) {
      if (m.name != name || m.shard != of->second.shard) continue;
      expect(!known.time || *known.time == what.time,
             which + " is seen at another moment than what is beside it");
      known.time = what.time;
    }
}

void transaction_oracle::lent(const message_place& place, std::uint64_t after) {
  const auto who = consumers_.find(place);
  if (who == consumers_.end() || forgotten_.contains(place)) return;
  for (const auto& name : who->second) {
    const auto& known = deals_.at(name);
    if (known.unsure || known.outcome != true || known.outcome_at >= after) continue;
    for (const auto& each : known.parts)
      for (const auto& [consumed, shard] : each.what.consumed)
        // Other shards follow in a moment of their own.
        expect(!each.stored || consumed != place || shard != name.shard,
               text(place) + " was acknowledged by " + to_string(name) + ", and is lent");
  }
}

// -- what is lost ---------------------------------------------------------------------------------

void transaction_oracle::lost_end(shard_id shard) {
  lost_ = true;
  for (auto& [name, known] : deals_) {
    bool has = name.shard == shard;
    for (const auto& each : known.parts) {
      for (const auto& m : each.what.messages) has = has || m.shard == shard;
      for (const auto& [place, where] : each.what.consumed) has = has || where == shard;
    }
    if (!has) continue;
    known.unsure = true;
    for (const auto& each : known.parts)
      for (const auto& [place, where] : each.what.consumed) forgotten_.insert(place);
  }
}

void transaction_oracle::ends_at(queue_id queue, offset end) {
  std::erase_if(seen_, [queue, end](const auto& each) {
    return each.second.queue == queue && each.second.at >= end;
  });
}

// -- the end --------------------------------------------------------------------------------------

std::vector<transaction_name> transaction_oracle::open() const {
  std::vector<transaction_name> out;
  for (const auto& [name, known] : deals_)
    if (!known.outcome && !known.unsure) out.push_back(name);
  return out;
}

std::optional<bool> transaction_oracle::must_be_lent(const message_place& place) const {
  if (forgotten_.contains(place) || place.at < earliest_(place.queue)) return std::nullopt;
  const auto who = consumers_.find(place);
  if (who == consumers_.end()) return true;
  for (const auto& name : who->second) {
    const auto& known = deals_.at(name);
    if (known.unsure) return std::nullopt;
    if (known.outcome != true) continue;
    for (const auto& each : known.parts)
      for (const auto& [consumed, shard] : each.what.consumed)
        if (consumed == place) {
          if (!each.stored) return std::nullopt;
          return false;
        }
  }
  return true;
}

void transaction_oracle::check_finished(std::uint64_t missed, const frames::txs& last) const {
  std::uint64_t missing = 0, committed = 0, prepared = 0;
  std::string which;
  bool exact = !lost_;
  for (const auto& [name, known] : deals_) {
    if (known.unsure) continue;
    for (const auto& each : known.parts) {
      exact = exact && each.stored;
      std::uint64_t there = 0;
      for (const auto& m : each.what.messages) there += seen_.contains(m.name) ? 1 : 0;
      const auto all = each.what.messages.size();
      prepared += all;
      if (known.outcome != true) continue;
      committed += all;
      if (there == all || (there == 0 && !each.stored)) continue;
      missing += all - there;
      which = to_string(name) + " is committed, and of " + std::to_string(all) + " messages " +
              std::to_string(there) + " are seen";
    }
  }
  expect(missing <= missed, which);
  expect(last.pending == 0, std::to_string(last.pending) + " half messages are left");
  if (!exact) return;
  expect(last.prepared == prepared && last.committed == committed,
         std::to_string(last.prepared) + " half messages are said to have been prepared and " +
           std::to_string(last.committed) + " committed; it was " + std::to_string(prepared) +
           " and " + std::to_string(committed));
}

std::uint64_t transaction_oracle::commits() const {
  return static_cast<std::uint64_t>(
    std::ranges::count_if(deals_, [](const auto& each) { return each.second.outcome == true; }));
}

} // namespace carafe::sim
