#!/usr/bin/env bash
# An upgrade rehearsed with data: from the installed version to what next_version.sh makes of this checkout, while sessions of the old library are
# connected; and a dump of the old version restored into the new. Both must be, object by object, what a new installation is.
# NEXT_PACKAGE names a built package of the next version, if there is one. Nothing that is installed on this machine is touched.
. "$(dirname "$0")/../common.sh"
next=${NEXT_VERSION:-0.2.0}
cluster=upgrade-$$
work=$DATA_HOME/upgrade-$$-files
stop() {
  "$ROOT/scripts/cluster.sh" remove "$cluster"
  rm -rf "$work"
  rmdir "$DATA_HOME" 2>/dev/null || true
}
trap stop EXIT
mkdir -p "$work"
[ "$(id -u)" = 0 ] && chown postgres: "$DATA_HOME"

# A copy of the server's own files, with the extension as it is installed; PostgreSQL finds its files beside its programs.
share=$("$PG_CONFIG" --sharedir) library=$("$PG_CONFIG" --pkglibdir)
version=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$share/extension/pg_crm.control")
base=${share%/share/postgresql/*}
copy=$work/usr
mkdir -p "$copy/lib/postgresql" "$copy/share/postgresql"
cp -a "$base/lib/postgresql/$PG_MAJOR" "$copy/lib/postgresql/"
cp -a "$base/share/postgresql/$PG_MAJOR" "$copy/share/postgresql/"
chmod -R a+rX "$work"
if [ -z "${NEXT_PACKAGE:-}" ]; then
  say "building version $next"
  "$ROOT/scripts/upgrade/next_version.sh" "$work/next" "$next"
  NEXT_PACKAGE=$work/package
  (cd "$work/next" && CARGO_TARGET_DIR=$TARGET_DIR cargo pgrx package --package crm_ext --no-default-features --features "pg$PG_MAJOR" --pg-config "$PG_CONFIG" --out-dir "$NEXT_PACKAGE" >"$work/log" 2>&1) ||
    { tail -n 40 "$work/log" >&2; fail "the next version does not build"; }
fi
export PG_BIN=$copy/lib/postgresql/$PG_MAJOR/bin
eval "$("$ROOT/scripts/cluster.sh" start "$cluster" fsync=off shared_buffers=64MB)"
export PATH="$PG_BIN:$PATH" PGPORT PGPASSWORD PGHOST=127.0.0.1 PGUSER=postgres PGOPTIONS='-c client_min_messages=error'
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }
expect() { [ "$2" = "$3" ] || fail "$1: $3 expected, found: $2"; }
refuses() {
  local answer
  answer=$(sql -v VERBOSITY=verbose -d "$1" -c "$2" 2>&1) && fail "not refused: $2"
  case $answer in *CR503*HINT*) ;; *) fail "$2 is refused with: $answer" ;; esac
}

say "a platform on version $version"
platform() {
  sql -d postgres -c "CREATE DATABASE $1"
  sql -d "$1" -f "$ROOT/tests/platform/restaurant.sql" -c "INSERT INTO \"Venue\" (id, name, tz, currency) VALUES ('bistro', 'Bistro', 'Europe/Paris', 'EUR')" \
    -c "INSERT INTO \"Customer\" (id, name, phone) SELECT 'g' || i, 'Guest ' || i, '+33612' || 100000 + i FROM generate_series(1, 200) i" \
    -c "INSERT INTO \"Order\" (id, \"venueId\", \"customerId\", status, total, \"completedAt\")
        SELECT 'o' || i, 'bistro', 'g' || 1 + i % 200, 'COMPLETED', i % 90, now() - i % 400 * interval '1 day' FROM generate_series(1, 3000) i"
  sql -d "$1" >/dev/null <<'SQL'
CREATE EXTENSION pg_crm CASCADE;
SELECT crm.install();
SELECT crm.bind('venue', 'public."Venue"', '{"ref":"id","name":"name","timezone":"tz","currency":"currency"}');
SELECT crm.bind('customer', 'public."Customer"', '{"ref":"id","name":"name","phone":"phone","email":"email"}');
SELECT crm.bind('order', 'public."Order"', '{"ref":"id","venue":"venueId","customer":"customerId","total":"total",
  "completed_at":"completedAt","completed":{"column":"status","in":["COMPLETED"]}}');
CALL crm.backfill();
SELECT crm.record_consent('g1', 'EMAIL_MARKETING', 'GRANTED', 'checkout'), crm.tag_customers('{g1}', '{VIP}'), crm.sweep();
SQL
}
sale="SELECT dine('g3', 'bistro', now()::timestamp, 7)"
platform app
pg_dump -Fc -d app -f "$work/old.dump"
# What the sales of g3 do not change.
rows="SELECT count(*), md5(string_agg(v, e'\n' ORDER BY v)) FROM (
  SELECT s::text FROM crm.customer_venue_stats s WHERE customer_id <> crm.key('g3') UNION ALL SELECT c::text FROM crm.customer c WHERE ref <> 'g3'
  UNION ALL SELECT e::text FROM crm.consent_entry e UNION ALL SELECT k::text FROM crm.consent_seal k UNION ALL SELECT t::text FROM crm.customer_tag t) x(v)"
before=$(sql -d app -c "$rows")

# A session that has the old library loaded, and keeps it.
mkfifo "$work/typed"
psql -X -q -At -v VERBOSITY=verbose -d app <"$work/typed" >>"$work/heard" 2>&1 &
exec 7>"$work/typed"
# old STATEMENT: the session's answer.
old() {
  local marker=answered-$RANDOM$RANDOM
  : >"$work/heard"
  printf '%s;\n\\echo %s\n' "$1" "$marker" >&7
  for _ in $(seq 300); do
    grep -q "$marker" "$work/heard" && break
    sleep 0.1
  done
  grep -v "$marker" "$work/heard" || true
}
old "$sale" >/dev/null
orders="SELECT s.total_orders FROM crm.customer_venue_stats s JOIN crm.customer c USING (org_id, customer_id) WHERE c.ref = 'g3'"
expect "the old session's sale" "$(sql -d app -c "$orders")" 16

say "version $next is installed"
install() { cp "$1" "$2.new" && chmod a+rX "$2.new" && mv "$2.new" "$2"; }
package=$(find "$NEXT_PACKAGE" -name pg_crm.so)
to=$copy/share/postgresql/$PG_MAJOR/extension
install "$package" "$copy/lib/postgresql/$PG_MAJOR/lib/$(basename "$library/pg_crm.so")"
script=$(find "$NEXT_PACKAGE" -name "pg_crm--$next.sql")
install "$script" "$to/pg_crm--$next.sql"
install "$(find "$NEXT_PACKAGE" -name pg_crm.control)" "$to/pg_crm.control"
"$ROOT/scripts/upgrade/make_upgrade.py" "$to/pg_crm--$version.sql" "$to/pg_crm--$next.sql" >"$to/pg_crm--$version--$next.sql"
chmod a+r "$to"/pg_crm--*

say "new library, old functions, old tables: sales go on, the rest says what to do"
sql -d app -c "$sale" >/dev/null
# Whether it is counted at once or put off depends on what the version changes: the sum below is exact.
expect "completed orders" "$(sql -d app -c "SELECT count(*) FROM \"Order\" WHERE \"customerId\" = 'g3'")" 17
refuses app "SELECT crm.dossier('g3')"
old "$sale" >/dev/null
sql -d app -c 'ALTER EXTENSION pg_crm UPDATE'
say "new functions, old tables"
sql -d app -c "$sale" >/dev/null
refuses app "SELECT crm.dossier('g3')"
refuses app "CALL crm.run_night()"
pending="SELECT crm.library_schema_version() - max(version) FROM crm.migration"
steps=$(sql -d app -c "$pending")
[ "$steps" -gt 0 ] || fail "version $next has no migration to rehearse"
expect "migrations" "$(sql -d app -c 'SELECT crm.migrate()')" "$steps"
expect "migrations again" "$(sql -d app -c 'SELECT crm.migrate()')" 0

say "new tables, an old session still connected"
old "$sale" >/dev/null
case $(old "SELECT crm.dossier('g3')") in *CR503*) ;; *) fail "a session with the old library works on tables it does not know" ;; esac
sql -d app -c "$sale" >/dev/null
sql -d app -c 'CALL crm.run_sweep()'
expect "sales of both" "$(sql -d app -c "$orders")" 21
for check in "crm.verify_stats('bistro')" "crm.verify_consent_log()" "crm.health() WHERE severity = 'error'" "crm.failed_change"; do
  expect "$check" "$(sql -d app -c "SELECT count(*) FROM $check")" 0
done
expect "what dossier says" "$(sql -d app -c "SELECT crm.dossier('g3')::text LIKE '%Guest 3%'")" t
exec 7>&-

expect "the rows" "$(sql -d app -c "$rows")" "$before"
say "compared with a new installation"
platform fresh
sql -d fresh -f "$ROOT/tests/src/catalogue.sql" >"$work/fresh"
sql -d app -f "$ROOT/tests/src/catalogue.sql" >"$work/upgraded"
diff "$work/fresh" "$work/upgraded" || fail "what was upgraded is not what is installed anew (< is anew)"
say "a dump of $version restored into $next"
sql -d postgres -c 'CREATE DATABASE restored'
pg_restore -j4 --exit-on-error -d restored "$work/old.dump"
sql -d restored -c "$sale" >/dev/null
refuses restored "SELECT crm.dossier('g3')"
expect "migrations" "$(sql -d restored -c 'SELECT crm.migrate()')" "$steps"
sql -d restored -f "$ROOT/tests/src/catalogue.sql" >"$work/restored"
diff "$work/fresh" "$work/restored" || fail "what was restored is not what is installed anew (< is anew)"
expect "verify_stats" "$(sql -d restored -c "SELECT count(*) FROM crm.verify_stats('bistro')")" 0
expect "the restored rows" "$(sql -d restored -c "$rows")" "$before"
say "the upgrade from $version to $next: $(wc -l <"$work/fresh") objects are the same"
