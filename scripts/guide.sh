#!/usr/bin/env bash
# Runs the SQL of docs/dba.md as it stands there, in order, against the server that PGHOST, PGPORT, PGUSER and PGPASSWORD name. A block ```sql runs
# on the platform tests/platform/restaurant.sql, a block ```sql NAME on tests/platform/NAME.sql, which must be bound by it.
. "$(dirname "$0")/common.sh"
guide=$ROOT/docs/dba.md
work=$(mktemp -d)
databases=()
stop() {
  for database in "${databases[@]}"; do psql -X -q -d postgres -c "DROP DATABASE IF EXISTS $database WITH (FORCE)"; done
  rm -rf "$work"
}
trap stop EXIT
export PGOPTIONS='-c client_min_messages=error'
sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }
awk -v work="$work" '
  /^```sql/ { name = $2 == "" ? "restaurant" : $2; file = work "/" name ".sql"; open = 1; print "-- docs/dba.md, line " NR > file; next }
  /^```/ { open = 0; next }
  open { print > file }' "$guide"
[ -s "$work/restaurant.sql" ] || fail "the guide has no SQL"
for script in "$work"/*.sql; do
  platform=$(basename "$script" .sql)
  [ -e "$ROOT/tests/platform/$platform.sql" ] || fail "the guide binds $platform, which is no platform in tests/platform"
  database=guide_${platform}_$$
  databases+=("$database")
  sql -d postgres -c "CREATE DATABASE $database"
  sql -d "$database" -f "$ROOT/tests/platform/$platform.sql" >/dev/null
  if [ "$platform" = restaurant ]; then
    sql -d "$database" -c "INSERT INTO \"Venue\" (id, name, tz, currency) VALUES ('bistro', 'Bistro', 'Europe/Paris', 'EUR')" \
      -c "SELECT dine('ana', 'bistro', now()::timestamp, 12)" >/dev/null
    sql -d "$database" -f "$script" >"$work/answers" || fail "the guide's SQL fails"
    [ -z "$(sql -d "$database" -c "SELECT nspname FROM pg_namespace WHERE nspname = 'crm'")" ] || fail "the guide's last chapter leaves the CRM installed"
  else
    sql -d "$database" -c 'CREATE EXTENSION pg_crm CASCADE' -c 'SELECT crm.install()' >/dev/null
    sql -d "$database" -f "$script" >/dev/null || fail "the recipe of $platform fails"
    # Every platform has the same sales: two of Ana's, one of nobody's, one that was cancelled.
    found=$(sql -d "$database" -c "SELECT c.name, s.total_orders, s.total_spent FROM crm.customer_venue_stats s JOIN crm.customer c USING (org_id, customer_id) WHERE s.total_orders > 0")
    [ "$found" = "Ana|2|30.50" ] || fail "the recipe of $platform counts: $found"
    found=$(sql -d "$database" -c "SELECT * FROM crm.check_binding() WHERE severity <> 'info'")
    [ -z "$found" ] || fail "crm.check_binding() says of $platform: $found"
  fi
done
say "the SQL of the guide runs: ${#databases[@]} platforms"
