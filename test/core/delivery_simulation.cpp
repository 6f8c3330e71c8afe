#include "test/core/delivery_simulation.hpp"

#include <algorithm>
#include <cstddef>

namespace carafe::test {

using core::delivery_core;

namespace {

constexpr group_id the_group{7};
constexpr std::uint64_t message_bytes = 10;
/// Somebody who had a message before a crash.
constexpr member_id formerly{~std::uint64_t{0}};
/// Nobody looks into bodies here.
const std::vector<std::byte> nothing(4'096);

} // namespace

delivery_simulation::delivery_simulation(dice& d, bool keyed) : dice_(&d) {
  options_.group = the_group;
  options_.keyed = keyed;
  options_.window_bytes = d.between(50, d.percent(50) ? 2'000 : 20'000);
  options_.how.lease_ms = d.between(50, 1'000);
  options_.how.attempts_max = static_cast<std::uint32_t>(d.between(1, 4));
  options_.how.backoff_ms = {d.between(0, 100), d.between(0, 1'000)};
  options_.how.jitter_percent = d.percent(50) ? 50 : 0;
  options_.how.in_flight_max = static_cast<std::uint32_t>(d.between(1, 60));
  options_.how.member_in_flight_max = static_cast<std::uint32_t>(d.between(1, 30));
  options_.how.expired_to_dead_letters = d.percent(50);
  options_.how.waiting_max = static_cast<std::uint32_t>(d.between(5, 200));
  for (std::uint64_t i = 1; i <= d.between(1, 3); ++i) {
    queues_[queue_id{i}];
    folded_[queue_id{i}];
  }
  make_core();
}

void delivery_simulation::make_core() {
  core_.emplace(options_, [this](std::uint64_t bound) { return dice_->below(bound); });
  for (auto& [id, queue] : queues_) {
    core_->add_queue(id, folded_.at(id), offset{queue.messages.size()}, now());
    queue.demand = 0;
    queue.told = false;
    queue.reader = core_->reads_from(id).value;
    queue.looks.clear();
  }
}

void delivery_simulation::run(int steps) {
  for (int i = 0; i < steps; ++i) {
    step();
    check();
  }
  drain();
}

void delivery_simulation::step() {
  const auto roll = dice_->below(100);
  auto& [id, queue] = dice_->pick(queues_);
  if (roll < 15) return produce();
  if (roll < 30) return feed(id);
  if (roll < 40) return answer_look(id);
  if (roll < 55) return apply_some(dice_->below(5));
  if (roll < 67) return settle_some();
  if (roll < 70) return settle_late();
  if (roll < 76) return fail_one();
  if (roll < 78) return revive_one();
  if (roll < 80) return retain();
  if (roll < 88) {
    if (members_.empty()) return;
    carry_out(core_->demand(dice_->pick(members_), dice_->below(400), now()));
    return;
  }
  if (roll < 92) {
    if (members_.size() >= 4) return;
    const member_id member{++made_};
    members_.insert(member);
    carry_out(core_->join(member, static_cast<std::uint32_t>(dice_->between(1, 40)), now()));
    return;
  }
  if (roll < 95) {
    if (members_.empty()) return;
    const auto member = dice_->pick(members_);
    const bool lost = dice_->percent(50);
    members_.erase(member);
    end_holding(member);
    carry_out(core_->leave(member, lost, now()));
    return;
  }
  if (roll < 97) return let_time_pass();
  if (roll < 99) return come_back();
  crash();
}

void delivery_simulation::produce() {
  auto& [id, queue] = dice_->pick(queues_);
  if (queue.messages.size() > 300) return;
  for (auto count = dice_->between(1, 12); count > 0; --count) {
    message m;
    if (dice_->percent(80)) m.key = dice_->between(1, 6);
    if (dice_->percent(10)) m.priority = static_cast<std::uint8_t>(dice_->below(10));
    if (dice_->percent(10))
      m.expires = unix_ms{wall_ + static_cast<std::int64_t>(dice_->below(1'000))};
    queue.messages.push_back(m);
  }
  queue.bases.push_back(queue.messages.size());
  feed(id);
}

core::delivery_batch_ptr delivery_simulation::batch_at(queue_id id, offset at) const {
  const auto& queue = queues_.at(id);
  const auto after = std::upper_bound(queue.bases.begin(), queue.bases.end(), at.value);
  if (after == queue.bases.end()) return nullptr;
  auto batch = std::make_shared<core::delivery_batch>();
  const auto base = *(after - 1);
  batch->what.queue = id;
  batch->what.base = offset{base};
  batch->what.count = static_cast<std::uint32_t>(*after - base);
  const auto bytes = batch->what.count * message_bytes;
  batch->what.bytes = shared_bytes{nullptr, std::span{nothing}.first(bytes)};
  if (options_.keyed)
    for (auto i = base; i < *after; ++i) batch->keys.push_back(queue.messages[i].key);
  bool ranked = false;
  for (auto i = base; i < *after; ++i) {
    const auto& m = queue.messages[i];
    batch->priorities.push_back(m.priority);
    batch->expires.push_back(m.expires);
    batch->expires_first = std::min(batch->expires_first, m.expires);
    ranked |= m.priority != priority_default;
  }
  if (!ranked || options_.keyed) batch->priorities.clear();
  if (batch->expires_first == core::delivery_batch::never) batch->expires.clear();
  return batch;
}

/// The queue's reader: as `queue_core` would, one batch at a time.
void delivery_simulation::feed(queue_id id) {
  auto& queue = queues_.at(id);
  if (queue.reader < queue.start.value) open_anew(id);
  const auto batch = batch_at(id, offset{queue.reader});
  if (!batch) return;
  const auto bytes = batch->what.bytes.size();
  if (queue.demand < bytes) {
    if (std::exchange(queue.told, true)) return;
    carry_out(core_->wanted(id, bytes, std::exchange(queue.demand, 0)));
    return;
  }
  queue.demand -= bytes;
  queue.reader = batch->end().value;
  carry_out(core_->arrived(id, batch, now()));
}

void delivery_simulation::carry_out(const delivery_core::effects_list& effects) {
  for (const auto& effect : effects) {
    if (const auto* lend = std::get_if<delivery_core::lend>(&effect)) {
      on_lend(*lend);
    } else if (const auto* pull = std::get_if<delivery_core::pull>(&effect)) {
      auto& queue = queues_.at(pull->queue);
      REQUIRE(pull->bytes > 0);
      queue.demand += pull->bytes;
      queue.told = false;
    } else if (const auto* look = std::get_if<delivery_core::look>(&effect)) {
      queues_.at(look->queue).looks.push_back(look->at);
    } else if (const auto* write = std::get_if<delivery_core::write>(&effect)) {
      unwritten_.push_back({write->queue, {write->what}, std::nullopt, false});
      if (const auto* done = std::get_if<effects::settled>(&write->what))
        ending_unasked(write->queue, *done);
      if (const auto* waits = std::get_if<effects::waiting>(&write->what)) {
        const auto& row = waits->row;
        auto& m = queues_.at(write->queue).messages[row.at.value];
        const bool key_learnt = m.key_unknown && !row.key_unknown;
        REQUIRE((row.attempts == m.failures + 1 || (row.attempts == m.failures && key_learnt)));
        if (options_.keyed && !row.key_unknown) REQUIRE(row.key == m.key);
        m.failures = row.attempts;
        m.key_unknown = row.key_unknown;
      }
    } else if (const auto* bury = std::get_if<delivery_core::bury>(&effect)) {
      auto& m = queues_.at(bury->queue).messages[bury->row.at.value];
      REQUIRE_FALSE(m.settling);
      REQUIRE_FALSE(std::exchange(m.dying, true));
      if (bury->row.error == "expired")
        REQUIRE((m.expires <= now().wall && bury->row.attempts == m.failures));
      else
        REQUIRE(bury->row.attempts == m.failures + 1);
      REQUIRE(bury->row.attempts <= options_.how.attempts_max);
      unwritten_.push_back(
        {bury->queue,
         {effects::settled{
           the_group, bury->queue, {{bury->row.at, 1}}, effects::settled::reason::dead}},
         bury->row.at,
         false});
    }
  }
}

/// Nobody acknowledged some of these: they are too old, or nothing is left of them.
void delivery_simulation::ending_unasked(queue_id id, const effects::settled& e) {
  for (const auto& range : e.ranges)
    for (auto at = range.first; at < range.end(); at = at + 1) {
      auto& m = queues_.at(id).messages[at.value];
      if (!m.settling) REQUIRE((m.gone || m.expires <= now().wall));
      m.settling = true;
      m.holder = member_id{0};
    }
}

void delivery_simulation::on_lend(const delivery_core::lend& e) {
  REQUIRE(members_.contains(e.member));
  auto& queue = queues_.at(e.queue);
  for (const auto& range : e.ranges) {
    REQUIRE(range.first >= e.batch->what.base);
    REQUIRE(range.end() <= e.batch->end());
    for (auto at = range.first; at < range.end(); at = at + 1) {
      auto& m = queue.messages[at.value];
      INFO("queue " << e.queue.value << " offset " << at.value);
      REQUIRE_FALSE(m.settled);
      REQUIRE_FALSE(m.settling);
      REQUIRE_FALSE(m.dead);
      // Nobody works on it, or who did has lost the right to.
      REQUIRE((m.holder == member_id{0} || m.until <= now().mono));
      REQUIRE(e.attempt == m.failures + 1);
      REQUIRE(now().wall < m.expires);
      check_source(e, at);
      REQUIRE_FALSE(m.dying);
      m.met = true;
      if (options_.keyed && m.key != 0)
        for (std::uint64_t before = 0; before < at.value; ++before) {
          const auto& other = queue.messages[before];
          if (other.key == m.key)
            REQUIRE((other.settling || other.settled || other.dead || other.revived || other.gone));
        }
      if (options_.keyed && m.key != 0)
        for (const auto& other : queue.messages)
          if (&other != &m && other.key == m.key)
            REQUIRE((other.holder == member_id{0} || other.until <= now().mono));
      m.holder = e.member;
      m.until = mono_ms{mono_ + options_.how.lease_ms};
    }
  }
}

void delivery_simulation::apply_some(std::size_t count) {
  for (; count > 0 && !unwritten_.empty(); --count) {
    const auto next = unwritten_.front();
    unwritten_.pop_front();
    log_entry(next.effects);
    auto& progress = folded_.at(next.queue);
    auto& messages = queues_.at(next.queue).messages;
    for (const auto& effect : next.effects) {
      if (const auto* e = std::get_if<effects::settled>(&effect)) {
        progress.settle(e->ranges);
        for (const auto& range : e->ranges)
          for (auto at = range.first; at < range.end(); at = at + 1) {
            auto& m = messages[at.value];
            REQUIRE_FALSE(m.dead);
            (next.buried ? m.dead : m.settled) = true;
            REQUIRE(m.settled != m.dead);
          }
      } else if (const auto* lent = std::get_if<effects::lent>(&effect)) {
        progress.lend(lent->ranges);
      } else if (const auto* back = std::get_if<effects::returned>(&effect)) {
        progress.give_back(back->ranges);
      } else if (const auto* kept = std::get_if<effects::kept>(&effect)) {
        REQUIRE(kept->rows.empty());
        progress.reach(kept->read);
      } else {
        const auto& row = std::get<effects::waiting>(effect).row;
        progress.put(row);
        if (!next.revives) continue;
        auto& m = messages[row.at.value];
        m.dead = m.dying = m.settling = m.reviving = m.asked = false;
        m.expires = core::delivery_batch::never;
        m.failures = 0;
        m.key_unknown = false;
        m.revived = true;
        m.holder = member_id{0};
        carry_out(core_->revived(next.queue, row, now()));
      }
    }
    if (next.buried) carry_out(core_->buried(next.queue, *next.buried, now()));
  }
}

std::vector<std::pair<queue_id, offset>> delivery_simulation::held_by(member_id id) const {
  std::vector<std::pair<queue_id, offset>> out;
  for (const auto& [name, queue] : queues_)
    for (std::size_t i = 0; i < queue.messages.size(); ++i)
      if (queue.messages[i].holder == id && queue.messages[i].until > mono_ms{mono_})
        out.emplace_back(name, offset{i});
  return out;
}

void delivery_simulation::end_holding(member_id id) {
  for (auto& [name, queue] : queues_)
    for (auto& m : queue.messages)
      if (m.holder == id) m.holder = member_id{0};
}

void delivery_simulation::settle_some() {
  if (members_.empty()) return;
  const auto member = dice_->pick(members_);
  auto held = held_by(member);
  if (held.empty()) return;
  const auto [id, from] = dice_->pick(held);
  auto& messages = queues_.at(id).messages;
  offset_range range{from, 0};
  for (auto left = dice_->between(1, 8); left > 0; --left) {
    const auto at = range.end().value;
    if (at >= messages.size() || messages[at].holder != member) break;
    if (messages[at].until <= mono_ms{mono_}) break;
    ++range.count;
  }
  settling(id, member, range);
}

/// An acknowledgement that comes when the message may be anybody's.
void delivery_simulation::settle_late() {
  auto& [id, queue] = dice_->pick(queues_);
  std::vector<offset> met;
  for (std::size_t i = 0; i < queue.messages.size(); ++i)
    if (queue.messages[i].met) met.push_back(offset{i});
  if (met.empty()) return;
  settling(id, member_id{dice_->below(made_ + 1)}, {dice_->pick(met), 1});
}

void delivery_simulation::settling(queue_id id, member_id member, offset_range range) {
  for (auto at = range.first; at < range.end(); at = at + 1) {
    auto& m = queues_.at(id).messages[at.value];
    if (m.dying || m.dead) continue;
    m.settling = m.asked = true;
    m.holder = member_id{0};
  }
  auto done = core_->settle(member, id, {range}, now());
  REQUIRE(done.ok());
  carry_out(*done);
}

void delivery_simulation::fail_one() {
  if (members_.empty()) return;
  const auto member = dice_->pick(members_);
  const auto held = held_by(member);
  if (held.empty()) return;
  const auto [id, at] = dice_->pick(held);
  auto& m = queues_.at(id).messages[at.value];
  m.holder = member_id{0};
  const auto roll = dice_->below(10);
  if (roll < 6) {
    std::optional<std::uint64_t> delay;
    if (dice_->percent(50)) delay = dice_->below(200);
    auto done = core_->nack(member, id, at, delay, "did not work", now());
    REQUIRE(done.ok());
    carry_out(*done);
  } else if (roll < 8) {
    auto done = core_->reject(member, id, at, "never will", now());
    REQUIRE(done.ok());
    carry_out(*done);
  } else {
    carry_out(core_->give_back(member, id, {{at, 1}}, now()));
  }
}

void delivery_simulation::revive_one() {
  auto& [id, queue] = dice_->pick(queues_);
  for (std::size_t i = 0; i < queue.messages.size(); ++i) {
    auto& m = queue.messages[i];
    if (!m.dead || m.reviving || dice_->percent(50)) continue;
    m.reviving = true;
    waiting_record row;
    row.at = offset{i};
    row.due = unix_ms{wall_};
    row.key = options_.keyed ? m.key : 0;
    row.letter_queue = queue_id{99};
    unwritten_.push_back({id, {effects::waiting{the_group, id, row}}, std::nullopt, true});
    return;
  }
}

/// Consumers that outlived a crash say what they still work on.
void delivery_simulation::come_back() {
  if (members_.empty()) return;
  const auto member = dice_->pick(members_);
  for (const auto& [id, at] : held_by(formerly)) {
    if (core_->members().at(member).in_flight >= options_.how.member_in_flight_max) return;
    if (dice_->percent(50)) continue;
    REQUIRE(core_->reclaim(member, id, {{at, 1}}, now()).empty());
    auto& m = queues_.at(id).messages[at.value];
    m.holder = member;
    m.until = mono_ms{mono_ + options_.how.lease_ms};
  }
}

void delivery_simulation::let_time_pass() {
  if (dice_->percent(10)) core_->read_anew();
  mono_ += dice_->below(400);
  wall_ += static_cast<std::int64_t>(dice_->below(400));
  if (!members_.empty() && dice_->percent(50)) {
    const auto member = dice_->pick(members_);
    for (const auto& [id, at] : held_by(member))
      queues_.at(id).messages[at.value].until = mono_ms{mono_ + options_.how.lease_ms};
    core_->renew(member, now());
    // What had ended is not renewed, but the core may not have noticed yet.
  }
  carry_out(core_->tick(now()));
}

/// The node dies: what was written last may be lost; consumers come back, or do not.
void delivery_simulation::crash() {
  apply_some(dice_->below(unwritten_.size() + 1));
  unwritten_.clear();
  for (auto& [id, queue] : queues_) {
    const auto& progress = folded_.at(id);
    for (std::size_t i = 0; i < queue.messages.size(); ++i) {
      auto& m = queue.messages[i];
      m.settling = m.settled;
      m.asked &= m.settled;
      m.dying = m.reviving = false;
      const auto row = progress.waiting().find(offset{i});
      m.failures = row == progress.waiting().end() ? 0 : row->second.attempts;
      m.key_unknown = row != progress.waiting().end() && row->second.key_unknown;
      // Who had it may go on for one lease, if the log knows that somebody had it.
      m.holder = progress.lent().contains(offset{i}) ? formerly : member_id{0};
      m.until = mono_ms{mono_ + options_.how.lease_ms};
      if (!m.gone) REQUIRE(progress.finished(offset{i}) == (m.settled || m.dead));
    }
  }
  members_.clear();
  make_core();
}

void delivery_simulation::check() {
  std::uint64_t in_flight = 0;
  for (const auto& [id, queue] : core_->queues())
    for (const auto& [first, lease] : queue.leases) in_flight += lease.count;
  REQUIRE(core_->in_flight() == in_flight);
  for (const auto& [id, member] : core_->members())
    REQUIRE(member.in_flight <= options_.how.member_in_flight_max);
  if (!dice_->percent(10)) return;
  const auto& [id, queue] = dice_->pick(queues_);
  if (!queue.messages.empty()) check_story(id, offset{dice_->below(queue.messages.size())});
}

/// Everything is dealt with in the end.
void delivery_simulation::drain() {
  const member_id member{++made_};
  members_.insert(member);
  carry_out(core_->join(member, 1'000, now()));
  const auto open = [this] {
    for (const auto& [id, queue] : queues_)
      for (std::size_t i = 0; i < queue.messages.size(); ++i) {
        const auto& m = queue.messages[i];
        if (m.settled || m.dead) continue;
        // Of what retention took, only what the core has all the same.
        if (!m.gone || !core_->queues().at(id).progress.finished(offset{i})) return true;
      }
    return false;
  };
  for (int round = 0; open(); ++round) {
    REQUIRE(round < 5'000);
    for (const auto each : members_) carry_out(core_->demand(each, 10'000, now()));
    for (auto& [id, queue] : queues_) {
      feed(id);
      answer_look(id);
    }
    settle_some();
    apply_some(100);
    if (round % 10 == 9) {
      mono_ += 1'100;
      wall_ += 1'100;
      carry_out(core_->tick(now()));
    }
  }
  apply_some(unwritten_.size());
  REQUIRE(core_->in_flight() == 0);
  REQUIRE(core_->waiting() == 0);
  for (const auto& [id, queue] : queues_) {
    const auto &is = core_->queues().at(id).progress, &folded = folded_.at(id);
    REQUIRE(is.next() == offset{queue.messages.size()});
    REQUIRE(folded.next() == is.next());
    REQUIRE(folded.waiting().empty());
    REQUIRE(folded.done().empty());
    REQUIRE(core_->queues().at(id).lines.empty());
    for (std::size_t i = 0; i < queue.messages.size(); i += 7) check_story(id, offset{i});
  }
}

} // namespace carafe::test
