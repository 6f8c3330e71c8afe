#!/usr/bin/env bash
# What `cmake --install` lays down is enough: its node runs with its configuration, and a program
# that knows nothing but `find_package(carafe)` talks to it, without CAF.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d)
node=
stop() {
  if [[ -n $node ]]; then
    kill -9 "$node"
    wait "$node"
  fi 2>/dev/null || true
  rm -rf "$work"
}
trap stop EXIT

cached() { sed -n "s/^$1:[A-Z]*=//p" "$CARAFE_BINARY_DIR/CMakeCache.txt"; } # name

prefix="$work/installed here" # With a space: nobody may trip over it.
cmake --install "$CARAFE_BINARY_DIR" --prefix "$prefix" >/dev/null

sanitize=$(cached CARAFE_SANITIZE)
cmake -S "$here/consumer" -B "$work/consumer" -G Ninja \
  -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_CXX_COMPILER="$(cached CMAKE_CXX_COMPILER)" \
  -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror ${sanitize:+-fsanitize=$sanitize}" >/dev/null
cmake --build "$work/consumer"
if ldd "$work/consumer/consumer" | grep libcaf; then
  echo "the client library brings CAF along"
  exit 1
fi

: >"$work/out" # It is read before the background process may have made it.
"$prefix/bin/carafed" "--config-file=$prefix/etc/carafe/carafed.conf" \
  "--carafe.data-dir=$work/data" --carafe.client-port=0 --carafe.cluster-port=0 \
  >"$work/out" 2>"$work/log" &
node=$!

port=
for _ in {1..300}; do
  port=$(sed -nE 's/^ready client=[0-9.]+:([0-9]+) .*/\1/p' "$work/out")
  [[ -z $port ]] || break
  kill -0 "$node" 2>/dev/null || break
  sleep 0.1
done
if [[ -z $port ]]; then
  echo "the installed node did not become ready:"
  cat "$work/out" "$work/log"
  exit 1
fi

got=$("$work/consumer/consumer" "127.0.0.1:$port") || got="nothing, and exited with $?"
[[ $got == hello ]] || {
  echo "the consumer program printed '$got'"
  cat "$work/log"
  exit 1
}

"$prefix/bin/carafe" --node "127.0.0.1:$port" topic list >/dev/null

kill -TERM "$node"
wait "$node"
node=
