/// `carafe_sim`: runs of the simulation, each from one seed.
///
///     carafe_sim [--seed N] [--runs N] [--steps N] [--trace] [--without-stories]
///                [--act NAME] [--looking-for TEXT]
///
/// Without --seed the runs have fresh seeds, which are printed. Exit code 1: a promise was broken,
/// by the run that is named; the same seed breaks it again. With --act every run has that act; an
/// unknown name prints those that there are. With --looking-for other violations than those that
/// say TEXT are passed over.

#include "test/sim/scratch_folder.hpp"
#include "test/sim/simulation.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

namespace {

using namespace carafe::sim;

constexpr int exit_broken = 1;
constexpr int exit_usage = 2;

volatile std::uint64_t running_seed = 0;

/// What the node says, in memory: it is much, about the disks that fail it.
int words = -1;

std::string_view last_line_of_words(std::span<char> room) {
  if (words < 0) return "--trace shows its last words";
  const auto end = ::lseek(words, 0, SEEK_END);
  const auto from = std::max<off_t>(0, end - static_cast<off_t>(room.size()));
  const auto size = ::pread(words, room.data(), room.size(), from);
  std::string_view text{room.data(), static_cast<std::size_t>(std::max<ssize_t>(0, size))};
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.substr(text.find_last_of('\n') + 1);
}

/// An assertion of the node has failed.
extern "C" void on_abort(int) {
  char last[512];
  const auto said = last_line_of_words(last);
  char text[640];
  const auto size = std::snprintf(text, sizeof text, "seed %llu: the node aborted: %.*s\n",
                                  static_cast<unsigned long long>(running_seed),
                                  static_cast<int>(said.size()), said.data());
  remove_scratch_folders();
  [[maybe_unused]] const auto written =
    ::write(STDOUT_FILENO, text, static_cast<std::size_t>(size));
  ::_exit(exit_broken);
}

struct wish {
  std::uint64_t seed = 0;
  std::uint64_t runs = 1;
  std::uint32_t steps = plan{}.steps;
  bool seeded = false;
  bool trace = false;
  bool stories = true;
  std::string act;
  std::string looking_for;
};

template <class Number>
bool read_number(const char* text, Number& out) {
  const auto* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, out);
  return error == std::errc{} && at == end;
}

bool read_arguments(int argc, char** argv, wish& w) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view key = argv[i];
    if (key == "--trace") {
      w.trace = true;
      continue;
    }
    if (key == "--without-stories") {
      w.stories = false;
      continue;
    }
    if (++i == argc) return false;
    bool read = false;
    if (key == "--seed")
      read = w.seeded = read_number(argv[i], w.seed);
    else if (key == "--runs")
      read = read_number(argv[i], w.runs);
    else if (key == "--steps")
      read = read_number(argv[i], w.steps);
    else if (key == "--act")
      read = is_act(w.act = argv[i]);
    else if (key == "--looking-for")
      read = !(w.looking_for = argv[i]).empty();
    if (!read) return false;
  }
  return w.runs > 0;
}

void print(const summary& s) {
  std::printf(
    "%llu batches acknowledged, %llu kills, %llu power failures, %llu orderly stops, "
    "%llu faults of disks, %llu entries dropped by retention, %llu messages lent, %llu dead "
    "letters, %llu brought back, %llu changes of groups, %llu stories told, %llu of acts\n",
    static_cast<unsigned long long>(s.acknowledged), static_cast<unsigned long long>(s.kills),
    static_cast<unsigned long long>(s.power_failures),
    static_cast<unsigned long long>(s.orderly_stops), static_cast<unsigned long long>(s.faults),
    static_cast<unsigned long long>(s.entries_dropped),
    static_cast<unsigned long long>(s.deliveries), static_cast<unsigned long long>(s.deaths),
    static_cast<unsigned long long>(s.redrives), static_cast<unsigned long long>(s.changes),
    static_cast<unsigned long long>(s.stories), static_cast<unsigned long long>(s.acts));
}

} // namespace

int main(int argc, char** argv) {
  wish w;
  if (!read_arguments(argc, argv, w)) {
    std::fprintf(stderr,
                 "usage: carafe_sim [--seed N] [--runs N] [--steps N] [--trace] "
                 "[--without-stories] [--act NAME] [--looking-for TEXT]\nacts: %s\n",
                 act_names().c_str());
    return exit_usage;
  }
  if (!w.seeded) w.seed = std::random_device{}();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::printf("seeds %llu to %llu, %u steps each\n", static_cast<unsigned long long>(w.seed),
              static_cast<unsigned long long>(w.seed + w.runs - 1), w.steps);
  if (!w.trace) {
    words = ::memfd_create("words", MFD_CLOEXEC);
    ::fcntl(words, F_SETFL, O_APPEND);
    ::dup2(words, STDERR_FILENO);
  }
  std::signal(SIGABRT, on_abort);
  summary all;
  for (auto seed = w.seed; seed != w.seed + w.runs; ++seed) {
    running_seed = seed;
    if (words >= 0 && ::ftruncate(words, 0) != 0) return exit_usage;
    std::optional<simulation> run;
    try {
      run.emplace(plan{seed, w.steps, w.trace, w.stories, w.act});
      all += run->run();
    } catch (const std::exception& why) {
      if (std::string_view{why.what()}.find(w.looking_for) == std::string_view::npos) continue;
      std::printf("seed %llu: %s\n%s", static_cast<unsigned long long>(seed), why.what(),
                  run ? run->last_events().c_str() : "");
      return exit_broken;
    }
  }
  print(all);
  return 0;
}
