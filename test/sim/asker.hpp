#pragma once

#include "test/sim/client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace carafe::sim {

/// A connection with one request under way at most.
class asker {
public:
  asker(rig& r, std::string name) : link_(r, std::move(name)) {}

  struct news {
    std::optional<frames::body> answer = {};
    /// There will be no answer to the request that was under way.
    bool lost = false;
    std::vector<frames::body> others = {};
  };
  /// What came since the last call.
  news take();
  /// Whether it can ask; connects if it must.
  bool ready();
  /// @pre ready()
  void ask(frames::body what) { asked_ = link_.post(std::move(what)); }
  /// What is not answered.
  /// @pre ready()
  void tell(frames::body what) { link_.post(std::move(what)); }
  [[nodiscard]] bool busy() const noexcept { return asked_ != 0; }
  [[nodiscard]] bool up() const { return link_.up(); }
  void cut() { link_.cut(); }
  void node_died() { link_.forget(); }

private:
  connection link_;
  std::uint64_t asked_ = 0;
};

} // namespace carafe::sim
