#include "actors/core/delivery_where.hpp"

#include "actors/core/delivery_core.hpp"

namespace carafe::core {

whereabouts delivery_core::where(queue_id name, offset at) const {
  using place = whereabouts::place;
  whereabouts out;
  const auto found = queues_.find(name);
  if (found == queues_.end()) return out;
  const auto& queue = found->second;
  const auto row = queue.progress.waiting().find(at);
  const bool failed = row != queue.progress.waiting().end();
  if (failed) {
    out.attempts = row->second.attempts;
    out.error = row->second.error;
    out.due = row->second.due;
  }
  auto held = queue.leases.upper_bound(at);
  if (held != queue.leases.begin() && (--held, at < held->first + held->second.count)) {
    out.is = place::lent;
    out.member = held->second.member;
    out.lease_ends = held->second.ends;
    out.attempts = held->second.attempts;
    return out;
  }
  const auto oldest = queue.lines.first_before(at).value_or(at);
  if (queue.dying.contains(at)) {
    out.is = place::dying;
  } else if (queue.progress.finished(at)) {
    out.is = place::finished;
  } else if (failed && due_.contains({row->second.due, name, at})) {
    out.is = place::waiting;
  } else if (queue.ready.contains(at)) {
    out.is = place::ready;
  } else if (oldest != at) {
    out.is = place::behind;
    out.at = oldest;
  } else if (at >= queue.fetched) {
    out.is = place::unread;
    out.at = queue.fetched;
    out.held_up = held_up() && queue.fetched >= queue.barrier;
  } else {
    out.is = place::ready;
  }
  return out;
}

} // namespace carafe::core
