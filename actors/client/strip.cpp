#include "actors/client/strip.hpp"

#include <algorithm>
#include <limits>

namespace carafe::client {

result<encoded_batch> without(const encoded_batch& batch,
                              const std::vector<std::uint32_t>& places) {
  constexpr auto any = std::numeric_limits<std::uint32_t>::max();
  auto opened = batch_reader::open(batch.bytes, batch.compression, {any, any, any});
  if (!opened) return opened.error();
  auto builder = batch_builder{{any, any, any}};
  for (std::uint32_t at = 0; at < opened->count(); ++at) {
    if (std::binary_search(places.begin(), places.end(), at)) continue;
    if (auto added = builder.add(opened->message(at)); !added) return added.error();
  }
  return builder.finish(batch.compression);
}

} // namespace carafe::client
