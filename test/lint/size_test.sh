#!/usr/bin/env bash
# A source past 300 lines has a second thing in it; past 500 it is split.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

while IFS= read -r file; do
  lines=$(wc -l <"$file")
  if ((lines > 500)); then
    fail "$file has $lines lines; the limit is 500"
  elif ((lines > 300)); then
    printf 'warning: %s has %d lines; is there a second thing in it?\n' "$file" "$lines"
  fi
done < <(files '*.cpp' '*.hpp' '*.h' '*.capnp' '*.sh' '*.py' '*.cmake' CMakeLists.txt dev run)

finish
