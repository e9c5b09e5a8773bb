#!/usr/bin/env bash
# A private PostgreSQL cluster: cluster.sh start|stop|remove NAME [SETTING=VALUE …]
# Its data lie where the postgres user can reach them; start prints its port, password and folder as shell lines.
. "$(dirname "$0")/common.sh"

action=$1 name=$2
shift 2
data=$DATA_HOME/$name
running() { as_postgres "$PG_BIN/pg_ctl" -D "$data" status >/dev/null 2>&1; }

case $action in
  start)
    if [ ! -f "$data/ready" ]; then
      rm -rf "$data"
      mkdir -p "$DATA_HOME"
      secret=$(mktemp)
      random_secret >"$secret"
      if [ "$(id -u)" = 0 ]; then chown postgres: "$DATA_HOME" "$secret"; fi
      chmod 700 "$DATA_HOME"
      as_postgres "$PG_BIN/initdb" -D "$data" -U postgres -A scram-sha-256 --pwfile="$secret" -E UTF8 --locale=C.UTF-8 >/dev/null
      as_postgres cp "$secret" "$data/password"
      rm -f "$secret"
      as_postgres touch "$data/ready"
    fi
    # Another cluster may take the port between the look and the start.
    tries=0
    until running; do
      port=$(free_port $((54320 + 10 * tries)))
      {
        echo "# Written by scripts/cluster.sh at every start"
        echo "port = $port"
        echo "listen_addresses = '127.0.0.1'"
        echo "unix_socket_directories = ''"
        for setting in "$@"; do echo "${setting%%=*} = '${setting#*=}'"; done
      } | as_postgres tee "$data/private.conf" >/dev/null
      as_postgres grep -qs private.conf "$data/postgresql.conf" ||
        echo "include 'private.conf'" | as_postgres tee -a "$data/postgresql.conf" >/dev/null
      as_postgres "$PG_BIN/pg_ctl" -D "$data" -l "$data/log" -w -t 60 start >/dev/null 2>&1 && break
      tries=$((tries + 1))
      if [ "$tries" = 3 ]; then
        as_postgres tail -n 20 "$data/log" >&2
        fail "PostgreSQL does not start"
      fi
    done
    echo "PGPORT=$(as_postgres sed -n 's/^port = //p' "$data/private.conf")"
    echo "PGPASSWORD=$(as_postgres cat "$data/password")"
    echo "PGDATA=$data"
    ;;
  stop)
    if [ -d "$data" ] && running; then as_postgres "$PG_BIN/pg_ctl" -D "$data" -m fast -w stop >/dev/null; fi
    ;;
  remove)
    "$0" stop "$name"
    rm -rf "$data"
    rmdir "$DATA_HOME" 2>/dev/null || true
    ;;
  *) fail "cluster.sh start|stop|remove NAME" ;;
esac
