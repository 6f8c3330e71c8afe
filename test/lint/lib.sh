#!/usr/bin/env bash
# Shared by the lint tests, which `source` it.
set -euo pipefail

root=${CARAFE_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)}
cd "$root"

failures=0

fail() { # message
  printf '%s\n' "$1"
  failures=$((failures + 1))
}

finish() {
  [[ $failures -eq 0 ]] && exit 0
  printf '%d found\n' "$failures"
  exit 1
}

# Prints the project's files whose names match one of the patterns; a build folder inside the
# repository is not the project's.
files() { # pattern...
  local pattern names=()
  for pattern in "$@"; do
    names+=(-o -name "$pattern")
  done
  find . -type d \( -name .git -o -name .cache -o -name build -o -name carafe-data -o \
    -exec test -e '{}/CMakeCache.txt' \; \) -prune -o -type f \( "${names[@]:1}" \) -print | sed 's,^\./,,' | sort
}
