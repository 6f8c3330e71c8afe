#include "test/demo/records.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace carafe::demo {

namespace {

/// The value of a field such as "Package: " in a paragraph, or nothing.
std::string_view field(std::string_view paragraph, std::string_view name) {
  for (std::size_t at = 0; at < paragraph.size();) {
    const auto end = std::min(paragraph.find('\n', at), paragraph.size());
    const auto line = paragraph.substr(at, end - at);
    if (line.starts_with(name)) return line.substr(name.size());
    at = end + 1;
  }
  return {};
}

/// "Source: gcc-defaults (1.203)" names gcc-defaults; without the field the package is its own.
std::string_view key_of(std::string_view paragraph) {
  auto source = field(paragraph, "Source: ");
  if (source.empty()) source = field(paragraph, "Package: ");
  return source.substr(0, source.find(' '));
}

} // namespace

std::vector<package_record> split_records(std::string_view text, std::size_t most) {
  std::vector<package_record> records;
  for (std::size_t at = 0; at < text.size() && records.size() < most;) {
    const auto end = std::min(text.find("\n\n", at), text.size());
    const auto body = text.substr(at, end - at);
    if (!body.empty() && body != "\n") records.push_back({key_of(body), body});
    at = end + 2;
  }
  return records;
}

std::string read_whole_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error{path + ": " + std::strerror(errno)};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_whole_file(const std::string& path, std::string_view content) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out.flush()) throw std::runtime_error{path + ": " + std::strerror(errno)};
}

} // namespace carafe::demo
