#pragma once

#include <carafe/types.hpp>

#include <string>

namespace carafe::client {

/// One queue, as people and as the wire call it.
struct queue_name {
  std::string topic;
  queue_number number;
  queue_id queue;
};

} // namespace carafe::client
