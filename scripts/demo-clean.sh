#!/usr/bin/env bash
# Removes the demo's cluster with its data, and .demo.
. "$(dirname "$0")/common.sh"
"$ROOT/scripts/demo-stop.sh"
"$ROOT/scripts/cluster.sh" remove demo
rm -rf "$ROOT/.demo"
