#pragma once

#include "actors/core/shard_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carafe::core {

enum class row_kind : char {
  queue = 'q',
  producer = 'p',
  progress = 'g',
  waiting = 'w',
  topic = 'T',
  group = 'G',
  catalogue = 'C',
  transaction_counts = 'X',
  applied = 'a',
  half = 'h',
  transaction = 'x',
  schedule = 'S',
  fired = 'F',
  name = 'N',
  named = 'n',
  ids = 'd',
};

/// Keys of checkpoint rows: one letter and big-endian ids, so that rows of one id are neighbours.
struct row_key {
  row_kind kind;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::uint64_t third = 0;

  [[nodiscard]] static std::string of(queue_id id) { return make(row_kind::queue, id.value); }
  [[nodiscard]] static std::string of(topic_id id) { return make(row_kind::topic, id.value); }
  [[nodiscard]] static std::string of(group_id id) { return make(row_kind::group, id.value); }
  [[nodiscard]] static std::string of(const producer_key& k) {
    return make(row_kind::producer, k.producer.value) + big_endian(k.queue.value);
  }
  [[nodiscard]] static std::string of(const progress_key& k) {
    return make(row_kind::progress, k.group.value) + big_endian(k.queue.value);
  }
  /// A message of a group on a queue.
  [[nodiscard]] static std::string of(const progress_key& k, offset at) {
    return make(row_kind::waiting, k.group.value) + big_endian(k.queue.value) +
           big_endian(at.value);
  }
  [[nodiscard]] static std::string of(const transaction_id& id) {
    return make(row_kind::transaction, id.producer.value) + big_endian(id.number);
  }
  /// A batch of a transaction.
  [[nodiscard]] static std::string of(const transaction_id& id, std::uint64_t number) {
    return make(row_kind::half, id.producer.value) + big_endian(id.number) + big_endian(number);
  }
  /// How far parts of this shard's commits were taken.
  [[nodiscard]] static std::string of(shard_id from) { return make(row_kind::applied, from.value); }
  [[nodiscard]] static std::string transaction_counts() {
    return {static_cast<char>(row_kind::transaction_counts)};
  }
  [[nodiscard]] static std::string of(schedule_id id) { return make(row_kind::schedule, id.value); }
  /// How far a schedule is, by what this shard knows.
  [[nodiscard]] static std::string fired(schedule_id id) { return make(row_kind::fired, id.value); }
  [[nodiscard]] static std::string of(producer_name_id id) {
    return make(row_kind::name, id.value);
  }
  [[nodiscard]] static std::string of(const named_key& k) {
    return make(row_kind::named, k.name.value) + big_endian(k.queue.value);
  }
  [[nodiscard]] static std::string of(const id_table::row_key& k) {
    return make(row_kind::ids, k.queue.value) + big_endian(k.place);
  }
  [[nodiscard]] static std::string catalogue() { return {static_cast<char>(row_kind::catalogue)}; }

  [[nodiscard]] static std::optional<row_key> parse(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const auto kind = static_cast<row_kind>(text.front());
    const auto rest = text.substr(1);
    switch (kind) {
    case row_kind::queue:
    case row_kind::topic:
    case row_kind::group:
    case row_kind::applied:
    case row_kind::schedule:
    case row_kind::fired:
    case row_kind::name:
      if (rest.size() != 8) return std::nullopt;
      return row_key{kind, number(rest), 0, 0};
    case row_kind::producer:
    case row_kind::progress:
    case row_kind::transaction:
    case row_kind::named:
    case row_kind::ids:
      if (rest.size() != 16) return std::nullopt;
      return row_key{kind, number(rest.substr(0, 8)), number(rest.substr(8)), 0};
    case row_kind::waiting:
    case row_kind::half:
      if (rest.size() != 24) return std::nullopt;
      return row_key{kind, number(rest.substr(0, 8)), number(rest.substr(8, 8)),
                     number(rest.substr(16))};
    case row_kind::catalogue:
    case row_kind::transaction_counts:
      if (!rest.empty()) return std::nullopt;
      return row_key{kind, 0, 0, 0};
    }
    return std::nullopt;
  }

private:
  [[nodiscard]] static std::string make(row_kind kind, std::uint64_t id) {
    return std::string(1, static_cast<char>(kind)) + big_endian(id);
  }

  [[nodiscard]] static std::string big_endian(std::uint64_t v) {
    std::string out(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(v >> (56 - 8 * i));
    return out;
  }

  [[nodiscard]] static std::uint64_t number(std::string_view eight) {
    std::uint64_t v = 0;
    for (const char c : eight) v = v << 8 | static_cast<unsigned char>(c);
    return v;
  }
};

} // namespace carafe::core
