#include "config/byte_size.hpp"

#include <catch2/catch.hpp>

using namespace carafe;
using namespace carafe::config;

TEST_CASE("numbers of bytes are read with and without a unit") {
  CHECK(*parse_bytes("0") == 0);
  CHECK(*parse_bytes("17") == 17);
  CHECK(*parse_bytes("17B") == 17);
  CHECK(*parse_bytes("3KiB") == 3072);
  CHECK(*parse_bytes("3 MiB") == 3ull << 20);
  CHECK(*parse_bytes("1TiB") == 1ull << 40);
  CHECK(*parse_bytes("2PiB") == 2ull << 50);
  CHECK(*parse_bytes("9223372036854775807") == 9223372036854775807u);
}

TEST_CASE("what is no number of bytes is refused") {
  for (const auto* text : {"", " ", "B", "KiB", "-1", "+1", "1.5GiB", "1kib", "1KB", "1 K", "0x10",
                           "1KiB ", "1KiBs", " 1"}) {
    INFO(text);
    CHECK(parse_bytes(text).code() == errc::config_wrong_type);
  }
  for (const auto* text :
       {"9223372036854775808", "18446744073709551616", "8192PiB", "9007199254740992KiB"}) {
    INFO(text);
    CHECK(parse_bytes(text).code() == errc::config_out_of_range);
  }
}

TEST_CASE("numbers of bytes are written in the largest unit that divides them") {
  CHECK(format_bytes(0) == "0");
  CHECK(format_bytes(17) == "17 B");
  CHECK(format_bytes(1536 * 1024) == "1536 KiB");
  CHECK(format_bytes(1ull << 30) == "1 GiB");
  CHECK(format_bytes(1ull << 50, "") == "1PiB");
}
