#pragma once

#include "schema/admin_frames.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <map>
#include <string>
#include <vector>

namespace carafe {

/// Which queues a reset of the group is about.
///
/// @param topics Those that the group reads and that exist, by name.
/// @errors topic_unknown, queue_unknown
result<std::vector<queue_id>> queues_to_reset(const frames::group_reset& wish,
                                              const std::string& group,
                                              const std::map<std::string, topic_record>& topics);

} // namespace carafe
