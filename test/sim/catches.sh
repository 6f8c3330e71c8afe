#!/usr/bin/env bash
# Whether the simulation catches a mutant: catches.sh PROGRAM
set -euo pipefail

[[ -x $1 ]] || {
  echo "$1 is not built; cmake --build … --target carafe_mutants"
  exit 1
}
code=0
out=$("$1" --seed 1 --runs 20000) || code=$?
printf '%s\n' "$out" | head -n 2
[[ $code -eq 1 && $out == *$'\nseed '* ]]
