#!/usr/bin/env bash
# The admin UI in a browser, against a service with the demo data. PGHOST, PGPORT, PGUSER and PGPASSWORD name a private
# PostgreSQL cluster, CRM_API_BIN which service; with SCREENS=1 the screenshots of docs/screens are written too.
. "$(dirname "$0")/common.sh"
CRM_API_BIN=${CRM_API_BIN:-$TARGET_DIR/debug/crm_api}
database=admin_ui_$$
secret=$(random_secret)
log=$(mktemp)
mailbox=$(mktemp -d)
service=
quietly() { PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 "$@" >/dev/null; }
clean() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  quietly -d postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)" || true
  rm -rf "$log" "$mailbox"
}
trap clean EXIT

say "the admin UI: loading the demo data"
quietly -d postgres -c "CREATE DATABASE $database"
export PGDATABASE=$database
"$ROOT/scripts/demo-data.sh" >"$log"
CRM_ADMIN_KEY=$(psql -X -q -At -c "SELECT crm.create_api_key(crm.create_principal('admin', (SELECT min(ref) FROM crm.organisation WHERE org_id = 1), 'admin'))")
quietly -c "ALTER ROLE crm_service LOGIN PASSWORD '$secret'"

port=$(free_port 18080)
# The service refuses settings it does not know, such as those of the tests.
env -i CRM_DATABASE_URL="postgres://crm_service:$secret@$PGHOST:$PGPORT/$database" CRM_LISTEN="127.0.0.1:$port" CRM_MAILBOX_DIR="$mailbox" "$CRM_API_BIN" serve >"$log" 2>&1 &
service=$!
for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  kill -0 "$service" 2>/dev/null || { tail -n 5 "$log" >&2; fail "the service does not start"; }
  sleep 0.1
done

export CRM_ADMIN_KEY CRM_API_URL=http://127.0.0.1:$port
cd "$ROOT/admin"
[ ! -x "$TARGET_DIR/node/bin/node" ] || PATH=$TARGET_DIR/node/bin:$PATH
say "the admin UI: each persona's job in a browser, and axe on every page"
node tests/prepare.mjs && node --test --test-concurrency=3 --test-reporter=dot tests/*.test.mjs 2>&1 || fail "the admin UI fails a test"
if [ "${SCREENS:-}" = 1 ]; then node tests/screens.mjs; fi
