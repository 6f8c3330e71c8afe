#pragma once

/// Internal to schema/: records to and from their shape in log.capnp.

#include "schema/log.capnp.h"
#include "schema/records.hpp"

namespace carafe {

void put(wire::TopicRecord::Builder to, const topic_record& from);
void put(wire::GroupRecord::Builder to, const group_record& from);
void put(wire::QueueRecord::Builder to, const queue_record& from);
void put(wire::ProducerRecord::Builder to, const producer_record& from);
void put(wire::ProgressRecord::Builder to, const progress_record& from);
void put(wire::CatalogueRecord::Builder to, const catalogue_record& from);

// `errc::none`, or what is wrong with the record.
errc get(wire::TopicRecord::Reader from, topic_record& to);
errc get(wire::GroupRecord::Reader from, group_record& to);
errc get(wire::QueueRecord::Reader from, queue_record& to);
errc get(wire::ProducerRecord::Reader from, producer_record& to);
errc get(wire::ProgressRecord::Reader from, progress_record& to);
errc get(wire::CatalogueRecord::Reader from, catalogue_record& to);

} // namespace carafe
