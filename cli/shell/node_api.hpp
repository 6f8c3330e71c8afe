#pragma once

#include <carafe/client.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace carafe::shell {

/// What commands ask of a node; as `client::client`, which tests replace.
class node_api {
public:
  virtual ~node_api() = default;

  virtual result<std::unique_ptr<client::producer>>
  make_producer(const client::producer_options& options) = 0;
  virtual result<std::unique_ptr<client::consumer>>
  make_consumer(const client::consumer_options& options) = 0;
  virtual result<std::unique_ptr<client::requester>>
  make_requester(const client::requester_options& options) = 0;

  virtual result<std::unique_ptr<client::transaction_producer>>
  make_transaction_producer(const client::transaction_options& options) = 0;

  virtual result<client::topic_info> create_topic(const std::string& name, std::uint32_t queues,
                                                  client::topic_settings settings,
                                                  bool if_missing) = 0;
  virtual result<client::topic_info> alter_topic(const std::string& name,
                                                 const client::topic_change& change) = 0;
  virtual result<void> delete_topic(const std::string& name) = 0;
  virtual result<std::vector<client::topic_line>> list_topics() = 0;
  virtual result<client::topic_info> describe_topic(const std::string& name,
                                                    bool create_if_missing = false) = 0;

  virtual result<std::vector<client::group_line>> list_groups() = 0;
  virtual result<client::group_info> describe_group(const std::string& name) = 0;
  virtual result<client::group_info> put_group(const client::group_definition& wanted) = 0;
  virtual result<client::group_info> reset_group(const std::string& name, const std::string& topic,
                                                 std::optional<queue_number> number,
                                                 start_position to,
                                                 const std::string& consumer) = 0;
  virtual result<void> forget_consumer(const std::string& group, const std::string& name) = 0;
  virtual result<void> delete_group(const std::string& name) = 0;
  virtual result<std::vector<client::dead_letter_range>> dead_letters(const std::string& group) = 0;
  virtual result<std::vector<client::redriven_letter>>
  redrive(const std::string& group, const std::vector<client::dead_letter_range>& letters,
          bool purge) = 0;

  virtual result<std::vector<client::producer_line>> list_producers() = 0;
  virtual result<void> forget_producer(const std::string& name) = 0;

  virtual result<std::uint32_t> cancel_timers(const client::timer_selection& which) = 0;
  virtual result<std::uint32_t> move_timers(const client::timer_selection& which,
                                            client::delivery_time to) = 0;
  virtual result<client::pending_timers>
  list_timers(const std::string& topic, const client::timer_place& behind, std::uint32_t limit) = 0;
  virtual result<client::pending_transactions>
  list_transactions(const std::optional<client::transaction_ref>& after, std::uint32_t limit) = 0;
  virtual result<void> end_transaction(const client::transaction_ref& which, bool commit) = 0;

  virtual result<client::schedule_info> create_schedule(const client::schedule_definition& wanted,
                                                        bool if_missing) = 0;
  virtual result<client::schedule_info> pause_schedule(const std::string& name) = 0;
  virtual result<client::schedule_info> resume_schedule(const std::string& name) = 0;
  virtual result<client::schedule_info> describe_schedule(const std::string& name) = 0;
  virtual result<std::vector<client::schedule_info>> list_schedules() = 0;
  virtual result<void> delete_schedule(const std::string& name) = 0;

  virtual result<client::message_story> why(const client::story_question& which) = 0;
  virtual result<std::uint64_t> message_bytes_max() = 0;
  virtual result<client::node_info> node_status() = 0;
  virtual result<std::vector<client::actor_line>> node_actors() = 0;
  virtual result<client::backup_info> backup(const std::string& path) = 0;
  virtual result<client::key_places> find_key(const client::key_question& which) = 0;
};

/// Gives the node at an address; connects at the first request. Called once a command, so a
/// script's commands can share one connection.
using node_source =
  std::function<std::shared_ptr<node_api>(const client::connect_options& options)>;

/// Connects to real nodes and keeps the last connection for the next command to the same address.
[[nodiscard]] node_source remote_nodes();

} // namespace carafe::shell
