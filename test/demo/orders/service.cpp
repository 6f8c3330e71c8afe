#include "test/demo/orders/service.hpp"

#include "test/demo/connecting.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <thread>
#include <unistd.h>

namespace carafe::demo::orders {

namespace {

volatile std::sig_atomic_t stop_asked = 0;

std::runtime_error system_error(const std::string& what) {
  return std::runtime_error{what + ": " + std::strerror(errno)};
}

} // namespace

void must(const result<void>& r) {
  if (!r) throw std::runtime_error{r.error().message()};
}

void insist(const std::function<result<void>()>& what) {
  for (;;) {
    const auto r = what();
    if (r || (!is_retriable(r.code()) && r.code() != errc::outcome_unknown)) return must(r);
    std::this_thread::sleep_for(std::chrono::milliseconds{50});
  }
}

void settled(const result<void>& r) {
  if (r.code() != errc::not_owner) must(r);
}

bool stopping() { return stop_asked != 0; }

int run(int argc, char** argv,
        const std::function<void(const settings&, const client::client&)>& serve) try {
  if (argc != 5) {
    std::cerr << "usage: " << argv[0] << " NODE FOLDER ORDERS DAY_MS\n";
    return 2;
  }
  std::signal(SIGTERM, [](int) { stop_asked = 1; });
  const settings how{argv[1], argv[2], std::stoull(argv[3]),
                     std::chrono::milliseconds{std::stoull(argv[4])}};
  const std::string path = argv[0];
  const auto name = path.substr(path.rfind('_') + 1);
  serve(how, must(connect({.node = how.node, .name = name})));
  return 0;
} catch (const std::exception& e) {
  std::cerr << argv[0] << ": " << e.what() << '\n';
  return 1;
}

// -- table ----------------------------------------------------------------------------------------

table::table(const std::string& path)
  : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  if (file_ < 0) throw system_error(path);
  std::ifstream lines{path};
  std::string line;
  while (std::getline(lines, line))
    if (const auto tab = line.find('\t'); tab != std::string::npos)
      rows_[line.substr(0, tab)] = line.substr(tab + 1);
}

table::~table() { ::close(file_); }

void table::put(const std::vector<std::pair<std::string, std::string>>& rows) {
  std::string lines;
  for (const auto& [key, value] : rows) lines.append(key).append("\t").append(value).append("\n");
  const std::lock_guard guard{lock_};
  // One call: a killed process has written it or not.
  if (::write(file_, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size()) ||
      ::fdatasync(file_) != 0)
    throw system_error("the database");
  for (const auto& [key, value] : rows) rows_[key] = value;
}

std::optional<std::string> table::get(const std::string& key) const {
  const std::lock_guard guard{lock_};
  const auto row = rows_.find(key);
  return row == rows_.end() ? std::nullopt : std::optional{row->second};
}

std::map<std::string, std::string> table::rows() const {
  const std::lock_guard guard{lock_};
  return rows_;
}

// -- orders ---------------------------------------------------------------------------------------

std::string order_name(std::uint64_t number) {
  const auto digits = std::to_string(number);
  return "order-" + std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

std::uint64_t order_number(const std::string& name) { return std::stoull(name.substr(6)); }

std::uint64_t pieces_of(std::uint64_t order) { return 1 + order % 3; }

bool is_given_up(std::uint64_t order) { return order % 17 == 0; }

bool is_left_open(std::uint64_t order) { return order % 13 == 0; }

customer customer_of(std::uint64_t order) {
  if (order % 10 == 0) return customer::never_pays;
  return order % 10 == 1 ? customer::pays_late : customer::pays;
}

bool bank_refuses(std::uint64_t order) { return order % 20 == 1; }

} // namespace carafe::demo::orders
