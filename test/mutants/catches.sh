#!/usr/bin/env bash
# Whether a mistake is found: catches.sh COMMAND ARGUMENT...
set -euo pipefail

code=0
out=$("$@") || code=$?
printf '%s\n' "$out" | head -n 4
[[ $code -eq 1 && $out == *$'\nseed '* ]]
