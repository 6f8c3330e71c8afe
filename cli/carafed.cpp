/// `carafed`: one node. Reads its settings, opens its data directory, starts the actors, waits for
/// a signal.

#include "actors/error_bridge.hpp"
#include "actors/logging.hpp"
#include "actors/net/peer.hpp"
#include "actors/node.hpp"
#include "cli/standard_streams.hpp"
#include "config/load.hpp"
#include "config/system_config.hpp"
#include "config/texts.hpp"
#include "storage/data_dir.hpp"

#include <caf/actor_system.hpp>
#include <caf/io/middleman.hpp>
#include <caf/scoped_actor.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace carafe;

constexpr int exit_failed = 1;
constexpr int exit_config = 78; // EX_CONFIG

/// Why the node stopped by itself, if it did.
struct fatal_note {
  std::mutex lock;
  std::optional<failure> why;
};

std::string host_name() {
  char text[256] = {};
  if (gethostname(text, sizeof text - 1) != 0) return "node";
  return text;
}

/// Connections, segments and shards take a descriptor each; the usual soft limit of 1,024 is low.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Whether the limit allows for that many connections, and the node's own files.
bool descriptors_suffice(const config::node_options& options) {
  constexpr std::uint64_t own_files = 256;
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
         limit.rlim_cur >= options.connections_max + own_files;
}

/// Every thread inherits the mask, so that only `wait_for_signal` sees them.
sigset_t block_signals() {
  sigset_t stopping;
  sigemptyset(&stopping);
  sigaddset(&stopping, SIGTERM);
  sigaddset(&stopping, SIGINT);
  struct sigaction hangup = {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  // Its terminal is gone; but for one that is to outlive it (nohup).
  if (hangup.sa_handler != SIG_IGN) sigaddset(&stopping, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stopping, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return stopping;
}

int print(config::command what, const config::system_config& settings) {
  switch (what) {
  case config::command::help:
    std::cout << config::help_text(settings);
    break;
  case config::command::version:
    std::cout << software_version << '\n';
    break;
  case config::command::dump_config:
    std::cout << config::effective_config(settings);
    break;
  case config::command::print_example:
    std::cout << config::example_config();
    break;
  case config::command::print_table:
    std::cout << config::settings_table();
    break;
  case config::command::run:
    break;
  }
  return std::cout.flush() ? 0 : exit_failed;
}

/// Ends the process if stopping takes longer: threads that hang in the disk, or a client's backlog,
/// would keep it.
void end_within(std::chrono::milliseconds limit, const std::shared_ptr<std::atomic<int>>& code) {
  std::thread{[limit, code] {
    std::this_thread::sleep_for(limit);
    if (*code != 0)
      logging::error("carafed", "did not stop in time; the next start replays the log");
    _exit(*code);
  }}.detach();
}

int serve(config::system_config& settings, std::shared_ptr<storage::data_dir> dir,
          const sigset_t& signals) {
  auto options = settings.node;
  auto note = std::make_shared<fatal_note>();
  const auto fatal = [note](const failure& why) {
    const std::lock_guard guard{note->lock};
    note->why = why;
    kill(getpid(), SIGTERM);
  };
  caf::actor_system system{settings};
  caf::scoped_actor self{system};
  auto supervisor =
    system.spawn<caf::detached>(node, options, std::move(dir), system_clock(), fatal);
  std::optional<failure> failed;
  self->request(supervisor, caf::infinite, start_atom_v)
    .receive(
      [&](const node_ports& ports) {
        const auto client = peer{options.listen_address, ports.client}.address();
        std::cout << "ready client=" << client << " cluster=none data-dir=" << options.data_dir
                  << std::endl;
        logging::info("carafed", "ready, clients on " + client);
      },
      [&](const caf::error& why) { failed = from_caf(why); });
  if (!failed) {
    int signal = 0;
    sigwait(&signals, &signal);
    const std::lock_guard guard{note->lock};
    failed = note->why;
    if (!failed) logging::info("carafed", std::string{"stops: SIG"} + ::sigabbrev_np(signal));
  }
  const auto code = std::make_shared<std::atomic<int>>(exit_failed);
  end_within(std::chrono::milliseconds{4'700}, code);
  self->request(supervisor, caf::infinite, drain_atom_v)
    .receive([](caf::ok_atom) {},
             [&](const caf::error& why) { failed = failed ? failed : from_caf(why); });
  if (!failed) {
    *code = 0; // All is saved.
    logging::info("carafed", "stopped");
    return 0;
  }
  std::cerr << "carafed: " << failed->message() << '\n';
  return exit_failed;
}

} // namespace

int main(int argc, char** argv) {
  hold_standard_streams();
  const auto signals = block_signals();
  config::system_config settings;
  settings.load<caf::io::middleman>();
  const auto what = config::load(settings, argc, argv);
  if (!what) {
    std::cerr << "carafed: " << what.error().message() << '\n';
    return exit_config;
  }
  if (*what != config::command::run) return print(*what, settings);
  if (settings.node.node_name.empty()) settings.node.node_name = host_name();
  logging::set_level(settings.node.level);
  raise_descriptor_limit();
  if (!descriptors_suffice(settings.node)) {
    std::cerr << "carafed: the limit of open files (ulimit -n) is too low for connections-max = "
              << settings.node.connections_max << "; raise it, or lower connections-max\n";
    return exit_config;
  }
  auto dir = storage::data_dir::open(settings.node.data_dir);
  if (!dir) {
    std::cerr << "carafed: " << dir.error().message() << '\n';
    return exit_failed;
  }
  return serve(settings, std::make_shared<storage::data_dir>(std::move(*dir)), signals);
}
