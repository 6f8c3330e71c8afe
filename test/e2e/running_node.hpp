#pragma once

#include "test/e2e/node_process.hpp"
#include "test/e2e/shell_process.hpp"
#include "test/e2e/temp_dir.hpp"
#include "test/e2e/traffic.hpp"
#include "test/e2e/waiting.hpp"

#include <utility>

namespace carafe::test {

/// A started node in a folder of its own, with a shell and a client for it.
struct running_node {
  explicit running_node(node_process::settings wanted = {})
    : node(dir.path(), started(std::move(wanted))),
      run((node.start(), dir.path()), node),
      client(connect_to(node.address())) {}

  temp_dir dir;
  node_process node;
  shell run;
  client::client client;

private:
  /// It may be started again on its port.
  static node_process::settings started(node_process::settings wanted) {
    wanted.try_emplace("client-port", std::to_string(free_port()));
    return wanted;
  }
};

} // namespace carafe::test
