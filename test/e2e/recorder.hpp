#pragma once

#include "test/e2e/history.hpp"

#include <carafe/message.hpp>

#include <mutex>
#include <string>
#include <vector>

namespace carafe::test {

/// The body that belongs to a message; of many sizes up to about `bytes_max`.
[[nodiscard]] std::string body_of(message_name name, std::size_t bytes_max);
/// The message whose body this is.
/// @throws std::runtime_error if a byte of it is wrong.
[[nodiscard]] message_name name_of(const std::string& body);

/// A history that several threads write.
class recorder {
public:
  void add(event e) {
    const std::lock_guard guard{lock_};
    events_.push_back(std::move(e));
  }
  /// Records what was received, after checking every byte of its body.
  void add(const client::delivery& d, reader to) {
    add(events::delivered{name_of(d.body), d.number, d.offset, to});
  }
  [[nodiscard]] std::vector<event> history() const {
    const std::lock_guard guard{lock_};
    return events_;
  }

private:
  mutable std::mutex lock_;
  std::vector<event> events_;
};

/// The first broken rule in words, or an empty text.
[[nodiscard]] std::string fault_in(const recorder& r);

} // namespace carafe::test
