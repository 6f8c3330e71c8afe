#pragma once

/// What a fuzz target gives: one function that takes any bytes and must not crash, hang, leak, or
/// break what it asserts; and inputs from which mutation reaches deep.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// libFuzzer's name for it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace carafe::fuzz {

/// Valid inputs of every kind.
[[nodiscard]] std::vector<std::string> seeds();

} // namespace carafe::fuzz
