#pragma once

/// What the simulation's messages say: all of it follows from a message's id, so that every byte
/// can be checked wherever it comes.

#include "schema/batch.hpp"
#include "schema/frame.hpp"
#include "test/sim/oracle.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace carafe::sim {

[[nodiscard]] std::string body_of(const message_name& name);
/// The message that has this body: it begins with the id.
[[nodiscard]] message_name name_in(std::string_view body);
/// The number with which `text` begins, 0 if there is none.
[[nodiscard]] std::uint64_t number_in(std::string_view text);
/// One of three keys, that all producers share, or none.
[[nodiscard]] std::string key_of(const message_name& name);
/// "red", "blue" or none.
[[nodiscard]] std::string tag_of(const message_name& name);

[[nodiscard]] frames::produce produce_of(const batch_name& name, queue_id queue, sequence previous);

/// Checks every byte of a delivered batch.
/// @throws broken
batch_name read_batch(const frames::deliver& d);

/// Checks that `batch` has at `place` what `name` was sent with.
/// @throws broken
void check_message(const batch_reader& batch, std::uint32_t place, const message_name& name);

} // namespace carafe::sim
