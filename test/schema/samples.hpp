#pragma once

/// One of everything that goes over the wire or into the log, every field filled. The golden files
/// hold these values.

#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "schema/latest.hpp"
#include "schema/records.hpp"

#include <string>
#include <utility>
#include <vector>

namespace carafe::test {

template <class T>
struct named {
  std::string name;
  T value;
};

struct owned_message {
  std::string key;
  std::string body;
  std::string tag;
  std::vector<std::pair<std::string, std::string>> properties;
  std::int64_t born = 0;
};

/// Every kind of message: with and without key, tag, properties; empty ones; not UTF-8.
[[nodiscard]] std::vector<owned_message> sample_messages();

/// @pre `messages` fit in one batch
[[nodiscard]] encoded_batch encode_messages(const std::vector<owned_message>& messages,
                                            codec compression = codec::none);

/// Whether `batch` holds exactly `messages`.
[[nodiscard]] bool holds(const batch_reader& batch, const std::vector<owned_message>& messages);

/// One frame of every alternative, named as in wire.capnp, in its order.
[[nodiscard]] std::vector<named<frames::frame>> sample_frames();

/// One effect of every alternative, named as in log.capnp, in its order.
[[nodiscard]] std::vector<named<effects::effect>> sample_effects();

[[nodiscard]] topic_record sample_topic();
[[nodiscard]] group_record sample_group();
[[nodiscard]] queue_record sample_queue();
[[nodiscard]] producer_record sample_producer();
[[nodiscard]] progress_record sample_progress();
[[nodiscard]] progress_record sample_delivery();
[[nodiscard]] waiting_record sample_waiting();
[[nodiscard]] timer_record sample_timer();
[[nodiscard]] latest_record sample_latest();
[[nodiscard]] schedule_definition sample_schedule();
[[nodiscard]] schedule_progress sample_schedule_progress();
[[nodiscard]] schedule_record sample_schedule_record();
/// … of which retention took the message.
[[nodiscard]] waiting_record sample_kept();
[[nodiscard]] group_record sample_delivery_group();
[[nodiscard]] catalogue_record sample_catalogue();
[[nodiscard]] half_batch sample_half();
[[nodiscard]] transaction_record sample_transaction();
[[nodiscard]] named_producer_record sample_named_producer();
[[nodiscard]] named_progress_record sample_named_progress();
[[nodiscard]] stored_ids_record sample_stored_ids();

[[nodiscard]] entry_header sample_header();

/// The stored value of `entry`.
[[nodiscard]] shared_bytes store(const encoded_entry& entry);

/// The wire bytes of `f`.
[[nodiscard]] std::vector<char> wire_bytes(const frames::frame& f);

[[nodiscard]] inline std::span<const std::byte> as_bytes(const std::vector<char>& chars) {
  return carafe::as_bytes({chars.data(), chars.size()});
}

} // namespace carafe::test
