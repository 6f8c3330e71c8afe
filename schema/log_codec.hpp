#pragma once

/// Internal to schema/: records to and from their shape in log.capnp.

#include "schema/log.capnp.h"
#include "schema/records.hpp"

#include <optional>
#include <span>
#include <string>

namespace carafe {

void put(wire::TopicRecord::Builder to, const topic_record& from);
void put(wire::GroupRecord::Builder to, const group_record& from);
void put(wire::QueueRecord::Builder to, const queue_record& from);
void put(wire::ProducerRecord::Builder to, const producer_record& from);
void put(wire::ProgressRecord::Builder to, const progress_record& from);
void put(wire::CatalogueRecord::Builder to, const catalogue_record& from);
void put(wire::WaitingRecord::Builder to, const waiting_record& from);
void put(wire::TimerRecord::Builder to, const timer_record& from);
void put(wire::NamedProducerRecord::Builder to, const named_producer_record& from);
void put(wire::NamedProgressRecord::Builder to, const named_progress_record& from);
void put(wire::StoredIdsRecord::Builder to, const stored_ids_record& from);
void put(wire::DeliverySettings::Builder to, const delivery_settings& from);
void put(wire::Filter::Builder to, const message_filter& from);
/// @pre to.size() == from.size()
void put(capnp::List<wire::OffsetRange>::Builder to, const std::vector<offset_range>& from);

// `errc::none`, or what is wrong with the record.
errc get(wire::TopicRecord::Reader from, topic_record& to);
errc get(wire::GroupRecord::Reader from, group_record& to);
errc get(wire::QueueRecord::Reader from, queue_record& to);
errc get(wire::ProducerRecord::Reader from, producer_record& to);
errc get(wire::ProgressRecord::Reader from, progress_record& to);
errc get(wire::CatalogueRecord::Reader from, catalogue_record& to);
errc get(wire::WaitingRecord::Reader from, waiting_record& to);
errc get(wire::TimerRecord::Reader from, timer_record& to);
errc get(wire::NamedProducerRecord::Reader from, named_producer_record& to);
errc get(wire::NamedProgressRecord::Reader from, named_progress_record& to);
errc get(wire::StoredIdsRecord::Reader from, stored_ids_record& to);
errc get(wire::DeliverySettings::Reader from, delivery_settings& to);
errc get(wire::Filter::Reader from, message_filter& to);
errc get(capnp::List<wire::OffsetRange>::Reader from, std::vector<offset_range>& to);

/// Digests as the log holds them, 16 bytes each.
[[nodiscard]] std::string bytes_of(const id_digests& ids);
/// Nothing if these are no whole digests.
[[nodiscard]] std::optional<id_digests> digests_from(std::span<const std::byte> bytes);

} // namespace carafe
