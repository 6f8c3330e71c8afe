#pragma once

#include <carafe/producer.hpp>

#include <future>
#include <variant>

namespace carafe::client {

/// Who is told about one message: nobody, a callback, or a future.
using completion = std::variant<std::monostate, producer::callback, std::promise<result<receipt>>>;

/// Tells them. @thread The connection's, with no lock held.
inline void complete(completion& whom, const result<receipt>& outcome) {
  if (auto call = std::get_if<producer::callback>(&whom))
    (*call)(outcome);
  else if (auto promise = std::get_if<std::promise<result<receipt>>>(&whom))
    promise->set_value(outcome);
}

} // namespace carafe::client
