#!/usr/bin/env bash
# The first page of a venue's guests, over HTTP and by pgbench, turn by turn; both on one connection. What a request does besides
# the list (sign in, take the role) the SQL does too, in one transaction.
set -euo pipefail
seconds=${SECONDS_EACH:-5} rounds=${ROUNDS:-5}
venue=$CRM_VENUE
script=$(mktemp)
trap 'rm -f "$script"' EXIT
cat >"$script" <<SQL
BEGIN;
SELECT role FROM crm.sign_in(sha256('$CRM_KEY'));
SET LOCAL ROLE crm_admin;
SELECT * FROM crm.customer_list('$venue', NULL, NULL, '-last_visit', NULL, 20);
COMMIT;
SQL
by_http() { wrk -t1 -c"$1" -d"${seconds}s" -H "Authorization: Bearer $CRM_KEY" "$CRM_URL/v1/customers?venue=$venue&limit=20" | tee /dev/stderr 2>"$script.wrk" | awk '/Requests\/sec/ {print $2}'; }
by_sql() { PGPASSWORD=${CRM_DATABASE_URL#*crm_service:} && PGPASSWORD=${PGPASSWORD%%@*} "$PG_BIN/pgbench" -n -M prepared -U crm_service -c1 -j1 -T"$seconds" -f "$script" 2>/dev/null | awk '/^tps/ {print $3}'; }
ratios=()
for round in $(seq "$rounds"); do
  sql=$(by_sql) http=$(by_http 4)
  [ -n "$sql" ] && [ -n "$http" ] || { echo "nothing was measured" >&2; exit 1; }
  ratios+=("$(awk -v h="$http" -v s="$sql" 'BEGIN {printf "%.3f", h / s}')")
  echo "round $round: SQL $sql, HTTP $http requests a second, ratio ${ratios[-1]}"
  grep -E 'Non-2xx|Socket errors' "$script.wrk" && exit 1
done
median=$(printf '%s\n' "${ratios[@]}" | sort -n | sed -n "$(((rounds + 1) / 2))p")
echo "median ratio $median"
awk -v m="$median" 'BEGIN {exit m < 0.5}'
