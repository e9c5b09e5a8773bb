#!/usr/bin/env bash
# Runs each fuzz target with libFuzzer for FUZZ_SECONDS and merges what covers something new into fuzz/corpus.
. "$(dirname "$0")/common.sh"
cd "$ROOT"
say "building the fuzz targets"
# The instrumentation that cargo-fuzz asks for, by options that a stable compiler takes; --target keeps it from build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
RUSTFLAGS="$coverage -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1" CARGO_TARGET_DIR="$TARGET_DIR/fuzz" CARGO_PROFILE_RELEASE_LTO=off \
  cargo build --quiet --release --package crm_fuzz --features libfuzzer --target "$host"

targets=${ONLY:-criteria,query_builder,import,contact}
for target in ${targets//,/ }; do
  program=$TARGET_DIR/fuzz/$host/release/fuzz_$target
  corpus=$ROOT/fuzz/corpus/$target
  work=$TARGET_DIR/fuzz/work/$target
  mkdir -p "$corpus" "$work"
  say "fuzzing $target for ${FUZZ_SECONDS:-600} seconds"
  "$program" "$work" "$corpus" -dict="$ROOT/fuzz/$target.dict" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -max_total_time="${FUZZ_SECONDS:-600}" -print_final_stats=1 \
    -artifact_prefix="$corpus/found-" >"$work.log" 2>&1 ||
    { tail -n 30 "$work.log" >&2; fail "$target fails; the input is in $corpus"; }
  grep -E '^(Done|stat::number_of_executed_units|stat::average_exec)' "$work.log" || true
  # As few and as small inputs as cover the same; those of the repository stay.
  "$program" -set_cover_merge=1 -max_len=512 "$corpus" "$work" >>"$work.log" 2>&1
  say "$target: $(find "$corpus" -type f | wc -l) inputs, $(du -bs "$corpus" | cut -f1) bytes"
done
