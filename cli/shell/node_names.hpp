#pragma once

#include "cli/shell/completion.hpp"
#include "cli/shell/node_api.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace carafe::shell {

/// Names for completion, asked from the node and remembered for a few seconds, also when it did not
/// answer: the Tab key must never hang.
class node_names final : public name_source {
public:
  node_names(node_source nodes, std::string address);

  std::vector<std::string> topics() override;
  std::vector<std::string> groups() override;
  std::vector<std::string> paths(const std::string& prefix) override;

  /// Whether the node answered when it was last asked.
  [[nodiscard]] bool node_answers();

private:
  using clock = std::chrono::steady_clock;

  struct remembered {
    std::vector<std::string> names;
    bool answered = false;
    clock::time_point until{};
  };

  void refresh(remembered& what,
               const std::function<result<std::vector<std::string>>(node_api&)>& ask);

  node_source nodes_;
  const std::string address_;
  remembered topics_, groups_;
};

} // namespace carafe::shell
