#include <carafe/errc.hpp>

#include "test/build_paths.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

using namespace carafe;

namespace {

/// "| 86 | `offset_out_of_range` | … | no |"
std::string row_of(errc code) {
  return "| " + std::to_string(static_cast<unsigned>(code)) + " | `" +
         std::string{to_string(code)} + "` | " + std::string{explain(code)} + " | " +
         (is_retriable(code) ? "yes" : "no") + " |";
}

std::vector<std::string> expected_rows() {
  std::vector<std::string> rows;
  for (std::uint32_t number = 0; number <= std::numeric_limits<std::uint16_t>::max(); ++number) {
    const auto code = errc_from_number(static_cast<std::uint16_t>(number));
    if (static_cast<std::uint32_t>(code) == number) rows.push_back(row_of(code));
  }
  return rows;
}

bool is_row(const std::string& line) {
  return line.size() > 2 && line.starts_with("| ") && line[2] >= '0' && line[2] <= '9';
}

/// The rows of docs/protocol.md's section of errors.
std::vector<std::string> rows_of_page() {
  std::ifstream page{std::filesystem::path{test::source_dir} / "docs" / "protocol.md"};
  std::vector<std::string> rows;
  std::string line;
  bool inside = false;
  while (std::getline(page, line)) {
    if (line.starts_with("## ")) inside = line.ends_with("Errors");
    if (inside && is_row(line)) rows.push_back(line);
  }
  return rows;
}

} // namespace

TEST_CASE("docs/protocol.md lists every error as it is") {
  CHECK(rows_of_page() == expected_rows());
}
