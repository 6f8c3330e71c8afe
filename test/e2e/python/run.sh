#!/usr/bin/env bash
# Runs one of the Python tests. `./dev test` has made their environment.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
python=${CARAFE_DEPS_DIR:-$HOME/.cache/carafe}/python/bin/python3
if ! "$python" -c 'import capnp, lz4.frame, zstandard' 2>/dev/null; then
  echo "Python with pycapnp, lz4 and zstandard is not there; ./dev test makes it"
  exit 77
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$python" "$here/$1"
