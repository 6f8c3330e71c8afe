#include "actors/core/send_budget.hpp"

#include <algorithm>
#include <utility>

namespace carafe::core {

namespace {

/// More credit than this is not counted.
constexpr std::int64_t credit_max = std::int64_t{1} << 32;

std::int64_t add_credit(std::int64_t to, std::uint64_t bytes) {
  const auto more = static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, credit_max));
  return std::min(to + more, credit_max);
}

} // namespace

void send_budget::add(subscription_id id, std::uint64_t credit) {
  shares_[id].credit = add_credit(0, credit);
}

send_budget::grants send_budget::remove(subscription_id id) {
  auto at = shares_.find(id);
  if (at == shares_.end()) return {};
  if (at->second.waits) std::erase(waiting_, id);
  auto out = stopped(id);
  shares_.erase(at);
  return out;
}

send_budget::grants send_budget::credit(subscription_id id, std::uint64_t bytes) {
  grants out;
  auto at = shares_.find(id);
  if (at == shares_.end()) return out;
  auto& it = at->second;
  it.credit = add_credit(it.credit, bytes);
  wait(id, it);
  top_up(id, it, out);
  lend(out);
  return out;
}

send_budget::grants send_budget::reading(subscription_id id) {
  grants out;
  auto& it = shares_.at(id);
  if (!std::exchange(it.reading, true)) ++readers_;
  top_up(id, it, out);
  return out;
}

send_budget::grants send_budget::stopped(subscription_id id) {
  grants out;
  auto at = shares_.find(id);
  if (at == shares_.end()) return out;
  auto& it = at->second;
  give_back(it, it.standing + it.lent);
  it.wanted = 0;
  if (std::exchange(it.reading, false)) --readers_;
  lend(out);
  return out;
}

send_budget::grants send_budget::delivered(subscription_id id, std::uint64_t bytes,
                                           std::uint64_t sent) {
  grants out;
  auto at = shares_.find(id);
  if (at == shares_.end()) return out;
  auto& it = at->second;
  it.credit -= static_cast<std::int64_t>(sent);
  give_back(it, bytes);
  top_up(id, it, out);
  lend(out);
  return out;
}

send_budget::grants send_budget::wants(subscription_id id, std::uint64_t bytes,
                                       std::uint64_t returned) {
  grants out;
  auto at = shares_.find(id);
  if (at == shares_.end() || !at->second.reading) return out;
  auto& it = at->second;
  give_back(it, returned);
  // What is still on its way there will be of use, or come back as this did. More of the same would
  // meet the next question, and so on for ever.
  if (it.standing + it.lent == 0) {
    it.wanted = bytes;
    wait(id, it);
    top_up(id, it, out);
  }
  lend(out);
  return out;
}

void send_budget::limit(std::uint64_t bytes) {
  limits_.standing_max = std::min(most_.standing_max, bytes);
  limits_.lent_max = std::min(most_.lent_max, bytes / 2);
  limits_.unsent_max = std::min(most_.unsent_max, bytes / 8);
}

send_budget::grants send_budget::unsent(std::uint64_t bytes) {
  grants out;
  unsent_ = bytes;
  // The limit may have risen since: whether it was full before says nothing.
  if (is_full() || !std::exchange(withheld_, false)) return out;
  for (auto& [id, it] : shares_) top_up(id, it, out);
  lend(out);
  return out;
}

void send_budget::give_back(share& from, std::uint64_t bytes) {
  const auto lent = std::min(from.lent, bytes);
  const auto standing = std::min(from.standing, bytes - lent);
  from.lent -= lent;
  from.standing -= standing;
  lent_ -= lent;
  standing_ -= standing;
}

void send_budget::wait(subscription_id id, share& of) {
  if (of.waits || of.wanted == 0 || of.credit <= 0) return;
  of.waits = true;
  waiting_.push_back(id);
}

/// While it waits for more, a little is of no use.
void send_budget::top_up(subscription_id id, share& of, grants& out) {
  if (!of.reading || of.wanted > 0 || of.credit <= 0) return;
  if (is_full()) {
    withheld_ = true;
    return;
  }
  const auto fair = std::min(limits_.standing_max / readers_, limits_.standing_each);
  const auto aim = std::min(static_cast<std::uint64_t>(of.credit), fair);
  const auto held = of.standing + of.lent;
  if (aim <= held) return;
  const auto more = aim - held;
  // Granting a crumb at a time would cost a message for every batch.
  if ((held > 0 && more < aim / 2) || standing_ + more > limits_.standing_max) return;
  of.standing += more;
  standing_ += more;
  out.push_back({id, more});
}

void send_budget::lend(grants& out) {
  while (!waiting_.empty()) {
    if (is_full()) {
      withheld_ = true;
      return;
    }
    const auto id = waiting_.front();
    auto at = shares_.find(id);
    if (at != shares_.end()) {
      auto& it = at->second;
      const bool lends = it.wanted > 0 && it.credit > 0;
      if (lends && lent_ > 0 && lent_ + it.wanted > limits_.lent_max) return;
      it.waits = false;
      if (lends) {
        it.lent += it.wanted;
        lent_ += it.wanted;
        out.push_back({id, std::exchange(it.wanted, 0)});
      }
    }
    waiting_.pop_front();
  }
}

} // namespace carafe::core
