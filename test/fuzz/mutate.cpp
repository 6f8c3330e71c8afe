/// Runs a fuzz target without libFuzzer, on its seeds and on so many mutations of them: a part of
/// every test run, with any compiler. `--write` makes the corpus with which libFuzzer begins.
///
///     fuzz_<target> [--seed N] [--runs N]
///     fuzz_<target> --write FOLDER
///     fuzz_<target> FILE...

#include "test/fuzz/target.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>

namespace {

constexpr std::size_t input_bytes_max = 256 * 1024;
/// Lengths, counts and pointers that lead far away.
constexpr std::uint64_t odd_numbers[] = {0,          1,          0x7f,       0xff,       0x7fff,
                                         0xffff,     0x7fffffff, 0x80000000, 0xffffffff, 0x3fffffff,
                                         0x1fffffff, ~0ull,      1ull << 63};

class mutator {
public:
  explicit mutator(std::uint64_t seed) : random_(seed) {}

  std::string operator()(const std::vector<std::string>& seeds) {
    auto out = seeds[below(seeds.size())];
    for (auto left = 1 + below(6); left > 0; --left) change(out, seeds);
    if (out.size() > input_bytes_max) out.resize(input_bytes_max);
    return out;
  }

private:
  std::size_t below(std::size_t end) { return end == 0 ? 0 : random_() % end; }

  void change(std::string& at, const std::vector<std::string>& seeds) {
    switch (below(7)) {
    case 0:
      if (!at.empty()) at[below(at.size())] ^= static_cast<char>(1 << below(8));
      return;
    case 1:
      if (!at.empty()) at[below(at.size())] = static_cast<char>(random_());
      return;
    case 2:
      at.resize(below(at.size() + 1));
      return;
    case 3: {
      const auto from = below(at.size());
      at.erase(from, below(64));
      return;
    }
    case 4: {
      const auto& other = seeds[below(seeds.size())];
      const auto from = below(other.size());
      at.insert(below(at.size() + 1), other.substr(from, below(256)));
      return;
    }
    case 5: {
      const auto from = below(at.size());
      at.insert(below(at.size() + 1), std::string{at.substr(from, below(256))});
      return;
    }
    default: {
      const auto number = odd_numbers[below(std::size(odd_numbers))];
      const std::size_t width = std::size_t{1} << below(4);
      if (at.size() < width) return;
      // Numbers on the wire are aligned.
      const auto place = below(at.size() / width) * width + below(2);
      std::memcpy(at.data() + std::min(place, at.size() - width), &number, width);
      return;
    }
    }
  }

  std::mt19937_64 random_;
};

void run(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

std::string content_of(const char* path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw std::runtime_error{std::string{"cannot read "} + path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void write_seeds(const std::string& folder) {
  std::size_t number = 0;
  for (const auto& seed : carafe::fuzz::seeds()) {
    std::ofstream out{folder + "/seed-" + std::to_string(number++), std::ios::binary};
    if (!out.write(seed.data(), static_cast<std::streamsize>(seed.size())))
      throw std::runtime_error{"cannot write to " + folder};
  }
}

void run_mutations(std::uint64_t seed, std::uint64_t runs) {
  const auto seeds = carafe::fuzz::seeds();
  for (const auto& input : seeds) run(input);
  std::cout << "seed " << seed << ", " << seeds.size() << " inputs, " << runs << " mutations\n"
            << std::flush;
  mutator mutate{seed};
  for (std::uint64_t i = 0; i < runs; ++i) run(mutate(seeds));
}

} // namespace

int main(int argc, char** argv) try {
  std::uint64_t seed = std::random_device{}();
  std::uint64_t runs = 200'000;
  bool files = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool option = word == "--seed" || word == "--runs" || word == "--write";
    if (option && i + 1 == argc) throw std::runtime_error{word + " takes a value"};
    if (word == "--seed") {
      seed = std::stoull(argv[++i]);
    } else if (word == "--runs") {
      runs = std::stoull(argv[++i]);
    } else if (word == "--write") {
      write_seeds(argv[++i]);
      return 0;
    } else {
      run(content_of(argv[i]));
      files = true;
    }
  }
  if (!files) run_mutations(seed, runs);
  return 0;
} catch (const std::exception& why) {
  std::cerr << why.what() << '\n';
  return 2;
}
