#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <csignal>

/// Tests run as the programs do: a reader that went away is an error of the write, not the end of
/// the process.
int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  return Catch::Session().run(argc, argv);
}
