/// A filter as a client may send it: refused with a column, or fit to be run on every message, one
/// by one and in a batch, with the same outcome.

#include "actors/core/filter.hpp"
#include "test/fuzz/target.hpp"
#include "test/schema/samples.hpp"

#include <string_view>

namespace {

using namespace carafe;
using namespace carafe::core;

const batch_reader& sample_batch() {
  static const auto batch = [] {
    const auto encoded = test::encode_messages(test::sample_messages());
    return batch_reader::open(encoded.bytes, encoded.compression, {});
  }();
  return *batch;
}

std::uint32_t count_of(const std::vector<message_run>& runs) {
  std::uint32_t count = 0;
  for (const auto& run : runs) count += run.count;
  return count;
}

} // namespace

/// The first byte is the kind.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto kind = data[0] % 2 == 0 ? filter_kind::tags : filter_kind::sql;
  const auto parsed =
    filter::parse(kind, std::string_view{reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!parsed) {
    CARAFE_ASSERT(parsed.code() == errc::filter_invalid && !parsed.error().detail.empty());
    return 0;
  }
  const auto& batch = sample_batch();
  std::uint32_t matching = 0;
  for (std::uint32_t at = 0; at < batch.count(); ++at)
    matching += parsed->matches(batch.message(at)) ? 1 : 0;
  std::vector<message_run> runs;
  parsed->select(batch, runs);
  CARAFE_ASSERT(count_of(runs) == matching);
  return 0;
}

std::vector<std::string> fuzz::seeds() {
  const std::string tags(1, '\0');
  const std::string sql(1, '\1');
  return {tags + "*",
          tags + "a || b || tag",
          sql + "a = 1 AND \"b c\" <> 'it''s' OR NOT (TAGS IN ('x', 'y') AND KEYS IS NOT NULL)",
          sql + "price * -2.5e1 / (x - 7) BETWEEN .5 AND 1e9 AND paid = TRUE",
          sql + "note NOT LIKE '%a!%_b%' ESCAPE '!' AND x-y.z NOT IN (1, 'one', 2 + 3)",
          sql + "((((NOT NOT a)))) <> (b >= c) OR FALSE"};
}
