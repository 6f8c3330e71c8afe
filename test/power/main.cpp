/// `carafe_power_loss`: a node that loses power, again and again.
///
///     carafe_power_loss [--seed N] [--images N] [--image N] [--node FILE] [--keep DIR]
///                       [--looking-for TEXT]
///
/// Records a node's writes and syncs under load, and starts the node on what the disk may hold
/// after a power failure at any moment. --image N checks only that one, --keep leaves the image
/// that broke a promise in a folder. Exit code 1: a promise was broken.
/// With --looking-for other violations than those that say TEXT are passed over.

#include "test/build_paths.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/power/power_failure.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace carafe;
using namespace carafe::power;
namespace fs = std::filesystem;

constexpr int exit_broken = 1;
constexpr int exit_usage = 2;

struct wish {
  std::uint64_t seed = std::random_device{}();
  std::uint64_t images = 300;
  std::optional<std::uint64_t> image;
  std::string node = test::carafed_path;
  std::string keep;
  std::string looking_for;
};

wish read_arguments(int argc, char** argv) {
  wish w;
  for (int i = 1; i < argc; i += 2) {
    const std::string key = argv[i];
    if (i + 1 == argc) throw std::invalid_argument{key};
    const std::string value = argv[i + 1];
    if (key == "--seed")
      w.seed = std::stoull(value);
    else if (key == "--images")
      w.images = std::stoull(value);
    else if (key == "--image")
      w.image = std::stoull(value);
    else if (key == "--node")
      w.node = value;
    else if (key == "--keep")
      w.keep = value;
    else if (key == "--looking-for")
      w.looking_for = value;
    else
      throw std::invalid_argument{key};
  }
  return w;
}

disk::luck any_luck(test::dice& d) {
  constexpr std::array<std::uint64_t, 5> pages{0, 20, 50, 80, 100};
  constexpr std::array<std::uint64_t, 3> names{0, 60, 100};
  constexpr std::array<std::uint64_t, 3> torn{0, 10, 30};
  return {pages[d.below(pages.size())], names[d.below(names.size())], torn[d.below(torn.size())]};
}

/// Folders in memory, if there are any: an image is written and read once.
struct work_folder {
  work_folder() {
    constexpr std::uintmax_t room = std::uintmax_t{1} << 30;
    std::error_code none;
    const auto memory = fs::space("/dev/shm", none);
    if (!none && memory.available > room) ::setenv("TMPDIR", "/dev/shm", 1);
    folder.emplace();
  }
  std::optional<test::temp_dir> folder;
};

int run(const wish& w) {
  const auto begun = std::chrono::steady_clock::now();
  const test::temp_dir recorded;
  const auto r = record({.seed = w.seed,
                         .program = w.node,
                         .recorder = test::io_recorder_path,
                         .folder = recorded.path()});
  const auto events = read_trace(r.trace);
  std::printf("seed %llu: %zu records of %zu batches in %zu lives of the node\n",
              static_cast<unsigned long long>(w.seed), events.size(), r.batches.size(),
              r.lives.size());
  test::dice d{w.seed};
  std::vector<std::size_t> cuts;
  for (std::uint64_t i = 0; i < w.images; ++i) cuts.push_back(1 + d.below(events.size()));
  std::sort(cuts.begin(), cuts.end());
  const work_folder work;
  disk now{r.root_inode};
  told said{r};
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < cuts.size(); ++i) {
    for (; at < cuts[i]; ++at) {
      now.apply(events[at]);
      said.apply(events[at]);
    }
    test::dice own{w.seed ^ (i + 1) * 0x9e3779b97f4a7c15ull};
    const auto how = any_luck(own);
    if (w.image && *w.image != i) continue;
    const auto place = work.folder->path() / "image";
    fs::create_directory(place);
    now.make_image(place / "data", own, how);
    if (!w.keep.empty()) {
      fs::remove_all(w.keep);
      fs::copy(place / "data", w.keep, fs::copy_options::recursive);
    }
    try {
      check_image({w.node, test::io_recorder_path, place}, r, said);
    } catch (const sim::broken& why) {
      if (std::string_view{why.what()}.find(w.looking_for) == std::string_view::npos) {
        fs::remove_all(place);
        continue;
      }
      std::printf("\nseed %llu: image %llu, cut after record %zu, pages %llu %%, names %llu %%, "
                  "torn %llu %%: %s\n",
                  static_cast<unsigned long long>(w.seed), static_cast<unsigned long long>(i), at,
                  static_cast<unsigned long long>(how.pages),
                  static_cast<unsigned long long>(how.names),
                  static_cast<unsigned long long>(how.torn), why.what());
      return exit_broken;
    }
    fs::remove_all(place);
  }
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun);
  std::printf("%zu images, %zu batches acknowledged, %.1f s\n", cuts.size(),
              said.acknowledged().size(), took.count());
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  wish w;
  try {
    w = read_arguments(argc, argv);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "carafe_power_loss: %s; see the head of test/power/main.cpp\n",
                 why.what());
    return exit_usage;
  }
  try {
    return run(w);
  } catch (const std::exception& why) {
    std::fprintf(stderr, "carafe_power_loss: %s\n", why.what());
    return exit_usage;
  }
}
