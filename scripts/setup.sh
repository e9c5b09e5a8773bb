#!/usr/bin/env bash
# Installs what the project needs on a Debian 12 machine that has git and a Rust toolchain. Again is quick.
. "$(dirname "$0")/common.sh"

PGRX_VERSION=$(sed -n 's/^pgrx = "=\(.*\)"$/\1/p' "$ROOT/Cargo.toml")
PGSPOT_VERSION=0.9.4
PACKAGES="postgresql-$PG_MAJOR postgresql-server-dev-$PG_MAJOR postgresql-$PG_MAJOR-cron postgresql-$PG_MAJOR-plpgsql-check libclang-dev gcc libc6-dev make pkg-config libssl-dev python3-venv chromium fonts-inter"

command -v cargo >/dev/null || fail "a Rust toolchain is needed (cargo is not on the PATH)"
missing=()
for package in $PACKAGES; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing packages: ${missing[*]}"
  # The package would make and start a cluster of its own; ours are private.
  as_root mkdir -p /etc/postgresql-common
  [ -e /etc/postgresql-common/createcluster.conf ] ||
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if [ "$(cargo pgrx --version 2>/dev/null | awk '{print $NF}')" != "$PGRX_VERSION" ]; then
  say "installing cargo-pgrx $PGRX_VERSION (some minutes)"
  # Not optimised: it is called once a build.
  cargo install --quiet --locked --debug --version "$PGRX_VERSION" cargo-pgrx
fi
if ! grep -qs "pg$PG_MAJOR" "${PGRX_HOME:-$HOME/.pgrx}/config.toml"; then
  cargo pgrx init "--pg$PG_MAJOR" "$PG_CONFIG" >/dev/null 2>&1
fi
if [ "$("$PGSPOT_ENV/bin/pip" list --format freeze 2>/dev/null | sed -n 's/^pgspot==//p')" != "$PGSPOT_VERSION" ]; then
  say "installing pgspot $PGSPOT_VERSION"
  python3 -m venv "$PGSPOT_ENV"
  "$PGSPOT_ENV/bin/pip" install --quiet --disable-pip-version-check "pgspot==$PGSPOT_VERSION" "pglast==7.21"
fi
