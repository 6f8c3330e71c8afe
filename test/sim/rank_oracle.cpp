#include "test/sim/rank_oracle.hpp"

#include <algorithm>

namespace carafe::sim {

namespace {

/// So many messages may pass over the oldest one (docs/shell.md, `produce --priority`).
constexpr std::uint64_t passed_over_max = 100;

std::string text(const message_place& place) {
  return "offset " + std::to_string(place.at.value) + " of queue " +
         std::to_string(place.queue.value);
}

} // namespace

// -- what is sent ---------------------------------------------------------------------------------

void rank_oracle::sent(const std::vector<ranked_message>& batch) {
  for (const auto& each : batch) sent_.emplace(each.name, each);
}

void rank_oracle::stored(const std::vector<ranked_message>& batch, queue_id queue, offset base,
                         std::int64_t at_ms) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const message_place place{queue, base + i};
    name(place, batch[i].name, at_ms).stored = true;
    note_(text(place) + " is stored, with priority " + std::to_string(batch[i].priority) + " and " +
          std::to_string(batch[i].ttl_ms) + " ms to live");
  }
}

/// The message at `place`, which is this one, stored then.
rank_oracle::life& rank_oracle::name(const message_place& place, const message_name& name,
                                     std::int64_t stored_ms) {
  auto& m = lives_[place];
  expect(sent_.contains(name), text(place) + " is a message that nobody sent");
  expect(!m.name || *m.name == name, text(place) + " is another message than was told before");
  m.name = name;
  if (m.revived) return m; // It is stored anew.
  expect(m.stored_ms == 0 || m.stored_ms == stored_ms,
         text(place) + " was stored at another time than was told before");
  m.stored_ms = stored_ms;
  return m;
}

// -- what begins anew -----------------------------------------------------------------------------

void rank_oracle::clock_moves(std::int64_t from_ms) {
  wall_is(from_ms);
  clock_moved_at_ = ++moments_;
}

void rank_oracle::joins(std::uint32_t in_flight_max) {
  for (auto& [queue, order] : orders_) {
    order.first.clear();
    order.lent_most += in_flight_max_; // What was on its way.
  }
  in_flight_max_ = in_flight_max;
}

void rank_oracle::node_died() {
  ++node_life_;
  orders_.clear();
  in_flight_max_ = 0;
}

// -- what is lent ---------------------------------------------------------------------------------

std::optional<std::int64_t> rank_oracle::expires_ms(const life& m) const {
  const auto ttl_ms = m.name ? sent_.at(*m.name).ttl_ms : 0;
  if (ttl_ms == 0 || m.revived) return std::nullopt;
  return m.stored_ms + static_cast<std::int64_t>(ttl_ms);
}

bool rank_oracle::may_have_expired(const life& m) const {
  const auto expires = expires_ms(m);
  return expires && *expires <= wall_most_ms_;
}

void rank_oracle::lent(const message_place& place, const message_name& who, std::uint32_t attempt,
                       std::int64_t at_ms, const rank_moment& fence) {
  ++deliveries_;
  note_(text(place) + " is lent, attempt " + std::to_string(attempt));
  auto& m = name(place, who, at_ms);
  check_age(place, m, fence);
  expect(!m.settled || fence.number < m.settled->number,
         text(place) + " was settled, and is lent again");
  expect(!m.letter || fence.number <= m.letter->number,
         text(place) + " is dead, and is lent again");
  const bool first = !std::exchange(m.lent, true) && attempt == 1 && !m.revived;
  const auto& what = sent_.at(who);
  auto& order = orders_[place.queue];
  if (first && what.node_life == node_life_) {
    check_order(place, what);
    order.first.emplace(place.at, what.priority);
  }
  ++order.lent_most;
  check_flood(place, who);
}

void rank_oracle::check_age(const message_place& place, const life& m,
                            const rank_moment& fence) const {
  const auto expires = expires_ms(m);
  if (!expires || fence.number <= clock_moved_at_) return;
  expect(fence.wall_ms < *expires, text(place) + " is lent, and was too old " +
                                     std::to_string(fence.wall_ms - *expires) + " ms before");
}

/// Of what came for the first time since the member was there, in a later place or in the same
/// batch, nothing is of lower priority: this one could have come before. But the oldest may, when
/// enough have passed it.
void rank_oracle::check_order(const message_place& place, const ranked_message& what) {
  const auto& order = orders_[place.queue];
  if (!judges_order_ || order.lent_most >= passed_over_max) return;
  const offset base{place.at.value - (what.name.number.value - what.batch.value)};
  for (auto at = order.first.lower_bound(base); at != order.first.end(); ++at)
    expect(at->second >= what.priority,
           text(place) + ", of priority " + std::to_string(what.priority) +
             ", is lent after offset " + std::to_string(at->first.value) + ", of priority " +
             std::to_string(at->second));
}

void rank_oracle::flood(queue_id queue, const message_name& oldest) {
  flood_ = {queue, oldest, 0, false};
}

void rank_oracle::check_flood(const message_place& place, const message_name& who) {
  if (flood_.over || place.queue != flood_.queue) return;
  flood_.over = who == flood_.oldest;
  if (flood_.over) return;
  ++flood_.passed_over;
  expect(flood_.passed_over <= passed_over_max,
         "the oldest message of queue " + std::to_string(place.queue.value) +
           " is passed over by " + std::to_string(flood_.passed_over));
}

// -- how it ends ----------------------------------------------------------------------------------

void rank_oracle::settled(const message_place& place, const rank_moment& asked) {
  note_(text(place) + " is settled");
  auto& m = lives_[place];
  if (!m.settled) m.settled = {asked.number, wall_most_ms_};
}

void rank_oracle::letter(const message_place& source, const message_name& who, std::int64_t at_ms,
                         const std::string& error, std::int64_t failed_ms) {
  note_(text(source) + " has a dead letter: " + error);
  auto& m = name(source, who, at_ms);
  expect(!m.letter, text(source) + " has two dead letters");
  m.letter = now(wall_most_ms_);
  if (error == "expired") {
    expect(buries_expired_, text(source) + " was too old, and the group wants no letter of that");
    expect(may_have_expired(m), text(source) + " has a letter as if it were too old, and is not");
  } else {
    expect(m.rejecting, text(source) + " has a dead letter, and nobody rejected it");
  }
  // An acknowledgement that is late is answered, too: both may be, but not in the other order.
  expect(!m.settled || failed_ms <= m.settled->wall_ms,
         text(source) + " was settled, and died later");
}

void rank_oracle::redriven(const message_place& source) {
  note_(text(source) + " is brought back");
  auto& m = lives_[source];
  m.revived = true;
  m.letter.reset();
  m.settled.reset();
  m.rejecting = false;
}

void rank_oracle::check_story(const message_place& place, const frames::group_story& told,
                              bool whole) const {
  using kind = frames::story_event::kind;
  using state = frames::group_story::state;
  const auto& m = lives_.at(place);
  const auto where = "the story of " + text(place);
  std::uint64_t ends = 0, redrives = 0;
  for (const auto& event : told.events) {
    if (event.what == kind::acknowledged || event.what == kind::expired || event.what == kind::dead)
      ++ends;
    if (event.what == kind::redriven) ++redrives;
  }
  if (whole)
    expect(ends == 1 + redrives && redrives == (m.revived ? 1u : 0u),
           where + " tells of " + std::to_string(ends) + " ends and " + std::to_string(redrives) +
             " redrives");
  if (told.now == state::acknowledged)
    expect(m.settling, where + " says acknowledged, and nobody did that");
  if (told.now == state::expired)
    expect(!buries_expired_ && may_have_expired(m), where + " says expired");
  if (told.now == state::dead) expect(m.letter.has_value(), where + " says dead, without a letter");
  if (m.letter && whole) expect(told.now == state::dead, where + " does not tell of its letter");
}

void rank_oracle::check_finished(std::uint64_t letters_missed) const {
  std::uint64_t missing = 0;
  std::string which;
  for (const auto& [place, m] : lives_) {
    if (!m.stored || m.settled || m.letter) continue;
    if (place.at < earliest_(place.queue) && !m.revived) continue;
    const bool old = may_have_expired(m);
    if (old && !buries_expired_) continue;
    ++missing;
    which = text(place) + " is lost: nobody settled it, it has no dead letter, and it " +
            (old ? "was to have one" : "is not too old");
  }
  expect(missing <= letters_missed, which);
  const auto oldest = std::ranges::find_if(
    lives_, [this](const auto& each) { return each.second.name == flood_.oldest; });
  const bool passed = oldest != lives_.end() && oldest->first.at < earliest_(oldest->first.queue);
  expect(flood_.over || passed, "the oldest message of a full queue never came");
}

std::vector<message_place> rank_oracle::places() const {
  std::vector<message_place> out;
  for (const auto& [place, m] : lives_)
    if (m.stored && place.at >= earliest_(place.queue)) out.push_back(place);
  return out;
}

} // namespace carafe::sim
