#!/usr/bin/env bash
# Shows that the service holds: torture-http.sh [contract|crash|crowd|mcp|export|list …]; all of them without a word.
#   contract  schemathesis against the served document (MINUTES=10): no 5xx, no answer that is not documented
#   crash     the database killed and restarted under load: nothing acknowledged is lost, the service recovers by itself
#   crowd     1,000 connections at once: each answered or refused with 503, none hung
#   mcp       the tools, used by an independent client over HTTP and over standard input and output
#   export    a file of 100,000 guests: the memory of the service before and at its most
#   list      the list of guests over HTTP against the same SQL by pgbench, turn by turn, on as many connections
# On a private cluster with the demo's data and 100,000 guests more, which it makes anew and removes at the end (KEEP=1 leaves it).
. "$(dirname "$0")/common.sh"

parts=("${@:-contract crash crowd mcp export list}")
read -ra parts <<<"${parts[*]}"
here=$ROOT/scripts/torture-http
api_bin=${CRM_API_BIN:-$TARGET_DIR/release/crm_api}
[ -x "$api_bin" ] || (cd "$ROOT" && cargo build --quiet --release --package crm_api)

connection=$("$ROOT/scripts/cluster.sh" start torture shared_buffers=256MB max_connections=60 random_page_cost=1.1)
eval "$connection"
export PGPORT PGPASSWORD PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=torture PGOPTIONS='-c client_min_messages=warning'
scratch=$(mktemp -d)
service_pid=
finish() {
  [ -z "$service_pid" ] || kill "$service_pid" 2>/dev/null || true
  [ -n "${KEEP:-}" ] || "$ROOT/scripts/cluster.sh" remove torture
  rm -rf "$scratch"
}
trap finish EXIT
quietly() { "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 "$@" >/dev/null; }
value() { "$PG_BIN/psql" -X -q -At -v ON_ERROR_STOP=1 "$@"; }

if [ "$(value -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'torture'")" = 0 ]; then
  say "making the demo's data"
  quietly -d postgres -c 'CREATE DATABASE torture'
  quietly -f "$ROOT/sql/demo/schema.sql"
  quietly -v seed=42 -f "$ROOT/sql/demo/generate.sql"
  quietly -f "$here/guests.sql"
  quietly -c 'CREATE EXTENSION pg_crm CASCADE' -c 'SELECT crm.install()' -f "$ROOT/sql/demo/bind.sql" -c 'CALL crm.backfill()' -c 'CALL crm.run_night()'
fi
service_password=$(random_secret)
quietly -c "ALTER ROLE crm_service LOGIN PASSWORD '$service_password'"
CRM_VENUE=$(value -c 'SELECT id FROM public."Venue" ORDER BY "organizationId", id LIMIT 1')
CRM_KEY=$(value -c "SELECT crm.create_api_key(crm.create_principal('torture', o.ref, 'admin')) FROM crm.organisation AS o JOIN crm.venue AS v USING (org_id) WHERE v.ref = '$CRM_VENUE'")
CRM_URL=http://127.0.0.1:$(free_port 8180)
CRM_DATABASE_URL=postgres://crm_service:$service_password@127.0.0.1:$PGPORT/torture
CRM_API_BIN=$api_bin
export CRM_KEY CRM_URL CRM_VENUE CRM_DATABASE_URL CRM_API_BIN

start_service() {
  env CRM_LISTEN="${CRM_URL#http://}" CRM_SEND_MAIL=off CRM_LOG=warn CRM_REQUESTS_PER_SECOND=100000 "$@" \
    env -u CRM_KEY -u CRM_URL -u CRM_VENUE -u CRM_API_BIN "$api_bin" serve >>"$scratch/service.log" 2>&1 &
  service_pid=$!
  for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/${CRM_URL##*:}") 2>/dev/null && return
    sleep 0.1
  done
  tail -n 5 "$scratch/service.log" >&2
  fail "the service does not start"
}
stop_service() { kill "$service_pid"; wait "$service_pid" || true; service_pid=; }
# Python packages for the parts that need them, once.
python_with() {
  local env=$TARGET_DIR/torture-http
  [ -x "$env/bin/python" ] || python3 -m venv "$env"
  "$env/bin/pip" install --quiet --disable-pip-version-check "$@"
  PATH=$env/bin:$PATH
}

for part in "${parts[@]}"; do
  say "$part"
  case $part in
    contract)
      python_with 'schemathesis>=4,<5'
      start_service
      (cd "$scratch" && python "$here/contract.py" "${MINUTES:-10}" "$scratch")
      ;;
    crash)
      start_service
      PG_DATA=$DATA_HOME/torture PG_BIN=$PG_BIN python3 "$here/crash.py"
      ;;
    crowd)
      start_service CRM_MAX_REQUESTS=300
      python3 "$here/crowd.py"
      ;;
    mcp)
      python_with 'mcp>=2,<3'
      start_service
      python "$here/mcp_client.py"
      ;;
    export)
      start_service
      SERVICE_PID=$service_pid python3 "$here/export.py"
      ;;
    list)
      command -v wrk >/dev/null || as_root apt-get install -y -qq wrk >/dev/null
      start_service CRM_POOL_SIZE=1
      PG_BIN=$PG_BIN "$here/list.sh"
      ;;
    *) fail "contract, crash, crowd, mcp, export or list" ;;
  esac
  stop_service
done
