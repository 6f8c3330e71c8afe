#pragma once

/// Carafe's client library. It works from plain threads; nothing of it needs CAF.
///
///     auto c = carafe::client::connect({.node = "127.0.0.1:7470"});
///     auto p = c->make_producer({});
///     auto receipt = p->send("orders", {.body = "hello", .key = "42"});

#include <carafe/admin.hpp>
#include <carafe/consumer.hpp>
#include <carafe/key_search.hpp>
#include <carafe/message.hpp>
#include <carafe/producer.hpp>
#include <carafe/request_reply.hpp>
#include <carafe/result.hpp>
#include <carafe/schedules.hpp>
#include <carafe/story.hpp>
#include <carafe/timers.hpp>
#include <carafe/transactions.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::client {

struct connect_options {
  /// HOST:PORT.
  std::string node = "127.0.0.1:7470";
  /// A name for people, shown by `group describe`; empty: host and process id.
  std::string name{};
  /// How long `connect` and each request may take.
  std::chrono::milliseconds timeout{10'000};
  /// Reconnect: first wait, and the most (doubled each time, with jitter).
  std::chrono::milliseconds backoff_min{50};
  std::chrono::milliseconds backoff_max{2'000};
};

/// One connection to a node and the thread that serves it. Producers and consumers made from it
/// share it and keep it alive.
///
/// @thread Every member may be called from any thread.
class connection;

class client {
public:
  ~client();
  client(client&&) noexcept;
  client& operator=(client&&) noexcept;

  [[nodiscard]] result<std::unique_ptr<producer>> make_producer(producer_options options) const;
  /// Reads topics or queues without a group, or as a member of one (see consumer_options).
  /// @errors What the node refused; `timeout` only if it said nothing.
  [[nodiscard]] result<std::unique_ptr<consumer>> make_consumer(consumer_options options) const;
  /// Sends requests and receives their answers.
  /// @errors Those of `describe_topic`, `create_topic` and `make_consumer`, of the reply topic.
  [[nodiscard]] result<std::unique_ptr<requester>> make_requester(requester_options options) const;

  /// Sends messages that become visible together, or never.
  /// @errors invalid_argument, group_name_invalid, too_many_groups (producer groups that this
  ///         connection answers for); timeout.
  [[nodiscard]] result<std::unique_ptr<transaction_producer>>
  make_transaction_producer(transaction_options options) const;

  // -- admin; each waits for the answer, at most `timeout` ----------------------------------------

  result<topic_info> create_topic(const std::string& name, std::uint32_t queues,
                                  topic_settings settings = {}, bool if_missing = false) const;
  result<topic_info> alter_topic(const std::string& name, const topic_change& change) const;
  result<void> delete_topic(const std::string& name) const;
  result<std::vector<topic_line>> list_topics() const;
  result<topic_info> describe_topic(const std::string& name, bool create_if_missing = false) const;

  result<std::vector<group_line>> list_groups() const;
  result<group_info> describe_group(const std::string& name) const;
  /// Makes a group before its first consumer comes, or changes one. Consumers that are in it go on
  /// with its topics and filter of then.
  /// @errors A group that is there already and is another one, or that somebody changed since
  ///         `version`, is left as it is. group_unknown, group_name_invalid, topic_unknown,
  ///         too_many_groups, invalid_argument; group_in_use when the mode changes while the group
  ///         has members (but for `shared` to `keyed` and back), while what waits would never be
  ///         delivered again, or while a reset or a redrive is under way; shard_unavailable while
  ///         another change is.
  /// @cost As long as consumers take to give their queues back, at most the node's
  ///       `revoke-timeout-ms`.
  result<group_info> put_group(const group_definition& wanted) const;
  /// Moves committed offsets; `topic` empty: all of the group's; no `number`: all queues. In
  /// `broadcast` groups those of one named `consumer`, or of all.
  /// Consumers of an `ordered` group, and those with names of a `broadcast` one, are asked for
  /// their queues, and get them again at the new place.
  /// @errors group_in_use while another reset is under way; not_found (no such name)
  result<group_info> reset_group(const std::string& name, const std::string& topic,
                                 std::optional<queue_number> number, start_position to,
                                 const std::string& consumer = {}) const;
  /// A named consumer of a `broadcast` group goes, with its offsets.
  /// @errors group_unknown, not_found, name_in_use (it is connected)
  result<void> forget_consumer(const std::string& group, const std::string& name) const;
  /// What of a `shared` or `keyed` group is dead; empty: nothing.
  /// @errors group_unknown, unsupported (an ordered group)
  result<std::vector<dead_letter_range>> dead_letters(const std::string& group) const;
  /// Has dead letters delivered again, to this group alone, with their history; or, if `purge`,
  /// strikes them off. At most 10,000 at a time; each for itself, in the order of the answer.
  /// @errors group_unknown, unsupported, invalid_argument, too_many_requests (another one is under
  ///         way), outcome_unknown: look at `dead_letters`, what is not there any more is done.
  result<std::vector<redriven_letter>> redrive(const std::string& group,
                                               const std::vector<dead_letter_range>& letters,
                                               bool purge = false) const;

  result<void> delete_group(const std::string& name) const;

  /// Names of producers, by name; see `producer_options::name`.
  result<std::vector<producer_line>> list_producers() const;
  /// The name goes, with what is known of it: its holder is fenced, and who opens it again begins
  /// anew.
  /// @errors not_found
  result<void> forget_producer(const std::string& name) const;

  /// Messages that wait for their time are not delivered at all.
  /// @returns How many.
  /// @errors topic_unknown; timer_unknown: it was too late, or there never was one. After another
  ///         error a part of those with a name may be done: ask again.
  /// @cost One entry of the log for some thousand of one name.
  result<std::uint32_t> cancel_timers(const timer_selection& which) const;
  /// … are delivered at another time.
  /// @errors As `cancel_timers`; invalid_argument.
  result<std::uint32_t> move_timers(const timer_selection& which, delivery_time to) const;
  /// The next ones due after `after`, at most `limit` (0: as many as the node gives at once).
  /// @errors topic_unknown
  result<pending_timers> list_timers(const std::string& topic, unix_ms after = unix_ms{0},
                                     std::uint32_t limit = 0) const;
  /// … the next ones behind this one, also those that are due at the same time: the last of an
  /// answer leads to the next. An empty answer: there are no more.
  /// @errors topic_unknown
  result<pending_timers> list_timers(const std::string& topic, const timer_place& behind,
                                     std::uint32_t limit = 0) const;

  /// Open transactions, and committed ones that some shards have yet to take, behind `after` (by
  /// their names), at most `limit` (0: as many as the node gives at once).
  result<pending_transactions> list_transactions(std::optional<transaction_ref> after = {},
                                                 std::uint32_t limit = 0) const;
  /// What its producer would do; for one that is held, or whose producers are gone for good.
  /// @errors tx_unknown; tx_ended (the other way); storage_full; outcome_unknown: ask again.
  result<void> end_transaction(const transaction_ref& which, bool commit) const;
  /// Has the node send a message whenever it is due, from now on.
  /// @param if_missing The same schedule being there already is no error.
  /// @errors schedule_exists, schedule_invalid (the detail names the column of a cron expression),
  ///         topic_name_invalid, too_many_schedules, message_too_large, invalid_argument
  result<schedule_info> create_schedule(const schedule_definition& wanted,
                                        bool if_missing = false) const;
  /// It sends nothing until `resume_schedule`; what passes meanwhile is not missed.
  /// @errors schedule_unknown
  result<schedule_info> pause_schedule(const std::string& name) const;
  result<schedule_info> resume_schedule(const std::string& name) const;
  /// With its message.
  /// @errors schedule_unknown
  result<schedule_info> describe_schedule(const std::string& name) const;
  /// By name, without their messages.
  result<std::vector<schedule_info>> list_schedules() const;
  /// @errors schedule_unknown
  result<void> delete_schedule(const std::string& name) const;
  /// What became of a message, from the log and from the groups that read its topic.
  /// @errors topic_unknown, queue_unknown, group_unknown, invalid_argument (the group does not read
  ///         the topic), too_many_requests (the node tells several already). That there is no such
  ///         message is an answer.
  /// @cost   The node reads its log from the message on; for an id, from `since` on.
  [[nodiscard]] result<message_story> why(const story_question& which) const;
  /// Where messages of a key are in one queue, as far as one answer goes: ask again with `from` at
  /// its `next` while there is `more`. Read them with a consumer's `seek`.
  /// @errors topic_unknown, queue_unknown, invalid_argument (no key), too_many_requests (16 others
  ///         look for keys), storage_corrupt.
  /// @cost   The node looks into an index of each older segment of its log, reads the batches that
  ///         may have the key, and the queue's part of the newest segment, and of those that have
  ///         no index yet; at most about 64 MiB an answer.
  [[nodiscard]] result<key_places> find_key(const key_question& which) const;

  /// The largest message that the node takes, with its key and properties; as it said when it was
  /// connected last.
  [[nodiscard]] std::uint64_t message_bytes_max() const;

  result<node_info> node_status() const;
  result<std::vector<actor_line>> node_actors() const;
  /// Copies the node's data to `path`, a new folder on the node's machine.
  result<backup_info> backup(const std::string& path) const;

private:
  friend result<client> connect(connect_options options);
  explicit client(std::shared_ptr<connection> c);
  std::shared_ptr<connection> connection_;
};

/// Connects and says hello.
/// @errors connection_refused, timeout, version_mismatch, too_many_connections, invalid_argument.
[[nodiscard]] result<client> connect(connect_options options);

} // namespace carafe::client
