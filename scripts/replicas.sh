#!/usr/bin/env bash
# Copies of a whole server, with the installed extension: a hot standby that reads, a logical subscriber that counts what it is
# sent, a new server made of `pg_dumpall --roles-only` and a dump; and the roles removed at last. ORDERS=… (3000).
. "$(dirname "$0")/common.sh"
orders=${ORDERS:-3000}
work=$(mktemp -d)
[ "$(id -u)" = 0 ] && chown postgres: "$work"
stop() {
  for name in standby subscriber primary; do "$ROOT/scripts/cluster.sh" remove "replicas-$$-$name"; done
  rm -rf "$work"
}
trap stop EXIT
export PATH="$PG_BIN:$PATH" PGHOST=127.0.0.1 PGUSER=postgres PGDATABASE=app PGOPTIONS='-c client_min_messages=warning'

# start NAME SETTING=VALUE …: starts a cluster and remembers how to reach it.
declare -A port secret
start() {
  local name=$1 PGPORT PGPASSWORD
  shift
  eval "$("$ROOT/scripts/cluster.sh" start "replicas-$$-$name" fsync=off shared_buffers=64MB max_worker_processes=20 "$@")"
  port[$name]=$PGPORT secret[$name]=$PGPASSWORD
}
# on NAME ARGUMENT …: psql there.
on() {
  local name=$1
  shift
  PGPORT=${port[$name]} PGPASSWORD=${secret[$name]} psql -X -q -At -v ON_ERROR_STOP=1 "$@"
}
# manager NAME QUERY: as somebody whom policies and functions check.
manager() { PGPORT=${port[$1]} PGPASSWORD='of the manager' PGUSER=manager psql -X -q -At -v ON_ERROR_STOP=1 -c "$2"; }
expect() { [ "$2" = "$3" ] || fail "$1: $3 expected, found: $2"; }
# await NAME QUERY VALUE: for a minute at most.
await() {
  local found
  for _ in $(seq 600); do
    found=$(on "$1" -c "$2" 2>&1) || true
    [ "$found" = "$3" ] && return
    sleep 0.1
  done
  fail "on the $1 after a minute: $2 is $found, not $3"
}

say "a platform with $orders orders"
start primary wal_level=logical
on primary -d postgres -c 'CREATE DATABASE app'
cat >"$work/bind.sql" <<'SQL'
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION pg_crm;
SELECT crm.install();
SELECT crm.bind('venue', 'public."Venue"', '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}');
SELECT crm.bind('customer', 'public."Customer"', '{"ref":"id","name":"name","phone":"phone","email":"email"}');
SELECT crm.bind('order', 'public."Order"', '{"ref":"id","venue":"venueId","customer":"customerId","total":"total",
  "completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}');
CALL crm.backfill();
SQL
on primary -f "$ROOT/tests/platform/restaurant.sql" -c "INSERT INTO \"Venue\" (id, name, tz, currency) VALUES ('bistro', 'Bistro', 'Europe/Paris', 'EUR');
  INSERT INTO \"Customer\" (id, name, phone) SELECT 'g' || i, 'Guest ' || i, '+33612' || 100000 + i FROM generate_series(1, 200) i;
  INSERT INTO \"Order\" (id, \"venueId\", \"customerId\", status, total, \"completedAt\")
  SELECT 'o' || i, 'bistro', 'g' || 1 + i % 200, 'COMPLETED', i % 90, now() - i % 400 * interval '1 day' FROM generate_series(1, $orders) i"
on primary -f "$work/bind.sql" >/dev/null
on primary -c "CREATE ROLE manager LOGIN PASSWORD 'of the manager'; SELECT crm.create_principal('Manager', NULL, 'manager', NULL, 'manager')
               FROM (SELECT crm.record_consent('g1', 'EMAIL_MARKETING', 'GRANTED', 'checkout'), crm.sweep()) x" >/dev/null

say "a hot standby reads"
home=$DATA_HOME/replicas-$$-standby
PGPORT=${port[primary]} PGPASSWORD=${secret[primary]} as_postgres pg_basebackup -D "$home" -R -X stream -c fast \
  -d "host=127.0.0.1 port=${port[primary]} user=postgres password=${secret[primary]}"
start standby hot_standby=on
same() {
  local here there
  here=$(manager primary "$1")
  there=$(manager standby "$1")
  [ -n "$here" ] || fail "nothing to compare: $1"
  expect "on the standby: $1" "$there" "$here"
}
await standby "SELECT count(*) FROM public.\"Order\" WHERE id = 'o$orders'" 1
for query in "SELECT ref, total_orders FROM crm.customer_list('bistro')" "SELECT crm.dossier('g7')" "SELECT crm.explain_rfm('g7', 'bistro') - 'as_of'" \
  "SELECT * FROM crm.find_customers('Guest 77')" "SELECT crm.overview('bistro') - 'as_of'"; do
  same "$query"
done
for write in "SELECT crm.add_note('g7', 'bistro', 'x')" "SELECT crm.tag_customers('{g7}', '{x}')" "CALL crm.run_sweep()" "SELECT crm.record_consent('g7', 'EMAIL_MARKETING', 'GRANTED', 'checkout')"; do
  answer=$(on standby -v VERBOSITY=verbose -c "$write" 2>&1) && fail "on a standby was accepted: $write"
  case $answer in *25006*) ;; *) fail "on a standby $write is refused with: $answer" ;; esac
done
on primary -c "SELECT dine('g7', 'bistro', now()::timestamp, 5)" >/dev/null
await standby "SELECT s.total_orders FROM crm.customer_venue_stats s JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'g7'" "$(on primary -c "SELECT count(*) FROM \"Order\" WHERE \"customerId\" = 'g7'")"
say "promoted, it counts"
as_postgres "$PG_BIN/pg_ctl" -D "$home" -w promote >/dev/null
on standby -c "SELECT dine('g7', 'bistro', now()::timestamp, 5)" >/dev/null
expect "what the promoted standby miscounts" "$(on standby -c "SELECT count(*) FROM crm.verify_stats('bistro')")" 0

say "a new server of roles and a dump"
start subscriber wal_level=logical
PGPORT=${port[primary]} PGPASSWORD=${secret[primary]} pg_dumpall --roles-only | grep -v -E '^(CREATE|ALTER) ROLE postgres\b' >"$work/roles.sql"
PGPORT=${port[primary]} PGPASSWORD=${secret[primary]} pg_dump -Fc -f "$work/app.dump"
on subscriber -d postgres -c 'CREATE DATABASE restored' -f "$work/roles.sql"
PGPORT=${port[subscriber]} PGPASSWORD=${secret[subscriber]} pg_restore -j4 --exit-on-error -d restored "$work/app.dump"
on primary -f "$ROOT/tests/src/catalogue.sql" >"$work/expected"
on subscriber -d restored -f "$ROOT/tests/src/catalogue.sql" >"$work/found"
diff "$work/expected" "$work/found" || fail "the restored database is made of other objects"
expect "guests that the restored manager sees" \
  "$(PGDATABASE=restored manager subscriber 'SELECT count(*) FROM crm.customer')" 200
on subscriber -d restored -c "SELECT dine('g7', 'bistro', now()::timestamp, 5)" >/dev/null
for check in "crm.verify_stats('bistro')" "crm.verify_consent_log()" "crm.health() WHERE severity = 'error'"; do
  expect "$check" "$(on subscriber -d restored -c "SELECT count(*) FROM $check")" 0
done

say "a logical subscriber counts what it is sent"
on subscriber -d postgres -c 'CREATE DATABASE app'
on subscriber -f "$ROOT/tests/platform/restaurant.sql"
on subscriber -f "$work/bind.sql" >/dev/null
on primary -c 'CREATE PUBLICATION sales FOR TABLE "Venue", "Customer", "Order"'
on subscriber -c "CREATE SUBSCRIPTION sales CONNECTION 'host=127.0.0.1 port=${port[primary]} user=postgres password=${secret[primary]} dbname=app' PUBLICATION sales" >/dev/null
await subscriber "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel" t
on primary -c "SELECT dine('g9', 'bistro', now()::timestamp, 5); UPDATE \"Order\" SET total = 100 WHERE id = 'o5'; DELETE FROM \"Order\" WHERE id = 'o6'" >/dev/null
await subscriber "SELECT count(*) FILTER (WHERE id = 'o6') || ' ' || max(total) FROM \"Order\"" "0 100.00"
on subscriber -c 'CALL crm.run_sweep()'
expect "what the subscriber miscounts" "$(on subscriber -c "SELECT count(*) FROM crm.verify_stats('bistro')")" 0
expect "orders that the subscriber counts" "$(on subscriber -c 'SELECT sum(total_orders) FROM crm.customer_venue_stats')" "$(on primary -c 'SELECT count(*) FROM "Order"')"
on subscriber -c 'DROP SUBSCRIPTION sales' >/dev/null

say "the roles go when no database needs them"
on subscriber -c 'SELECT crm.uninstall(false); DROP EXTENSION pg_crm' >/dev/null
on subscriber -d postgres -c 'DROP DATABASE restored'
on subscriber -c 'DROP OWNED BY crm_owner, crm_reader, crm_staff, crm_manager, crm_admin, crm_service' \
  -c 'DROP ROLE crm_owner, crm_reader, crm_staff, crm_manager, crm_admin, crm_service'
say "every copy of the server works"
