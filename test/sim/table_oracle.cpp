#include "test/sim/table_oracle.hpp"

#include "test/sim/content.hpp"

namespace carafe::sim {

namespace {

std::string text(const table_message& what) {
  return to_string(what.name) + (what.ends ? ", the end of " : " of ") + what.key;
}

std::string text(queue_id queue, offset at) {
  return "offset " + std::to_string(at.value) + " of queue " + std::to_string(queue.value);
}

} // namespace

table_oracle::life& table_oracle::find(const message_name& name, const char* what) {
  const auto at = lives_.find(name);
  expect(at != lives_.end(), to_string(name) + " was " + what + ", and never sent to a table");
  return at->second;
}

bool table_oracle::may_go(const life& known) const {
  if (known.sent.ends || known.lost) return true;
  const auto& queue = queues_.at(known.sent.queue);
  const auto& key = known.sent.key;
  if (may_have_later(queue, key)) return true;
  const auto there = queue.of_key.find(key);
  return there != queue.of_key.end() && known.at &&
         there->second.upper_bound(*known.at) != there->second.end();
}

void table_oracle::miss(queue_id queue, offset at) {
  queues_[queue].missing.emplace(at, ++moments_);
  check_missing(queue, at);
}

/// What was sent before somebody else heard of it may come later.
bool table_oracle::was_missing(queue_id queue, offset at, std::uint64_t asked) const {
  const auto known = queues_.find(queue);
  if (known == queues_.end()) return false;
  const auto there = known->second.missing.find(at);
  return there != known->second.missing.end() && there->second < asked;
}

void table_oracle::check_missing(queue_id queue, offset at) const {
  const auto& places = queues_.at(queue).places;
  const auto here = places.find(at);
  if (here == places.end()) return; // Nobody knows yet what it was.
  const auto& known = lives_.at(here->second);
  expect(may_go(known), text(queue, at) + " is missing, and " + text(known.sent) +
                          ", which it is, is the last of its key");
}

// -- sending --------------------------------------------------------------------------------------

void table_oracle::sent(const table_message& what) {
  lives_[what.name].sent = what;
  ++queues_[what.queue].open[what.key];
}

void table_oracle::place(life& known, const message_place& where, unix_ms time) {
  const auto what = text(known.sent);
  expect(where.queue == known.sent.queue, what + " is in another queue");
  expect(!known.lost, what + " was lost with the power, and is at " + text(where.queue, where.at));
  auto& queue = queues_[where.queue];
  if (known.at) {
    expect(*known.at == where.at, what + " is at " + text(where.queue, where.at) +
                                    ", and at offset " + std::to_string(known.at->value));
    expect(known.time == time, what + " has two times");
    return;
  }
  const auto [at, fresh] = queue.places.emplace(where.at, known.sent.name);
  expect(fresh, what + " is at " + text(where.queue, where.at) + ", where " +
                  to_string(at->second) + " is");
  known.at = where.at;
  known.time = time;
  queue.of_key[known.sent.key].insert(where.at);
  --queue.open[known.sent.key];
  if (queue.missing.contains(where.at)) check_missing(where.queue, where.at);
}

void table_oracle::stored(const message_name& name, const message_place& where, unix_ms time) {
  auto& known = find(name, "stored");
  note_(text(known.sent) + " is stored at " + text(where.queue, where.at));
  place(known, where, time);
}

// -- reading --------------------------------------------------------------------------------------

void table_oracle::saw(const seen_message& what, reading& into) {
  auto& known = find(what.name, "read");
  const auto which = text(known.sent);
  const auto body = known.sent.ends ? std::string{} : body_of(what.name);
  expect(what.view.body == body && what.view.key == known.sent.key &&
           what.view.tag == tag_of(what.name),
         which + " is not what was sent");
  expect(!was_missing(what.place.queue, what.place.at, into.asked),
         text(what.place.queue, what.place.at) + " was missing before, and " + which +
           " is read there");
  place(known, what.place, what.time);
  into.last[known.sent.key] = {what.place.at, known.sent.ends};
}

void table_oracle::passed(queue_id queue, offset first, offset end) {
  note_(text(queue, first) + " is missing, and so up to below " + std::to_string(end.value));
  for (auto at = first; at < end; at = at + 1) miss(queue, at);
}

void table_oracle::begins(queue_id queue, unix_ms since, offset begin) {
  for (const auto& [at, name] : queues_[queue].places) {
    if (at >= begin) break;
    if (lives_.at(name).time >= since) miss(queue, at);
  }
}

table_oracle::search table_oracle::searching(queue_id queue, std::string key, offset from) {
  search out{std::move(key), queue, from, ++moments_};
  const auto at = queues_.find(queue);
  if (at == queues_.end()) return out;
  if (const auto there = at->second.of_key.find(out.key); there != at->second.of_key.end())
    out.there = there->second;
  return out;
}

void table_oracle::found(const search& asked, const std::vector<offset>& offsets, offset next) {
  auto& known = queues_[asked.queue];
  const auto where = "the search for " + asked.key;
  std::set<offset> told;
  for (const auto at : offsets) {
    expect(at >= asked.from && at < next && (told.empty() || at > *told.rbegin()),
           where + " tells " + text(asked.queue, at) + " out of place");
    told.insert(at);
    expect(!was_missing(asked.queue, at, asked.asked),
           where + " tells " + text(asked.queue, at) + ", which was missing before");
    if (const auto here = known.places.find(at); here != known.places.end())
      expect(lives_.at(here->second).sent.key == asked.key,
             where + " tells " + text(asked.queue, at) + ", which is another's");
  }
  for (const auto at : asked.there) {
    // A power failure may have taken it since.
    const auto& now = known.of_key[asked.key];
    if (at < asked.from || at >= next || told.contains(at) || !now.contains(at)) continue;
    miss(asked.queue, at);
  }
}

// -- what is lost ---------------------------------------------------------------------------------

void table_oracle::ends_at(queue_id queue, offset end) {
  auto& known = queues_[queue];
  expect(known.missing.empty() || known.missing.rbegin()->first < end,
         "the queue " + std::to_string(queue.value) + " ends at offset " +
           std::to_string(end.value) + " after a power failure, and later messages were missing");
  for (auto at = known.places.lower_bound(end); at != known.places.end();
       at = known.places.erase(at)) {
    auto& taken = lives_.at(at->second);
    known.of_key[taken.sent.key].erase(at->first);
    taken.at.reset();
    taken.lost = true;
  }
}

// -- the end --------------------------------------------------------------------------------------

bool table_oracle::may_have_later(const known_queue& queue, const std::string& key) {
  const auto open = queue.open.find(key);
  return open != queue.open.end() && open->second > 0;
}

void table_oracle::check_whole(queue_id queue, const reading& whole) const {
  const auto known = queues_.find(queue);
  if (known == queues_.end()) return;
  for (const auto& [key, there] : known->second.of_key) {
    if (there.empty()) continue;
    const auto last = *there.rbegin();
    const auto& given = lives_.at(known->second.places.at(last));
    const auto at = whole.last.find(key);
    if (given.sent.ends)
      expect(at == whole.last.end() || at->second.ends,
             key + " in queue " + std::to_string(queue.value) + " was ended by " +
               text(given.sent) + " at offset " + std::to_string(last.value) +
               ", and who reads everything has " + "offset " +
               std::to_string(at == whole.last.end() ? 0 : at->second.at.value));
    else if (at == whole.last.end() && may_have_later(known->second, key))
      continue; // One that was never answered may have ended it.
    else
      expect(at != whole.last.end() && at->second.at == last,
             key + " in queue " + std::to_string(queue.value) + " was last given " +
               text(given.sent) + " at offset " + std::to_string(last.value) +
               ", and who reads everything has not got it");
  }
}

void table_oracle::check_finished() const {
  for (const auto& [queue, known] : queues_)
    for (const auto& [at, since] : known.missing) check_missing(queue, at);
}

std::uint64_t table_oracle::missing() const {
  std::uint64_t out = 0;
  for (const auto& [queue, known] : queues_) out += known.missing.size();
  return out;
}

} // namespace carafe::sim
