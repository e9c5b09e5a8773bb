#!/usr/bin/env bash
# Keeps what a released version installs, for good: freeze.sh takes the version in Cargo.toml from the installed extension into sql/frozen/VERSION/;
# freeze.sh check refuses a change to what is frozen, and a version without a script that leads to it.
. "$(dirname "$0")/common.sh"
cd "$ROOT"
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
versions() { if [ -d sql/frozen ]; then find sql/frozen -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort -V; fi; }

case ${1:-freeze} in
  freeze)
    folder=sql/frozen/$version
    [ ! -e "$folder" ] || fail "$version is frozen already: a release has a version of its own (Cargo.toml)"
    installed=$("$PG_CONFIG" --sharedir)/extension/pg_crm--$version.sql
    [ -e "$installed" ] || fail "$installed is missing: make install"
    former=$(versions | tail -n 1)
    mkdir -p "$folder/migrations"
    # The order of what does not depend on each other differs from build to build; the statements do not.
    cp "$installed" "$folder/pg_crm--$version.sql"
    cp sql/migrations/*.sql "$folder/migrations/"
    if [ -n "$former" ] && [ ! -e "sql/upgrade/pg_crm--$former--$version.sql" ]; then
      scripts/upgrade/make_upgrade.py "sql/frozen/$former/pg_crm--$former.sql" "$folder/pg_crm--$version.sql" >"sql/upgrade/pg_crm--$former--$version.sql" ||
        { rm -rf "$folder" "sql/upgrade/pg_crm--$former--$version.sql"; fail "the upgrade script cannot be generated"; }
      cp "sql/upgrade/pg_crm--$former--$version.sql" "$folder/"
    fi
    (cd "$folder" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
    say "$version is frozen in $folder: commit it with the release"
    ;;
  check)
    former=
    for frozen in $(versions); do
      folder=sql/frozen/$frozen
      (cd "$folder" && sha256sum --quiet --strict -c SHA256SUMS) || fail "$folder was changed: what is released stays as it is"
      for file in "$folder"/migrations/*.sql; do
        cmp -s "$file" "sql/migrations/${file##*/}" || fail "sql/migrations/${file##*/} was released with $frozen and differs from it now: write a new migration"
      done
      if [ -n "$former" ]; then
        upgrade=pg_crm--$former--$frozen.sql
        [ -e "sql/upgrade/$upgrade" ] || fail "sql/upgrade/$upgrade is missing"
        cmp -s "sql/upgrade/$upgrade" "$folder/$upgrade" || fail "sql/upgrade/$upgrade was released and differs from it now"
      fi
      # A commit that changes a file and its checksum is one that changes what an earlier commit added.
      if git rev-parse -q --verify HEAD >/dev/null 2>&1; then
        first=$(git log --diff-filter=A --format=%H -n 1 -- "$folder/SHA256SUMS")
        [ -z "$first" ] || git diff --quiet "$first" -- "$folder" || fail "$folder differs from the commit that froze it ($first)"
      fi
      former=$frozen
    done
    if [ -n "$former" ] && [ "$former" != "$version" ] && [ "$(printf '%s\n' "$former" "$version" | sort -V | tail -n 1)" != "$version" ]; then
      fail "the version in Cargo.toml, $version, is older than the frozen $former"
    fi
    # Work after a release carries the next version: the released one must not mean two things.
    if [ "$former" = "$version" ] && [ "$(find sql/migrations -name '[0-9]*.sql' | wc -l)" != "$(find "sql/frozen/$version/migrations" -name '*.sql' | wc -l)" ]; then
      fail "$version is released and has other migrations now: raise the version in Cargo.toml"
    fi
    ;;
  *) fail "freeze.sh [check]" ;;
esac
