#pragma once

#include "actors/core/filter.hpp"
#include "schema/batch.hpp"
#include "schema/records.hpp"

#include <carafe/result.hpp>
#include <carafe/types.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace carafe::core {

/// How long messages of a topic are worth delivering.
struct topic_expiry {
  /// Of messages that do not say it themselves, from when they were stored; 0: always.
  std::uint64_t default_ttl_ms = 0;
  /// Dead letters: nothing expires, whatever the messages say.
  bool never = false;

  friend bool operator==(const topic_expiry&, const topic_expiry&) = default;
};

/// When the message at `at` of an opened batch is too old; nothing: never.
[[nodiscard]] std::optional<unix_ms> expiry_of(const batch_reader& batch, std::uint32_t at,
                                               unix_ms stored, const topic_expiry& how);

/// What one who reads whole queues wants to be sent.
struct screen_rule {
  /// Null: whatever it is.
  std::shared_ptr<const filter> wanted = {};
  /// Messages whose time to live is over are sent all the same, and marked.
  bool expired_too = false;
};

/// Leaves out of a queue's batches what is not for one reader, in the order of the queue, and
/// remembers what the reader must be told it has passed
/// (docs/adr/0020-readers-of-whole-queues-are-told-what-they-passed.md).
class screen {
public:
  /// @param begin  Reading begins here: what lies before it in its batch is nothing.
  screen(screen_rule rule, offset begin, topic_expiry expiry);

  /// From the next batch on.
  void set_expiry(const topic_expiry& now) { expiry_ = now; }

  struct outcome {
    enum class which : std::uint8_t { all, some, none };
    /// `all`: the batch goes out as it is stored.
    which what = which::all;
    /// Of `some`: these, and a batch of them.
    std::vector<offset_range> ranges = {};
    encoded_batch batch = {};
    /// Of what goes out, what is too old.
    std::vector<offset_range> expired = {};
    /// So many messages were left out.
    std::uint64_t filtered = 0;
    std::uint64_t too_old = 0;
  };
  /// The batch that follows; messages are too old as of `now`.
  /// @pre It reaches past what came before, and past where reading begins.
  /// @errors Those of `batch_reader::open`: nothing of it can be sent.
  /// @cost   O(1) without filter where no message says its own time to live or priority. Otherwise
  ///         the batch is opened, what the filter costs, and what passes is copied.
  result<outcome> look_at(const effects::batch& what, unix_ms stored, unix_ms now);

  /// There are no messages at these offsets, which follow.
  void pass(offset_range what);

  /// What it was not sent and not told either, since the last call; it has no gap to what comes
  /// next.
  [[nodiscard]] std::optional<offset_range> take_untold();
  [[nodiscard]] bool has_untold() const noexcept { return untold_.has_value(); }

private:
  void leave_out(offset_range what);
  [[nodiscard]] bool is_over(unix_ms stored, std::uint64_t ttl_ms, unix_ms now) const;
  result<outcome> look_into(const effects::batch& what, offset from, unix_ms stored, unix_ms now);
  /// Sorts the messages of `wanted_runs_` by their age.
  void judge(const batch_reader& batch, offset base, offset from, unix_ms stored, unix_ms now,
             outcome& out);
  outcome finish(const effects::batch& what, offset from, outcome out);

  screen_rule rule_;
  topic_expiry expiry_;
  offset next_;
  std::optional<offset_range> untold_;
  std::vector<message_run> runs_;
  batch_builder builder_;
};

} // namespace carafe::core
