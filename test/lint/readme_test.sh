#!/usr/bin/env bash
# README's table "Life of one message" names the functions that a message passes through. A row
# whose function has moved or gone is worse than no row.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# Prints "file:function" of every hop in the section.
hops() {
  awk '/^#+ / { inside = /Life of one message/ } inside' README.md |
    grep -oE '`[A-Za-z0-9_./-]+\.(cpp|hpp):[A-Za-z0-9_:~]+`' | tr -d '`'
}

if ! grep -qE '^#+ .*Life of one message' README.md 2>/dev/null; then
  echo "README.md has no section \"Life of one message\""
  exit 77
fi

found=0
while IFS= read -r hop; do
  found=$((found + 1))
  file=${hop%%:*}
  function=${hop#*:}
  if [[ ! -f $file ]]; then
    fail "README.md names $file, which is not there"
  elif ! grep -qE "^[A-Za-z].*[^A-Za-z0-9_]${function##*::}[[:space:]]*\(" "$file"; then
    fail "README.md names $function, which is not defined in $file"
  fi
done < <(hops)
[[ $found -gt 0 ]] || fail "README.md's section \"Life of one message\" names no file:function hop"

finish
