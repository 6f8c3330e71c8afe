#pragma once

#include "cli/shell/command.hpp"

#include <vector>

/// One line a command, in the order in which help lists them. ADD(x) stands for
/// `command x_command()`, which has a file of its own.
#define CARAFE_SHELL_COMMANDS(ADD)                                                                 \
  ADD(topic_create)                                                                                \
  ADD(topic_list)                                                                                  \
  ADD(topic_describe)                                                                              \
  ADD(topic_tail)                                                                                  \
  ADD(topic_alter)                                                                                 \
  ADD(topic_delete)                                                                                \
  ADD(group_create)                                                                                \
  ADD(group_list)                                                                                  \
  ADD(group_describe)                                                                              \
  ADD(group_lag)                                                                                   \
  ADD(group_alter)                                                                                 \
  ADD(group_reset)                                                                                 \
  ADD(group_forget)                                                                                \
  ADD(group_export)                                                                                \
  ADD(group_import)                                                                                \
  ADD(group_delete)                                                                                \
  ADD(dlq_list)                                                                                    \
  ADD(dlq_show)                                                                                    \
  ADD(dlq_redrive)                                                                                 \
  ADD(dlq_purge)                                                                                   \
  ADD(produce)                                                                                     \
  ADD(producer_list)                                                                               \
  ADD(producer_forget)                                                                             \
  ADD(consume)                                                                                     \
  ADD(request)                                                                                     \
  ADD(respond)                                                                                     \
  ADD(message_get)                                                                                 \
  ADD(message_find)                                                                                \
  ADD(message_why)                                                                                 \
  ADD(timer_list)                                                                                  \
  ADD(timer_cancel)                                                                                \
  ADD(timer_move)                                                                                  \
  ADD(tx_list)                                                                                     \
  ADD(tx_produce)                                                                                  \
  ADD(tx_commit)                                                                                   \
  ADD(tx_rollback)                                                                                 \
  ADD(schedule_create)                                                                             \
  ADD(schedule_list)                                                                               \
  ADD(schedule_describe)                                                                           \
  ADD(schedule_pause)                                                                              \
  ADD(schedule_resume)                                                                             \
  ADD(schedule_delete)                                                                             \
  ADD(node_status)                                                                                 \
  ADD(node_actors)                                                                                 \
  ADD(log_verify)                                                                                  \
  ADD(log_dump)                                                                                    \
  ADD(log_backup)                                                                                  \
  ADD(bench)                                                                                       \
  ADD(version)                                                                                     \
  ADD(help)

namespace carafe::shell {

#define CARAFE_SHELL_DECLARE(name) [[nodiscard]] command name##_command();
CARAFE_SHELL_COMMANDS(CARAFE_SHELL_DECLARE)
#undef CARAFE_SHELL_DECLARE

/// All commands, their options at their defaults.
[[nodiscard]] std::vector<command> all_commands();

} // namespace carafe::shell
