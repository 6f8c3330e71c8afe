#include "actors/core/story_telling.hpp"
#include "test/core/delivery_simulation.hpp"

namespace carafe::test {

void delivery_simulation::log_entry(std::vector<effects::effect> effects) {
  decoded_entry stored;
  stored.header.index = entry_index{log_.size() + 1};
  stored.header.time = unix_ms{wall_};
  stored.effects = std::move(effects);
  log_.push_back(std::move(stored));
}

/// What is told of a message must be what its members saw and were answered.
void delivery_simulation::check_story(queue_id id, offset at) const {
  using state = frames::group_story::state;
  core::story_subject about;
  about.queue = id;
  about.at = at;
  core::story story{about, {{options_.group, true}}};
  for (const auto& stored : log_) story.take(stored);
  const auto& m = queues_.at(id).messages[at.value];
  const auto told =
    core::tell(story, options_.group, core_->where(id, at), {}, {queues_.at(id).start, now()});
  INFO("queue " << id.value << " offset " << at.value << " is told to be "
                << static_cast<int>(told.now));
  const bool expired = m.expires <= now().wall;
  switch (told.now) {
  case state::acknowledged:
    REQUIRE((m.settled && m.asked));
    break;
  case state::expired:
    REQUIRE((m.settled && expired));
    break;
  case state::dead:
    REQUIRE(m.dead);
    break;
  case state::lost:
    REQUIRE((m.gone || m.settled));
    REQUIRE((at < queues_.at(id).start || !m.asked));
    break;
  case state::lent:
    REQUIRE_FALSE((m.settling || m.settled || m.dead || m.dying));
    break;
  case state::dying:
    REQUIRE((m.dying && !m.dead));
    break;
  case state::done: // Its end is being written; or it went with retention.
    REQUIRE((m.settling || m.gone));
    break;
  case state::unread:
  case state::held_up:
    REQUIRE_FALSE((m.settling || m.dead));
    break;
  case state::behind:
    REQUIRE((options_.keyed && m.key != 0 && told.at != at));
    REQUIRE(queues_.at(id).messages[told.at.value].key == m.key);
    break;
  case state::ready:
  case state::waiting:
    REQUIRE_FALSE((m.settled || m.dead));
    break;
  case state::filtered:
  case state::skipped:
  case state::unstarted:
    FAIL("nobody filters, and the group begins at the beginning");
  }
  if (m.settled && !m.gone) {
    const bool over = told.now == state::acknowledged || told.now == state::expired;
    REQUIRE((over || told.now == state::lost));
    REQUIRE((told.now != state::lost || !m.asked));
  }
  if (m.dead) REQUIRE(told.now == state::dead);
  if (m.holder.value != 0 && members_.contains(m.holder) && m.until > mono_ms{mono_} && !m.gone)
    REQUIRE(told.now == state::lent);
  if (unwritten_.empty() && !m.dead && !m.dying && !m.settled && !m.gone)
    REQUIRE(told.attempts == m.failures);
  // Deliveries and failures follow each other, and are as many as members know.
  using kind = frames::story_event::kind;
  std::uint32_t failures = 0;
  for (const auto& event : told.events) {
    REQUIRE(event.time <= now().wall);
    if (event.what == kind::redriven) failures = 0;
    if (event.what == kind::lent) REQUIRE(event.attempt == failures + 1);
    if (event.what != kind::failed) continue;
    REQUIRE(event.attempt == failures + 1);
    failures = event.attempt;
  }
  if (unwritten_.empty() && !m.dead && !m.dying && !m.settled && !m.gone)
    REQUIRE(failures == m.failures);
}

} // namespace carafe::test
