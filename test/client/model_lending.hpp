#pragma once

#include "schema/message_frames.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace carafe::test {

/// What a node knows of the messages of a `shared` group: who has which, what is finished.
class model_lending {
public:
  struct lease {
    member_id member; ///< 0: of before a restart, nobody knows whose.
    std::uint32_t attempt = 1;
  };
  using place = std::pair<queue_id, offset>;

  [[nodiscard]] bool free(place p) const { return !finished_.contains(p) && !leases_.contains(p); }
  std::uint32_t attempt_of(place p) { return failures_[p] + 1; }
  void lend(place p, member_id to) { leases_[p] = {to, attempt_of(p)}; }

  /// @returns Whether all that failed was the member's.
  bool settle(const frames::settle& s) {
    auto all_ours = true;
    each(s.done, [&](place p) {
      finished_.insert(p);
      leases_.erase(p);
    });
    for (auto& failed : s.failed) {
      auto p = place{failed.queue, failed.at};
      if (!is_of(s.member, p)) {
        all_ours = false;
        continue;
      }
      leases_.erase(p);
      ++failures_[p];
      if (failed.dead) finished_.insert(p);
    }
    each(s.returned, [&](place p) {
      if (is_of(s.member, p)) leases_.erase(p);
    });
    return all_ours;
  }

  /// @returns What of `held` is not the member's.
  std::vector<frames::queue_ranges> reclaim(const frames::renew& r) {
    auto lost = std::vector<frames::queue_ranges>{};
    each(r.held, [&](place p) {
      auto at = leases_.find(p);
      if (at != leases_.end() && at->second.member.value == 0) at->second.member = r.member;
      if (!is_of(r.member, p)) lost.push_back({p.first, {{p.second, 1}}});
    });
    return lost;
  }

  /// @param noticed  Its messages are free, and count as failed; otherwise nobody knows whose they
  ///                 are, as after a restart.
  void member_gone(member_id member, bool noticed) {
    for (auto at = leases_.begin(); at != leases_.end();) {
      auto here = at++;
      if (here->second.member != member) continue;
      here->second.member = {};
      if (!noticed) continue;
      ++failures_[here->first];
      leases_.erase(here);
    }
  }
  /// Its messages are free again, with no fault.
  void member_left(member_id member) {
    std::erase_if(leases_, [member](auto& each) { return each.second.member == member; });
  }
  /// Somebody else's lease.
  void take_away(place p) { leases_[p] = {member_id{999}, attempt_of(p)}; }

  [[nodiscard]] std::size_t lent() const noexcept { return leases_.size(); }
  [[nodiscard]] const std::set<place>& finished() const noexcept { return finished_; }

private:
  template <class Work>
  static void each(const std::vector<frames::queue_ranges>& all, Work work) {
    for (auto& queue : all)
      for (auto& range : queue.ranges)
        for (auto at = range.first; at < range.end(); at = at + 1) work(place{queue.queue, at});
  }
  [[nodiscard]] bool is_of(member_id member, place p) const {
    auto at = leases_.find(p);
    return at != leases_.end() && at->second.member == member;
  }

  std::map<place, lease> leases_;
  std::map<place, std::uint32_t> failures_;
  std::set<place> finished_;
};

} // namespace carafe::test
