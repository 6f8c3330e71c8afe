#!/usr/bin/env bash
# docs/guarantees.md names the tests that show what it promises. A test that has gone shows nothing.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

page=docs/guarantees.md
if [[ ! -f $page ]]; then
  echo "there is no $page"
  exit 77
fi

# Prints a file in one line, its string literals joined.
flat() { tr '\n' ' ' <"$1" | sed -E 's/" +"//g'; }

# Prints "file<tab>test" of each test that is named, and "file" alone of a file that has no names.
named() {
  grep -E '^\|.*`test/' "$page" | grep -oE '`test/[^`]+`|"[^"]+"' | awk '
    /^`/ { file = substr($0, 2, length($0) - 2); print file; next }
    { print file "\t" substr($0, 2, length($0) - 2) }'
}

found=0
while IFS=$'\t' read -r file name; do
  if [[ ! -f $file ]]; then
    fail "$page names $file, which is not there"
  elif [[ -n $name ]]; then
    found=$((found + 1))
    flat "$file" | grep -qF "TEST_CASE(\"$name\"" || fail "$page names \"$name\", which is not in $file"
  fi
done < <(named)
[[ $found -gt 0 ]] || fail "$page names no test"

finish
