#pragma once

/// Short ways to say what transactions do.

#include "test/core/builders.hpp"

#include <string>
#include <vector>

namespace carafe::test {

[[nodiscard]] inline transaction_id tx_id(std::uint64_t number) { return {producer_a, number}; }

[[nodiscard]] inline half_batch half_of(queue_id queue, shard_id shard, std::uint64_t first,
                                        std::uint32_t count) {
  half_batch out;
  out.queue = queue;
  out.shard = shard;
  out.first = sequence{first};
  out.count = count;
  out.bytes = shared_bytes::copy_of(as_bytes(std::string(20, 'x')));
  return out;
}

[[nodiscard]] inline effects::tx_prepared
prepared_of(std::uint64_t number, std::vector<half_batch> halves,
            std::vector<consumed_messages> consumed = {}) {
  return {tx_id(number), "shop", 6'000, 30'000, 0, std::move(halves), std::move(consumed)};
}

} // namespace carafe::test
