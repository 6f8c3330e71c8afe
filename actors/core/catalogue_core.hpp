#pragma once

#include "schema/frame.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace carafe::core {

struct catalogue_limits {
  std::uint32_t topics_max = 0;
  std::uint32_t queues_per_topic_max = 0;
  std::uint32_t groups_max = 0;
  /// Shards of each durability.
  std::uint32_t shards_per_mode = 1;
  /// Of a `broadcast` group: names under which offsets are kept.
  std::uint32_t names_per_group_max = 1'000;
  std::uint32_t producer_names_max = 10'000;
};

/// 1..127 of letters, digits, '.', '_', '-', not beginning with '.' or '-'; the node's own names
/// begin with '%'.
/// @errors topic_name_invalid, group_name_invalid
result<void> check_topic_name(std::string_view name);
result<void> check_group_name(std::string_view name);

/// Whether groups of this mode settle single messages.
[[nodiscard]] bool lends_messages(std::string_view mode);

/// A named consumer of a `broadcast` group has a record like a group's, of this mode: so what it
/// has committed is an ordinary row of progress, under an id of its own.
inline constexpr std::string_view consumer_mode = "consumer";
/// The record's name: `%<group>%<consumer>`, which is no group's.
[[nodiscard]] std::string consumer_record_name(std::string_view group, std::string_view consumer);
/// The consumer's own name.
[[nodiscard]] std::string consumer_name(const group_record& consumer);

/// The seat of a member of an `ordered` group has a record of this mode, as a named consumer has:
/// it says which queues are kept for the member while it is away.
inline constexpr std::string_view seat_mode = "member";
/// The member's own id.
[[nodiscard]] std::string seat_id(const group_record& seat);

/// The topic with the dead letters of this group.
[[nodiscard]] std::string dead_letters_of(std::string_view group);
/// Whether a topic of this name has the dead letters of a group.
[[nodiscard]] bool is_dead_letters(std::string_view topic);

/// Which topics and groups there are, and what a wish to change them comes to.
///
/// A decision gives the entry for shard 0 and what other shards are to be told afterwards; those
/// follow-ups are idempotent and are repeated at every start, so a crash between leaves nothing
/// half done for good. The caller carries out one decision at a time and calls `apply` when shard
/// 0 has applied it.
class catalogue_core {
public:
  catalogue_core(catalogue_limits limits, std::vector<topic_record> topics,
                 std::vector<group_record> groups, std::uint64_t next_id,
                 const std::vector<named_producer_record>& producers = {});

  struct decision {
    /// One entry of shard 0; empty: nothing to write.
    std::vector<effects::effect> entry;
    /// Afterwards, one entry of each of these shards.
    std::map<shard_id, std::vector<effects::effect>> follow_ups;
    topic_record topic;
    group_record group;
    /// Of `group`: the named consumer that is meant, if one is.
    std::optional<group_record> consumer;
    /// As it is then, or was when it is forgotten.
    std::optional<named_producer_record> producer;
  };

  /// @errors topic_exists, topic_name_invalid, too_many_topics, too_many_queues, invalid_argument.
  result<decision> create_topic(const frames::topic_create& wish, unix_ms now) const;
  /// @errors topic_unknown, queues_cannot_shrink, too_many_queues, invalid_argument.
  result<decision> alter_topic(const frames::topic_alter& wish) const;
  /// @errors topic_unknown, group_in_use is not checked: groups simply lose its queues.
  result<decision> delete_topic(const std::string& name) const;

  /// The group of this name, to be created if there is none. Topics of the group that were deleted
  /// are not to be asked for; they come back if they are made again.
  /// @errors group_name_invalid, topic_unknown, subscription_mismatch (shows both),
  ///         too_many_groups, invalid_argument (no topics, a mode that there is not),
  ///         filter_invalid.
  result<decision> join_group(const std::string& name, std::vector<std::string> topics, unix_ms now,
                              std::string mode = {}, message_filter filter = {}) const;
  /// The same for a consumer that was a member of the group with the id `before`, whatever that
  /// reads by now.
  /// @returns Nothing if this is another group, or works in a way that such a consumer does not
  ///          know: `ordered`, `broadcast`, or singly (`shared` and `keyed`).
  std::optional<decision> rejoin_group(const std::string& name, group_id before,
                                       std::string_view mode) const;
  /// What `join_group` has decided, for a consumer whose offsets are kept under this name; the name
  /// is to be created if it is not there.
  /// @errors unsupported (the group is not `broadcast`), invalid_argument (no such name can be),
  ///         too_many_names
  result<decision> name_consumer(decision joined, const std::string& name, unix_ms now) const;
  /// The name goes, and what is committed under it.
  /// @errors group_unknown, not_found
  result<decision> forget_consumer(const std::string& group_name, const std::string& name) const;
  /// These queues are kept for the member of this id.
  /// @errors group_unknown
  result<decision> keep_queues(group_id group, const std::string& member,
                               std::vector<queue_id> queues, unix_ms now) const;
  /// None are.
  /// @errors group_unknown
  result<decision> drop_seat(group_id group, const std::string& member) const;
  /// Makes a group, or changes the one that still has `wish.version`.
  /// @errors Those of `join_group`; group_exists, group_unknown, group_changed, invalid_argument
  ///         (a setting out of its range), group_in_use (it has named consumers, and would not
  ///         be `broadcast` any more).
  result<decision> put_group(frames::group_put wish, unix_ms now) const;
  /// The topic of the group's dead letters, with a queue in every shard that it reads from.
  /// @errors group_unknown, too_many_topics
  result<decision> make_dead_letters(const std::string& group_name, unix_ms now) const;
  /// @errors group_unknown
  result<decision> delete_group(const std::string& name) const;

  /// Whoever asks has the name from now on, and holders before are fenced, in each of `shards`; the
  /// name is made if it is not there.
  /// @param shards All that there are.
  /// @errors invalid_argument (no such name can be), too_many_names
  result<decision> open_producer(const std::string& name, const std::vector<shard_id>& shards,
                                 unix_ms now) const;
  /// @errors not_found
  result<decision> forget_producer(const std::string& name,
                                   const std::vector<shard_id>& shards) const;
  /// What a shard that is made now has to be told.
  [[nodiscard]] std::vector<effects::effect> known_producers() const;

  void apply(const decision& done);

  /// What a shard holds that only the catalogue can tell to be right.
  struct inventory {
    std::vector<queue_id> queues;
    /// Groups that have progress there.
    std::vector<group_id> groups;
    /// Of queues whose messages' ids count.
    std::map<queue_id, std::uint64_t> dedup_windows = {};
    std::set<queue_id> compacted = {};
    /// Names, and the epochs that are known of them.
    std::map<producer_name_id, std::uint32_t> producers = {};
  };
  /// What a restarted node has to repeat: queues that should be open in `shard` but are not, and
  /// queues and progress there that belong to nothing any more.
  [[nodiscard]] std::vector<effects::effect> repairs(shard_id shard, const inventory& there) const;

  [[nodiscard]] const topic_record* topic(std::string_view name) const;
  [[nodiscard]] const topic_record* topic(topic_id id) const;
  [[nodiscard]] const group_record* group(std::string_view name) const;
  /// The named consumers of a group.
  [[nodiscard]] std::vector<group_record> consumers_of(std::string_view group_name) const;
  /// The seats of its members.
  [[nodiscard]] std::vector<group_record> seats_of(std::string_view group_name) const;
  [[nodiscard]] const std::map<topic_id, topic_record>& topics() const noexcept { return topics_; }
  [[nodiscard]] const std::map<group_id, group_record>& groups() const noexcept { return groups_; }
  /// Records of named consumers, of all groups.
  [[nodiscard]] const std::map<group_id, group_record>& consumers() const noexcept {
    return consumers_;
  }
  [[nodiscard]] const named_producer_record* producer(std::string_view name) const;
  [[nodiscard]] const named_producer_record* producer(producer_name_id id) const;
  [[nodiscard]] const std::map<producer_name_id, named_producer_record>&
  producers() const noexcept {
    return producers_;
  }
  /// The topic that has this queue.
  [[nodiscard]] const topic_record* owner_of(queue_id queue) const;

private:
  void add_queues(topic_record& topic, std::uint32_t count, std::uint64_t& next_id,
                  decision& out) const;
  /// The queue is there, and is as its topic says.
  static void tell_queue(const topic_record& topic, const queue_place& place, decision& out);
  static void add_queue(topic_record& topic, shard_id shard, std::uint64_t& next_id, decision& out);
  static void finish(decision& out);
  result<decision> make_group(const frames::group_put& wish, unix_ms now) const;
  /// @param had Its topics may be deleted ones; nothing: all must be there.
  result<std::vector<std::string>> check_topics(std::vector<std::string> topics,
                                                const group_record* had = nullptr) const;
  [[nodiscard]] std::vector<std::string> topics_read(const group_record& group) const;
  void put(const topic_record& topic);
  void put(const group_record& group);
  void put(const named_producer_record& producer);
  void apply(const effects::producer_put& effect);
  void repair_producers(const inventory& there, std::vector<effects::effect>& out) const;
  void remove(group_id group);
  /// Their record and progress go, in every shard that the group reads from.
  void drop(const group_record& group, group_id of, decision& out) const;

  catalogue_limits limits_;
  std::map<topic_id, topic_record> topics_;
  std::map<group_id, group_record> groups_;
  std::map<std::string, topic_id, std::less<>> topic_names_;
  std::map<std::string, group_id, std::less<>> group_names_;
  std::map<group_id, group_record> consumers_;
  /// By the names of their records.
  std::map<std::string, group_id, std::less<>> consumer_names_;
  std::map<group_id, group_record> seats_;
  std::map<std::string, group_id, std::less<>> seat_names_;
  std::unordered_map<queue_id, topic_id> queue_topics_;
  std::map<producer_name_id, named_producer_record> producers_;
  std::map<std::string, producer_name_id, std::less<>> producer_names_;
  std::uint64_t next_id_;
};

} // namespace carafe::core
