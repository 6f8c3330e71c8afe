#pragma once

/// The client protocol's frames; `schema/wire.capnp` is their exact wire shape.

#include "schema/admin_frames.hpp"
#include "schema/key_frames.hpp"
#include "schema/message_frames.hpp"
#include "schema/producer_frames.hpp"
#include "schema/schedule_frames.hpp"
#include "schema/story_frames.hpp"
#include "schema/timer_frames.hpp"
#include "schema/transaction_frames.hpp"

#include <carafe/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

namespace carafe::frames {

/// Alternatives in the order of the union in `wire.capnp`.
using body = std::variant<
  error, hello, welcome, ping, pong, ok, produce, receipt, subscribe, subscribed, unsubscribe,
  credit, deliver, subscription_ended, join, joined, assigned, revoked, release, commit, leave,
  topic_describe, topic_description, topic_create, topic_alter, topic_delete, topic_list,
  topic_names, group_list, group_names, group_describe, group_description, group_reset,
  group_delete, node_status, node_status_report, node_actors, node_actor_list, backup, backup_done,
  leased, settle, renew, renewed, group_put, dead_letters, dead_letter_list, redrive, redriven,
  timer_end, timer_move, timers_changed, timer_list, timers, group_forget, tx_join, tx_prepare,
  tx_prepared, tx_end, tx_check, tx_list, txs, producer_request, producer_answer, schedule_put,
  schedule_delete, schedule_list, schedules, message_why, message_story, key_find, key_found>;

struct frame {
  std::uint64_t request = 0;
  frames::body body;
};

/// Encodes `f` at the end of `out` as one Cap'n Proto stream message.
/// @cost One copy of a batch.
void encode(const frame& f, std::vector<char>& out);

/// Splits a byte stream into frames.
///
/// Bytes go in as they arrive; whole frames come out. Batches in them are views into the reader's
/// buffers, kept alive by `shared_bytes`, so nothing is copied after `feed`.
class reader {
public:
  /// @param frame_bytes_max A frame that announces more is refused before it is buffered.
  explicit reader(std::uint32_t frame_bytes_max);

  /// Takes the bytes in.
  void feed(std::span<const std::byte> bytes);

  /// The next whole frame, nothing if more bytes are needed.
  /// @errors frame_malformed, frame_too_large, unsupported (a union tag of a newer version, with
  ///         the frame's request number in `last_request`). After frame_malformed and
  ///         frame_too_large the stream cannot be trusted: close the connection.
  result<std::optional<frame>> next();

  /// Request number of the frame `next` last looked at, for the answer to a bad one; 0 if unknown.
  [[nodiscard]] std::uint64_t last_request() const noexcept { return last_request_; }

  /// Bytes held that are not yet a whole frame.
  [[nodiscard]] std::size_t buffered() const noexcept;

private:
  void make_room(std::size_t more);
  result<std::optional<frame>> decode(std::span<const std::byte> bytes);

  std::uint32_t frame_bytes_max_;
  std::uint64_t last_request_ = 0;
  std::size_t frame_bytes_seen_ = 0;    // The largest frame so far.
  std::shared_ptr<std::byte[]> buffer_; // 16-byte aligned, as Cap'n Proto wants.
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

} // namespace carafe::frames
