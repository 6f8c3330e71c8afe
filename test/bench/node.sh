# The node that `run` measures, and what puts it under load: each is known by its id, and ended
# whatever happens. $work is the folder that goes with them.

carafed=$CARAFE_BINARY_DIR/bin/carafed
carafe=$CARAFE_BINARY_DIR/bin/carafe
node_pid='' load_pid='' launches=0

clean_up() {
  local code=$? pid
  trap - EXIT
  for pid in "$load_pid" "$node_pid"; do
    [[ -n $pid ]] || continue
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Starts a node on the folder $1 and sets `ready_ms` to what that took.
start_node() { # data-dir [setting...]
  local begun=$EPOCHREALTIME now log=$work/node-$((++launches)).out
  "$carafed" --carafe.data-dir="$1" --carafe.client-port=0 --carafe.cluster-port=0 \
    --carafe.log-level=warning "${@:2}" >"$log" 2>"$log.err" &
  node_pid=$!
  until [[ -s $log ]]; do
    kill -0 "$node_pid" || { cat "$log.err" >&2; exit 1; }
    sleep 0.002
  done
  now=$EPOCHREALTIME
  ready_ms=$(((${now/[.,]/} - ${begun/[.,]/}) / 1000))
  CARAFE_NODE=$(sed -nE 's/^ready client=([^ ]+) .*/\1/p' "$log")
  export CARAFE_NODE
}

stop_node() { # signal
  kill "-$1" "$node_pid"
  wait "$node_pid" 2>/dev/null || true
  node_pid=''
}

field() { # name: a number of `node status`
  "$carafe" node status --json | first_figure "$1"
}
