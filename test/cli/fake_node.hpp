#pragma once

/// A node in memory, and a way to run commands against it with captured streams.

#include "cli/shell/run.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace carafe::shell::test {

struct sent_message {
  std::string topic;
  client::message message;
  std::optional<queue_number> to;
};

/// What tests prepare and look at afterwards.
struct fake_state {
  std::map<std::string, client::topic_info> topics;
  std::map<std::string, client::group_info> groups;
  client::node_info status;
  /// When set, what `node_status` answers instead; may be called on another thread than the rest.
  std::function<client::node_info()> status_now;
  /// When set, every request answers this.
  std::optional<failure> down;

  // Producers.
  client::producer_options producer_options;
  std::vector<sent_message> sent;
  std::atomic<std::uint64_t> stored = 0;
  /// Messages from this one on (counted from 1) are answered with `send_failure`; 0: none.
  std::uint64_t fails_from = 0;
  failure send_failure{errc::outcome_unknown, "queue 3"};
  /// Changes the receipts of those that are not.
  std::function<void(client::receipt&)> receipt;
  /// Each message is answered only after this was told.
  std::optional<failure> throttled;
  std::size_t message_bytes_max = 1000;
  /// Whether sent messages are kept in `sent`; a measurement does without.
  bool keeps_sent = true;

  // Consumers.
  client::consumer_options consumer_options;
  std::vector<client::delivery> deliveries;
  /// Consumers get only what their options ask for, in whole queues, and tell their positions.
  bool reads_as_asked = false;
  /// Answered once the deliveries are used up; none: silence.
  std::optional<failure> poll_failure;
  std::vector<offset> acknowledged;
  /// With what was given as the reason.
  std::vector<std::pair<offset, std::string>> nacked, rejected;
  std::atomic<bool> closed = false;

  // Requesters.
  client::requester_options requester_options;
  result<client::delivery> answer = failure{errc::timeout};

  // Group definitions, resets and backups.
  std::vector<client::group_definition> put_groups;
  std::vector<client::dead_letter_range> letters;
  std::vector<std::pair<client::dead_letter_range, bool>> redriven;
  client::pending_timers timers;
  client::timer_place listed_behind;
  client::pending_transactions transactions;
  /// What was asked for: a transaction, and whether to commit it.
  std::vector<std::pair<client::transaction_ref, bool>> transactions_ended;
  client::transaction_options transaction_options;
  /// Of every transaction, and what became of it.
  std::vector<std::string> transaction_bodies;
  std::string transaction_story;
  std::vector<client::timer_selection> timers_chosen;
  std::vector<client::producer_line> producers;
  std::optional<client::delivery_time> moved_to;
  std::map<std::string, client::schedule_info> schedules;
  std::vector<client::story_question> questions;
  client::message_story story;
  bool has_key_index = true;
  std::uint64_t key_places_max = 2;
  std::vector<client::key_question> key_questions;
  int seeks = 0;
  start_position reset_to;
  /// Each queue's own reset to an offset, "group topic/queue offset", and what others answer.
  std::vector<std::string> resets;
  std::map<queue_number, failure> reset_failures;
  std::optional<queue_number> reset_queue;
  std::string reset_topic, reset_consumer, backup_path;
  client::connect_options connected_with;
};

[[nodiscard]] client::topic_info fake_topic(std::string name, std::uint32_t queues,
                                            std::uint64_t messages_each = 0);
[[nodiscard]] client::delivery fake_delivery(std::uint64_t at, std::string body);
[[nodiscard]] std::shared_ptr<node_api> fake_node(std::shared_ptr<fake_state> state);

struct outcome {
  exit_code code;
  std::string out;
  std::string err;
};

/// Runs one command line, given as words.
outcome run_words(const std::shared_ptr<fake_state>& state, const std::vector<std::string>& words,
                  const std::string& in = {});
/// Runs one command line, given as typed.
outcome run_line(const std::shared_ptr<fake_state>& state, const std::string& line,
                 const std::string& in = {});
/// Runs a script.
outcome run_lines(const std::shared_ptr<fake_state>& state, const std::string& script);

} // namespace carafe::shell::test
