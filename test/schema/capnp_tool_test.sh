# Another implementation reads what Carafe writes: the golden frames and the plain batch, through
# Cap'n Proto's own tool, and each frame has the name in the schema that its file has.
set -euo pipefail
cd "$CARAFE_SOURCE_DIR"

failures=0
fail() {
  printf '%s\n' "$1"
  failures=$((failures + 1))
}

for file in test/schema/golden/v1/frame-*.bin; do
  name=${file##*/frame-}
  name=${name%.bin}
  text=$(capnp decode --short schema/wire.capnp Frame <"$file") || fail "$file is no Frame"
  [[ $text == *" $name = "* ]] || fail "$file holds no $name: $text"
done

capnp decode --short schema/batch.capnp Batch <test/schema/golden/v1/batch-none.bin |
  grep -q 'count = 6, ' || fail "batch-none.bin is no batch of six messages"

[[ $failures -eq 0 ]]
