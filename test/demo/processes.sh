# The demo's processes: each is known by its id, and ended by it whatever happens.

: "${CARAFE_BINARY_DIR:?is set by ./dev demo}"
programs=$CARAFE_BINARY_DIR/test
carafed=$CARAFE_BINARY_DIR/bin/carafed
carafe=$CARAFE_BINARY_DIR/bin/carafe

work=$(mktemp -d "${TMPDIR:-/tmp}/carafe-demo.XXXXXX")
node_pid='' producer_pid='' address='' port='' recovery=0
consumer_pids=('' '' '')
consumer_runs=0
node_arguments=()
stored=0 out=0

is_running() { # pid
  [[ -n $1 ]] && kill -0 "$1" 2>/dev/null
}

# Waits for the end of a child. Its exit code is this function's.
reap() { # pid
  { wait "$1"; } 2>/dev/null
}

kill_hard() { # pid
  kill -KILL "$1" 2>/dev/null || true
  reap "$1" || true
}

clean_up() {
  local code=$? pid
  trap - EXIT
  trap '' INT TERM HUP
  for pid in "$producer_pid" "${consumer_pids[@]}" "$node_pid"; do
    if is_running "$pid"; then kill_hard "$pid"; fi
  done
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

die() { # message
  end_progress
  printf 'demo: %s\n' "$1" >&2
  exit 1
}

ms_since() { # EPOCHREALTIME
  local now=$EPOCHREALTIME
  echo $(((${now/[.,]/} - ${1/[.,]/}) / 1000))
}

wait_until() { # what seconds command...
  local what=$1 deadline=$((EPOCHSECONDS + $2))
  shift 2
  until "$@"; do
    ((EPOCHSECONDS < deadline)) || die "waited too long until $what"
    sleep 0.005
  done
}

# Outside the range from which the kernel takes ports for outgoing connections: while the node is
# down nobody else gets its port.
choose_port() {
  local try
  for try in {1..100}; do
    port=$((20000 + (BASHPID * 7 + EPOCHSECONDS + try * 131) % 12000))
    (: </dev/tcp/127.0.0.1/$port) 2>/dev/null || return 0
  done
  die "found no free port"
}

start_node() {
  local began=$EPOCHREALTIME
  [[ -n $port ]] || choose_port
  address=127.0.0.1:$port
  : >"$work/node.out"
  "$carafed" --carafe.data-dir="$work/data" --carafe.client-port="$port" --carafe.cluster-port=0 \
    --carafe.segment-bytes=256MiB --carafe.storage-reserve-bytes=64MiB "${node_arguments[@]}" \
    >"$work/node.out" 2>"$work/node.err" &
  node_pid=$!
  wait_until "the node is ready" 20 node_is_ready
  recovery=$(ms_since "$began")
}

node_is_ready() {
  is_running "$node_pid" || die "the node does not start: $(tail -n 3 "$work/node.err")"
  [[ $(<"$work/node.out") == ready* ]]
}

replayed_in_log() {
  sed -nE 's/.*open, last entry ([0-9]+), ([0-9]+) replayed in ([0-9]+) ms.*/\1 entries in its log, \2 of them replayed/p' \
    "$work/node.err" | head -n 1
}

start_consumer() { # member
  consumer_runs=$((consumer_runs + 1))
  local name=$1-$consumer_runs
  "$programs/demo_consume" "$address" "$topic" "$group" "consumer-$1" "$work/deliveries-$name" \
    "$work/consumer-$name.progress" 2>"$work/consumer-$name.err" &
  consumer_pids[$1]=$!
}

start_producer() {
  "$programs/demo_produce" "$address" "$topic" "$work/records" "$work/receipts" \
    "$work/producer.progress" "$seconds" "$records_max" 2>"$work/producer.err" &
  producer_pid=$!
}

shell() { "$carafe" --node "$address" "$@"; }

lag_in() { grep -oE '"lag": ?[0-9]+' | head -n 1 | grep -oE '[0-9]+'; }

# The owner of each queue, from a group's description.
owners_in() { grep -oE '"lag": ?[0-9]+, ?"member": ?"[^"]+"' | grep -oE '[^"]+"$' | tr -d '"'; }

note_lines_of_owners() {
  owners_in | sort | uniq -c | while read -r count member; do
    note "$member owns $count of the queues"
  done
}

read_progress() {
  local file one
  if [[ -s $work/producer.progress ]]; then read -r stored _ <"$work/producer.progress"; fi
  out=0
  for file in "$work"/consumer-*.progress; do
    if [[ -s $file ]]; then
      read -r one <"$file"
      out=$((out + one))
    fi
  done
}

show_progress() {
  progress "$(bar "$stored" "$total") $(grouped "$stored") of $(grouped "$total") acknowledged, $(grouped "$out") delivered"
}
