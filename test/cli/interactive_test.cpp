/// The real program on a terminal of its own (a pty).

#include "test/build_paths.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <poll.h>
#include <pty.h>
#include <sstream>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr auto patience = 20s;

/// `carafe` on a terminal, as a person sees it.
class terminal_session {
public:
  explicit terminal_session(const std::string& node) : home_(make_folder()) {
    winsize size{.ws_row = 40, .ws_col = 120, .ws_xpixel = 0, .ws_ypixel = 0};
    child_ = ::forkpty(&screen_, nullptr, nullptr, &size);
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      ::setenv("CARAFE_NODE", node.c_str(), 1);
      ::setenv("XDG_STATE_HOME", home_.c_str(), 1);
      ::setenv("HOME", home_.c_str(), 1);
      ::setenv("TERM", "xterm", 1);
      ::setenv("NO_COLOR", "1", 1);
      ::execl(carafe::test::carafe_path, "carafe", static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }
  ~terminal_session() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    ::close(screen_);
    std::filesystem::remove_all(home_);
  }
  terminal_session(const terminal_session&) = delete;
  terminal_session& operator=(const terminal_session&) = delete;

  void type(const std::string& keys) {
    seen_.clear();
    searched_ = 0;
    REQUIRE(::write(screen_, keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
  }

  /// Whether `text` appears on the screen after what was typed last, and was asked for last.
  bool shows(const std::string& text) {
    const bool found = waits_for(text);
    if (found) searched_ = seen_.find(text, searched_) + text.size();
    return found;
  }

  bool waits_for(const std::string& text) {
    const auto until = clock_type::now() + patience;
    while (seen_.find(text, searched_) == std::string::npos) {
      pollfd readable{screen_, POLLIN, 0};
      char buffer[4096];
      if (clock_type::now() > until) return false;
      if (::poll(&readable, 1, 100) <= 0) continue;
      const auto count = ::read(screen_, buffer, sizeof buffer);
      if (count <= 0) return seen_.find(text, searched_) != std::string::npos;
      seen_.append(buffer, static_cast<std::size_t>(count));
    }
    return true;
  }

  /// Exit code once it has ended by itself, -1 if it did not.
  int ended() {
    const auto until = clock_type::now() + patience;
    for (int status = 0; clock_type::now() < until;) {
      if (::waitpid(child_, &status, WNOHANG) == child_) {
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
      }
      pollfd readable{screen_, POLLIN, 0};
      char buffer[4096];
      if (::poll(&readable, 1, 20) == 1 && ::read(screen_, buffer, sizeof buffer) > 0) continue;
    }
    return -1;
  }

  [[nodiscard]] std::string history() const {
    std::ifstream file{home_ / "carafe" / "history"};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  [[nodiscard]] std::string seen() const { return seen_; }

private:
  static std::filesystem::path make_folder() {
    auto name = (std::filesystem::temp_directory_path() / "carafe-shell-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    return name;
  }

  std::filesystem::path home_;
  int screen_ = -1;
  pid_t child_ = -1;
  std::string seen_;
  std::size_t searched_ = 0;
};

/// Takes connections and never says a word.
class silent_node {
public:
  silent_node() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(socket_, 16) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) == 0);
    port_ = ::ntohs(at.sin_port);
  }
  ~silent_node() {
    for (int client : clients_) ::close(client);
    ::close(socket_);
  }
  silent_node(const silent_node&) = delete;
  silent_node& operator=(const silent_node&) = delete;

  /// Waits for the next client and its first bytes.
  bool takes_connection() {
    pollfd event{socket_, POLLIN, 0};
    const int wait_ms = static_cast<int>(std::chrono::milliseconds{patience}.count());
    if (::poll(&event, 1, wait_ms) != 1) return false;
    event.fd = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (event.fd < 0) return false;
    clients_.push_back(event.fd);
    return ::poll(&event, 1, wait_ms) == 1;
  }

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

private:
  int socket_;
  int port_ = 0;
  std::vector<int> clients_;
};

constexpr const char* nowhere = "127.0.0.1:1";
constexpr const char* prompt = "carafe 127.0.0.1:1> ";

} // namespace

TEST_CASE("the interactive shell greets, completes, runs and remembers") {
  terminal_session shell{nowhere};
  REQUIRE(shell.shows("no node answers at 127.0.0.1:1"));
  REQUIRE(shell.shows(prompt));
  shell.type("top\tli\t\r");
  CHECK(shell.shows("carafe: connection_refused: "));
  REQUIRE(shell.shows(prompt));
  shell.type(" version\r");
  CHECK(shell.shows("carafe 0."));
  shell.type("topic \t");
  CHECK(shell.shows("alter"));
  CHECK(shell.shows("list"));
  shell.type("\x03");
  CHECK(shell.shows("^C"));
  shell.type("exit\r");
  CHECK(shell.ended() == 0);
  // libedit writes blanks as \040.
  CHECK(shell.history().find("topic\\040list") != std::string::npos);
  CHECK(shell.history().find("version") == std::string::npos);
}

TEST_CASE("Ctrl-C at the prompt drops the line, Ctrl-D ends the shell") {
  terminal_session shell{nowhere};
  REQUIRE(shell.shows(prompt));
  shell.type("topic delete everything\x03");
  REQUIRE(shell.shows("^C"));
  REQUIRE(shell.shows(prompt));
  shell.type("vresion\r");
  CHECK(shell.shows("no command 'vresion'; did you mean 'version'?"));
  REQUIRE(shell.shows(prompt));
  CHECK(shell.seen().find("connection_refused") == std::string::npos);
  shell.type("\x04");
  CHECK(shell.ended() == 0);
}

TEST_CASE("Ctrl-C ends the running command and not the shell") {
  silent_node node;
  terminal_session shell{node.address()};
  // The greeting asks whether the node is there.
  REQUIRE(node.takes_connection());
  REQUIRE(shell.shows("> "));
  shell.type("node status\r");
  // It waits for an answer that never comes, for ten seconds.
  REQUIRE(node.takes_connection());
  const auto pressed = clock_type::now();
  shell.type("\x03");
  REQUIRE(shell.shows("> "));
  CHECK(clock_type::now() - pressed < 5s);
  shell.type("version\r");
  CHECK(shell.shows("carafe 0."));
  shell.type("exit\r");
  CHECK(shell.ended() == 0);
}
