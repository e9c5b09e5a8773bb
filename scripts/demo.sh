#!/usr/bin/env bash
# The demo: a platform with history, the CRM bound to it, and the service. Again is safe.
# DATA=retail binds the Online Retail history instead of the generated restaurants.
. "$(dirname "$0")/common.sh"

data=${DATA:-restaurants}
case $data in restaurants | retail) ;; *) fail "DATA is restaurants or retail" ;; esac
demo=$ROOT/.demo
mkdir -p "$demo"
chmod 700 "$demo"

"$ROOT/scripts/install.sh"
"$ROOT/scripts/admin.sh"
say "building the service"
(cd "$ROOT" && cargo build --quiet --release --package crm_api)

say "starting a private PostgreSQL cluster in $DATA_HOME/demo"
connection=$("$ROOT/scripts/cluster.sh" start demo \
  shared_preload_libraries=pg_cron cron.database_name=demo cron.use_background_workers=on \
  max_worker_processes=20 shared_buffers=256MB max_wal_size=2GB random_page_cost=1.1)
eval "$connection"
export PGPORT PGPASSWORD PGHOST=127.0.0.1 PGUSER=postgres PGOPTIONS='-c client_min_messages=notice'
quietly() { PGOPTIONS='-c client_min_messages=warning' psql -X -q -v ON_ERROR_STOP=1 "$@" >/dev/null; }
value() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }

# The database is made anew when the data set or the extension is another; else it is kept as it is.
made_of="$data $(cksum <"$("$PG_CONFIG" --pkglibdir)/pg_crm.so")"
if [ "$(cat "$demo/made-of" 2>/dev/null)" != "$made_of" ] || [ "$(value -d postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'demo'")" = 0 ]; then
  "$ROOT/scripts/demo-stop.sh" service
  rm -f "$demo/made-of"
  quietly -d postgres -c 'DROP DATABASE IF EXISTS demo WITH (FORCE)' -c 'CREATE DATABASE demo'
  export PGDATABASE=demo
  quietly -c 'CREATE EXTENSION pg_cron'
  DATA=$data "$ROOT/scripts/demo-data.sh"
  say "scheduling the night and the sweep"
  quietly -c 'SELECT crm.schedule()'
  keys=$(value -c "SELECT crm.create_api_key(crm.create_principal('demo admin of ' || o.name, o.ref, 'admin')) FROM crm.organisation AS o ORDER BY o.org_id")
  printf '%s\n' "$keys" >"$demo/keys"
  service_password=$(random_secret)
  quietly -c "ALTER ROLE crm_service LOGIN PASSWORD '$service_password'"
  printf '%s' "$service_password" >"$demo/service-password"
  chmod 600 "$demo/keys" "$demo/service-password"
  printf '%s' "$made_of" >"$demo/made-of"
else
  say "the demo database is there already; make demo-clean removes it"
  export PGDATABASE=demo
fi

"$ROOT/scripts/demo-stop.sh" service
api_port=$(free_port "${API_PORT:-8080}")
say "starting the service"
CRM_DATABASE_URL="postgres://crm_service:$(cat "$demo/service-password")@127.0.0.1:$PGPORT/demo" CRM_LISTEN="127.0.0.1:$api_port" \
  CRM_MAILBOX_DIR="$demo/mailbox" \
  setsid nohup "$TARGET_DIR/release/crm_api" serve >>"$demo/service.log" 2>&1 </dev/null &
echo $! >"$demo/service.pid"
api=http://127.0.0.1:$api_port
for _ in $(seq 100); do
  (exec 3<>"/dev/tcp/127.0.0.1/$api_port") 2>/dev/null && break
  kill -0 "$(cat "$demo/service.pid")" 2>/dev/null || { tail -n 5 "$demo/service.log" >&2; fail "the service does not start"; }
  sleep 0.1
done

database_url=postgres://postgres:$PGPASSWORD@127.0.0.1:$PGPORT/demo
admin_key=$(head -n 1 "$demo/keys")
umask 077
{
  echo "DATABASE_URL='$database_url'"
  echo "API_URL='$api'"
  echo "ADMIN_API_KEY='$admin_key'"
  sed -n "2s/.*/OTHER_ORGANISATION_API_KEY='&'/p" "$demo/keys"
} >"$demo/env"

# The mails to confirm, which the service writes once it runs; a link may be broken over lines (quoted-printable).
mailed=
for _ in $(seq 50); do
  eml=$(find "$demo/mailbox" -name '*.eml' 2>/dev/null | sort | tail -n 1)
  [ -n "$eml" ] && break
  [ "$(value -c "SELECT count(*) FROM crm.mail WHERE state = 'QUEUED'")" = 0 ] && break
  sleep 0.1
done
if [ -n "$eml" ]; then
  mailed="
  $demo/mailbox holds the mails to guests. To answer as one of them, open
    $(tr -d '\r' <"$eml" | sed -e ':a' -e '/=$/{N;s/=\n//;ta' -e '}' | grep -o 'http[^ ]*/public/confirm/[0-9a-f]*' | head -n 1)"
fi

say "ready"
regular=$(psql -X -q -At -c 'SELECT c.ref FROM crm.customer_venue_stats AS t JOIN crm.customer AS c USING (org_id, customer_id) ORDER BY t.total_visits DESC, c.ref LIMIT 1')
cat <<END

The guests by venue and label:
$(psql -X -q -P pager=off -c 'SELECT v.name AS venue, t.label, count(*) AS guests FROM crm.customer_venue_stats AS t JOIN crm.venue AS v USING (org_id, venue_id) GROUP BY 1, 2 ORDER BY 1, 3 DESC')

Try next (.demo/env holds these as shell lines; key: $admin_key):
  psql '$database_url' -c 'TABLE crm.venue'
  psql '$database_url' -c "SELECT jsonb_pretty(crm.dossier('$regular'))"
  curl -s -H 'Authorization: Bearer $admin_key' '$api/v1/customers?label=AT_RISK&sort=spend&limit=5'
  $api/openapi.json describes the service.
  $api/ is the admin UI: sign in with the key.$mailed
END
