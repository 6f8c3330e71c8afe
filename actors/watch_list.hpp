#pragma once

#include <caf/actor_addr.hpp>

#include <cstdint>
#include <unordered_map>

namespace carafe {

/// The actors whose end an actor wants to hear of, each with the number of reasons for it.
///
/// CAF keeps the memory of whoever monitors an actor until that actor ends. Actors that come and go
/// therefore have to take back what they asked of those that stay: each `add` needs its `remove`,
/// or an `ended`, or `clear`.
class watch_list {
public:
  template <class Self, class Handle>
  void add(Self self, const Handle& actor) {
    if (++reasons_[actor.address()] == 1) self->monitor(actor);
  }

  template <class Self>
  void remove(Self self, const caf::actor_addr& actor) {
    auto at = reasons_.find(actor);
    if (at == reasons_.end() || --at->second > 0) return;
    reasons_.erase(at);
    self->demonitor(actor);
  }

  /// For down handlers.
  void ended(const caf::actor_addr& actor) { reasons_.erase(actor); }

  template <class Self>
  void clear(Self self) {
    for (const auto& [actor, count] : reasons_) self->demonitor(actor);
    reasons_.clear();
  }

private:
  std::unordered_map<caf::actor_addr, std::uint32_t> reasons_;
};

} // namespace carafe
