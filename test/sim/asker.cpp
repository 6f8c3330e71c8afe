#include "test/sim/asker.hpp"

#include <utility>

namespace carafe::sim {

asker::news asker::take() {
  news out;
  for (auto& frame : link_.take()) {
    if (asked_ != 0 && frame.request == asked_) {
      out.answer = std::move(frame.body);
      asked_ = 0;
    } else if (frame.request == 0) {
      out.others.push_back(std::move(frame.body));
    }
  }
  if (!link_.up()) out.lost = std::exchange(asked_, 0) != 0;
  return out;
}

bool asker::ready() {
  if (asked_ != 0) return false;
  if (link_.up()) return true;
  link_.connect();
  return false;
}

} // namespace carafe::sim
