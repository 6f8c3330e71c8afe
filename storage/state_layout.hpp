#pragma once

/// What the values of `state.mdb` look like.

#include "storage/lmdb.hpp"
#include "storage/page_check.hpp"
#include "storage/state_store.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace carafe::storage {

inline constexpr std::string_view state_name = "state.mdb";

enum state_table : std::size_t { table_state_meta = 0, table_state_rows = 1 };

inline constexpr std::array<lmdb::table_spec, 2> state_tables{{{"meta", false}, {"rows", false}}};
inline constexpr std::array<table_rule, 2> state_rules{{{"meta", false, 0}, {"rows", false, 0}}};

inline constexpr std::string_view state_identity_key = "state";
inline constexpr std::string_view vote_key = "vote";
inline constexpr std::string_view mark_key = "mark";

/// LMDB's limit.
inline constexpr std::size_t state_key_bytes_max = 511;

/// `value` followed by the CRC32C of key and value.
[[nodiscard]] std::string sealed_value(std::string_view key, std::string_view value);
/// @errors storage_corrupt
result<std::string_view> open_value(std::string_view key, std::string_view stored);

[[nodiscard]] std::string encode_state_identity(shard_id shard);
/// @errors format_newer, format_foreign, storage_corrupt (another shard's)
result<void> check_state_identity(std::string_view value, shard_id shard,
                                  const std::filesystem::path& path);

[[nodiscard]] std::string encode_vote(vote v);
result<vote> decode_vote(std::string_view value);
[[nodiscard]] std::string encode_mark(const checkpoint_mark& mark);
result<checkpoint_mark> decode_mark(std::string_view value);

} // namespace carafe::storage
