#pragma once

/// Internal to schema/: enums to and from their wire shape, which has the same numbers.

#include "schema/wire.capnp.h"

#include <carafe/types.hpp>

#include <cstdint>
#include <optional>
#include <type_traits>

namespace carafe {

template <class Wire, class Enum>
Wire enum_to_wire(Enum value) noexcept {
  return static_cast<Wire>(static_cast<std::underlying_type_t<Enum>>(value));
}

/// Nothing if this version does not know the value.
template <class Enum, class Wire>
std::optional<Enum> enum_from_wire(Wire value, Enum last) noexcept {
  auto number = static_cast<std::uint16_t>(value);
  if (number > static_cast<std::uint16_t>(last)) return std::nullopt;
  return static_cast<Enum>(number);
}

inline wire::Codec to_wire(codec value) noexcept { return enum_to_wire<wire::Codec>(value); }
inline wire::Durability to_wire(durability value) noexcept {
  return enum_to_wire<wire::Durability>(value);
}
inline wire::RangePolicy to_wire(range_policy value) noexcept {
  return enum_to_wire<wire::RangePolicy>(value);
}

inline std::optional<codec> from_wire(wire::Codec value) noexcept {
  return enum_from_wire(value, codec::zstd);
}
inline std::optional<durability> from_wire(wire::Durability value) noexcept {
  return enum_from_wire(value, durability::memory);
}
inline std::optional<range_policy> from_wire(wire::RangePolicy value) noexcept {
  return enum_from_wire(value, range_policy::latest);
}

} // namespace carafe
