#include "actors/reset_queues.hpp"

namespace carafe {

result<std::vector<queue_id>> queues_to_reset(const frames::group_reset& wish,
                                              const std::string& group,
                                              const std::map<std::string, topic_record>& topics) {
  std::vector<queue_id> out;
  if (!wish.topic.empty() && !topics.contains(wish.topic))
    return {errc::topic_unknown, wish.topic + " is not read by group " + group};
  for (const auto& [name, topic] : topics) {
    if (!wish.topic.empty() && name != wish.topic) continue;
    for (std::uint32_t i = 0; i < topic.queues.size(); ++i)
      if (!wish.number || wish.number->value == i) out.push_back(topic.queues[i].queue);
  }
  if (out.empty()) return {errc::queue_unknown, "no queue of the group fits"};
  return out;
}

} // namespace carafe
