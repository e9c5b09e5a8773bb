#!/usr/bin/env bash
# Stops the demo: demo-stop.sh [service] (the service only, or with it the cluster).
. "$(dirname "$0")/common.sh"
pid_file=$ROOT/.demo/service.pid
if [ -f "$pid_file" ]; then
  pid=$(cat "$pid_file")
  # The number may have gone to another process since.
  if grep -qs crm_api "/proc/$pid/cmdline"; then
    kill "$pid"
    for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  rm -f "$pid_file"
fi
[ "${1:-}" = service ] || "$ROOT/scripts/cluster.sh" stop demo
