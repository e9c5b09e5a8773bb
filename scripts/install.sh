#!/usr/bin/env bash
# Builds the extension and installs it into this machine's PostgreSQL.
. "$(dirname "$0")/common.sh"
[ -n "${PG17_ROOT_ENTERED:-}" ] || "$ROOT/scripts/setup.sh"
say "building and installing the extension"
sudo_flag=()
[ "$(id -u)" = 0 ] || sudo_flag=(--sudo)
log=$(mktemp)
(cd "$ROOT" && cargo pgrx install --release --package crm_ext --no-default-features --features "pg$PG_MAJOR" --pg-config "$PG_CONFIG" "${sudo_flag[@]}") >"$log" 2>&1 ||
  { cat "$log" >&2; rm -f "$log"; fail "the extension does not build"; }
rm -f "$log"
