//! The schema can be distributed by organisation (docs/scale.md): keys of tenant tables lead with org_id, and the
//! statements of our functions name it, but for those listed here with the reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crm_tests::{Session, TestDatabase, restaurant};

const TENANT_TABLES: &str = "
    SELECT c.oid FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'org_id' AND a.attnotnull
     WHERE c.relnamespace = 'crm'::regnamespace AND c.relkind IN ('r', 'p')";

/// Tables of nobody: the same for all organisations.
const SHARED: [&str; 7] =
    ["binding", "bound_pii", "failed_change", "job_progress", "job_run", "migration", "secret"];

/// Keys by which somebody is found who has yet to say whose he is; a node asks a reference table for the organisation.
const FOUND_FIRST: [&str; 12] = [
    "api_key_by_hash",
    "api_key_by_id",
    "erasure_request_by_token",
    "guest_link_by_token",
    "mail_by_id",
    "opt_in_request_by_token",
    "organisation_ref_key",
    "principal_by_db_user",
    "principal_by_id",
    "segment_by_id",
    "session_by_hash",
    "venue_scoring_ref_key",
];

/// Functions that read a tenant table without naming the organisation, and why.
const ACROSS: [(&str, &str); 21] = [
    ("act_for", "who calls is found first"),
    ("sign_in", "who calls is found first"),
    ("close_session", "by the hash of the session"),
    ("confirm_erasure", "by the hash of the token"),
    ("mail_done", "by the number of the mail, which the service was given"),
    ("counted_orders_at", "a venue by the platform's id, which says whose it is"),
    ("counted_orders_of", "a venue by the platform's id"),
    ("counted_orders_within", "a venue by the platform's id"),
    ("sales_within", "a venue by the platform's id"),
    ("day_opening_at", "a venue by the platform's id"),
    ("guests_named", "each word of a name is kept with its organisation: 7:ana"),
    ("erasure_statement", "text around which the organisation is put"),
    ("backfill", "a job: all venues, one after the other"),
    ("begin_night", "a job: counts the venues"),
    ("fill_list", "a job: whether the list is empty yet"),
    ("run_imports", "a job: what is queued"),
    ("take_mail", "a job: what is to be mailed"),
    ("forget_expired", "a job: what has expired"),
    ("health", "an operator's look at all"),
    ("outbox_length", "an operator's look at all"),
    ("unbind", "an operator's statement about all"),
];

/// Files of the library and the service with such a statement, and why.
const PROGRAMS_ACROSS: [(&str, &str); 1] =
    [("command.rs", "an operator lists all keys, and revokes one by its id")];

fn bound(purpose: &str) -> (TestDatabase, Session) {
    let database = TestDatabase::new(purpose);
    let mut sql = database.session();
    // Bound, as the functions over the platform's tables have no bodies before.
    restaurant::create(&mut sql);
    restaurant::add_venue(&mut sql, "bistro", "Europe/Paris");
    restaurant::bind(&mut sql);
    (database, sql)
}

#[test]
fn every_table_is_a_tenants_or_shared() {
    let (_database, mut sql) = bound("tenant_tables");
    sql.expect_rows(
        &format!("SELECT relname FROM pg_class WHERE relnamespace = 'crm'::regnamespace AND relkind IN ('r', 'p') AND oid NOT IN ({TENANT_TABLES}) ORDER BY 1"),
        &SHARED,
    );
}

#[test]
fn primary_unique_and_foreign_keys_lead_with_the_organisation() {
    let (_database, mut sql) = bound("tenant_keys");
    sql.expect_rows(
        &format!(
            "SELECT i.indexrelid::regclass::text FROM pg_index AS i JOIN pg_attribute AS o ON o.attrelid = i.indrelid AND o.attname = 'org_id'
              WHERE i.indrelid IN ({TENANT_TABLES}) AND i.indisunique AND i.indkey[0] <> o.attnum ORDER BY 1"
        ),
        &FOUND_FIRST.map(|name| format!("crm.{name}")).each_ref().map(String::as_str),
    );
    sql.expect_none(&format!(
        "SELECT c.conrelid::regclass, c.conname FROM pg_constraint AS c
           JOIN pg_attribute AS o ON o.attrelid = c.conrelid AND o.attname = 'org_id'
          WHERE c.conrelid IN ({TENANT_TABLES}) AND c.contype IN ('p', 'f') AND c.conkey[1] <> o.attnum"
    ));
}

#[test]
fn every_policy_asks_for_the_organisation() {
    let (_database, mut sql) = bound("tenant_policies");
    sql.expect_none(&format!(
        "SELECT t.oid::regclass FROM ({TENANT_TABLES}) AS t (oid) JOIN pg_class AS c USING (oid) WHERE NOT c.relrowsecurity"
    ));
    sql.expect_none(&format!(
        "SELECT p.polrelid::regclass, p.polname FROM pg_policy AS p
          WHERE p.polrelid IN ({TENANT_TABLES}) AND concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) !~ 'org_id'"
    ));
}

/// What reads a tenant table without naming the organisation, of texts with names. By the text: each tenant table has an
/// alias whose org_id the text names, or is inserted into org_id first.
fn without_organisation(sql: &mut Session, texts: &str) -> BTreeSet<String> {
    sql.rows(&format!(
        r"WITH used AS (
            SELECT p.name, m[1] AS verb, m[2] AS relname, m[3] AS alias, p.text
            FROM ({texts}) AS p (name, text), regexp_matches(p.text, '(FROM|JOIN|UPDATE|INTO|USING)\s+crm\.([a-z_]+)(?:\s+AS\s+([a-z_]+))?', 'g') AS m)
          SELECT DISTINCT u.name FROM used AS u JOIN pg_class AS c ON c.relnamespace = 'crm'::regnamespace AND c.relname = u.relname
           WHERE c.oid IN ({TENANT_TABLES}) AND u.relname <> 'organisation' AND NOT CASE u.verb
             WHEN 'INTO' THEN u.text ~ ('INTO\s+crm\.' || u.relname || '(\s+AS\s+[a-z_]+)?\s*\(\s*org_id')
             ELSE COALESCE(u.text ~ ('\m' || u.alias || '\.org_id\M'), false) END"
    ))
    .into_iter()
    .collect()
}

fn expect_listed(found: &BTreeSet<String>, listed: &[(&str, &str)]) {
    let known: BTreeSet<String> = listed.iter().map(|(name, _)| (*name).to_owned()).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "name the organisation, or say here why not: {new:?}");
    let gone: Vec<_> = known.difference(found).collect();
    assert!(gone.is_empty(), "these name it by now: {gone:?}");
}

#[test]
fn functions_name_the_organisation_or_are_listed_here() {
    let (_database, mut sql) = bound("tenant_functions");
    let bodies = "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'crm'::regnamespace";
    expect_listed(&without_organisation(&mut sql, bodies), &ACROSS);
}

/// Each string of the library's and the service's source by itself, named by its file.
#[test]
fn statements_of_the_programs_name_the_organisation_or_are_listed_here() {
    let (_database, mut sql) = bound("tenant_programs");
    let mut strings = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("crm_ext/src"), root.join("crm_api/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the source is there") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).expect("source is text");
            let file = path.file_name().and_then(|name| name.to_str()).expect("names are text");
            strings.extend(
                text.split('"')
                    .filter(|part| part.contains(" crm."))
                    .map(|part| format!("('{file}', $string${part}$string$)")),
            );
        }
    }
    assert!(strings.len() > 100, "the statements are read: {}", strings.len());
    let found = without_organisation(&mut sql, &format!("VALUES {}", strings.join(",")));
    expect_listed(&found, &PROGRAMS_ACROSS);
}
