#include "test/e2e/node_process.hpp"

#include "test/build_paths.hpp"
#include "test/e2e/waiting.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <fstream>
#include <netinet/in.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace carafe::test {

namespace {

bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

/// The port in "ready client=127.0.0.1:40123 …", once the whole line is there.
std::optional<std::uint16_t> port_of_ready_line(const std::string& out) {
  constexpr std::string_view start = "ready client=";
  if (!out.starts_with(start) || out.find('\n') == std::string::npos) return std::nullopt;
  const auto colon = out.find(':');
  return static_cast<std::uint16_t>(std::stoul(out.substr(colon + 1)));
}

} // namespace

std::uint16_t free_port() {
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<std::uint16_t> any{20'000, 31'999};
  for (int tries = 0; tries < 1'000; ++tries)
    if (const auto port = any(random); is_free(port)) return port;
  throw std::runtime_error{"no free port"};
}

node_process::node_process(std::filesystem::path folder, settings wanted)
  : folder_(std::move(folder)), program_(carafed_path), settings_(std::move(wanted)) {
  settings_.try_emplace("data-dir", data_dir().string());
  settings_.try_emplace("client-port", "0");
  port_ = static_cast<std::uint16_t>(std::stoul(settings_.at("client-port")));
  settings_.try_emplace("cluster-port", "0");
  settings_.try_emplace("segment-bytes", "16MiB");
  settings_.try_emplace("storage-reserve-bytes", "1MiB");
}

void node_process::launch() {
  process_options options;
  options.program = program_;
  for (const auto& [key, value] : settings_)
    options.arguments.push_back("--carafe." + key + "=" + value);
  options.environment = environment_;
  options.folder = folder_ / "node";
  launched_ = std::chrono::steady_clock::now();
  child_ = std::make_unique<process>(options);
}

void node_process::wait_ready(std::chrono::milliseconds within) {
  std::optional<std::uint16_t> port;
  eventually(
    [&] {
      port = port_of_ready_line(child_->out());
      return port.has_value() || !child_->running();
    },
    within);
  // The line may have come just before the end.
  if (!port) throw std::runtime_error{"the node did not get ready: " + child_->err()};
  took_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                launched_);
  port_ = *port;
  settings_["client-port"] = std::to_string(port_);
}

void node_process::start() {
  launch();
  wait_ready();
}

void node_process::kill() { child_->kill(); }

process_end node_process::stop(std::chrono::milliseconds within) {
  child_->signal(SIGTERM);
  const auto end = child_->wait(within);
  if (!end) throw std::runtime_error{"the node does not stop: " + child_->err()};
  return *end;
}

void node_process::preload(const std::string& library, std::vector<std::string> variables) {
  environment_ = std::move(variables);
  environment_.push_back("LD_PRELOAD=" + library);
  // A sanitizer wants to be loaded first.
  environment_.emplace_back("ASAN_OPTIONS=verify_asan_link_order=0");
}

std::uint64_t node_process::memory_bytes() const {
  std::ifstream status{"/proc/" + std::to_string(child_->id()) + "/status"};
  std::uint64_t kilobytes = 0;
  for (std::string word; status >> word;)
    if (word == "RssAnon:" && status >> kilobytes) return kilobytes * 1'024;
  throw std::runtime_error{"the node's memory is not known"};
}

std::size_t node_process::open_sockets() const {
  std::size_t sockets = 0;
  std::error_code gone;
  for (const auto& entry :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(child_->id()) + "/fd", gone})
    if (std::filesystem::read_symlink(entry.path(), gone).string().starts_with("socket:"))
      ++sockets;
  return sockets;
}

finished_process run_node(const std::filesystem::path& folder,
                          const std::vector<std::string>& arguments) {
  return run_process({carafed_path, arguments, {}, {}, folder}, 20s);
}

} // namespace carafe::test
