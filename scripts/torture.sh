#!/usr/bin/env bash
# What takes minutes or hours: torture.sh [kill|…], all of them unless named. KILLS, SEED: see tests/src/bin/torture.rs.
. "$(dirname "$0")/common.sh"
[ -n "${SKIP_INSTALL:-}" ] || "$ROOT/scripts/install.sh"
cd "$ROOT"
cargo build --quiet --package crm_tests --bin torture
export PG_BIN
for part in "${@:-kill}"; do
  say "torture: $part"
  env -u RUST_BACKTRACE "$TARGET_DIR/debug/torture" "$part"
done
