#!/usr/bin/env bash
# Work that is not finished does not go in: it is done, or it is an issue of its own.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

while IFS= read -r hit; do
  fail "unfinished: $hit"
done < <(files '*.cpp' '*.hpp' '*.h' '*.capnp' '*.md' '*.sh' '*.py' '*.conf' '*.cmake' \
  CMakeLists.txt dev run |
  grep -v '^test/lint/' |
  tr '\n' '\0' |
  xargs -0 -r grep -nHIE '\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented|\bunimplemented\b' || true)

finish
