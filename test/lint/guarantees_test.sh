#!/usr/bin/env bash
# Pages that promise something name the tests that show it. A test that has gone shows nothing.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Prints a file in one line, its string literals joined.
flat() { tr '\n' ' ' <"$1" | sed -E 's/" +"//g; s/TEST_CASE\( +/TEST_CASE(/g'; }

# Prints "file<tab>test" of each test that a page names, and "file" alone of a file without names.
# The names may be broken over lines.
named() { # page
  tr '\n' ' ' <"$1" | sed -E 's/ +/ /g' |
    grep -oE '`test/[^`]+\.(cpp|py|sh)`(:( *"[^"]+",?)+)?' |
    grep -oE '`test/[^`]+`|"[^"]+"' | awk '
    /^`/ { file = substr($0, 2, length($0) - 2); print file; next }
    { print file "\t" substr($0, 2, length($0) - 2) }'
}

for page in docs/guarantees.md docs/architecture.md; do
  found=0
  while IFS=$'\t' read -r file name; do
    if [[ ! -f $file ]]; then
      fail "$page names $file, which is not there"
    elif [[ -n $name ]]; then
      found=$((found + 1))
      flat "$file" | grep -qF "TEST_CASE(\"$name\"" ||
        fail "$page names \"$name\", which is not in $file"
    fi
  done < <(named "$page")
  [[ $found -gt 0 ]] || fail "$page names no test"
  echo "$page: $found tests"
done

# Every mutant has its row, and every row its mutant.
page=docs/testing.md
if [[ -f $page ]]; then
  diff <(find test -path '*/mutants/*.cmake' ! -name mutate.cmake -printf '%f\n' | sed 's#\.cmake$##' | sort) \
    <(grep -oE '^\| `[a-z_]+` \||The mutant `[a-z_]+`' "$page" | grep -oE '`[a-z_]+`' | tr -d '`' | sort) ||
    fail "the mutants that $page names are not those in test/"
fi

finish
