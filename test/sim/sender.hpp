#pragma once

#include "test/sim/asker.hpp"

#include <optional>
#include <string>

namespace carafe::sim {

/// Sends one batch at a time, again and again until it is answered with a receipt.
class sender {
public:
  sender(rig& r, std::string name) : link_(r, std::move(name)) {}

  [[nodiscard]] bool idle() const noexcept { return !open_; }
  /// @pre idle()
  void offer(frames::produce what) { open_ = std::move(what); }
  /// Takes what came, and sends what was not answered.
  /// @returns The receipt, when it is there.
  /// @throws broken
  std::optional<frames::receipt> step();
  void cut() { link_.cut(); }
  void node_died() { link_.node_died(); }
  /// Its producer may be forgotten, with what it sent.
  void give_up() { open_.reset(); }

private:
  std::optional<frames::receipt> answered(const frames::body& answer);

  asker link_;
  std::optional<frames::produce> open_;
};

} // namespace carafe::sim
