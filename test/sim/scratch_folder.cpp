#include "test/sim/scratch_folder.hpp"

#include "test/sim/oracle.hpp"

#include <cstdlib>
#include <set>
#include <system_error>

namespace carafe::sim {

namespace {

namespace fs = std::filesystem;

std::set<fs::path>& scratch_paths() {
  static std::set<fs::path> all;
  return all;
}

} // namespace

scratch_folder::scratch_folder() {
  std::error_code none;
  const fs::path memory{"/dev/shm"};
  const auto parent = fs::is_directory(memory, none) ? memory : fs::temp_directory_path();
  auto pattern = (parent / "carafe_sim.XXXXXX").string();
  expect(::mkdtemp(pattern.data()) != nullptr, "no folder can be made in " + parent.string());
  path_ = pattern;
  scratch_paths().insert(path_);
}

scratch_folder::~scratch_folder() {
  std::error_code none;
  fs::remove_all(path_, none);
  scratch_paths().erase(path_);
}

void remove_scratch_folders() noexcept {
  std::error_code none;
  for (const auto& path : scratch_paths()) fs::remove_all(path, none);
}

} // namespace carafe::sim
