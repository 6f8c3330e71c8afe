#!/usr/bin/env bash
# What the page of measurements says follows from the figures.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
source "$here/figures.sh"

failures=0
same() { # what expected got
  [[ $2 != "$3" ]] || return 0
  printf '%s: expected\n%s\ngot\n%s\n' "$1" "$2" "$3"
  failures=$((failures + 1))
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/all" <<'TXT'
{"workload":"produce","messages":5000000,"messages_per_second":3434473.2,"p50_us":1300,"log_bytes":7}
{"workload":"one by one","messages":10000,"messages_per_second":3535.1,"p50_us":255,"p99_us":null}
TXT

same 'a field of a workload' 255 "$(figure "$work/all" workload 'one by one' p50_us)"
same 'a field that is null' '' "$(figure "$work/all" workload 'one by one' p99_us || true)"
same 'the first of two fields of one name' 5 \
  "$(first_figure log_bytes <<<'{"node":"a","log_bytes":5,"shards":[{"log_bytes":3},{"log_bytes":2}]}')"
same 'a table' "| workload | messages/s | p50 | p99 |
|---|--:|--:|--:|
| produce | 3,434,473 | 1.3 ms |  |
| one by one | 3,535 | 255 us |  |" \
  "$(table "$work/all" 'workload|workload|text' 'messages_per_second|messages/s|count' 'p50_us|p50|us' 'p99_us|p99|us')"

same 'enough' '| in | at least 1,500,000/s | 1,500,000/s | met |' \
  "$(wanted in at-least 1500000 1500000.0 /s)"
same 'too little' '| share | at least 0.55 | 0.549 | **missed** |' \
  "$(wanted share at-least 0.55 0.549 '')"
same 'little enough' '| p50 | at most 300 us | 255 us | met |' "$(wanted p50 at-most 300 255 ' us')"
same 'too much' '| idle | at most 0.1 % | 0.102 % | **missed** |' "$(wanted idle at-most 0.1 0.1017 ' %')"
same 'thousands' '999 1,000 12,345,678 99.5' "$(plain 999) $(plain 1000.2) $(plain 12345678) $(plain 99.5)"
same 'nothing' '| idle | at most 30 MB |  | not measured |' "$(wanted idle at-most 30 '' ' MB')"

# A wrong call ends before anything is built up or measured.
refused() { # what arguments...
  local what=$1 code=0
  shift
  CARAFE_SOURCE_DIR=$here CARAFE_BINARY_DIR=$work timeout 5 bash "$here/run" "$@" >"$work/said" 2>&1 || code=$?
  same "the exit code of $what" 2 "$code"
  [[ -s $work/said ]] || same "$what" 'a sentence' ''
}
refused 'an option that is not known' --fast
refused '--page without a value' --page
refused '--folder without a value' --folder
refused 'a page that cannot be written' --page "$work/missing/page.md"
refused 'a folder that is not there' --page "$work/page.md" --folder "$work/missing"
[[ ! -e $work/page.md ]] || same 'the page' 'is not begun' "$(<"$work/page.md")"
help=$(CARAFE_SOURCE_DIR=$here CARAFE_BINARY_DIR=$work bash "$here/run" --help)
[[ $help == Usage:*--quick*--page*--folder* ]] || same '--help' 'the options' "$help"

[[ $failures -eq 0 ]]
