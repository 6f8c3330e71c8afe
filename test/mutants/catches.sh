#!/usr/bin/env bash
# Whether a mistake is found for what it is: catches.sh TEXT COMMAND ARGUMENT...
#
# COMMAND looks for a violation that says TEXT, prints it from a line on that begins with "seed"
# (the first line of all tells its seeds), and exits with 1.
set -euo pipefail

text=$1
shift
code=0
out=$("$@" --looking-for "$text") || code=$?
head -n 4 <<<"$out"
found=$(tail -n +2 <<<"$out" | sed -n '/^seed /,$p')
[[ $code -eq 1 && $found == *"$text"* ]]
