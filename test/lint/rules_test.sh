#!/usr/bin/env bash
# The rules catch what they are for: each is shown a small tree that breaks it.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

# Writes a file with one line into the tree, runs the rule on it, and clears the tree.
expect() { # good|bad rule file line
  local outcome=good
  mkdir -p "$tree/$(dirname "$3")"
  printf '%b\n' "$4" >"$tree/$3"
  CARAFE_SOURCE_DIR=$tree bash "$here/$2_test.sh" >/dev/null || outcome=bad
  if [[ $outcome != "$1" ]]; then
    printf '%s_test says %s to %s with: %.60s\n' "$2" "$outcome" "$3" "$4"
    failures=$((failures + 1))
  fi
  find "$tree" -mindepth 1 -delete
}

expect good layering storage/a.cpp '#include "schema/batch.hpp"'
expect bad layering storage/a.cpp '#include "actors/core/queue.hpp"'
expect bad layering schema/a.hpp '#include "config/options.hpp"'
expect bad layering config/a.hpp '  #  include "storage/log.hpp"'
expect bad layering actors/net/a.cpp '#include "cli/shell.hpp"'
expect good layering storage/a.cpp '#include <lmdb.h>'
expect bad layering actors/a.cpp '#include <lmdb.h>'
expect good layering actors/raft/a.cpp '#include <raft.h>'
expect bad layering actors/a.cpp '#include <raft.h>'
expect good layering schema/a.cpp '#include "schema/wire.capnp.h"'
expect bad layering schema/include/carafe/a.hpp '#include "schema/wire.capnp.h"'
expect bad layering storage/a.cpp '#include "schema/wire.capnp.h"'
expect bad layering storage/a.cpp '#include <kj/array.h>'
expect bad layering actors/core/a.cpp '#include <caf/actor.hpp>'
expect good layering actors/core/filter_grammar.cpp '#include <tao/pegtl.hpp>'
expect bad layering actors/core/filter.cpp '#include <tao/pegtl.hpp>'
expect bad layering actors/core/a.cpp '#include <thread>'
expect bad layering actors/core/a.cpp 'auto t = std::chrono::steady_clock::now();'
expect bad layering actors/client/include/carafe/a.hpp '#include "schema/frame.hpp"'
expect good words storage/a.cpp '// All is done.'
# The word is split here so that a search for it does not find this file.
expect bad words storage/a.cpp "// TO""DO: the rest"
expect good size storage/a.cpp "$(printf 'x\\n%.0s' {1..400})"
expect bad size storage/a.cpp "$(printf 'x\\n%.0s' {1..501})"
expect bad readme README.md '## Life of one message\n| `storage/a.cpp:append` |'
expect bad readme README.md '## Life of one message\nNothing.'

# A page that names a test, and the test; the other page of that rule is sound.
for name in 'a test' 'a test that is gone'; do
  mkdir -p "$tree/docs" "$tree/test"
  echo 'TEST_CASE("a test") {}' >"$tree/test/a_test.cpp"
  # shellcheck disable=SC2016 # Backquotes of Markdown.
  echo '`test/a_test.cpp`: "a test"' >"$tree/docs/architecture.md"
  verdict=good
  [[ $name == 'a test' ]] || verdict=bad
  expect "$verdict" guarantees docs/guarantees.md "| kept | \`test/a_test.cpp\`: \"$name\" |"
done

# A CAF header that arrives through another folder's header.
mkdir -p "$tree/config" "$tree/storage"
echo '#include <caf/actor.hpp>' >"$tree/config/options.hpp"
expect bad layering storage/a.cpp '#include "config/options.hpp"'

# A private header of schema/ that holds Cap'n Proto types.
mkdir -p "$tree/schema"
echo '#include <capnp/message.h>' >"$tree/schema/flat.hpp"
expect bad layering storage/a.cpp '#include "schema/flat.hpp"'

# A hop that exists.
mkdir -p "$tree/storage"
echo 'void log::append(int entry) {}' >"$tree/storage/a.cpp"
expect good readme README.md '## Life of one message\n| `storage/a.cpp:log::append` |'

[[ $failures -eq 0 ]]
