# Sourced by the other scripts: where things are, and who runs PostgreSQL.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PG_MAJOR=${PG_MAJOR:-15}
PG_BIN=${PG_BIN:-/usr/lib/postgresql/$PG_MAJOR/bin}
PG_CONFIG=$PG_BIN/pg_config
# Where more than one clone is at work, each has its own cluster.
CLONE_ID=$(printf '%s' "$ROOT" | cksum | cut -d' ' -f1)
TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
# pgspot, which is Python, has an environment of its own.
PGSPOT_ENV=$TARGET_DIR/pgspot

# PostgreSQL does not run as root: there it is the user postgres, elsewhere whoever calls.
if [ "$(id -u)" = 0 ]; then
  DATA_HOME=/var/lib/postgresql/pg_crm-$CLONE_ID
  as_root() { "$@"; }
  as_postgres() { (cd / && env -u RUST_BACKTRACE runuser -u postgres -- "$@"); }
else
  DATA_HOME=${XDG_DATA_HOME:-$HOME/.local/share}/pg_crm-$CLONE_ID
  as_root() { sudo "$@"; }
  as_postgres() { (cd / && env -u RUST_BACKTRACE "$@"); }
fi

export STARTED=${STARTED:-$(date +%s)}
say() { printf '[%4ds] %s\n' "$(($(date +%s) - STARTED))" "$*"; }
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# A free TCP port at or above the given one.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

random_secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
