#pragma once

#include "schema/frame.hpp"

#include <carafe/admin.hpp>
#include <carafe/consumer.hpp>
#include <carafe/timers.hpp>
#include <carafe/transactions.hpp>

#include <vector>

namespace carafe::client {

// What the node told, as the public types say it.

topic_info told(frames::topic_description&& from);
std::vector<topic_line> told(frames::topic_names&& from);
std::vector<group_line> told(frames::group_names&& from);
group_info told(frames::group_description&& from);
std::vector<dead_letter_range> told(frames::dead_letter_list&& from);
std::vector<redriven_letter> told(frames::redriven&& from);
node_info told(frames::node_status_report&& from);
std::vector<actor_line> told(frames::node_actor_list&& from);
[[nodiscard]] std::uint32_t told(const frames::timers_changed& from);
[[nodiscard]] pending_timers told(frames::timers&& from);
[[nodiscard]] pending_transactions told(frames::txs&& from);
backup_info told(frames::backup_done&& from);

// And the other way round.

frames::group_put frame_of(const group_definition& from);
[[nodiscard]] carafe::message_filter wire_filter(const message_filter& from);

} // namespace carafe::client
