// How many messages a second one core looks through for those that a filter wants.

#include "actors/core/filter.hpp"
#include "schema/batch.hpp"
#include "test/bench/measure.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace carafe;
using namespace carafe::core;
using bench::measure;
using bench::sink;

constexpr std::uint32_t batch_count = 500;
constexpr std::size_t body_bytes = 100;

using properties = std::vector<std::pair<std::string_view, std::string_view>>;

/// Messages with a key, a tag and three properties each.
encoded_batch make_batch() {
  auto builder = batch_builder{};
  const auto body = std::string(body_bytes, 'b');
  const char* const regions[] = {"eu-west", "us-east", "ap-south", "eu-north", "sa-east"};
  for (std::uint32_t i = 0; i < batch_count; ++i) {
    const auto key = "order-" + std::to_string(i * 7919);
    const auto tag = "tag" + std::to_string(i % 100);
    const auto amount = std::to_string(i * 37 % batch_count * 2);
    const auto list = properties{{"trace", "c0ffee00c0ffee00"},
                                 {"region", regions[i % std::size(regions)]},
                                 {"amount", amount}};
    auto message = message_view{};
    message.key = key;
    message.tag = tag;
    message.body = body;
    message.properties = list;
    if (!builder.add(message)) std::abort();
  }
  auto batch = builder.finish(codec::none);
  return std::move(*batch);
}

void measure_filter(const encoded_batch& batch, filter_kind kind, const char* text) {
  const auto wanted = filter::parse(kind, text);
  const auto opened = batch_reader::open(batch.bytes, batch.compression, {});
  if (!wanted || !opened) std::abort();
  auto runs = std::vector<message_run>{};
  wanted->select(*opened, runs);
  auto found = std::uint32_t{0};
  for (const auto& run : runs) found += run.count;
  std::printf("%s: %.1f %%\n", text, 100.0 * found / batch_count);
  measure("  select", "messages", batch_count, [&] {
    wanted->select(*opened, runs);
    sink += runs.size();
  });
  measure("  open and select", "messages", batch_count, [&] {
    const auto again = batch_reader::open(batch.bytes, batch.compression, {});
    wanted->select(*again, runs);
    sink += runs.size();
  });
  measure("  message by message", "messages", batch_count, [&] {
    for (std::uint32_t i = 0; i < batch_count; ++i) sink += wanted->matches(opened->message(i));
  });
}

} // namespace

int main() {
  const auto batch = make_batch();
  std::printf("batch of %u, bodies of %zu bytes: %zu bytes\n", batch_count, body_bytes,
              batch.bytes.size());
  measure_filter(batch, filter_kind::sql, "region = 'eu-west' AND amount >= 950");
  measure_filter(batch, filter_kind::sql, "amount >= 950 AND region = 'eu-west'");
  measure_filter(batch, filter_kind::sql,
                 "region LIKE 'eu-%' AND amount / 2 BETWEEN 10 AND 15 OR KEYS IN ('order-7919')");
  measure_filter(batch, filter_kind::sql, "absent = 'x'");
  measure_filter(batch, filter_kind::tags, "tag7");
  measure_filter(batch, filter_kind::tags, "*");
  constexpr std::string_view text = "region = 'eu-west' AND amount >= 950";
  measure("parse, 36 bytes", "filters", 1,
          [&] { sink += filter::parse(filter_kind::sql, text).ok(); });
  return sink == 0 ? 1 : 0;
}
