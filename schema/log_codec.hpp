#pragma once

/// Internal to schema/: records to and from their shape in log.capnp.

#include "schema/compaction.capnp.h"
#include "schema/latest.hpp"
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
void put(wire::LatestRecord::Builder to, const latest_record& from);
void put(wire::schedule::Record::Builder to, const schedule_record& from);
void put(wire::schedule::Progress::Builder to, const schedule_progress& from);
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
errc get(wire::LatestRecord::Reader from, latest_record& to);
errc get(wire::schedule::Record::Reader from, schedule_record& to);
errc get(wire::schedule::Progress::Reader from, schedule_progress& to);
errc get(wire::NamedProducerRecord::Reader from, named_producer_record& to);
errc get(wire::NamedProgressRecord::Reader from, named_progress_record& to);
errc get(wire::StoredIdsRecord::Reader from, stored_ids_record& to);
errc get(wire::DeliverySettings::Reader from, delivery_settings& to);
errc get(wire::Filter::Reader from, message_filter& to);
errc get(capnp::List<wire::OffsetRange>::Reader from, std::vector<offset_range>& to);

// transaction_records.cpp
void put(wire::tx::HalfRecord::Builder to, const half_batch& from);
void put(wire::tx::TransactionRecord::Builder to, const transaction_record& from);
void put(wire::tx::TransactionCounts::Builder to, const transaction_counts& from);
void put(wire::tx::TransactionsApplied::Builder to, const transactions_applied& from);
/// @param attached  Bytes of attachments before this effect's; raised by its own.
void put(wire::tx::TxPrepared::Builder to, const effects::tx_prepared& from, std::size_t& attached);
void put(wire::tx::TxEnded::Builder to, const effects::tx_ended& from);
void put(wire::tx::TxApplied::Builder to, const effects::tx_applied& from);
errc get(wire::tx::HalfRecord::Reader from, half_batch& to);
errc get(wire::tx::TransactionRecord::Reader from, transaction_record& to);
errc get(wire::tx::TransactionCounts::Reader from, transaction_counts& to);
errc get(wire::tx::TransactionsApplied::Reader from, transactions_applied& to);
errc get(wire::tx::TxPrepared::Reader from, const shared_bytes& attachments,
         effects::tx_prepared& to);
effects::tx_ended get(wire::tx::TxEnded::Reader from);
effects::tx_applied get(wire::tx::TxApplied::Reader from);
/// Digests as the log holds them, 16 bytes each.
[[nodiscard]] std::string bytes_of(const id_digests& ids);
/// Nothing if these are no whole digests.
[[nodiscard]] std::optional<id_digests> digests_from(std::span<const std::byte> bytes);

} // namespace carafe
