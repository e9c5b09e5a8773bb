#!/usr/bin/env bash
# Makes a Debian trixie root with PostgreSQL 17 and pg_cron, or runs a command in it: pg17-root.sh make | run COMMAND … | path
# The checkout, the build's folder and the Rust toolchain are seen in it under the paths they have outside.
. "$(dirname "$0")/common.sh"

root=${PG17_ROOT:-/var/lib/pg_crm-trixie}
PACKAGES="postgresql-17 postgresql-server-dev-17 postgresql-17-cron postgresql-17-plpgsql-check libclang-dev gcc libc6-dev make pkg-config libssl-dev git"
[ "$(id -u)" = 0 ] || fail "a root of another release is made and entered by root alone"

case $1 in
  path) echo "$root" ;;
  make)
    [ ! -e "$root/ready" ] || exit 0
    command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
    # The mirror that this machine's own packages come from.
    mirror=$(apt-get indextargets --format '$(SITE) $(COMPONENT) $(LABEL)' | awk '$2 == "main" && $3 == "Debian" { print $1; exit }')
    [ -n "$mirror" ] || fail "this machine's own sources name no mirror of Debian; apt-get update?"
    log=$(mktemp)
    say "making a trixie root in $root (some minutes)"
    rm -rf "$root"
    debootstrap --variant=minbase trixie "$root" "$mirror" >"$log" 2>&1 || { tail -n 30 "$log" >&2; fail "debootstrap"; }
    if [ -d /etc/apt/apt.conf.d ]; then cp -n /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true; fi
    mkdir -p "$root/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
    # shellcheck disable=SC2016
    "$0" run sh -c 'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $0' "$PACKAGES" >"$log" 2>&1 ||
      { tail -n 30 "$log" >&2; fail "PostgreSQL 17 cannot be installed"; }
    rm -f "$log"
    touch "$root/ready"
    ;;
  run)
    shift
    # Mounts of a namespace of their own end with the command.
    # shellcheck disable=SC2016
    exec unshare --mount --propagation private bash -ec '
      root=$0
      seen() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }
      seen /proc; seen /dev; seen /sys
      cp /etc/resolv.conf "$root/etc/resolv.conf"
      for folder in "$1" "$2" "$3" "$4"; do if [ -d "$folder" ]; then seen "$folder"; fi; done
      here=$1
      shift 4
      exec chroot "$root" /bin/sh -c "cd \"\$0\" && exec \"\$@\"" "$here" "$@"
    ' "$root" "$ROOT" "$TARGET_DIR" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}" "$@"
    ;;
  *) fail "pg17-root.sh make | run COMMAND … | path" ;;
esac
