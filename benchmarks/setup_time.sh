#!/usr/bin/env bash
# `make up` on a fresh clone of the committed tree: seconds, MB, and what Ctrl-C leaves behind.
# Usage: benchmarks/setup_time.sh [PORT]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
port=${1:-8149}
place=$(mktemp -d)
site=
finish() {
  [ -z "$site" ] || kill -KILL -- "-$site" 2>/dev/null || true
  rm -rf "$place"
}
trap finish EXIT

seconds() { date +%s.%N; }
since() { awk -v from="$1" -v to="$(seconds)" 'BEGIN { printf "%.1f", to - from }'; }

# Starts `make up` in a process group of its own and waits for the page; sets `took`.
start() {
  local from
  from=$(seconds)
  set -m
  make --no-print-directory -C "$place/clone" up PORT="$port" >"$place/log" 2>&1 </dev/null &
  site=$!
  set +m
  until curl -fsS -o /dev/null "http://127.0.0.1:$port/" 2>/dev/null; do
    kill -0 "$site" 2>/dev/null || { cat "$place/log"; exit 1; }
    awk -v s="$(since "$from")" 'BEGIN { exit s > 600 }' || { cat "$place/log"; exit 1; }
    sleep 0.1
  done
  took=$(since "$from")
}

# Ctrl-C: SIGINT to the whole foreground group. Sets `took` and `left`.
stop() {
  local from
  from=$(seconds)
  kill -INT -- "-$site"
  wait "$site" || true
  took=$(since "$from")
  # Every process that works in the clone, whatever its name, parent or group.
  left=$({ find /proc -maxdepth 2 -name cwd -lname "$place/clone*" 2>/dev/null || true; } | wc -l)
  site=
}

# Processor seconds of everything that has ended so far: what a busy machine does not stretch.
cpu() {
  times >"$place/times"
  awk 'NR == 2 { split($0, t, /[ms ]+/); printf "%.1f", t[1] * 60 + t[2] + t[3] * 60 + t[4] }' "$place/times"
}

git clone --quiet "$root" "$place/clone"
printf '%-34s %8s  %s\n' measured value target
start
printf '%-34s %8s  %s\n' 'first start, seconds to the page' "$took" '<= 60'
printf '%-34s %8s  %s\n' 'environment, MB' "$(du -sm "$place/clone/.venv" | cut -f1)" '<= 500'
stop
printf '%-34s %8s  %s\n' 'Ctrl-C, seconds' "$took" '-'
printf '%-34s %8s  %s\n' 'processes left' "$left" 0
printf '%-34s %8s  %s\n' 'processor seconds until here' "$(cpu)" '-'
start
printf '%-34s %8s  %s\n' 'second start, seconds to the page' "$took" '<= 5'
stop
printf '%-34s %8s  %s\n' 'processes left' "$left" 0
