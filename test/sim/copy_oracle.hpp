#pragma once

/// What those who copy messages in transactions see, and what they may.

#include "test/sim/transaction_oracle.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace carafe::sim {

/// A message that stands for another one.
struct copied_message {
  message_name name;
  message_place source;
};

/// - A message of the source is copied once, whoever owned its queue when: a copy is seen, and its
///   source acknowledged, together or never.
/// - Copies of one queue's messages that lie in one queue have their sources' order.
/// - What a transaction has of which somebody was told that it is committed is seen; what of one
/// that
///   was rolled back is not.
/// - At the end everything that is still in the source has a copy.
class copy_oracle {
public:
  using listener = std::function<void(const std::string&)>;

  explicit copy_oracle(listener note) : note_(std::move(note)) {}

  void stored(const message_place& source) { sources_[source]; }
  void preparing(const transaction_name& name, const std::vector<copied_message>& copies);
  /// Somebody asks for a commit of it.
  void committing(const transaction_name& name) { deals_[name].asked = true; }
  void committed(const transaction_name& name);
  /// Also if it was never there.
  void rolled_back(const transaction_name& name);
  /// A copy was read at `place`.
  void seen(const message_name& name, const message_place& place);

  /// How many messages of the source, from `earliest(queue)` on, have no copy.
  [[nodiscard]] std::uint64_t missing(const std::function<offset(queue_id)>& earliest) const;
  /// @param missed  Whether some copies may have gone before they were read.
  void check_finished(const std::function<offset(queue_id)>& earliest, bool missed) const;
  [[nodiscard]] std::uint64_t copies() const noexcept { return copies_; }

private:
  enum class outcome { unknown, committed, rolled_back };
  struct deal {
    std::vector<copied_message> copies;
    bool asked = false;
    outcome told = outcome::unknown;
    std::uint64_t seen = 0;
  };

  listener note_;
  std::map<transaction_name, deal> deals_;
  std::map<message_name, std::pair<transaction_name, message_place>> known_;
  /// How often each was copied.
  std::map<message_place, std::uint64_t> sources_;
  /// The last source of which a copy was seen, by its queue and the copy's.
  std::map<std::pair<queue_id, queue_id>, offset> last_;
  std::uint64_t copies_ = 0;
};

} // namespace carafe::sim
