#!/usr/bin/env bash
# Whether a mistake is found: catches.sh COMMAND ARGUMENT...
set -euo pipefail

code=0
out=$("$@") || code=$?
head -n 4 <<<"$out"
[[ $code -eq 1 && $out == *$'\nseed '* ]]
