#pragma once

#include "actors/core/recurrence.hpp"
#include "schema/records.hpp"
#include "schema/schedule_frames.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carafe::core {

/// Finds a zone by its name.
/// @errors schedule_invalid
using zone_source = std::function<result<std::shared_ptr<const time_zone>>(const std::string&)>;

struct schedule_limits {
  std::size_t schedules_max = 10'000;
};

/// Which schedules there are, how far each is, and what is due.
///
/// Each step of a schedule is one entry of one shard: the message and the progress after it, or the
/// progress alone. A schedule takes its steps one after another; of what shards say of it, the
/// highest step counts. So each time it is due is dealt with once, whatever is killed, and wherever
/// clocks are set.
///
///     idle --due--> busy --settled--> idle        busy --hold--> held --release--> idle
///
/// @invariant No time at or before `handled` is ever due again.
class schedule_core {
public:
  /// A time that is so long past is missed; so is one after which another has come.
  static constexpr std::int64_t late_ms = 10'000;
  /// Messages for missed times, at most; the newest ones.
  static constexpr std::size_t catch_up_max = 1'000;
  /// Times that one step passes over, at most.
  static constexpr std::size_t skip_max = 10'000;
  static constexpr std::uint32_t listed_max = 1'000;
  static constexpr std::size_t error_bytes_max = 512;

  schedule_core(schedule_limits limits, zone_source zones);

  // -- at a start: what the shards have, first the schedules --------------------------------------
  void load(const schedule_record& record);
  /// @returns False if there is no such schedule: the row is left from a deleted one.
  bool learn(schedule_id schedule, const schedule_progress& progress);
  /// All of it is there.
  void loaded();

  // -- wishes (schedule_wishes.cpp) ---------------------------------------------------------------
  /// What a wish comes to: an effect for shard 0, or nothing to write.
  struct decision {
    std::optional<effects::effect> effect;
    std::string name;
  };
  /// @param fresh The id of a new one.
  /// @errors schedule_exists, schedule_invalid, schedule_unknown, topic_name_invalid,
  ///         too_many_schedules. The message is not looked at.
  [[nodiscard]] result<decision> put(const frames::schedule_put& wish, schedule_id fresh,
                                     unix_ms now) const;
  /// @errors schedule_unknown
  [[nodiscard]] result<decision> remove(const std::string& name) const;
  /// The effect is durable.
  void apply(const effects::effect& effect);

  /// A step of it is being written: wishes wait.
  [[nodiscard]] bool is_busy(std::string_view name) const;
  /// A wish about it is being written: it takes no steps.
  void claim(std::string_view name);
  void unclaim(std::string_view name);

  // -- time ---------------------------------------------------------------------------------------
  struct firing {
    schedule_id schedule;
    /// The time that it is for.
    unix_ms due;
    /// Times before it that are passed over now.
    std::uint64_t passed = 0;
    /// False: only the progress is to be written.
    bool sends = false;
    /// Counts what was tried, from 0.
    std::uint64_t number = 0;
    schedule_progress before;
    schedule_progress after;
  };
  /// The next steps of at most `max` schedules; these are busy from now on.
  /// @cost For each O(times passed, at most `skip_max` + `catch_up_max`)
  std::vector<firing> due(unix_ms now, std::size_t max);
  /// When the next one is due.
  [[nodiscard]] std::optional<unix_ms> next() const;

  /// What is to be written when the message of `step` cannot be sent.
  [[nodiscard]] static schedule_progress failed(const firing& step, std::string why);
  /// The step was written, as `progress`.
  void settled(schedule_id schedule, const schedule_progress& progress);
  /// It was not, for now, and is to be tried again after `release`.
  void hold(schedule_id schedule, std::string why);
  void release(schedule_id schedule);

  // -- looking ------------------------------------------------------------------------------------
  /// Null: there is none.
  [[nodiscard]] const schedule_record* find(schedule_id schedule) const;
  [[nodiscard]] const schedule_record* find(std::string_view name) const;
  [[nodiscard]] const schedule_progress* progress(schedule_id schedule) const;
  /// @errors schedule_unknown
  [[nodiscard]] result<frames::schedules> list(const frames::schedule_list& wish) const;
  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

private:
  enum class state : std::uint8_t { idle, busy, held };
  struct entry {
    schedule_record record;
    schedule_progress now;
    /// Nothing: `problem` says why.
    std::optional<recurrence> rule;
    std::optional<unix_ms> next;
    state is = state::idle;
    std::string problem;
  };

  [[nodiscard]] result<recurrence> rule_of(const schedule_definition& what, unix_ms created) const;
  [[nodiscard]] result<decision> make(const schedule_definition& what, bool if_missing,
                                      schedule_id fresh, unix_ms now) const;
  [[nodiscard]] result<decision> set_paused(const std::string& name, bool paused,
                                            unix_ms now) const;
  [[nodiscard]] static std::optional<unix_ms> following(const entry& e, unix_ms at);
  [[nodiscard]] static firing step_of(const entry& e, unix_ms now);
  [[nodiscard]] frames::schedule_line line_of(const entry& e) const;
  [[nodiscard]] const entry* entry_of(std::string_view name) const;
  void put(const schedule_record& record);
  void queue(entry& e);
  void unqueue(entry& e);

  schedule_limits limits_;
  zone_source zones_;
  std::map<schedule_id, entry> schedules_;
  std::map<std::string, schedule_id, std::less<>> names_;
  /// Those that are idle and come again.
  std::set<std::pair<unix_ms, schedule_id>> queue_;
};

} // namespace carafe::core
